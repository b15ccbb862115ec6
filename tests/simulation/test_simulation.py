"""Three hundred histories of two hundred steps: no invariant breaks, whatever happens when.

On PostgreSQL some of them run; ``python -m tests.simulation --store postgres`` runs all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermes_kanban.kernel import finish
from tests.simulation import history
from tests.simulation.boards import BOARD_ID, SLUG, Home
from tests.simulation.history import STEPS, Outcome
from tests.simulation.shrink import explain, shrink
from tests.simulation.spec import EDGES
from tests.simulation.steps import schedule
from tests.support import stores

BLOCK, BLOCKS = 25, 12
SEEDS_ON_BOTH = range(300, 308)
LOGS = """
from tests.simulation import history
from tests.simulation.boards import Home
home = Home()
for seed in (3, 6, 7):
    lines = []
    history.run(home, seed, log=lines)
    print(*lines, sep="\\n")
home.close()
"""


@pytest.fixture
def home(store: str) -> Iterator[Home]:
    made = _home(store)
    yield made
    made.close()


def _home(store: str, *, comparable: bool = False) -> Home:
    if store == "sqlite":
        return Home()
    database = stores.database_of_process("simulation", slug=SLUG, board_id=BOARD_ID)
    return Home(database, comparable=comparable)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_history_breaks_an_invariant(
    home: Home, store: str, block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    seeds = range(block * BLOCK, block * BLOCK + (BLOCK if store == "sqlite" else 1))
    outcomes = [history.run(home, seed) for seed in seeds]

    broken = [outcome for outcome in outcomes if outcome.broken]
    assert not broken, explain(home, broken[0])
    if store == "sqlite":
        figures = history.total(outcomes, "figures")
        assert all(figures[name] for name in ("crashes", "busy", "full disks", "messages", "wakes"))
        _assert_that_every_edge_was_taken(outcomes, block, _shared(tmp_path_factory))


# What a full disk leaves is each store's own.
@pytest.mark.stores("postgres")
@pytest.mark.parametrize("seed", SEEDS_ON_BOTH)
def test_a_schedule_is_the_same_history_on_both_stores(seed: int, store: str) -> None:
    steps = [
        step._replace(fate="run") if step.fate in ("full", "squeeze") else step
        for step in schedule(seed, STEPS)
    ]
    told = {}
    for one in ("sqlite", store):
        log: list[str] = []
        home = _home(one, comparable=True)
        outcome = history.run(home, seed, steps, log=log)
        home.close()
        assert outcome.broken is None, outcome.text
        # Where hosts share no folder, a file is named in full.
        told[one] = [line.replace(f"HOME/boards/{SLUG}/", "") for line in log]

    assert len(told[store]) > 200
    assert told[store] == told["sqlite"]


def _shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the processes of this test run have in common."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "edges"
    folder.mkdir(exist_ok=True)
    return folder


def _assert_that_every_edge_was_taken(outcomes: list[Outcome], block: int, folder: Path) -> None:
    """Whichever block ends last knows what all of them took between them."""
    (folder / f"{block}.tmp").write_text(json.dumps(sorted(history.total(outcomes, "edges"))))
    (folder / f"{block}.tmp").rename(folder / f"{block}.json")
    known = list(folder.glob("*.json"))
    if len(known) == BLOCKS:
        taken = {edge for file in known for edge in json.loads(file.read_text())}
        every = {f"{kind} {source} {to}" for kind, ways in EDGES.items() for source, to in ways}
        assert every - taken == set()


def test_the_same_seed_is_the_same_history_in_any_process() -> None:
    first, second = (_logs(hash_seed) for hash_seed in ("1", "2"))

    assert first.count("\n") > 1_000
    assert first == second


def _logs(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LOGS],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.stores("sqlite")
def test_a_planted_fault_is_found_shortened_and_explained(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "BLOCKS_BEFORE_TRIAGE", 1_000)
    outcomes = (history.run(home, seed) for seed in range(BLOCK * BLOCKS))
    broken = next(outcome for outcome in outcomes if outcome.broken == "loop")

    shorter = shrink(home, broken, schedule(broken.seed, broken.steps))

    assert len(shorter) < 40
    assert history.run(home, broken.seed, shorter).broken == "loop"
    told = explain(home, broken, shorten=False)
    assert f"seed {broken.seed} breaks invariant loop" in told
    assert "blocked by" in told
