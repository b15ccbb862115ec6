"""Imported again: nothing twice, what changed there comes, and nothing here is taken back."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from tests.porting import hermes_boards
from tests.porting.conftest import SOURCES, Board, Cli, by_title, is_sound

# Dies once so many tasks are through, and between two commits at the latest.
DIES = """
import os, signal, sys
from pathlib import Path
from hermes_kanban import kernel as kb
from hermes_kanban.porting import sources
from hermes_kanban.porting.fitting import Fitting
from hermes_kanban.porting.reading import Choices

spool, _ = sources.spooled("hermes", Path(sys.argv[1]), Choices(), Fitting())
conn = kb.connect()
deadly = int(sys.argv[2])
statements = 0

def count(_):
    global statements
    statements += 1
    if statements == deadly:
        os.kill(os.getpid(), signal.SIGKILL)

conn.set_trace_callback(count)
kb.import_tasks(conn, spool)
"""


def counts(board: Board) -> dict[str, int]:
    tables = ("tasks", "task_runs", "task_comments", "task_links", "imported_tasks")
    return {
        table: board.conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables
    }


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("deadly", [700, 2_500, 5_000])
def test_killed_in_the_middle_and_done_again_it_is_whole(
    cli: Cli, board: Board, tmp_path: Path, deadly: int
) -> None:
    file = tmp_path / "kanban.db"
    whole = hermes_boards.large(file, 250)
    died = subprocess.run(
        [sys.executable, "-c", DIES, str(file), str(deadly)], check=False, timeout=120
    )
    assert died.returncode == -signal.SIGKILL
    half = counts(board)
    assert half["tasks"] == half["imported_tasks"] in (0, 100, 200)
    assert is_sound(board)
    done = cli("import", "hermes", str(file), "--json").json["import"]
    assert (done["made"], done["unchanged"]) == (250 - half["tasks"], half["tasks"])
    assert tuple(counts(board).values()) == (*whole, 250)
    assert is_sound(board)
    again = cli("import", "hermes", str(file), "--json").json["import"]
    assert (again["made"], again["unchanged"]) == (0, 250)


def issue(number: int, **more: object) -> dict[str, object]:
    found: dict[str, object] = {
        "number": number,
        "title": f"Issue {number}",
        "body": "",
        "state": "OPEN",
        "comments": [],
        "createdAt": "2024-03-01T10:00:00Z",
    }
    return found | more


def saved(folder: Path, *issues: dict[str, object]) -> str:
    file = folder / "issues.json"
    file.write_text(json.dumps(issues))
    return str(file)


def test_what_changed_there_comes_and_what_was_changed_here_stays(
    cli: Cli, board: Board, tmp_path: Path
) -> None:
    cli("import", "github", saved(tmp_path, issue(1), issue(2), issue(3), issue(4)))
    found = by_title(board)
    kb.edit_task(board.conn, found["Issue 1"].id, title="Ours")
    said = {"id": "c1", "body": "New", "createdAt": "2024-03-05T10:00:00Z", "author": "ana"}
    file = saved(
        tmp_path,
        issue(1, body="Depends on #2", comments=[said]),
        issue(2, title="Theirs", labels=["x"]),
        issue(3, state="CLOSED"),
        issue(4, state="CLOSED", stateReason="NOT_PLANNED"),
        issue(5),
    )
    dry = cli("import", "github", file, "--dry-run", "--json").json["import"]
    done = cli("import", "github", file, "--json").json["import"]
    for report in (dry, done):
        told = [report[name] for name in ("made", "updated", "unchanged", "comments")]
        assert told == [1, 4, 0, 1]
    found = by_title(board)
    assert set(found) == {"Ours", "Theirs", "Issue 3", "Issue 4", "Issue 5"}
    assert (found["Ours"].status, found["Issue 3"].status) == ("todo", "done")
    assert found["Issue 4"].status == "archived"
    (comment,) = kb.list_comments(board.conn, found["Ours"].id)
    assert (comment.author, comment.body) == ("person:ana", "New")
    assert is_sound(board)
    again = cli("import", "github", file, "--json").json["import"]
    assert (again["unchanged"], again["updated"]) == (5, 0)


def test_what_cannot_be_brought_is_told_and_left(cli: Cli, board: Board, tmp_path: Path) -> None:
    cli("import", "github", saved(tmp_path, issue(1), issue(2), issue(3)))
    found = by_title(board)
    kb.archive_task(board.conn, found["Issue 1"].id)
    running = kb.claim_task(board.conn, found["Issue 2"].id)
    kb.complete_task(board.conn, found["Issue 3"].id)
    changed = saved(
        tmp_path,
        issue(1, title="Another"),
        issue(2, state="CLOSED", assignees=["ben"]),
        issue(3, title="Reworded"),
    )
    done = cli("import", "github", changed, "--json").json["import"]
    assert {note["text"]: note["examples"] for note in done["notes"]} == {
        "it changed there and is archived here: nothing was brought": ["#1"],
        "it has another assignee there and is running here: it stays": ["#2"],
        "it is closed there by now and stays as it is here": ["#2"],
    }
    assert kb.get_task(board.conn, found["Issue 2"].id).status == "running"
    assert running is not None
    assert kb.get_task(board.conn, found["Issue 3"].id).title == "Reworded"
    assert is_sound(board)


def test_what_was_purged_does_not_come_again(cli: Cli, board: Board) -> None:
    cli("import", "csv", str(SOURCES / "tasks.csv"))
    gone = by_title(board)["Buy a lock"].id
    kb.archive_task(board.conn, gone)
    kb.purge_task(board.conn, gone)
    done = cli("import", "csv", str(SOURCES / "tasks.csv"), "--json").json["import"]
    assert (done["purged"], done["made"], done["unchanged"]) == (1, 0, 2)
    assert "Buy a lock" not in by_title(board)
    assert is_sound(board)


def test_the_past_of_an_import_is_news_to_nobody(cli: Cli, board: Board, hermes: Path) -> None:
    sub = subscriptions.subscribe(board.conn, destination="log", filter={"kinds": "all"})
    assert sub
    cli("import", "hermes", str(hermes))
    outbox.advance_cursors(board.conn)
    owed = [one.event_id for one in outbox.list_outbox(board.conn)]
    kinds = [event.kind for event in kb.list_events(board.conn, limit=500) if event.id in owed]
    assert kinds[-1] == "imported"
    # Besides it only what the board's own rules did now.
    assert set(kinds[:-1]) <= {"prioritised", "promoted", "demoted"}
    assert is_sound(board)


def test_the_board_of_before_the_import_is_the_board_without_it(
    cli: Cli, board: Board, hermes: Path
) -> None:
    mine = board.task("Mine")
    before = kb.get_task(board.conn, mine).created_at
    board.conn.execute("UPDATE task_events SET created_at = created_at - 3600")
    cli("import", "hermes", str(hermes))
    # What was imported happened long before, and was not on this board then.
    at = kb.moment(board.conn, at=before - 60)
    assert [task.title for task in kb.tasks_at(board.conn, at)] == ["Mine"]
    long_ago = kb.moment(board.conn, at=1_706_000_000)
    assert kb.tasks_at(board.conn, long_ago) == []
    assert len(kb.tasks_at(board.conn, kb.moment(board.conn))) == 10


def test_undo_leaves_an_import_alone(cli: Cli, board: Board, hermes: Path) -> None:
    board.task("Mine")
    cli("import", "hermes", str(hermes))
    refused = cli("undo")
    assert refused.code == 4
    assert "others may work on what came" in refused.error
    outline = by_title(board)["Write the outline"].id
    assert cli("undo", outline).code in (3, 4)
    assert len(by_title(board)) == 12


def test_two_imports_at_once_bring_each_task_once(cli: Cli, board: Board, tmp_path: Path) -> None:
    file = tmp_path / "kanban.db"
    whole = hermes_boards.large(file, 150)
    words = [sys.executable, "-m", "hermes_kanban.surfaces.cli.main", "import", "hermes", str(file)]
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, env=os.environ) for _ in range(2)]
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    assert tuple(counts(board).values()) == (*whole, 150)
    assert is_sound(board)


def test_a_source_that_is_written_to_meanwhile_is_read_as_of_one_moment(
    cli: Cli, board: Board, hermes: Path
) -> None:
    conn = sqlite3.connect(hermes)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("INSERT INTO task_links VALUES ('t_db19eb70', 't_79619281')")
    conn.commit()
    assert cli("import", "hermes", str(hermes)).code == 0
    assert by_title(board)["Mend the pump"].status == "todo"
    conn.close()
