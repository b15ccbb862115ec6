"""Boards of a PostgreSQL database: finding, creating, judging and migrating them.

Each board is a schema. What a board keeps in files (runs, logs, workspaces, attachments) lies in
the home as with SQLite.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Final

import psycopg

from hermes_kanban.config import Config, Server
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.paths import DEFAULT_BOARD, BoardPaths
from hermes_kanban.ports import Clock, Randomness
from hermes_kanban.store import dialect, moved, pgerrors, schema
from hermes_kanban.store.files import make_folder
from hermes_kanban.store.pgnames import BOARDS_CHANNEL, lock_key, schema_of
from hermes_kanban.store.pgsession import open_session
from hermes_kanban.store.postgres import PostgresConnection
from hermes_kanban.store.protocol import WAIT_SECONDS, fetch_value, write

# From this schema on attached files lie beside the rows.
CONTENTS_IN_ROWS: Final = 8
_BOARD: Final = """
SELECT board_id, default_workdir, min_reader, (SELECT max(version) FROM schema_migrations)
FROM boards
"""
_SCHEMAS: Final = """
SELECT n.nspname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
WHERE n.nspname LIKE 'kanban\\_%' AND c.relname = 'boards' AND c.relkind = 'r'
"""
# Boards of others in the same database are none of ours.
_MINE: Final = f"""{_SCHEMAS}
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
"""
_MAY_USE: Final = """
SELECT has_schema_privilege(oid, 'USAGE'), current_user FROM pg_namespace WHERE nspname = %s
"""
_NO_SUCH: Final = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)


def connect(
    server: Server | str,
    paths: BoardPaths,
    *,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    wait_seconds: float = WAIT_SECONDS,
    moved_too: bool = False,
    config: Config | None = None,
) -> PostgresConnection:
    """Open a board; creates ``default`` in a database without boards, and nothing else.

    ``config`` is the configuration in force, else it is read when it is needed.

    Raises NotFound, BoardUnreachable, BoardDamaged or BoardTooNew, having changed nothing.
    """
    conn = PostgresConnection(
        server,
        paths,
        clock=clock,
        randomness=randomness,
        wait_seconds=wait_seconds,
        config=config,
    )
    try:
        row = find(conn)
        if row is None:
            _create_if_first(conn)
            row = find(conn)
        if not paths.root.is_dir():
            make_folder(paths.root)
        judge(conn, row, moved_too)
    except BaseException as error:
        conn.close()
        raise conn.translated(error) from None
    return conn


def schema_version(server: Server | str, paths: BoardPaths) -> int:
    """The schema that a board has, which is only looked at. Raises NotFound or BoardDamaged."""
    with contextlib.closing(PostgresConnection(server, paths)) as conn:
        row = find(conn)
        if row is None:
            raise NotFound("board", paths.slug, "see: hermes-kanban boards list")
        if row[3] >= moved.AWAY:
            raise moved.error(conn.location, row[3], moved.read(conn))
        return int(row[3])


def create(
    server: Server | str,
    paths: BoardPaths,
    *,
    name: str,
    icon: str | None = None,
    default_workdir: str | None = None,
) -> bool:
    """Create a board's schema with everything in it, or nothing; False if it is there already."""
    if default_workdir is not None and not os.path.isabs(default_workdir):
        raise InvalidInput(
            "default_workdir", "an absolute path", f"{default_workdir!r} is relative"
        )
    with open_session(server, f"hermes-kanban {os.getpid()} create-board") as session:
        location = f"PostgreSQL database {session.info.dbname}"
        try:
            created = write_new(session, paths.slug, name, icon, default_workdir)
        except psycopg.Error as error:
            raise pgerrors.translated(error, location) from error
    make_folder(paths.root)
    return created


def slugs(server: Server | str) -> list[str]:
    """The slugs of the boards that its user may read, sorted; each is asked of the board itself."""
    with open_session(server, f"hermes-kanban {os.getpid()} list-boards") as session:
        try:
            names = [row[0] for row in session.execute(_MINE)]
            found = []
            for name in names:
                row = session.execute(f'SELECT slug FROM "{name}".boards'.encode()).fetchone()
                if row is not None:
                    found.append(str(row[0]))
        except psycopg.Error as error:
            location = f"PostgreSQL database {session.info.dbname}"
            raise pgerrors.translated(error, location) from error
    return sorted(found)


def migrate(conn: PostgresConnection) -> int:
    """Bring the board to ``SCHEMA_VERSION``; return the version it had before.

    Each migration is one transaction under the writer lock, the version read again in it. There
    is no backup: a migration that fails leaves nothing behind, and dumps are pg_dump's. Attached
    files that this host has are put beside the rows.
    """
    hurried = conn.hurry(False)
    try:
        return _migrate(conn)
    finally:
        conn.hurry(hurried)


def _migrate(conn: PostgresConnection) -> int:
    before = version = _version(conn)
    while version < schema.SCHEMA_VERSION:
        with write(conn, "migrate") as tx:
            if tx.value(_VERSION) == version:
                for definition in _definitions(version + 1):
                    conn.define(definition)
                tx.run(_MIGRATED, _migrated(version + 1, tx.now))
        version = _version(conn)
    if before < CONTENTS_IN_ROWS:
        conn.files.fill()
    return before


def find(conn: PostgresConnection) -> Any:
    """``board_id, default_workdir, min_reader, version``; None where there is no such schema."""
    try:
        row = conn.execute(_BOARD).fetchone()
    except _NO_SUCH:
        schema_there = conn.session.execute(_MAY_USE, (conn.schema,)).fetchone()
        if schema_there is None:
            return None
        may_use, user = schema_there
        if not may_use:
            raise pgerrors.no_right(conn.location, f"{user} has no right to it") from None
        raise conn.damaged("the schema holds no board") from None
    if row is None or row[3] is None:
        raise conn.damaged("it has no row of its own")
    return row


def judge(conn: PostgresConnection, row: Any, moved_too: bool = False) -> None:
    """Take the board's row, and migrate it where it is older. Raises BoardMoved or BoardTooNew."""
    conn.board_id, conn.default_workdir, min_reader, version = row
    if version >= moved.AWAY:
        mark = moved.read(conn)
        conn.moved = str(moved.error(conn.location, version, mark))
        if not (moved_too and moved.may_be_read(version, mark)):
            raise moved.error(conn.location, version, mark)
        return
    if version > schema.SCHEMA_VERSION and min_reader > schema.SCHEMA_VERSION:
        raise conn.too_new(version)
    if version < schema.SCHEMA_VERSION:
        migrate(conn)


def _create_if_first(conn: PostgresConnection) -> None:
    slug = conn.paths.slug
    first = conn.session.execute(_SCHEMAS).fetchone() is None
    if slug != DEFAULT_BOARD or not first:
        raise NotFound("board", slug, f"create it with: hermes-kanban boards create {slug}")
    create(conn.server, conn.paths, name=slug)


def write_new(
    session: psycopg.Connection[Any],
    slug: str,
    name: str,
    icon: str | None = None,
    default_workdir: str | None = None,
) -> bool:
    """Create the rows of a board in one transaction; False if there is a board of that slug."""
    schema_name = schema_of(slug)
    board = {"slug": slug, "name": name, "icon": icon, "workdir": default_workdir}
    with session.transaction():
        # Two creators at once: the second waits here and finds the first one's board.
        key = lock_key(f"create {schema_name}")
        session.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
        if session.execute(_MAY_USE, (schema_name,)).fetchone() is not None:
            return False
        create_schema(session, schema_name, int(time.time()))
        session.execute(
            "INSERT INTO boards (board_id, slug, name, icon, default_workdir, min_reader) VALUES"
            " (%(board_id)s, %(slug)s, %(name)s, %(icon)s, %(workdir)s, %(min_reader)s)",
            board | {"board_id": os.urandom(16).hex(), "min_reader": schema.MIN_READER},
        )
        session.execute(f"NOTIFY {BOARDS_CHANNEL}".encode())
    return True


def create_schema(session: psycopg.Connection[Any], schema_name: str, now: int) -> None:
    """The schema of a board with its tables, without a row of its own; in a transaction."""
    session.execute(f'CREATE SCHEMA "{schema_name}"'.encode())
    session.execute(f'SET LOCAL search_path = "{schema_name}"'.encode())
    for version in range(1, schema.SCHEMA_VERSION + 1):
        session.execute("\n".join(_definitions(version)).encode(), prepare=False)
        session.execute(dialect.statement(_MIGRATED), _migrated(version, now))


def _definitions(version: int) -> list[str]:
    _, script = schema.migrations()[version]
    return [dialect.definition(one) for one in schema.statements(script)]


def _migrated(version: int, now: int) -> dict[str, Any]:
    return {"version": version, "name": schema.migrations()[version][0], "now": now}


def _version(conn: PostgresConnection) -> int:
    version: int = fetch_value(conn, _VERSION)
    return version


_VERSION: Final = "SELECT max(version) FROM schema_migrations"
_MIGRATED: Final = (
    "INSERT INTO schema_migrations (version, name, applied_at) VALUES (:version, :name, :now)"
)
