"""The next task for workers that no gateway starts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import InvalidInput
from tests.support.boards import ABoard


def _ready(board: ABoard, **asked: object) -> list[str]:
    return [task.id for task in kb.ready_tasks(board.conn, **asked)]  # type: ignore[arg-type]


def test_what_can_be_taken_comes_in_dispatch_order(board: ABoard) -> None:
    plain, own, nobodys = (board.create(assignee=one) for one in ("bee", "worker", None))
    urgent = board.create(assignee="bee", priority=9)
    assert _ready(board) == [urgent, plain, own, nobodys]
    assert _ready(board, assignees=["bee"]) == [urgent, plain]
    assert _ready(board, assignees=[None]) == [nobodys]
    assert _ready(board, assignees=["worker", None], limit=1) == [own]
    assert _ready(board, assignees=["ant"]) == []


def test_what_is_held_is_not_offered(board: ABoard) -> None:
    later = board.create(assignee="bee", scheduled_at=board.clock.now() + 60)
    parent = board.create(assignee="bee")
    board.create(assignee="bee", parents=[parent])
    assert _ready(board) == [parent]
    board.clock.advance(60)
    assert _ready(board) == [later, parent]
    kb.pause(board.conn, actor="person:ann")
    assert _ready(board) == []
    assert kb.claim_next(board.conn) is None


def test_a_folder_in_use_is_left_for_the_next(board: ABoard) -> None:
    folder = f"dir:{board.home.resolve()}"
    held = board.create(assignee="bee", workspace=folder)
    free = board.create(assignee="bee")
    board.start(board.create(workspace=folder))
    assert _ready(board) == [free]
    taken = kb.claim_next(board.conn)
    assert taken is not None
    assert taken.id == free
    assert board.task(held).status == "ready"


def test_the_first_is_taken_with_a_run_of_its_own(board: ABoard) -> None:
    board.create(assignee="bee")
    first = board.create(assignee="bee", priority=1)
    taken = kb.claim_next(board.conn, assignees=["bee"], claimer="bee-1", ttl_seconds=90)
    assert taken is not None
    assert (taken.id, taken.status) == (first, "running")
    assert taken.claim_expires == board.clock.now() + 90
    run = kb.get_run(board.conn, taken.current_run_id or 0)
    assert (run.claimer, run.claim_lock) == ("bee-1", taken.claim_lock)
    assert kb.claim_next(board.conn, assignees=["ant"]) is None


def test_of_many_at_once_each_gets_another(board: ABoard) -> None:
    tasks = {board.create(assignee="bee") for _ in range(12)}

    def take(_: int) -> list[str]:
        with closing(kb.connect(board.conn.paths.slug)) as conn:
            got = []
            while (task := kb.claim_next(conn, assignees=["bee"])) is not None:
                got.append(task.id)
            return got

    with ThreadPoolExecutor(4) as pool:
        taken = [task for got in pool.map(take, range(4)) for task in got]
    assert sorted(taken) == sorted(tasks)


@pytest.mark.parametrize("asked", [{"claimer": ""}, {"ttl_seconds": 0}])
def test_bad_input_is_refused(board: ABoard, asked: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        kb.claim_next(board.conn, **asked)  # type: ignore[arg-type]
