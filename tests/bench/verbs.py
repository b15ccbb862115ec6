"""What a verb costs beside the floor: create, claim + complete, and creates in a batch."""

from __future__ import annotations

import time

from hermes_kanban import kernel as kb
from tests.bench.floor import Floor
from tests.bench.measure import Figure, alternating, at_least, fresh_home, plain, ratio_of_medians

BLOCK = 200
TITLE = "Measure one package of the tree"
BODY = "b" * 400
RESULT = "r" * 200


def measure() -> list[Figure]:
    return [*_create(), *_claim_complete(), *_batch()]


def _payload_of(conn: kb.BoardConnection, kind: str) -> str:
    row = conn.execute(
        "SELECT payload FROM task_events WHERE kind = ? ORDER BY id DESC LIMIT 1", (kind,)
    ).fetchone()
    return str(row[0])


def _rehearse(conn: kb.BoardConnection) -> dict[str, str]:
    """One life of a task by our verbs, for payloads of the true size."""
    task_id = _new(conn)
    _run(conn, task_id)
    return {kind: _payload_of(conn, kind) for kind in ("created", "claimed", "completed")}


def _new(conn: kb.BoardConnection) -> str:
    return kb.create_task(conn, title=TITLE, body=BODY, assignee="coder", actor="person:bench")


def _run(conn: kb.BoardConnection, task_id: str, seen: kb.Task | None = None) -> None:
    task = kb.claim_task(conn, task_id, claimer="bench", seen=seen)
    assert task is not None
    done = kb.complete_task(
        conn,
        task_id,
        result=RESULT,
        summary="done",
        run_id=task.current_run_id,
        claim_lock=task.claim_lock,
    )
    assert done


def _create() -> list[Figure]:
    with fresh_home():
        kb.create_board("ours")
        kb.create_board("floor")
        ours = kb.connect("ours")
        payload = _rehearse(ours)["created"]
        floor = Floor(kb.connect("floor").paths.database)
        now = int(time.time())

        def by_us() -> None:
            for _ in range(BLOCK):
                _new(ours)

        def by_hand() -> None:
            for _ in range(BLOCK):
                floor.create(TITLE, BODY, payload, now)

        mine, theirs = alternating(by_us, by_hand)
        ours.close()
        floor.close()
    return [
        at_least("create, beside the floor", ratio_of_medians(theirs, mine), 0.8),
        plain("create", sorted(mine)[len(mine) // 2] / BLOCK * 1e6, "µs"),
    ]


def _claim_complete() -> list[Figure]:
    with fresh_home():
        kb.create_board("ours")
        kb.create_board("floor")
        ours = kb.connect("ours")
        payloads = _rehearse(ours)
        floor = Floor(kb.connect("floor").paths.database)
        now = int(time.time())
        our_ids: list[str] = []
        floor_ids: list[str] = []

        def prepare() -> None:
            with kb.batch(ours):
                our_ids.extend(_new(ours) for _ in range(BLOCK))
            floor.begin()
            for _ in range(BLOCK):
                floor_ids.append(floor.insert_task(TITLE, BODY, payloads["created"], now))
            floor.commit()

        for _ in range(11):
            prepare()

        def by_us() -> None:
            for _ in range(BLOCK):
                _run(ours, our_ids.pop(0))

        def by_hand() -> None:
            for _ in range(BLOCK):
                task_id = floor_ids.pop(0)
                run_id = floor.claim(task_id, payloads["claimed"], now)
                assert run_id is not None
                floor.complete(task_id, run_id, RESULT, payloads["completed"], now)

        mine, theirs = alternating(by_us, by_hand)
        ours.close()
        floor.close()
    return [
        at_least("claim + complete, beside the floor", ratio_of_medians(theirs, mine), 0.75),
        plain("claim + complete", sorted(mine)[len(mine) // 2] / BLOCK * 1e6, "µs"),
    ]


def _batch() -> list[Figure]:
    with fresh_home():
        conn = kb.connect()

        def single() -> None:
            for _ in range(50):
                _new(conn)

        def batched() -> None:
            with kb.batch(conn):
                for _ in range(50):
                    _new(conn)

        mine, theirs = alternating(batched, single)
        conn.close()
    return [
        at_least("50 creates in a batch, beside single ones", ratio_of_medians(theirs, mine), 4.0)
    ]
