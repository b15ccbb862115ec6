"""The server's own backup is one of the board, with what its attached files hold."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.support import stores
from tests.support.boards import ABoard
from tests.support.rich import rich_board

pytestmark = pytest.mark.stores("postgres")


def run(program: str, *words: str) -> None:
    subprocess.run([str(stores.programs() / program), *words], check=True, timeout=60)


def test_a_dump_that_is_restored_is_the_board(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rich_board(board)
    kb.add_attachment(board.conn, board.create(), name="bytes", data=bytes(range(256)))
    before, counters = kb.fingerprint(board.conn), board.conn.counters()
    with pytest.raises(kb.KanbanError, match=r"pg_dump --format=custom --schema=kanban_default "):
        kb.backup(board.conn)
    dump = tmp_path / "board.dump"
    run("pg_dump", "--format=custom", "--schema=kanban_default", f"--file={dump}", stores.address())
    words = ("--clean", "--if-exists", "--single-transaction")
    with pytest.raises(kb.KanbanError, match=rf"pg_restore {' '.join(words)} --dbname="):
        kb.restore(dump)
    kb.archive_task(board.conn, kb.list_tasks(board.conn)[0].id)
    stores.database().spoiled = True
    run("pg_restore", *words, f"--dbname={stores.address()}", str(dump))
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path / "another host"))
    conn = kb.connect()
    assert (kb.fingerprint(conn), conn.counters()) == (before, counters)
    assert kb.check(conn, deep=True) == kb.replay_differences(conn) == []
    newest = kb.list_attachments(conn, kb.list_tasks(conn, limit=1_000)[-1].id)[0]
    with kb.open_attachment(conn, newest) as file:
        assert file.read() == bytes(range(256))
    conn.close()
