"""A worker's commands speak for its run; ``--as-person`` and other tasks do not."""

from __future__ import annotations

from typing import Any

import pytest

from hermes_kanban import kernel as kb


def test_it_completes_its_own_task_without_naming_it(cli: Any, board: Any, worker: kb.Task) -> None:
    done = cli("complete", "--summary", "written", "--result", "42", "--metadata", '{"n": 1}')
    assert done.code == 0, done.err
    run = kb.latest_run(board.conn, worker.id)
    assert run is not None
    assert (run.id, run.outcome, run.summary) == (worker.current_run_id, "completed", "written")
    assert run.metadata == {"n": 1}
    assert kb.list_events(board.conn)[-1].actor == "person:ann"  # who claimed it by hand


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["block", "which one?"], "blocked"),
        (["block", "later", "--kind", "transient", "--retry-in", "30m"], "blocked"),
        (["request-review", "--summary", "read it"], "review"),
        (["heartbeat"], "running"),
        (["comment", "half done"], "running"),
        (["show"], "running"),
        (["context"], "running"),
        (["runs"], "running"),
        (["why"], "running"),
        (["log"], "running"),
    ],
)
def test_it_may_leave_its_own_id_out(
    cli: Any, board: Any, worker: kb.Task, words: list[str], status: str
) -> None:
    done = cli(*words)
    assert done.code == 0, done.err
    assert board.status(worker.id) == status


def test_it_waits_for_its_children(cli: Any, board: Any, worker: kb.Task) -> None:
    children = [board.task(), board.task()]
    assert cli("wait-for", *children).code == 0
    assert board.status(worker.id) == "todo"
    run = kb.latest_run(board.conn, worker.id)
    assert run is not None
    assert run.outcome == "waiting"


def test_what_it_creates_and_says_is_of_its_run(cli: Any, board: Any, worker: kb.Task) -> None:
    made = cli("create", "A part", "--json").json["task"]["id"]
    assert kb.get_task(board.conn, made).created_run_id == worker.current_run_id
    cli("comment", made, "see this")
    assert kb.list_comments(board.conn, made)[0].run_id == worker.current_run_id


def test_a_run_that_has_ended_is_refused_with_who_holds_the_task(
    cli: Any, board: Any, worker: kb.Task
) -> None:
    kb.reclaim_task(board.conn, worker.id)
    kb.claim_task(board.conn, worker.id)
    done = cli("complete", "--result", "late")
    assert done.code == 4
    assert "refused" in done.error
    assert f"in run {worker.current_run_id + 1}" in done.error  # type: ignore[operator]
    assert board.status(worker.id) == "running"
    assert cli("comment", worker.id, "late").code == 4
    adopted = cli("adopt", worker.id, "--run", str(worker.current_run_id), "--as-person")
    assert adopted.code == 4  # it runs again
    assert cli("complete", worker.id, "--as-person").code == 0


def test_a_wrong_lock_is_refused(
    cli: Any, board: Any, worker: kb.Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_CLAIM_LOCK", "0" * 32)
    assert cli("heartbeat").code == 4
    assert cli("complete").code == 4
    assert board.status(worker.id) == "running"


def test_a_broken_run_id_is_misuse(
    cli: Any, board: Any, worker: kb.Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_RUN_ID", "seven")
    done = cli("complete")
    assert done.code == 2
    assert "--as-person" in done.error


def test_as_a_person_it_wins_without_run_and_lock(cli: Any, board: Any, worker: kb.Task) -> None:
    assert cli("complete", "--as-person").code == 2  # which task is not guessed for people
    assert cli("complete", worker.id, "--as-person").code == 0
    assert kb.list_events(board.conn)[-1].actor == "person:ann"


def test_on_another_task_it_acts_as_its_profile(cli: Any, board: Any, worker: kb.Task) -> None:
    other = board.task()
    assert cli("edit", other, "--title", "Read").code == 0
    assert kb.list_events(board.conn, other)[-1].actor == "profile:writer"


def test_it_does_not_approve_its_own_work(cli: Any, board: Any, worker: kb.Task) -> None:
    cli("request-review")
    done = cli("approve", worker.id)
    assert done.code == 2
    assert "profile:writer" in done.error
    assert board.status(worker.id) == "review"


def test_another_board_is_not_its_own(cli: Any, board: Any, worker: kb.Task) -> None:
    kb.create_board("website")
    made = cli("create", "x", "--board", "website", "--json").json["task"]["id"]
    conn = kb.connect("website")
    assert kb.get_task(conn, made).created_run_id is None
    conn.close()


def test_a_worker_started_elsewhere_proves_its_run(cli: Any, board: Any) -> None:
    claimed = cli("claim", board.task(), "--claimer", "outside", "--json").json
    proof = ["--run", str(claimed["run"]["id"]), "--lock", claimed["run"]["claim_lock"]]
    task_id = claimed["task"]["id"]
    assert cli("heartbeat", task_id, "--ttl", "1h", *proof).code == 0
    assert cli("complete", task_id, *proof[:2], "--lock", "wrong").code == 4
    assert cli("complete", task_id, *proof).code == 0


def test_what_people_said_meanwhile_comes_with_the_answer_once(
    cli: Any, board: Any, worker: kb.Task
) -> None:
    kb.add_comment(board.conn, worker.id, "use the other table", actor="person:ada")
    told = cli("heartbeat", "--json").json["inbox"]["news"]
    assert [(news["author"], news["text"]) for news in told] == [
        ("person:ada", "use the other table")
    ]
    assert "inbox" not in cli("heartbeat", "--json").json


def test_and_in_lines_for_those_who_read_lines(cli: Any, board: Any, worker: kb.Task) -> None:
    kb.add_comment(board.conn, worker.id, "stop\x1b[2J here", actor="person:ada")
    out = cli("heartbeat").out
    assert "> person:ada commented: stop" in out
    assert "\x1b" not in out


def test_people_take_nothing_out_of_a_workers_inbox(cli: Any, board: Any, worker: kb.Task) -> None:
    kb.add_comment(board.conn, worker.id, "for the worker", actor="person:ada")
    assert "inbox" not in cli("comment", worker.id, "by a person", "--as-person", "--json").json
    assert len(cli("heartbeat", "--json").json["inbox"]["news"]) == 2
