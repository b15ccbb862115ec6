"""``--at``, ``diff`` and ``undo`` as people and scripts use them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from hermes_kanban import kernel as kb


def _long_ago(board: Any, seconds: int) -> None:
    """Everything so far happened that much earlier."""
    board.conn.execute("UPDATE task_events SET created_at = created_at - ?", (seconds,))


@pytest.fixture
def told(board: Any) -> dict[str, Any]:
    """A task that was filed two hours ago and renamed just now."""
    task = board.task("First title")
    _long_ago(board, 7_200)
    event = board.events()
    kb.edit_task(board.conn, task, title="Second title")
    return {"task": task, "event": event, "now": int(time.time())}


def _ways(told: dict[str, Any]) -> list[str]:
    then = told["now"] - 3_600
    local = datetime.fromtimestamp(then)
    return [
        "-1h",
        "1h ago",
        "59m 30s ago",
        f"event:{told['event']}",
        str(then),
        local.isoformat(),
        local.isoformat(sep=" "),
        datetime.fromtimestamp(then, UTC).isoformat(),
        f"{datetime.fromtimestamp(then, UTC).isoformat()[:19]}Z",
    ]


@pytest.mark.parametrize("way", range(9))
def test_a_time_may_be_given_in_every_way(cli: Any, told: Any, way: int) -> None:
    at = _ways(told)[way]
    shown = cli("show", told["task"], "--at", at, "--json")
    assert shown.code == 0, shown.err
    assert shown.json["task"]["title"] == "First title"
    assert shown.json["at"]["event_id"] == told["event"]
    listed = cli("list", "--at", at, "--json")
    assert [task["title"] for task in listed.json["tasks"]] == ["First title"]
    assert (
        cli("show", told["task"], "--at", "now", "--json").json["task"]["title"].startswith("Sec")
    )


def test_a_time_without_a_zone_is_this_machines_as_it_shows_them(
    cli: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        shown = cli("events", told["task"]).out.splitlines()[0]
        at = " ".join(shown.split()[1:3])
        assert cli("list", "--at", at, "--json").json["at"]["event_id"] == told["event"]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "at", ["soon", "-soon", "2 o'clock ago", "event:", "event:x", "2031-13-01", "", "-", "1h"]
)
@pytest.mark.parametrize("command", ["list", "show", "diff"])
def test_what_is_no_time_says_what_is(cli: Any, told: Any, command: str, at: str) -> None:
    words = {
        "list": ["list", "--at", at],
        "show": ["show", told["task"], "--at", at],
        "diff": ["diff", "--from", at],
    }
    done = cli(*words[command])
    assert done.code == 2
    assert 'a span back such as -2h or "2h ago", event:N, Unix seconds, or ISO 8601' in done.error


def test_a_time_to_come_is_now_and_a_warning_says_so(cli: Any, told: Any) -> None:
    done = cli("show", told["task"], "--at", "+2h", "--json")
    assert done.json["task"]["title"] == "Second title"
    (warning,) = done.json["warnings"]
    assert warning.startswith("--at is in ")
    assert warning.endswith("this is the board as it is now")


def test_before_the_first_event_there_was_nothing(cli: Any, told: Any) -> None:
    listed = cli("list", "--at", "-1w")
    assert listed.code == 0
    assert "(before any event)" in listed.out
    assert "there were no such tasks" in listed.out
    shown = cli("show", told["task"], "--at", "-1w")
    assert shown.code == 3
    assert "it was created later, with event 1" in shown.error
    assert cli("list", "--at", "event:99").code == 3


def test_show_tells_what_the_task_waited_for(cli: Any, board: Any) -> None:
    parent = board.task("Gather")
    child = board.task("Write", parents=[parent])
    kb.add_comment(board.conn, child, "Use May")
    then = board.events()
    kb.complete_task(board.conn, parent)
    kb.add_comment(board.conn, child, "Use June")
    shown = cli("show", child, "--at", f"event:{then}")
    assert shown.code == 0
    assert shown.out.splitlines()[0].endswith(f"(event {then})")
    assert f"{child} todo  Write" in shown.out
    assert f"  {parent}  ready     Gather" in shown.out
    assert f"It waited for {parent}" in shown.out
    assert "Use May" in shown.out
    assert "Use June" not in shown.out
    assert cli("show", child, "--at", f"event:{then}", "--json").json["open_parents"] == [parent]


def test_no_answer_about_the_past_tells_a_claim_lock(cli: Any, board: Any) -> None:
    task = board.claimed()
    kb.pause(board.conn)
    for words in (
        ["show", task.id, "--at", "now"],
        ["list", "--at", "now"],
        ["diff", "--from", "-1h"],
    ):
        for done in (cli(*words), cli(*words, "--json")):
            assert done.code == 0
            assert task.claim_lock not in done.out


def test_the_list_as_it_was_takes_the_usual_filters(cli: Any, board: Any) -> None:
    first, second = board.task("One"), board.task("Two", assignee="reader")
    then = f"event:{board.events()}"
    kb.complete_task(board.conn, first)
    listed = cli("list", "--at", then, "--status", "ready", "--assignee", "writer", "--json").json
    assert [task["id"] for task in listed["tasks"]] == [first]
    page = cli("list", "--at", then, "--limit", "1", "--json").json
    assert [task["id"] for task in page["tasks"]] == [first]
    rest = cli("list", "--at", then, "--after", str(page["next_after"]), "--json").json
    assert [task["id"] for task in rest["tasks"]] == [second]
    assert "more with: --after 1" in cli("list", "--at", then, "--limit", "1").out


def test_a_diff_is_readable(cli: Any, board: Any) -> None:
    parent, task = board.task("Gather"), board.task("Count")
    then = board.events()
    kb.edit_task(board.conn, task, title="Count the words", max_retries=3)
    kb.link_tasks(board.conn, parent, task)
    kb.complete_task(board.conn, parent, summary="gathered")
    kb.add_comment(board.conn, task, "Use May\nand June")
    kb.pause(board.conn, reason="lunch")
    told = cli("diff", "--from", f"event:{then}")
    assert told.code == 0
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert lines[0].endswith(f"(event {board.events()})")
    assert f"{task} Count the words" in lines
    assert "title Count → Count the words" in lines
    assert "max retries - → 3" in lines
    assert "status ready → todo → ready" in lines
    assert f"link + {parent}" in lines
    assert "run 1 opened by writer, completed: gathered" in lines
    assert "comment person:ann: Use May and June" in lines
    assert any("paused" in line and "lunch" in line for line in lines)
    quiet = cli("diff", "--from", "now")
    assert quiet.out.splitlines()[-1] == "nothing changed"


def test_a_diff_in_json_names_columns_before_and_after(cli: Any, board: Any) -> None:
    task = board.task("Count")
    then = board.events()
    kb.edit_task(board.conn, task, title="Count the words")
    answer = cli("diff", task, "--from", f"event:{then}", "--to", "now", "--json").json["diff"]
    (change,) = answer["tasks"]
    assert change["fields"] == {"title": ["Count", "Count the words"]}
    assert (answer["start"]["event_id"], answer["end"]["event_id"]) == (then, then + 1)


def test_a_diff_backwards_is_misuse(cli: Any, board: Any) -> None:
    board.task()
    done = cli("diff", "--from", "now", "--to", "event:0")
    assert done.code == 2
    assert "not after the other" in done.error


def test_undo_says_in_one_line_what_it_took_back(cli: Any, board: Any) -> None:
    task = board.task("Count")
    kb.edit_task(board.conn, task, title="Count the words")
    would = cli("undo", task, "--dry-run")
    assert would.out.startswith(f"{task} would take back edit (")
    assert kb.get_task(board.conn, task).title == "Count the words"
    done = cli("undo")
    assert len(done.out.splitlines()) == 1
    assert done.out.startswith(f"{task} took back edit (")
    assert done.out.rstrip().endswith("title Count the words → Count")
    assert kb.get_task(board.conn, task).title == "Count"
    again = cli("undo", task, "--json").json["undo"]
    assert (again["verb"], again["changes"]) == ("undo", {"title": ["Count", "Count the words"]})


def test_undo_of_a_link_names_it(cli: Any, board: Any) -> None:
    parent, child = board.task(), board.task()
    kb.link_tasks(board.conn, parent, child)
    done = cli("undo", child)
    assert f"link - {parent}" in done.out


def test_undo_of_a_pause(cli: Any, board: Any) -> None:
    assert cli("pause").code == 0
    assert cli("undo").out.startswith("board: took back pause (")
    assert kb.get_board(board.conn).paused_at is None


def test_what_cannot_be_undone_is_a_conflict_that_says_what_to_do(cli: Any, board: Any) -> None:
    task = board.task()
    kb.add_comment(board.conn, task, "Use May")
    before = board.events()
    done = cli("undo", task)
    assert done.code == 4
    assert "a comment stays as it was written" in done.error
    assert f"instead: hermes-kanban comment {task} TEXT" in done.error
    assert board.events() == before
    assert cli("undo", "t_nobody").code == 3


def test_a_worker_takes_nothing_back_unless_as_a_person(
    cli: Any, board: Any, worker: kb.Task
) -> None:
    other = board.task("Count")
    refused = cli("undo", other)
    assert refused.code == 2
    assert "a person" in refused.error
    assert cli("undo", other, "--as-person").code == 0
    assert board.status(other) == "archived"
