"""What a verb costs beside the floor: create, claim + complete, and creates in a batch."""

from __future__ import annotations

import time

from hermes_kanban import kernel as kb
from tests.bench.measure import (
    Figure,
    alternating,
    at_least,
    fresh_home,
    plain,
    ratio_of_medians,
)
from tests.bench.postgres.floor import Floor
from tests.bench.postgres.server import Server, addressed
from tests.bench.verbs import BLOCK, BODY, RESULT, TITLE, _new, _rehearse, _run


def measure(server: Server) -> list[Figure]:
    address = server.database("verbs")
    with fresh_home(), addressed(address):
        kb.create_board("ours")
        kb.create_board("floor")
        ours, floor = kb.connect("ours"), Floor(address, "floor")
        payloads = _rehearse(ours)
        figures = [*_create(ours, floor, payloads), *_claim_complete(ours, floor, payloads)]
        ours.close()
        floor.close()
    return figures


def _create(ours: kb.BoardConnection, floor: Floor, payloads: dict[str, str]) -> list[Figure]:
    now = int(time.time())

    def by_us() -> None:
        for _ in range(BLOCK):
            _new(ours)

    def by_hand() -> None:
        for _ in range(BLOCK):
            floor.create(TITLE, BODY, payloads["created"], now)

    return _figures("create", *alternating(by_us, by_hand))


def _claim_complete(
    ours: kb.BoardConnection, floor: Floor, payloads: dict[str, str]
) -> list[Figure]:
    """As somebody does who has listed the tasks, and by somebody who saw nothing before."""
    figures = _figures("claim + complete", *_closed(ours, floor, payloads))
    ours.foresees = False
    mine, theirs = _closed(ours, floor, payloads)
    unseen = ratio_of_medians(theirs, mine)
    return [*figures, plain("claim + complete of what nobody saw, beside the floor", unseen, "×")]


def _closed(
    ours: kb.BoardConnection, floor: Floor, payloads: dict[str, str]
) -> tuple[list[float], list[float]]:
    now = int(time.time())
    with kb.batch(ours):
        our_ids = [_new(ours) for _ in range(BLOCK * 11)]
    listed = [kb.get_task(ours, task_id) for task_id in our_ids]
    floor_ids = [floor.create(TITLE, BODY, payloads["created"], now) for _ in range(BLOCK * 11)]

    def by_us() -> None:
        for _ in range(BLOCK):
            task = listed.pop(0)
            _run(ours, task.id, seen=task)

    def by_hand() -> None:
        for _ in range(BLOCK):
            task_id = floor_ids.pop(0)
            run_id = floor.claim(task_id, payloads["claimed"], now)
            floor.complete(task_id, run_id, RESULT, payloads["completed"], now)

    return alternating(by_us, by_hand)


def _figures(name: str, mine: list[float], theirs: list[float]) -> list[Figure]:
    return [
        at_least(f"{name}, beside the floor", ratio_of_medians(theirs, mine), 0.7),
        plain(name, sorted(mine)[len(mine) // 2] / BLOCK * 1e6, "µs"),
        plain(f"{name}, the floor", sorted(theirs)[len(theirs) // 2] / BLOCK * 1e6, "µs"),
    ]
