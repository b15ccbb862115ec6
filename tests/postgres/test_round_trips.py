"""What each verb costs in round trips, and what becomes of it when the line breaks at one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.claim import register_worker
from tests.kernel.scenes import dump
from tests.support.boards import ABoard
from tests.support.relay import Relay

pytestmark = pytest.mark.stores("postgres")

Call = Callable[[kb.BoardConnection], object]


def a_task(board: ABoard) -> str:
    return board.create("work")


def a_claim(board: ABoard, **wanted: Any) -> dict[str, Any]:
    """The proof of a worker whose task is claimed."""
    task = kb.claim_task(board.conn, board.create("work", **wanted))
    assert task is not None
    return {"task_id": task.id, "run_id": task.current_run_id, "claim_lock": task.claim_lock}


def create(_board: ABoard) -> Call:
    return partial(kb.create_task, title="new", assignee="coder")


def create_below(board: ABoard) -> Call:
    parents = [a_task(board), a_task(board)]
    return partial(kb.create_task, title="new", assignee="coder", parents=parents)


def create_ten(_board: ABoard) -> Call:
    def together(conn: kb.BoardConnection) -> None:
        with kb.batch(conn):
            for number in range(10):
                kb.create_task(conn, title=f"new {number}")

    return together


def comment(board: ABoard) -> Call:
    task_id = a_task(board)
    return lambda conn: kb.add_comment(conn, task_id, "said")


def claim(board: ABoard) -> Call:
    task_id = a_task(board)
    return lambda conn: kb.claim_task(conn, task_id)


def claim_listed(board: ABoard) -> Call:
    seen = board.task(a_task(board))
    return lambda conn: kb.claim_task(conn, seen.id, seen=seen)


def claim_listed_and_complete(board: ABoard) -> Call:
    claim = claim_listed(board)

    def both(conn: kb.BoardConnection) -> None:
        task = claim(conn)
        assert isinstance(task, kb.Task)
        proof = {"run_id": task.current_run_id, "claim_lock": task.claim_lock}
        kb.complete_task(conn, task.id, **proof, result="r", summary="done")

    return both


def claim_next(board: ABoard) -> Call:
    a_task(board)
    return kb.claim_next


def register(board: ABoard) -> Call:
    proof = a_claim(board)
    return lambda conn: register_worker(conn, proof["run_id"], pid=7, identity=None, log_path=None)


def heartbeat(board: ABoard) -> Call:
    proof = a_claim(board)
    return lambda conn: kb.heartbeat_claim(conn, **proof, ttl_seconds=5_000)


def complete(board: ABoard) -> Call:
    proof = a_claim(board)
    return lambda conn: kb.complete_task(conn, **proof, result="r", summary="done")


def complete_and_promote(board: ABoard) -> Call:
    proof = a_claim(board)
    for _ in range(3):
        board.create("child", parents=[proof["task_id"]])
    return lambda conn: kb.complete_task(conn, **proof)


def block(board: ABoard) -> Call:
    proof = a_claim(board)
    return lambda conn: kb.block_task(conn, **proof, reason="which?")


def unblock(board: ABoard) -> Call:
    proof = a_claim(board)
    kb.block_task(board.conn, **proof, reason="which?")
    return lambda conn: kb.unblock_task(conn, proof["task_id"], reason="that one")


def request_review(board: ABoard) -> Call:
    proof = a_claim(board)
    return lambda conn: kb.request_review(conn, **proof, summary="look")


def approve(board: ABoard) -> Call:
    proof = a_claim(board)
    kb.request_review(board.conn, **proof, summary="look")
    return lambda conn: kb.approve_task(conn, proof["task_id"])


def archive(board: ABoard) -> Call:
    task_id = a_task(board)
    return lambda conn: kb.archive_task(conn, task_id)


def link(board: ABoard) -> Call:
    parent, child = a_task(board), a_task(board)
    return lambda conn: kb.link_tasks(conn, parent, child)


def lose_a_claim(board: ABoard) -> Call:
    proof = a_claim(board)
    return lambda conn: kb.claim_task(conn, proof["task_id"])


def read_a_task(board: ABoard) -> Call:
    task_id = a_task(board)
    return lambda conn: kb.get_task(conn, task_id)


def why(board: ABoard) -> Call:
    task_id = a_task(board)
    return lambda conn: kb.why(conn, task_id)


def tick(_board: ABoard) -> Call:
    def never(task: kb.Task, _run: kb.Run) -> int:
        raise AssertionError(f"{task.id} must not start")

    return lambda conn: kb.dispatch_once(conn, spawn_fn=never, sweep=kb.Sweep())


WRITES: Final[dict[str, tuple[Callable[[ABoard], Call], int]]] = {
    "create": (create, 1),
    "create below 2 parents": (create_below, 2),
    "a batch of 10 creates": (create_ten, 11),
    "comment": (comment, 2),
    "claim": (claim, 2),
    "claim as seen": (claim_listed, 1),
    "claim as seen and complete": (claim_listed_and_complete, 2),
    "claim next": (claim_next, 4),
    "register": (register, 2),
    "heartbeat": (heartbeat, 2),
    "complete": (complete, 2),
    "complete and promote 3 children": (complete_and_promote, 3),
    "block": (block, 2),
    "unblock": (unblock, 2),
    "request review": (request_review, 2),
    "approve": (approve, 2),
    "archive": (archive, 2),
    "link": (link, 2),
}
"""By name: what prepares it, and its round trips. docs/postgres.md shows the same."""
READS: Final[dict[str, tuple[Callable[[ABoard], Call], int]]] = {
    "a claim that is lost": (lose_a_claim, 2),
    "read a task": (read_a_task, 1),
    "why": (why, 4),
    "a tick with nothing to do": (tick, 5),
}


def test_a_verb_costs_a_round_trip_for_each_answer_that_it_waits_for(
    board: ABoard, line: Relay
) -> None:
    conn = board.connect()
    wanted = WRITES | READS
    costs = {}
    for name, (prepare, _) in wanted.items():
        call = prepare(board)
        before = line.round_trips
        call(conn)
        conn.execute("SELECT 1")  # behind an end that nobody waits for
        costs[name] = line.round_trips - before - 1
    conn.close()
    assert costs == {name: trips for name, (_, trips) in wanted.items()}
    assert costs == told()


def told() -> dict[str, int]:
    """What the documentation says."""
    text = (Path(__file__).parents[2] / "docs" / "postgres.md").read_text("utf-8")
    table = text.partition("| Round trips | |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return {name: int(trips) for trips, names in rows for name in names.split(", ")}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("delivered", [False, True])
def test_a_line_that_breaks_at_any_trip_leaves_all_of_a_verb_or_nothing(
    board: ABoard, line: Relay, name: str, delivered: bool
) -> None:
    prepare, _ = WRITES[name]
    for trip in count(1):
        call, conn = prepare(board), board.connect()
        before = dump(board.conn)
        line.cut_at_trip(trip, delivered=delivered)
        try:
            call(conn)
        except kb.BoardUnreachable:
            assert trip > 1, "nobody had seen an answer: it could have begun again"
            assert dump(board.conn) == before
            call(conn)  # and now it can be done
        assert dump(board.conn) != before, "what was said to be done was not kept"
        conn.close()
        if not line.has_cut:
            break
    assert kb.check(board.conn) == []
