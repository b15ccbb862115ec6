"""Connecting to a board: creating it once, judging the file, migrating it under the lock."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from hermes_kanban.config import Config, Server, load, load_last_good
from hermes_kanban.model.errors import InvalidInput, KanbanError, NotFound
from hermes_kanban.paths import DEFAULT_BOARD, BoardPaths, board_paths, home
from hermes_kanban.ports import Clock, Randomness
from hermes_kanban.store import filesystem, moved, schema, sqlite_version
from hermes_kanban.store import sqlite as store
from hermes_kanban.store.doorbell import Doorbell
from hermes_kanban.store.files import make_folder, sync_folder
from hermes_kanban.store.protocol import WAIT_SECONDS, BoardConnection

_TRACES = ("board.lock", "dispatcher.lock", "runs", "workspaces", "backups", "board.db-wal")


def connect(
    board: str | None = None,
    *,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    wait_seconds: float = WAIT_SECONDS,
    same_thread: bool = True,
    for_worker: bool = False,
    config: Config | None = None,
    moved_too: bool = False,
) -> BoardConnection:
    """Open a board: ``board``, else ``HERMES_KANBAN_DB``, ``HERMES_KANBAN_BOARD``, ``default``.

    Where it lies ``kanban.database`` says: in a file of the home, or in PostgreSQL. Creates
    ``default`` in a home (or a database) without boards, and nothing else. Raises NotFound,
    BoardDamaged, BoardTooNew or BoardUnreachable, leaving what is there untouched; ConfigError for
    a configuration that is wrong, unless ``for_worker`` lets the last good one do, or the caller
    has a ``config`` in force. A board that was moved raises BoardMoved, unless ``moved_too`` says
    that it is only looked at.
    """
    paths = board_paths(board)
    if config is None:
        config = load_last_good(paths.home) if for_worker else load(paths.home)
    if config.kanban.database and not paths.named_by_file:
        from hermes_kanban.store import pgboards

        return pgboards.connect(
            config.kanban.server,
            paths,
            clock=clock,
            randomness=randomness,
            wait_seconds=wait_seconds,
            moved_too=moved_too,
            config=config,
        )
    sqlite_version.refuse_old()
    inode = inode_of(paths)
    if inode is None:
        _create_if_first(paths)
        inode = os.stat(paths.database).st_ino
    if not store.is_judged(paths, inode):
        filesystem.refuse_share(paths.database)
    return open_at(
        paths,
        inode,
        clock=clock,
        randomness=randomness,
        wait_seconds=wait_seconds,
        same_thread=same_thread,
        config=config,
        moved_too=moved_too,
    )


def hang_up_if_broken(conn: BoardConnection) -> None:
    """Before a connection that was idle is used: one that broke meanwhile is opened anew then.

    Raises BoardUnreachable where that is tried at once and fails.
    """
    if conn.shared:
        from hermes_kanban.store import pgsession
        from hermes_kanban.store.postgres import PostgresConnection

        assert isinstance(conn, PostgresConnection)
        pgsession.hang_up_if_broken(conn.session)


def open_at(
    paths: BoardPaths,
    inode: int,
    *,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    wait_seconds: float = WAIT_SECONDS,
    same_thread: bool = True,
    config: Config | None = None,
    moved_too: bool = False,
) -> store.SqliteConnection:
    """Open the file of that inode, which is there: judged and, where it is older, migrated."""
    _judge_as_it_lies(paths, moved_too)
    conn = store.open_board(
        paths,
        clock=clock,
        randomness=randomness,
        wait_seconds=wait_seconds,
        same_thread=same_thread,
    )
    try:
        if config is not None:
            conn.config = config
        _prepare(conn, inode, moved_too)
    except BaseException as error:
        conn.close()
        raise store.translated(error, paths) from None
    return conn


def create(
    paths: BoardPaths, *, name: str, icon: str | None = None, default_workdir: str | None = None
) -> bool:
    """Create a board under a temporary name and link it into place; False if it is there already.

    Two creators at once: one wins, the other finds the winner's board.
    """
    if server := server_of(paths):
        from hermes_kanban.store import pgboards

        return pgboards.create(server, paths, name=name, icon=icon, default_workdir=default_workdir)
    sqlite_version.refuse_old()
    filesystem.refuse_share(paths.database)
    _check_absent_or_intact(paths)
    if paths.database.exists():
        return False
    try:
        return _create(paths, name, icon, default_workdir)
    except OSError as error:
        raise store.translated(error, paths) from None


def _create(paths: BoardPaths, name: str, icon: str | None, default_workdir: str | None) -> bool:
    if default_workdir is not None and not os.path.isabs(default_workdir):
        raise InvalidInput(
            "default_workdir", "an absolute path", f"{default_workdir!r} is relative"
        )
    if paths.database.name == "board.db" and not paths.root.exists():
        return _create_folder(paths, name, icon, default_workdir)
    make_folder(paths.root)
    draft = paths.database.with_name(f".{paths.database.name}.{os.urandom(4).hex()}.tmp")
    try:
        write_new(draft, paths.slug, name, icon, default_workdir)
        os.link(draft, paths.database)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(paths.database.parent)
    return True


def init_db(board: str | None = None) -> BoardPaths:
    """Create the board that ``connect`` would open, if it is not there; return its paths."""
    paths = board_paths(board)
    create(paths, name=paths.slug)
    connect(board).close()
    return paths


def board_slugs(database: Server | None = None) -> list[str]:
    """The slugs of every board of the home, or of the database that its configuration names.

    Sorted. ``database`` is that server, where the caller has a configuration in force.
    """
    if server := load(home()).kanban.server if database is None else database:
        from hermes_kanban.store import pgboards

        return pgboards.slugs(server)
    folder = home() / "boards"
    if not folder.is_dir():
        return []
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )


def server_of(paths: BoardPaths) -> Server:
    """The PostgreSQL server of a board; false for SQLite, and for a board named by its file."""
    return Server("") if paths.named_by_file else load(paths.home).kanban.server


def schema_version(board: str | None = None) -> int:
    """The schema that a board has, which is only looked at. Raises NotFound or BoardDamaged."""
    paths = board_paths(board)
    if server := server_of(paths):
        from hermes_kanban.store import pgboards

        return pgboards.schema_version(server, paths)
    if inode_of(paths) is None:
        _check_absent_or_intact(paths)
        raise NotFound("board", paths.slug, "see: hermes-kanban boards list")
    conn = sqlite3.connect(f"{paths.database.as_uri()}?mode=ro", uri=True)
    try:
        _judge_application(conn, paths)
        version = _version(conn)
        if version >= moved.AWAY:
            raise moved.error(str(paths.database), version, moved.read(conn))
    except sqlite3.Error as error:
        raise store.translated(error, paths) from None
    finally:
        conn.close()
    return version


def migrated_board(board: str | None = None) -> list[str]:
    """Bring a board to ``SCHEMA_VERSION`` by opening it; the backups that this made, by path."""
    paths = board_paths(board)
    before = {file.name for file in paths.backups.glob("before-migration-*.db")}
    connect(board).close()
    made = sorted(paths.backups.glob("before-migration-*.db"))
    return [str(file) for file in made if file.name not in before]


def migrate(conn: store.SqliteConnection) -> int:
    """Bring the board to ``SCHEMA_VERSION``; return the version it had before.

    One backup by the backup API before each migration, under the writer lock, the version read
    again under every lock, so that two processes migrating at once do it once.
    """
    before = _version(conn)
    conn._lock.acquire("migrate", conn.wait_seconds)
    try:
        while (version := _version(conn)) < schema.SCHEMA_VERSION:
            _back_up(conn, version)
            conn.execute("BEGIN IMMEDIATE")
            if _version(conn) == version:
                _apply_migration(conn, version + 1, conn.clock.now())
            conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
    finally:
        conn._lock.release()
    return before


def inode_of(paths: BoardPaths) -> int | None:
    """That of the board's file, None where there is none. Raises BoardDamaged for an empty one."""
    try:
        status = os.stat(paths.database)
    except FileNotFoundError:
        return None
    if status.st_size == 0:
        raise store.damaged(paths, "the file is empty")
    return status.st_ino


def _create_if_first(paths: BoardPaths) -> None:
    _check_absent_or_intact(paths)
    # A creation that was killed leaves a draft, whose name begins with a dot.
    first = not any((home() / "boards").glob("[!.]*/board.db"))
    named_by_file = bool(os.environ.get("HERMES_KANBAN_DB"))
    if named_by_file or (paths.slug == DEFAULT_BOARD and first):
        create(paths, name=paths.slug)
        return
    raise NotFound("board", paths.slug, f"create it with: hermes-kanban boards create {paths.slug}")


def _check_absent_or_intact(paths: BoardPaths) -> None:
    """A missing or empty database in a folder that was a board is damage, not a fresh start."""
    was_board = inode_of(paths) is None and any((paths.root / one).exists() for one in _TRACES)
    # A creator at work links the database first, so look once more before judging.
    if was_board and inode_of(paths) is None:
        raise store.damaged(paths, "the database file is missing")


def _create_folder(
    paths: BoardPaths, name: str, icon: str | None, default_workdir: str | None
) -> bool:
    import shutil

    make_folder(paths.root.parent)
    draft = paths.root.with_name(f".{paths.root.name}.{os.urandom(4).hex()}.tmp")
    draft.mkdir(mode=0o700)
    try:
        write_new(draft / "board.db", paths.slug, name, icon, default_workdir)
        sync_folder(draft)
        os.rename(draft, paths.root)
    except OSError:
        if paths.database.exists():
            return False
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync_folder(paths.root.parent)
    return True


def write_new(
    file: Path, slug: str, name: str, icon: str | None, default_workdir: str | None
) -> None:
    """An empty board in a file that is made. Raises FileExistsError, DiskFull, KanbanError."""
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    conn = sqlite3.connect(file, isolation_level=None)
    try:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("BEGIN IMMEDIATE")
        conn.execute(f"PRAGMA application_id = {store.APPLICATION_ID}")
        now = int(time.time())
        for version in range(1, schema.SCHEMA_VERSION + 1):
            _apply_migration(conn, version, now)
        conn.execute(
            "INSERT INTO boards (board_id, slug, name, icon, default_workdir, min_reader)"
            " VALUES (:board_id, :slug, :name, :icon, :workdir, :min_reader)",
            {
                "board_id": os.urandom(16).hex(),
                "slug": slug,
                "name": name,
                "icon": icon,
                "workdir": default_workdir,
                "min_reader": schema.MIN_READER,
            },
        )
        conn.execute("COMMIT")
        # Here a full disk is an error; closing would hide it and leave all of it in the log.
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise store.translated(error, BoardPaths(slug, file.parent, file)) from None
    finally:
        conn.close()


def _apply_migration(conn: sqlite3.Connection, version: int, now: int) -> None:
    name, script = schema.migrations()[version]
    for statement in schema.statements(script):
        conn.execute(statement)
    conn.execute(
        "INSERT INTO schema_migrations (version, name, applied_at) VALUES (:version, :name, :now)",
        {"version": version, "name": name, "now": now},
    )
    conn.execute(f"PRAGMA user_version = {version}")


def _judge_as_it_lies(paths: BoardPaths, moved_too: bool) -> None:
    """Refuse another program's file, or a newer board, before SQLite recovers it.

    An ordinary connection would roll its journal back, or copy its log into it when it closes. By
    ``immutable`` SQLite neither locks nor looks beside the file (https://www.sqlite.org/uri.html).
    """
    conn = sqlite3.connect(f"{paths.database.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        # Or a checkpoint that is under way would look like damage.
        conn.execute("PRAGMA writable_schema = ON")
        _judge_application(conn, paths)
        _judge_version(conn, paths, moved_too)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise store.translated(error, paths) from None
        if isinstance(error, KanbanError):
            raise
        # Anything else may be a moment of somebody's write: the real connection will tell.
    finally:
        conn.close()


def _prepare(conn: store.SqliteConnection, inode: int, moved_too: bool) -> None:
    """Judge the file and set the connection up."""
    conn.execute("PRAGMA foreign_keys = ON")
    # Savepoints of a batch keep their undo pages in memory, not in a file.
    conn.execute("PRAGMA temp_store = MEMORY")
    known = store.is_judged(conn.paths, inode)
    if not known:
        _judge_size(conn)
    # Asked at every opening: a file that replaced the board may have got its inode.
    _judge_application(conn, conn.paths)
    conn.moved = _judge_version(conn, conn.paths, moved_too)
    if not known:
        if _version(conn) < schema.SCHEMA_VERSION:
            migrate(conn)
        store.remember_judged(conn.paths, inode)
    durable = "FULL" if conn.config.kanban.durability == "full" else "NORMAL"
    conn.execute(f"PRAGMA synchronous = {durable}")
    row = conn.execute("SELECT board_id, default_workdir FROM boards").fetchone()
    conn.board_id, conn.default_workdir = row
    paths, board_id = conn.paths, conn.board_id
    conn._bell = Doorbell(lambda: (paths.doorbell(board_id), paths.notifier_bell(board_id)))


def _judge_application(conn: sqlite3.Connection, paths: BoardPaths) -> None:
    found = conn.execute("PRAGMA application_id").fetchone()[0]
    if found != store.APPLICATION_ID:
        raise store.damaged(paths, "another program made it (application_id differs)")


def judged_version(conn: sqlite3.Connection, paths: BoardPaths) -> int:
    """The version of a board that may be a marked one. Raises BoardDamaged or BoardTooNew."""
    _judge_application(conn, paths)
    version = _version(conn)
    if version < moved.AWAY:
        _judge_version(conn, paths, False)
    return version


def _judge_version(conn: sqlite3.Connection, paths: BoardPaths, moved_too: bool) -> str:
    """Raises BoardMoved or BoardTooNew; where the board was moved to, if it may be looked at."""
    version = _version(conn)
    if version >= moved.AWAY:
        mark = moved.read(conn)
        if moved_too and moved.may_be_read(version, mark):
            return str(moved.error(str(paths.database), version, mark))
        raise moved.error(str(paths.database), version, mark)
    if version > schema.SCHEMA_VERSION:
        row = conn.execute("SELECT min_reader FROM boards").fetchone()
        if row is None or row[0] > schema.SCHEMA_VERSION:
            raise store.too_new(paths, version)
    return ""


def _judge_size(conn: store.SqliteConnection) -> None:
    """A file shorter than its header says, with no log that could hold the rest, was cut off."""
    wal = conn.paths.database.with_name(conn.paths.database.name + "-wal")
    for _ in range(2):
        try:
            with_log = wal.stat().st_size > 0
        except FileNotFoundError:
            with_log = False
        pages, page_size = (
            conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
        )
        size = os.stat(conn.paths.database).st_size
        if with_log or size >= pages * page_size:
            return
    raise store.damaged(conn.paths, f"it has {size} bytes and should have {pages * page_size}")


def _version(conn: sqlite3.Connection) -> int:
    version: int = conn.execute("PRAGMA user_version").fetchone()[0]
    return version


def _back_up(conn: store.SqliteConnection, version: int) -> None:
    backups = conn.paths.backups
    make_folder(backups)
    target = backups / f"before-migration-{version + 1}.db"
    # An earlier try may have left one, and others may have written since.
    if target.exists() and _stand_of_file(target) == _stand(conn):
        return
    from hermes_kanban.store.backup import write_backup

    write_backup(conn.paths, target)


def _stand(conn: sqlite3.Connection) -> tuple[int, ...]:
    """How far a board has come: every verb moves one of these numbers, a renewed lease apart."""
    row = conn.execute(
        "SELECT (SELECT max(id) FROM task_events), (SELECT max(id) FROM deliveries),"
        " (SELECT count(*) FROM kanban_notify_subs),"
        " (SELECT count(*) FROM kanban_notify_subs WHERE ended_at IS NULL)"
    ).fetchone()
    return tuple(row)


def _stand_of_file(file: Path) -> tuple[int, ...] | None:
    """The same of a backup; None if it cannot be read."""
    conn = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        return _stand(conn)
    except sqlite3.Error:
        return None
    finally:
        conn.close()
