"""On which store a test runs, and an empty place on it for each test.

A test process has one database on the run's server. Between two tests the rows go and the default
board's tables stay, since making them takes longer than most tests; tables that a test changed or
damaged are made anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from hermes_kanban.store import pgboards, pgsession
from hermes_kanban.store.pgnames import schema_of
from hermes_kanban.store.schema import MIN_READER
from tests.support import server
from tests.support.waiting import wait_until

STORES: Final = ("sqlite", "postgres")
TESTS_BETWEEN_VACUUMS: Final = 25

_DATABASES: dict[str, Database] = {}
_current: list[Database] = []
_folder: list[Path] = []


def use_server(folder: Path) -> None:
    """The test run's server has its files there; it is started by the first who needs it."""
    _folder[:] = [folder]


def address() -> str:
    """The database on which the running test's boards lie; empty for SQLite."""
    return _current[-1].address if _current else ""


def forget_ours(patch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's environment leaks in; it says where the test's boards lie."""
    for name in [name for name in os.environ if name.startswith("HERMES_")]:
        patch.delenv(name)
    if address():
        patch.setenv("HERMES_KANBAN_DATABASE", address())


def database() -> Database:
    """That of the running test, which runs on PostgreSQL."""
    return _current[-1]


def database_of(user: str) -> str:
    """The address of an empty database on the run's server that belongs to that user."""
    address = server.start(_folder[0])
    name = f"{user}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with psycopg.connect(address.format(database="postgres"), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" (FORCE)'.encode())
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (user,)).fetchone() is None:
            admin.execute(f'CREATE ROLE "{user}" LOGIN'.encode())
        admin.execute(f'CREATE DATABASE "{name}" OWNER "{user}"'.encode())
    return address.format(database=name).replace("//postgres:@", f"//{user}@")


def programs() -> Path:
    """Where ``pg_dump`` and the like are, of the server of the running test."""
    return server.programs(_folder[0])


def enter(*, pristine: bool = False) -> None:
    """From now on boards lie in this process's own database on the server, without rows.

    ``pristine``: there is no board at all, as on the first day.
    """
    own = database_of_process("tests")
    own.clear(pristine=pristine)
    _current.append(own)


def database_of_process(name: str, **board: str) -> Database:
    """The database of that name for this process, made when it is first asked for.

    ``board`` is the slug and the id of the board that stays in it (see ``Database``).
    """
    name = f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    if name not in _DATABASES:
        _DATABASES[name] = Database(server.start(_folder[0]), name, **board)
    return _DATABASES[name]


def leave() -> None:
    """Boards lie in files again."""
    _current.pop()


@contextmanager
def aside() -> Iterator[str]:
    """For a while boards lie in files; the address of the database, which stays as it is."""
    current = _current.pop()
    try:
        yield current.address
    finally:
        _current.append(current)


def close() -> None:
    """The test process ends: so do its sessions."""
    while _DATABASES:
        _DATABASES.popitem()[1].close()


class Database:
    """The database of one test process, with one board that stays; its slug and id are given."""

    def __init__(
        self, server_address: str, name: str, *, slug: str = "default", board_id: str | None = None
    ) -> None:
        with psycopg.connect(server_address.format(database="postgres"), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" (FORCE)'.encode())
            admin.execute(f'CREATE DATABASE "{name}"'.encode())
        self.address = server_address.format(database=name)
        self.spoiled = False
        self._slug = slug
        self._schema = schema_of(slug)
        self._board_id = board_id
        self._conn = psycopg.connect(self.address, autocommit=True, application_name="tests")
        self._shape: Any = None
        self._empty = b""
        self._tables: list[str] = []
        self._cleared = 0

    def clear(self, *, pristine: bool = False) -> None:
        """End every other session; leave no board, or the one that stays without rows."""
        self._end_others()
        schemas = [name for (name,) in self._conn.execute(_SCHEMAS)]
        keep = not pristine and not self.spoiled and self._schema in schemas and self._is_as_made()
        for schema in schemas:
            if schema != self._schema or not keep:
                self._conn.execute(f'DROP SCHEMA "{schema}" CASCADE'.encode())
        self.spoiled = pristine  # whatever such a test makes there is none of ours
        if not pristine:
            if not keep:
                self._make()
            self._empty_it()

    def _end_others(self) -> None:
        """What a test left open is ended; what it closed may take a moment to be gone."""
        self._conn.execute(_END_OTHERS)
        wait_until(lambda: not self.sessions(), pause=0.001)

    def _make(self) -> None:
        with pgsession.open_session(self.address, "tests") as session:
            pgboards.write_new(session, self._slug, name=self._slug)
        names = {"schema": self._schema}
        self._shape = self._conn.execute(_SHAPE, names).fetchall()
        self._tables = [name for (name,) in self._conn.execute(_TABLES, names)]
        deletes = "; ".join(f"DELETE FROM {table}" for table in self._tables)
        self._empty = _EMPTY.format(
            schema=self._schema,
            deletes=deletes,
            id=f"'{self._board_id}'" if self._board_id else _ANY_ID,
            slug=self._slug,
            reader=MIN_READER,
        ).encode()

    def _is_as_made(self) -> bool:
        shape = self._conn.execute(_SHAPE, {"schema": self._schema}).fetchall()
        return bool(shape == self._shape)

    def _empty_it(self) -> None:
        self._conn.execute(self._empty, prepare=False)
        self._cleared += 1
        if self._cleared % TESTS_BETWEEN_VACUUMS == 0:
            for table in self._tables:
                self._conn.execute(f"VACUUM {self._schema}.{table}".encode())

    def close(self) -> None:
        """End our own session."""
        self._conn.close()

    def sessions(self) -> list[tuple[int, str]]:
        """(backend, application name) of every session but our own."""
        return self._conn.execute(_OTHERS).fetchall()

    def kill(self, backend: int) -> None:
        """End a session, as an administrator does."""
        self._conn.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))

    @contextmanager
    def shut(self) -> Iterator[None]:
        """The database lets nobody in, and whoever was in is out; our own session apart."""
        ours = self._conn.info.dbname
        elsewhere = make_conninfo(self.address, dbname="postgres")
        with psycopg.connect(elsewhere, autocommit=True) as admin:
            allow = f'ALTER DATABASE "{ours}" ALLOW_CONNECTIONS {{}}'
            admin.execute(allow.format("false").encode())
            try:
                self._conn.execute(_END_OTHERS)
                yield
            finally:
                admin.execute(allow.format("true").encode())


_TABLES: Final = """
SELECT relname FROM pg_class WHERE relnamespace = %(schema)s::regnamespace
    AND relkind = 'r' AND relname <> 'schema_migrations'
"""
_ANY_ID: Final = "replace(gen_random_uuid()::text, '-', '')"
# As a replica asks no foreign key, the order does not matter.
_EMPTY: Final = """
BEGIN; SET LOCAL search_path = {schema}; SET LOCAL session_replication_role = replica; {deletes};
INSERT INTO boards (board_id, slug, name, min_reader) VALUES ({id}, '{slug}', '{slug}', {reader});
SELECT setval(oid::regclass, 1, false) FROM pg_class
WHERE relkind = 'S' AND relnamespace = '{schema}'::regnamespace;
COMMIT
"""
_OTHERS: Final = """
SELECT pid, application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_END_OTHERS: Final = f"SELECT pg_terminate_backend(pid) FROM ({_OTHERS}) AS others"
_SCHEMAS: Final = r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'kanban\_%'"
_SHAPE: Final = """
SELECT (SELECT count(*) FROM pg_constraint WHERE connamespace = n.oid),
    (SELECT count(*) FROM pg_class WHERE relnamespace = n.oid),
    (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = n.oid AND a.attnotnull)
FROM pg_namespace n WHERE n.nspname = %(schema)s
"""
