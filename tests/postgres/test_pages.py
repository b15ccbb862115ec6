"""What a disk spoiled of a board on PostgreSQL is found by a deep check, and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from hermes_kanban import kernel as kb
from tests.support import stores
from tests.support.boards import isolate
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")
PAGE_BYTES = 8_192
TASKS = 30


class Databases:
    """Two of the test's own: a board, and a copy whose files are changed before it is read."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._ours = str(conninfo_to_dict(stores.address())["dbname"])
        self._board, self._copy = f"{self._ours}_sound", f"{self._ours}_spoiled"
        self._admin = psycopg.connect(self._address("postgres"), autocommit=True)

    def _address(self, name: str) -> str:
        return stores.address().replace(self._ours, name)

    def board(self) -> kb.BoardConnection:
        """An empty board."""
        self._admin.execute(f'CREATE DATABASE "{self._board}"'.encode())
        return self._open(self._board)

    def spoiled(self, conn: kb.BoardConnection, relation: str) -> kb.BoardConnection:
        """A copy of the board, a table or index of which has zeros where its last rows were.

        The server copies the files as they are and reads none of them, so that it reads what the
        disk has.
        """
        (path,) = conn.execute(f"SELECT pg_relation_filepath('{relation}')").fetchone()
        conn.close()
        wait_until(lambda: not self._admin.execute(_SESSIONS, (self._board,)).fetchall())
        create = f'CREATE DATABASE "{self._copy}" TEMPLATE "{self._board}" STRATEGY file_copy'
        self._admin.execute(create.encode())
        ((folder,),) = self._admin.execute(_FOLDER, (self._copy,)).fetchall()
        file = Path(folder) / Path(path).name
        pages = bytearray(file.read_bytes())
        pages[-PAGE_BYTES // 8 :] = bytes(PAGE_BYTES // 8)
        file.write_bytes(pages)
        return self._open(self._copy)

    def _open(self, name: str) -> kb.BoardConnection:
        self._patch.setenv("HERMES_KANBAN_DATABASE", self._address(name))
        return kb.connect()

    def close(self) -> None:
        """Both are dropped."""
        for name in (self._board, self._copy):
            self._admin.execute(f'DROP DATABASE IF EXISTS "{name}" (FORCE)'.encode())
        self._admin.close()


_SESSIONS = "SELECT 1 FROM pg_stat_activity WHERE datname = %s"
_FOLDER = """
SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database WHERE datname = %s
"""


@pytest.fixture
def databases(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Databases]:
    isolate(tmp_path / "home", monkeypatch)
    made = Databases(monkeypatch)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("relation", "named"),
    [("tasks", "tasks, the table"), ("tasks_by_status", "tasks, the index tasks_by_status")],
)
def test_a_page_that_is_not_as_it_was_written(
    databases: Databases, relation: str, named: str
) -> None:
    board = databases.board()
    for number in range(TASKS):
        kb.create_task(board, title=f"task {number}", body="text " * 20)
    assert kb.check(board, deep=True) == []

    spoiled = databases.spoiled(board, relation)

    found = [one.text for one in kb.check(spoiled, deep=True)]
    spoiled.close()
    assert found
    assert found[0].startswith(f"{named}: invalid page in block")
