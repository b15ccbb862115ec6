"""The checker finds every planted damage, and nothing on a healthy board."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.words import CLOSING_EVENTS, EVENT_KINDS
from tests.support.boards import ABoard
from tests.support.rich import rich_board

MakeBoard = Callable[[], ABoard]

S_INVARIANTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
NEVER_ON_A_RICH_BOARD = {
    *("purged", "restored", "clock_shifted", "imported", "mended", "undone"),
    *("host_joined", "host_left", "host_lost"),
}


class Damage(NamedTuple):
    """``sql`` is planted; ``invariant`` must be named, with ``noun`` and ``what`` of the text."""

    invariant: int
    noun: str
    what: str
    sql: tuple[str, ...]


def _damage(invariant: int, noun: str, what: str, *sql: str) -> Damage:
    return Damage(invariant, noun, what, sql)


_NEWEST_RUN = "(SELECT max(id) FROM task_runs WHERE task_id = {})"
_COPY_EVENT = (
    "INSERT INTO task_events (task_id, run_id, kind, actor, payload, created_at)"
    " SELECT task_id, run_id, kind, actor, payload, created_at FROM task_events WHERE id ="
    " (SELECT max(id) FROM task_events WHERE kind = '{}' AND run_id IS NOT NULL)"
)
_ADD_RUN = (
    "INSERT INTO task_runs (task_id, claimer, claim_lock, started_at, ended_at, outcome)"
    " VALUES ({}, 'person:me', 'lock', {}, {}, {})"
)
_LINK = "INSERT INTO task_links (parent_id, child_id, created_at) VALUES ({}, {}, 1900000000)"

DAMAGES = [
    _damage(1, "task", "current run is none",
        "UPDATE tasks SET current_run_id = NULL WHERE id = :running"),
    _damage(1, "task", "is ready and its current run is",
        "UPDATE tasks SET status = 'ready' WHERE id = :running"),
    _damage(1, "task", "no open run of it",
        "UPDATE tasks SET current_run_id = 1 WHERE id = :running"),
    _damage(2, "task", "2 open runs",
        "DROP INDEX task_runs_open",
        _ADD_RUN.format(":running", "1900009000", "NULL", "NULL")),
    _damage(2, "run", "does not name it",
        _ADD_RUN.format(":ready", "1900009000", "NULL", "NULL")),
    _damage(3, "task", "another claim_lock",
        "UPDATE tasks SET claim_lock = 'another' WHERE id = :running"),
    _damage(3, "task", "another claim_expires",
        "UPDATE tasks SET claim_expires = claim_expires + 1 WHERE id = :running"),
    _damage(3, "task", "another worker_pid",
        "UPDATE tasks SET worker_pid = NULL WHERE id = :running"),
    _damage(3, "task", "still has a claim lock",
        "UPDATE tasks SET claim_lock = 'left over' WHERE id = :ready"),
    _damage(3, "task", "without a claim lock or without a lease",
        "UPDATE tasks SET claim_expires = NULL WHERE id = :running"),
    _damage(4, "run", "has the outcome none",
        "UPDATE task_runs SET outcome = NULL WHERE task_id = :done"),
    _damage(4, "run", "before it started",
        "UPDATE task_runs SET ended_at = started_at - 1 WHERE task_id = :done"),
    _damage(4, "event", "before an earlier event",
        "UPDATE task_events SET created_at = created_at - 5000"
        " WHERE id = (SELECT max(id) FROM task_events WHERE task_id = :done)"),
    _damage(5, "run", "before the run",
        "UPDATE task_runs SET ended_at = ended_at + 100000"
        " WHERE id = (SELECT min(id) FROM task_runs WHERE task_id = :gave_up)"),
    _damage(6, "run", "has 2 claimed events",
        _COPY_EVENT.format("claimed")),
    _damage(6, "run", "has 0 claimed events",
        f"DELETE FROM task_events WHERE kind = 'claimed'"
        f" AND run_id = {_NEWEST_RUN.format(':running')}"),
    _damage(6, "run", "has 1 claimed events and should have 0",
        "UPDATE task_runs SET claim_lock = NULL WHERE task_id = :approved"),
    _damage(6, "run", "was closed by nothing",
        "DELETE FROM task_events WHERE kind = 'completed' AND task_id = :stopped"),
    _damage(6, "run", "was closed by completed, completed",
        _COPY_EVENT.format("completed")),
    _damage(6, "run", "should have been by reclaimed",
        "UPDATE task_runs SET outcome = 'reclaimed' WHERE task_id = :stopped"),
    _damage(6, "task", "which is none of its runs",
        "UPDATE task_events SET task_id = :ready WHERE kind = 'claimed'"
        f" AND run_id = {_NEWEST_RUN.format(':running')}"),
    _damage(7, "link", "closes the cycle",
        _LINK.format(":todo", ":open_parent")),
    _damage(7, "link", "to itself",
        _LINK.format(":ready", ":ready")),
    _damage(7, "link", "is no task",
        _LINK.format("'t_nobody'", ":done")),
    _damage(8, "task", "ready behind an open parent",
        "UPDATE tasks SET status = 'ready' WHERE id = :todo"),
    _damage(8, "run", "was claimed while the parent",
        "UPDATE task_events SET id = -1 WHERE kind = 'linked' AND task_id = :waits",
        "UPDATE task_events SET id = -2 WHERE kind = 'created' AND task_id = :part"),
    _damage(9, "task", "no parent is open",
        "UPDATE tasks SET status = 'todo' WHERE id = :ready"),
    _damage(10, "task", "no time of completion",
        "UPDATE tasks SET completed_at = NULL WHERE id = :done"),
    _damage(10, "task", "archived and no event says so",
        "UPDATE tasks SET status = 'archived' WHERE id = :ready"),
    _damage(10, "task", "begins with the event",
        "DELETE FROM task_events WHERE kind = 'created' AND task_id = :running"),
    _damage(10, "task", "has no event",
        "DELETE FROM task_events WHERE task_id = :ready"),
    _damage(11, "task", "shares its idempotency key",
        "DROP INDEX tasks_idempotency",
        "UPDATE tasks SET idempotency_key = 'once' WHERE id = :ready_too"),
    _damage(12, "task", "failures in a row",
        "UPDATE tasks SET consecutive_failures = 7 WHERE id = :failed"),
    _damage(12, "task", "counts 1 failures in a row and its events tell 2",
        _COPY_EVENT.format("timed_out")),
    _damage(13, "subscription", "has no delivery",
        "DELETE FROM deliveries WHERE id = (SELECT max(id) FROM deliveries)"),
    _damage(13, "subscription", "has no delivery",
        "DELETE FROM deliveries"),
    _damage(13, "delivery", "does not match",
        "INSERT INTO deliveries (sub_id, event_id, dedup_key, state, next_attempt_at)"
        " VALUES (1, 1, 'stray', 'waiting', 1)"),
    _damage(13, "delivery", "does not match",
        "UPDATE kanban_notify_subs SET cursor = cursor - 1"),
    _damage(13, "subscription", "is not between",
        "UPDATE kanban_notify_subs SET cursor = 999999"),
    _damage(13, "subscription", "cannot be understood",
        """UPDATE kanban_notify_subs SET filter = '{"colour": ["red"]}'"""),
    _damage(13, "delivery", "without a time for its next attempt",
        "UPDATE deliveries SET next_attempt_at = NULL WHERE state = 'waiting'"),
    _damage(13, "delivery", "without a reason",
        "UPDATE deliveries SET reason = NULL WHERE state = 'dead'"),
    _damage(13, "delivery", "without the time of delivery",
        "UPDATE deliveries SET delivered_at = NULL WHERE state = 'delivered'"),
    _damage(13, "delivery", "of another subscription",
        "UPDATE deliveries SET batch = 'one'",
        "UPDATE deliveries SET sub_id = 2 WHERE id = (SELECT max(id) FROM deliveries)"),
    _damage(13, "delivery", "while delivery",
        "UPDATE deliveries SET batch = 'one' WHERE sub_id = 1"),
    _damage(13, "delivery", "has the receipt",
        "UPDATE deliveries SET receipt = 'm1' WHERE state = 'waiting'"),
    _damage(13, "delivery", "wake an agent",
        "UPDATE deliveries SET wake_at = 1 WHERE state = 'waiting'"),
    _damage(14, "subscription", "unreadable options",
        "UPDATE kanban_notify_subs SET options = 'all'"),
    _damage(14, "subscription", "unknown mode",
        "UPDATE kanban_notify_subs SET mode = 'shout'"),
    _damage(14, "task", "unreadable skills",
        "UPDATE tasks SET skills = '[\"sql\"' WHERE id = :ready"),
    _damage(14, "run", "unreadable metadata",
        "UPDATE task_runs SET metadata = '[1]' WHERE task_id = :done"),
    _damage(14, "run", "unreadable worker_identity",
        "UPDATE task_runs SET worker_identity = '{}' WHERE task_id = :running"),
    _damage(14, "subscription", "unreadable filter",
        "UPDATE kanban_notify_subs SET filter = 'all'"),
    _damage(14, "event", "unreadable payload",
        "UPDATE task_events SET payload = '{\"task\": ' WHERE task_id = :ready"),
    _damage(14, "event", "the run part names no run",
        "UPDATE task_events SET payload = '{\"run\": {\"summary\": \"x\"}}'"
        " WHERE kind = 'claimed'"),
    _damage(14, "event", "unreadable payload",
        "UPDATE task_events SET payload = '' WHERE kind = 'paused'"),
    _damage(14, "task", "unknown status 'lost'",
        "UPDATE tasks SET status = 'lost' WHERE id = :ready"),
    _damage(14, "task", "unknown block_kind",
        "UPDATE tasks SET block_kind = 'lazy' WHERE id = :needs_input"),
    _damage(14, "run", "unknown outcome",
        "UPDATE task_runs SET outcome = 'fine' WHERE task_id = :done"),
    _damage(14, "event", "unknown kind",
        "UPDATE task_events SET kind = 'dreamt' WHERE kind = 'edited'"),
    _damage(14, "event", "names no task",
        "UPDATE task_events SET kind = 'edited' WHERE kind = 'paused'"),
    _damage(14, "delivery", "unknown state",
        "UPDATE deliveries SET state = 'lost' WHERE id = 1"),
    _damage(14, "event", "does not exist",
        "UPDATE task_events SET run_id = 999999 WHERE kind = 'claimed'"),
    _damage(14, "comment", "does not exist",
        "UPDATE task_comments SET task_id = 't_nobody'"),
    _damage(15, "run", "has not exited",
        "INSERT INTO task_runs (id, task_id, claimer, worker_pid, started_at, ended_at, outcome)"
        " VALUES (-1, :running, 'person:me', 7, 1, 2, 'reclaimed')"),
    _damage(16, "task", "title is 'other'",
        "UPDATE tasks SET title = 'other' WHERE id = :ready"),
    _damage(16, "run", "summary is 'other' and its events tell 'counted'",
        "UPDATE task_runs SET summary = 'other' WHERE summary = 'counted'"),
    _damage(16, "link", "created_at is 1",
        "UPDATE task_links SET created_at = 1 WHERE child_id = :todo"),
    _damage(16, "link", "no event tells of it",
        _LINK.format(":ready", ":dependency")),
    _damage(16, "link", "has no row",
        "DELETE FROM task_links WHERE child_id = :dependency"),
    _damage(16, "run", "no event tells of it",
        _ADD_RUN.format(":ready", "1900000000", "1900000000", "'reclaimed'")),
    _damage(16, "run", "has no row",
        "DELETE FROM task_runs WHERE task_id = :late"),
    _damage(16, "task", "has no row",
        "DELETE FROM tasks WHERE id = :failed"),
    _damage(16, "task", "no event tells of it",
        "DELETE FROM task_events WHERE task_id = :ready"),
    _damage(14, "event", "the attachment part names no attachment",
        "UPDATE task_events SET payload = '{\"attachment\": {\"name\": \"x\"}}'"
        " WHERE kind = 'attached'"),
    _damage(14, "attachment", "does not exist",
        "UPDATE task_attachments SET run_id = 999999 WHERE name = 'report.txt'"),
    _damage(16, "attachment", "name is 'other.txt' and its events tell 'notes.txt'",
        "UPDATE task_attachments SET name = 'other.txt' WHERE name = 'notes.txt'"),
    _damage(16, "attachment", "no event tells of it",
        "INSERT INTO task_attachments (task_id, name, size, media_type, sha256, path, created_at)"
        " VALUES (:ready, 'x', 1, 'text/plain', '', 'elsewhere', 1900000000)"),
    _damage(16, "attachment", "has no row",
        "DELETE FROM task_attachments WHERE name = 'notes.txt'"),
    _damage(14, "attachment", "has no file of 8 bytes",
        "UPDATE task_attachments SET size = 8 WHERE name = 'notes.txt'"),
    _damage(17, "task", "block kind none",
        "UPDATE tasks SET block_kind = NULL WHERE id = :needs_input"),
    _damage(17, "task", "and no reason",
        "UPDATE tasks SET block_reason = NULL WHERE id = :needs_input"),
    _damage(17, "task", "no time at which that ends",
        "UPDATE tasks SET eligible_at = NULL WHERE id = :transient"),
    _damage(17, "task", "dependency and no parent is open",
        "DELETE FROM task_links WHERE child_id = :dependency"),
    _damage(17, "task", "does not say what lifts it",
        "UPDATE task_events SET payload = replace(payload, 'lifted_by', 'lifted')"
        " WHERE task_id = :needs_input"),
    _damage(17, "task", "is blocked and no event says so",
        "UPDATE tasks SET status = 'blocked', block_kind = 'needs_input', block_reason = 'why'"
        " WHERE id = :ready"),
]  # fmt: skip


@pytest.fixture(scope="module")
def rich_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home whose board is rich and sound, and its tasks; made once, to be copied."""
    home = tmp_path_factory.mktemp("rich") / "home"
    with pytest.MonkeyPatch.context() as patch:
        board = ABoard(home, patch)
        tasks = rich_board(board)
        assert kb.check(board.conn) == []
        board.close()
    return home, tasks


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize(
    "damage", DAMAGES, ids=[f"{d.invariant}-{d.what.replace(' ', '_')}" for d in DAMAGES]
)
def test_a_planted_damage_is_found(
    rich_home: tuple[Path, dict[str, str]], make_board: MakeBoard, tmp_path: Path, damage: Damage
) -> None:
    home, tasks = rich_home
    shutil.copytree(home, tmp_path / "home")
    board = make_board()
    for sql in damage.sql:
        board.damage(sql, **tasks)
    found = kb.check(board.conn)
    assert any(
        (one.invariant, one.noun) == (damage.invariant, damage.noun) and damage.what in one.text
        for one in found
    ), found


@pytest.mark.stores("postgres")
def test_every_planted_damage_is_found_on_postgres(board: ABoard) -> None:
    """On one board: a transaction plants the damage, is checked from within and undone."""
    tasks = rich_board(board)
    missed = {}
    for damage in DAMAGES:
        board.conn.execute("BEGIN")
        for sql in damage.sql:
            board.damage(sql, **tasks)
        found = kb.check(board.conn)
        board.conn.execute("ROLLBACK")
        if not any(
            (one.invariant, one.noun) == (damage.invariant, damage.noun) and damage.what in one.text
            for one in found
        ):
            missed[damage.what] = found
    assert missed == {}
    assert kb.check(board.conn, deep=True) == []


def test_each_invariant_of_the_database_has_a_planted_damage() -> None:
    assert {damage.invariant for damage in DAMAGES} == set(S_INVARIANTS)


def test_a_board_on_which_every_verb_was_used_is_clean(board: ABoard) -> None:
    rich_board(board)
    assert kb.check(board.conn, deep=True) == []
    kinds = {row[0] for row in board.conn.execute("SELECT DISTINCT kind FROM task_events")}
    assert EVENT_KINDS - kinds <= NEVER_ON_A_RICH_BOARD
    assert kinds & CLOSING_EVENTS


def test_an_empty_board_is_clean(board: ABoard) -> None:
    assert kb.check(board.conn, deep=True) == []


def test_a_damaged_row_is_named_by_its_key(board: ABoard) -> None:
    tasks = rich_board(board)
    board.damage("UPDATE tasks SET title = 'other' WHERE id = :ready", **tasks)
    (found,) = kb.check(board.conn)
    assert (found.invariant, found.noun, found.row_id) == (16, "task", tasks["ready"])
    assert found.text == "title is 'other' and its events tell 'ready'"


@pytest.mark.stores("sqlite")
def test_a_deep_check_reads_the_pages_too(board: ABoard) -> None:
    board.create()
    board.damage("UPDATE tasks SET consecutive_failures = -1")
    assert "board" not in {one.noun for one in kb.check(board.conn)}
    assert "board" in {one.noun for one in kb.check(board.conn, deep=True)}


def test_a_replay_shows_the_board_as_it_was(board: ABoard) -> None:
    task_id = board.create("first")
    before = kb.newest_event_id(board.conn)
    run = board.claim(task_id)
    kb.complete_task(board.conn, task_id, run_id=run.id, claim_lock=run.claim_lock, result="42")
    now, then = kb.replay(board.conn), kb.replay(board.conn, until=before)
    assert [(t["status"], t["result"]) for t in now.tasks] == [("done", "42")]
    assert [(t["status"], t["result"]) for t in then.tasks] == [("ready", None)]
    assert [r["outcome"] for r in now.runs] == ["completed"]
    assert then.runs == []


def test_a_replay_of_an_unreadable_event_says_so(board: ABoard) -> None:
    board.create()
    board.damage("UPDATE task_events SET payload = 'gone'")
    with pytest.raises(kb.BoardDamaged, match="event 1 is unreadable"):
        kb.replay(board.conn)


@pytest.mark.parametrize("name", ["check", "replay", "stats", "why"])
def test_a_submodule_does_not_hide_the_verb_of_its_name(name: str) -> None:
    import_module(f"hermes_kanban.kernel.{name}")
    assert callable(getattr(kb, name))
