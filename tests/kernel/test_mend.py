"""Mending: each damage that can be put right is, told by an event, and nothing else changes."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from tests.kernel.scenes import dump, events_after
from tests.support.boards import ABoard
from tests.support.payloads import undeclared
from tests.support.rich import rich_board


class Damage(NamedTuple):
    """``sql`` is planted on a rich board; ``says`` must be told of a mend."""

    name: str
    says: str
    sql: tuple[str, ...]


def _damage(name: str, says: str, *sql: str) -> Damage:
    return Damage(name, says, sql)


_RUN = "(SELECT max(id) FROM task_runs WHERE task_id = {})"
DAMAGES = [
    # Gates.
    _damage("ready behind an open parent", "it is todo now",
        "UPDATE tasks SET status = 'ready' WHERE id = :todo"),
    _damage("todo without a parent", "it is ready now",
        "UPDATE tasks SET status = 'todo' WHERE id = :ready"),
    _damage("a parent was closed behind the board", "it is ready now",
        "UPDATE tasks SET status = 'done', completed_at = 1900000500 WHERE id = :open_parent"),
    _damage("a dependency without a parent", "it is ready now",
        "DELETE FROM task_links WHERE child_id = :dependency",
        "UPDATE task_events SET payload = replace(payload, '\"op\":\"add\"', '\"op\":\"remove\"')"
        " WHERE task_id = :dependency AND kind = 'linked'"),
    _damage("priority too high", "has the effective priority",
        "UPDATE tasks SET effective_priority = 77 WHERE id = :ready"),
    _damage("priority not handed up", "has the effective priority 9, not 0",
        "UPDATE tasks SET effective_priority = 0 WHERE id = :open_parent"),
    _damage("a block that says nothing", "says again who lifts its block",
        "UPDATE task_events SET payload = replace(payload, '\"lifted_by\"', '\"was_lifted_by\"')"
        " WHERE task_id = :needs_input AND kind = 'blocked'"),
    # Claims.
    _damage("another lock", "has claim_lock of its open run",
        "UPDATE tasks SET claim_lock = 'another' WHERE id = :running"),
    _damage("another lease", "has claim_expires of its open run",
        "UPDATE tasks SET claim_expires = claim_expires + 1 WHERE id = :running"),
    _damage("another worker", "has worker_pid of its open run",
        "UPDATE tasks SET worker_pid = NULL WHERE id = :running"),
    _damage("no lease", "has claim_expires of its open run",
        "UPDATE tasks SET claim_expires = NULL WHERE id = :running"),
    _damage("no run named", "has current_run_id of its open run",
        "UPDATE tasks SET current_run_id = NULL WHERE id = :running"),
    _damage("another run named", "has current_run_id of its open run",
        "UPDATE tasks SET current_run_id = 1 WHERE id = :running"),
    _damage("claim columns left", "no longer has a claim",
        "UPDATE tasks SET claim_lock = 'left over' WHERE id = :ready"),
    _damage("taken from its run", "closed as reclaimed",
        "UPDATE tasks SET status = 'ready', claim_lock = NULL, claim_expires = NULL,"
        " current_run_id = NULL, worker_pid = NULL WHERE id = :manual"),
    _damage("status alone taken back", "closed as reclaimed",
        "UPDATE tasks SET status = 'ready' WHERE id = :manual"),
    _damage("its run was closed behind the board", "went back to rest",
        "UPDATE task_runs SET ended_at = started_at, outcome = 'crashed' WHERE id = "
        + _RUN.format(":manual")),
    _damage("its run is gone", "is back as its events tell it",
        "UPDATE tasks SET current_run_id = current_run_id WHERE id = :manual",
        "DELETE FROM task_runs WHERE id = " + _RUN.format(":manual")),
    _damage("a closed run was opened again", "has ended_at, outcome again as its events tell",
        "UPDATE task_runs SET ended_at = NULL, outcome = NULL WHERE id = "
        + _RUN.format(":by_person")),
    # Counters, rows and stories.
    _damage("failures not counted", "counts 1 failures in a row, not 0",
        "UPDATE tasks SET consecutive_failures = 0 WHERE id = :failed"),
    _damage("failures counted that were none", "counts 0 failures in a row, not 5",
        "UPDATE tasks SET consecutive_failures = 5 WHERE id = :ready"),
    _damage("a title was changed", "its row's title is told",
        "UPDATE tasks SET title = 'changed behind the board' WHERE id = :done"),
    _damage("several columns were changed", "its row's body, assignee, priority",
        "UPDATE tasks SET body = 'x', assignee = 'nobody', priority = -4, effective_priority = -4"
        " WHERE id = :triage"),
    _damage("the creator was changed", "has created_by again",
        "UPDATE tasks SET created_by = 'person:nobody' WHERE id = :ready"),
    _damage("archived behind the board", "its row's status is told",
        "UPDATE tasks SET status = 'archived' WHERE id = :triage"),
    _damage("an unknown status", "has status again",
        "UPDATE tasks SET status = 'sleeping' WHERE id = :ready"),
    _damage("done without a time", "has completed_at again",
        "UPDATE tasks SET completed_at = NULL WHERE id = :done"),
    _damage("blocked without a reason", "has block_reason again",
        "UPDATE tasks SET block_reason = NULL WHERE id = :needs_input"),
    _damage("unreadable skills", "has skills again",
        "UPDATE tasks SET skills = '[' WHERE id = :ready"),
    _damage("unreadable metadata", "has metadata again",
        "UPDATE task_runs SET metadata = '{' WHERE metadata IS NOT NULL"),
    _damage("a summary was changed", "its row's summary is told",
        "UPDATE task_runs SET summary = 'other words' WHERE summary = 'counted'"),
    _damage("an outcome was changed", "has outcome again",
        "UPDATE task_runs SET outcome = 'crashed' WHERE summary = 'counted'"),
    _damage("a row is gone", "is back as its events tell it",
        "DELETE FROM tasks WHERE id = :triage"),
    _damage("a running row is gone", "is back as its events tell it",
        "DELETE FROM tasks WHERE id = :running"),
    _damage("a run is gone", "is back as its events tell it",
        "DELETE FROM task_runs WHERE summary = 'counted'"),
    _damage("a link is gone", "is back as events tell it",
        "DELETE FROM task_links WHERE child_id = :after_done"),
    _damage("a link that gates is gone", "is back as events tell it",
        "DELETE FROM task_links WHERE child_id = :todo"),
    _damage("a link was added", "had a row and no event: it is told",
        "INSERT INTO task_links (parent_id, child_id, created_at)"
        " VALUES (:done, :triage, 1900000000)"),
    _damage("a gating link was added", "it is todo now",
        "INSERT INTO task_links (parent_id, child_id, created_at)"
        " VALUES (:open_parent, :ready, 1900000000)"),
    _damage("a link to no task", "and is removed",
        "INSERT INTO task_links (parent_id, child_id, created_at)"
        " VALUES ('t_nobody', :ready, 1900000000)"),
    _damage("a link was released", "its row's release is told",
        "UPDATE task_links SET released_at = 1900000100 WHERE child_id = :after_done"),
    _damage("a release was taken back", "has its times again",
        "UPDATE task_links SET released_at = NULL WHERE child_id = :released"),
    _damage("a link is younger", "has its times again",
        "UPDATE task_links SET created_at = created_at + 5 WHERE child_id = :todo"),
    _damage("a task without events", "had a row and no event",
        "INSERT INTO tasks (id, title, status, created_at, created_by)"
        " VALUES ('t_untold', 'by hand', 'ready', 1900000000, 'person:me')"),
    # Attachments.
    _damage("an attachment was renamed", "has name again as its event tells",
        "UPDATE task_attachments SET name = 'other.txt' WHERE name = 'notes.txt'"),
    _damage("an attachment is another's", "has task_id again as its event tells",
        "UPDATE task_attachments SET task_id = :ready WHERE name = 'notes.txt'"),
    _damage("an attachment is gone", "is back as its event tells it",
        "DELETE FROM task_attachments WHERE name = 'report.txt'"),
    _damage("an attachment was added", "had a row and no event: it is told",
        "INSERT INTO task_attachments (task_id, name, size, media_type, sha256, path, created_at)"
        " SELECT :ready, name, size, media_type, sha256, path, created_at FROM task_attachments"
        " WHERE name = 'notes.txt'"),
    # The outbox.
    _damage("a delivery was missed", "which it had missed",
        "DELETE FROM deliveries WHERE id = (SELECT min(id) + 5 FROM deliveries)"),
    _damage("a delivery for nothing", "which did not ask",
        "INSERT INTO deliveries (sub_id, event_id, dedup_key, state, next_attempt_at)"
        " VALUES (1, 1, 'x', 'waiting', 1900000000)"),
    _damage("a cursor beyond the events", "has its cursor at",
        "UPDATE kanban_notify_subs SET cursor = 99999 WHERE ended_at IS NULL"),
    _damage("a cursor was set back", "has its cursor at",
        "UPDATE kanban_notify_subs SET cursor = start_event_id WHERE ended_at IS NULL"),
    _damage("dead without a reason", "has its reason again",
        "UPDATE deliveries SET reason = NULL WHERE state = 'dead'"),
]  # fmt: skip


def plant(board: ABoard, damage: Damage, tasks: dict[str, str]) -> None:
    for sql in damage.sql:
        names = {name: one for name, one in tasks.items() if f":{name}" in sql}
        board.damage(sql, **names)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_it_is_put_right_and_told(board: ABoard, damage: Damage) -> None:
    tasks = rich_board(board)
    others = [one for one in rows(board) if f":{one}" not in damage.sql]
    plant(board, damage, tasks)
    newest, before = kb.newest_event_id(board.conn), rows(board)
    report = kb.mend(board.conn, actor="person:ann")
    assert report.left == []
    assert kb.check(board.conn, deep=True) == []
    assert damage.says in " | ".join(one.text for one in report.mended)
    told = events_after(board, newest)
    assert told
    assert all(event.payload["mended"] and event.payload["reason"] for event in told)
    assert {event.actor for event in told} == {"person:ann"}
    assert undeclared(board.conn, after=newest) == set()
    assert kb.mend(board.conn).mended == []
    assert others
    assert before.keys() <= rows(board).keys() | {"t_untold"}


def rows(board: ABoard) -> dict[str, tuple[object, ...]]:
    return {row["id"]: tuple(row) for row in board.conn.execute("SELECT * FROM tasks")}


def test_a_sound_board_is_left_as_it_is(board: ABoard) -> None:
    rich_board(board)
    before = dump(board.conn)
    assert kb.mend(board.conn) == kb.MendReport([], [])
    assert dump(board.conn) == before


def test_rows_that_are_not_damaged_stay_as_they_are(board: ABoard) -> None:
    tasks = rich_board(board)
    before = rows(board)
    board.damage("UPDATE tasks SET title = 'x' WHERE id = :id", id=tasks["done"])
    kb.mend(board.conn)
    after = rows(board)
    changed = {one for one in before if before[one] != after[one]}
    assert changed == {tasks["done"]}


def test_several_damages_at_once_are_all_put_right(board: ABoard) -> None:
    tasks = rich_board(board)
    for damage in DAMAGES:
        if damage.name in ("priority too high", "failures not counted", "a link is gone",
                           "another lock", "a delivery was missed", "a summary was changed",
                           "todo without a parent", "a row is gone"):  # fmt: skip
            plant(board, damage, tasks)
    report = kb.mend(board.conn)
    assert report.left == []
    assert len(report.mended) >= 8


def test_priority_is_handed_up_a_chain(board: ABoard) -> None:
    chain = [board.create("top")]
    for number in range(12):
        chain.append(board.create(f"{number}", parents=[chain[-1]]))
    kb.prioritise_task(board.conn, chain[-1], 9)
    board.damage("UPDATE tasks SET effective_priority = 0 WHERE status <> 'x'")
    kb.mend(board.conn)
    assert {board.task(one).effective_priority for one in chain} == {9}


def test_what_comes_back_is_exactly_what_was(board: ABoard) -> None:
    tasks = rich_board(board)
    before = board.task(tasks["done"])
    runs = [tuple(row) for row in board.conn.execute("SELECT * FROM task_runs WHERE ended_at > 0")]
    board.damage("DELETE FROM tasks WHERE id = :id", id=tasks["done"])
    kb.mend(board.conn)
    # When it last renewed its lease no event tells.
    assert board.task(tasks["done"]) == msgspec.structs.replace(before, last_heartbeat_at=None)
    again = board.conn.execute("SELECT * FROM task_runs WHERE ended_at > 0")
    assert [tuple(row) for row in again] == runs


def test_a_missed_delivery_is_sent(board: ABoard) -> None:
    sub = subscriptions.subscribe(board.conn, destination="log", filter={"kinds": ["created"]})
    board.create("one")
    outbox.advance_cursors(board.conn, limit=1)
    board.damage("DELETE FROM deliveries")
    kb.mend(board.conn)
    (owed,) = outbox.list_outbox(board.conn)
    assert (owed.sub_id, owed.state, owed.next_attempt_at) == (sub, "waiting", board.clock.now())


UNMENDABLE = [
    ("a cycle", "unlink",
        "INSERT INTO task_links (parent_id, child_id, created_at)"
        " VALUES (:todo, :open_parent, 1900000000)"),
    ("an event was removed", "restore a backup",
        "DELETE FROM task_events WHERE kind = 'completed' AND task_id = :done"),
    ("an unreadable event", "restore a backup",
        "UPDATE task_events SET payload = '{' WHERE kind = 'completed' AND task_id = :done"),
    ("an unreadable filter", "notify unsubscribe",
        "UPDATE kanban_notify_subs SET filter = '{'"),
    ("an event of another time", "restore a backup",
        "UPDATE task_events SET created_at = 1 WHERE kind = 'completed' AND task_id = :done"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "advice", "sql"), UNMENDABLE, ids=[one[0] for one in UNMENDABLE])
def test_what_cannot_be_mended_is_named_with_what_to_do(
    board: ABoard, name: str, advice: str, sql: str
) -> None:
    tasks = rich_board(board)
    plant(board, Damage(name, "", (sql,)), tasks)
    report = kb.mend(board.conn)
    assert report.left
    assert any(advice in one.advice for one in report.left)
    assert kb.mend(board.conn).mended == []


def test_a_mend_that_fails_changes_nothing(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = rich_board(board)
    board.damage("UPDATE tasks SET title = 'x' WHERE id = :id", id=tasks["done"])
    before = dump(board.conn)

    def fail(*_: object) -> None:
        raise RuntimeError("at the last step")

    module = __import__("sys").modules["hermes_kanban.kernel.mend"]
    monkeypatch.setattr(module, "STEPS", (*module.STEPS, fail))
    with pytest.raises(RuntimeError):
        kb.mend(board.conn)
    assert dump(board.conn) == before
