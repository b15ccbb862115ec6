"""A board in PostgreSQL that is moved away, and the schema in which one arrives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import psycopg

from hermes_kanban.config import Server, load
from hermes_kanban.model.errors import InUse, KanbanError, NotFound
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store import moved, pgaddress, pgboards, pgerrors, pgholder, schema
from hermes_kanban.store.moved import Mark
from hermes_kanban.store.pgnames import lock_key, schema_of
from hermes_kanban.store.places import Found, State, refuse_other
from hermes_kanban.store.postgres import PostgresConnection
from hermes_kanban.store.protocol import WAIT_SECONDS, BoardConnection

_HAS_SCHEMA: Final = "SELECT 1 FROM pg_namespace WHERE nspname = :schema"
_MAY_CREATE: Final = "SELECT has_database_privilege(current_database(), 'CREATE')"
# A gateway that dispatches says so every few seconds, and takes it back when it ends.
SERVED_SECONDS: Final = 60
_SERVED: Final = f"""
SELECT name, gateway_pid, cast(extract(epoch FROM clock_timestamp()) AS INTEGER) - last_seen_at
FROM hosts WHERE gateway_pid IS NOT NULL AND lost_at IS NULL
    AND last_seen_at > extract(epoch FROM clock_timestamp()) - {SERVED_SECONDS} ORDER BY name
"""
_TABLES: Final = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relkind = 'r' ORDER BY c.relname
"""


class DatabasePlace:
    """The schema of a board in a database (``places.Place``); ``paths`` are its files here."""

    def __init__(self, address: str, paths: BoardPaths) -> None:
        self.paths = paths
        self.address = address
        password_file = load(paths.home).kanban.database_password_file
        self._server = Server(address, password_file)
        self.location = pgaddress.shown(address)
        self.clearing = (
            "name another database; or, if nobody needs that board any more, drop it with: "
            f'DROP SCHEMA "{schema_of(paths.slug)}" CASCADE'
        )

    def _connect(self, wait_seconds: float = WAIT_SECONDS) -> PostgresConnection:
        return PostgresConnection(self._server, self.paths, wait_seconds=wait_seconds)

    def look(self) -> Found:
        """By the schema's tables."""
        with contextlib.closing(self._connect()) as conn, _translated(conn):
            return _found(conn)

    def may_come(self) -> None:
        """Its user may create schemas."""
        with contextlib.closing(self._connect()) as conn, _translated(conn):
            if not conn.execute(_MAY_CREATE).fetchone()[0]:
                info = conn.session.info
                raise KanbanError(
                    f"{info.user} may not create schemas in the PostgreSQL database {info.dbname};"
                    f' let its owner say: GRANT CREATE ON DATABASE "{info.dbname}" TO "{info.user}"'
                )

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """No host's gateway dispatches, by the table of hosts, and none delivers, by its lock."""
        hint = "end the gateway there; its workers go on"
        with contextlib.closing(self._connect()) as conn, _translated(conn):
            if pgboards.find(conn) is not None:
                for name, pid, age in conn.execute(_SERVED).fetchall():
                    holder = f"process {pid} on {name}, seen {max(0, age)} s ago"
                    raise InUse("a gateway serves this board", holder, hint)
            key = lock_key(f"notifier {schema_of(self.paths.slug)}")
            if not pgholder.try_take(conn.session, key):
                raise InUse("a gateway delivers this board's news", "on another host", hint)
            yield

    @contextlib.contextmanager
    def leaving(self, wait_seconds: float) -> Iterator[PostgresConnection]:
        """Migrated where it is older, and with every attached file that this host has."""
        with contextlib.closing(self._connect(wait_seconds)) as conn, _translated(conn):
            row = pgboards.find(conn)
            if row is None:
                raise NotFound("board", self.paths.slug, f"there is none in {self.location}")
            pgboards.judge(conn, row)
            conn.files.fill()
            conn.begin_long("move")
            try:
                yield conn
                conn.commit_long()
            finally:
                conn.roll_back()

    def leave(self, conn: BoardConnection, mark: Mark) -> None:
        """By its version."""
        conn.execute(moved.WRITE, mark.row(moved.AWAY))

    @contextlib.contextmanager
    def coming(self, board: dict[str, Any], there: Found) -> Iterator[_DatabaseDraft]:
        """A schema that is made, and one that it replaces goes, in one transaction."""
        with contextlib.closing(self._connect()) as conn, _translated(conn):
            conn.begin_long("move")
            try:
                key = lock_key(f"create {conn.schema}")
                conn.execute("SELECT pg_advisory_xact_lock(:key)", {"key": key})
                refuse_other(self, there, _found(conn))
                yield _DatabaseDraft(conn, board)
            finally:
                conn.roll_back()

    def let_in(self) -> None:
        """By its version again."""
        with contextlib.closing(self._connect()) as conn, _translated(conn):
            conn.begin_long("move")
            conn.execute(moved.ERASE)
            conn.execute(moved.MIN_READER, {"version": schema.MIN_READER})
            conn.commit_long()


class _DatabaseDraft:
    """``places.Draft`` in a transaction."""

    def __init__(self, conn: PostgresConnection, board: dict[str, Any]) -> None:
        self.conn = conn
        session = conn.session
        session.execute(f'DROP SCHEMA IF EXISTS "{conn.schema}" CASCADE'.encode())
        pgboards.create_schema(session, conn.schema, conn.clock.now())
        row = board | {"slug": conn.paths.slug, "min_reader": moved.COMING}
        columns = ", ".join(row)
        places = ", ".join(f":{column}" for column in row)
        conn.execute(f"INSERT INTO boards ({columns}) VALUES ({places})", row)

    def load(self, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """By COPY, which takes all of them in one statement."""
        told = f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()
        try:
            with self.conn.session.cursor().copy(told) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.DataError as error:
            said = str(error).strip().splitlines()
            raise KanbanError(
                f"a row of {table} cannot be stored in PostgreSQL: {'; '.join(said[:2])}"
            ) from None

    def settle(self) -> None:
        """Whoever plans a query wants statistics, and that at once."""
        tables = self.conn.execute(_TABLES, {"schema": self.conn.schema}).fetchall()
        self.conn.session.execute(f"ANALYZE {', '.join(name for (name,) in tables)}".encode())

    def keep(self, mark: Mark) -> None:
        """The commit is waited for, whatever the board's durability."""
        self.conn.execute(moved.WRITE, mark.row(moved.COMING))
        self.conn.commit_long()


def _found(conn: PostgresConnection) -> Found:
    # Asked first: looking into a schema that is not there would end a transaction.
    if conn.execute(_HAS_SCHEMA, {"schema": conn.schema}).fetchone() is None:
        return Found("absent")
    board_id, _, min_reader, version = pgboards.find(conn)
    if version >= moved.AWAY:
        state: State = "away" if version == moved.AWAY else "coming"
        return Found(state, board_id, moved.read(conn))
    if version > schema.SCHEMA_VERSION and min_reader > schema.SCHEMA_VERSION:
        raise conn.too_new(version)
    return Found("board" if conn.counters() else "unused", board_id)


@contextlib.contextmanager
def _translated(conn: PostgresConnection) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise pgerrors.translated(error, conn.location) from error
