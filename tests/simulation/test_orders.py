"""Orders of events that broke an invariant once, whichever seeds they come up at now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermes_kanban import kernel as kb
from tests.simulation import history, people, workers
from tests.simulation.boards import BOARD_ID, SLUG, Home
from tests.simulation.steps import Step
from tests.simulation.turns import Play
from tests.support import stores

STEP = Step(1, "order", 0, 0, 0, "run", 0)


@pytest.fixture
def world(store: str) -> Iterator[Play]:
    on_postgres = store != "sqlite"
    database = (
        stores.database_of_process("simulation", slug=SLUG, board_id=BOARD_ID)
        if on_postgres
        else None
    )
    home = Home(database)
    board = home.board()
    world = Play(0, board)
    yield world
    world.close()
    board.remove()
    home.close()


def test_a_task_is_purged_while_somebody_waits_to_claim_it(world: Play) -> None:
    world.act(STEP, "person create", lambda conn: kb.create_task(conn, title="soon gone"))
    (task,) = world.oracle.shadow.tasks

    world.act(STEP.until("lock"), "outsider claim", workers.claim(task, STEP), task=task)
    assert [action.label for action in world.crew.aside] == ["outsider claim"]
    for verb in ("archive", "purge"):
        world.act(STEP, f"person {verb}", people.CALLS[verb](world, task, STEP), task=task)
    world.finish_actions()

    assert any("outsider claim: NotFound" in line for line in world.log)
    assert world.oracle.shadow.tasks == {}
    history.check(world)


@pytest.mark.stores("sqlite")
def test_a_clock_is_set_back_while_a_look_follows_it() -> None:
    """Leases went back with it, and were judged by the time before."""
    home = Home()
    outcome = history.run(home, 100_986)
    home.close()
    assert outcome.broken is None, outcome.text
