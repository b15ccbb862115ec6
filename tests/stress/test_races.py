"""Races for the same rows, round after round: whoever wins, the board is one that a queue leaves.

The racers are real processes that start their moves at the same moment. In each round the moves
are dealt anew, so that each of them comes first now and then.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.invariants.attached import altered_files, missing_files
from tests.stress.power import REPOSITORY, environment
from tests.support.boards import ManualClock

HEAD_START_SECONDS = 0.002
ROUNDS = pytest.mark.parametrize("rounds", [30, pytest.param(1_500, marks=pytest.mark.torture)])


class Race:
    """Four racers on one board, and the board as the starter sees it."""

    def __init__(self, home: Path) -> None:
        self.clock = ManualClock()
        self.conn = kb.connect(clock=self.clock)
        self.chance = random.Random(1)
        self.figures: Counter[str] = Counter()
        self.racers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.stress.races"],
                cwd=REPOSITORY,
                env=environment(home, HERMES_KANBAN_DURABILITY="normal"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for racer in self.racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"

    def new(self, *, parents: list[str] | None = None) -> str:
        return kb.create_task(self.conn, title="a task", parents=parents or [])

    def run(self, *moves: dict[str, Any]) -> list[Any]:
        """Let the moves begin at once, one racer each; what each returned, an error's text."""
        racers = self.chance.sample(self.racers, len(moves))
        at = time.monotonic() + HEAD_START_SECONDS
        for racer, move in zip(racers, moves, strict=True):
            assert racer.stdin is not None
            racer.stdin.write(json.dumps(move | {"at": at, "now": self.clock.at}) + "\n")
            racer.stdin.flush()
        answers = [json.loads(racer.stdout.readline()) for racer in racers if racer.stdout]
        return [answer.get("returned", answer.get("refused")) for answer in answers]

    def outcomes(self, task_id: str) -> list[str | None]:
        return [run.outcome for run in kb.list_runs(self.conn, task_id)]

    def kinds(self, task_id: str) -> list[str]:
        return [event.kind for event in kb.list_events(self.conn, task_id)]

    def close(self) -> None:
        for racer in self.racers:
            if racer.stdin:
                racer.stdin.close()
            racer.wait(20)
        self.conn.close()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Race]:
    home = tmp_path_factory.mktemp("races")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERMES_KANBAN_HOME", str(home))
        patch.setenv("HERMES_KANBAN_DURABILITY", "normal")
        made = Race(home)
    yield made
    made.close()


@pytest.fixture
def race(started: Race) -> Iterator[Race]:
    """The racers and their board, which is sound after every race."""
    started.figures.clear()
    yield started
    print(f"\n{dict(started.figures)}")
    assert kb.check(started.conn, deep=True) == []


@ROUNDS
@pytest.mark.parametrize("length", [2, 3, 4])
def test_links_that_close_a_ring_are_never_all_made(race: Race, length: int, rounds: int) -> None:
    for _ in range(rounds):
        ring = [race.new() for _ in range(length)]
        answers = race.run(
            *(
                {"verb": "link", "parent": parent, "child": child}
                for parent, child in zip(ring, ring[1:] + ring[:1], strict=True)
            )
        )
        assert answers.count(True) == length - 1, answers
        (refusal,) = [one for one in answers if one is not True]
        assert "cycle" in refusal, refusal
        race.figures[f"refused: {answers.index(refusal)}"] += 1


@ROUNDS
def test_a_key_makes_one_task(race: Race, rounds: int) -> None:
    for number in range(rounds):
        before = kb.newest_event_id(race.conn)
        ids = race.run(*[{"verb": "create", "key": f"key-{number}"}] * 4)
        assert len(set(ids)) == 1, ids
        assert [event.kind for event in kb.list_events(race.conn, after=before)] == ["created"]


@ROUNDS
def test_a_child_is_claimed_before_its_gate_closes_or_not_at_all(race: Race, rounds: int) -> None:
    for _ in range(rounds):
        parent, other = race.new(), race.new()
        kb.complete_task(race.conn, parent)
        child = race.new(parents=[parent])
        before = race.kinds(child)
        claimed, reopened, linked = race.run(
            {"verb": "claim", "task": child},
            {"verb": "reopen", "task": parent},
            {"verb": "link", "parent": other, "child": child},
        )
        assert reopened is True and linked is True
        kinds = race.kinds(child)[len(before) :]
        assert kb.get_task(race.conn, child).status == ("running" if claimed else "todo")
        if claimed:
            assert kinds[0] == "claimed", kinds
        race.figures["claimed" if claimed else "gated"] += 1
    assert race.figures["claimed"] and race.figures["gated"], "the moves never changed places"


@ROUNDS
def test_a_child_whose_parents_end_at_once_is_promoted_once(race: Race, rounds: int) -> None:
    for _ in range(rounds):
        parents = [race.new() for _ in range(3)]
        child = race.new(parents=parents)
        ends = [{"verb": "complete", "task": parent, "result": "x"} for parent in parents]
        *done, claimed = race.run(*ends, {"verb": "claim", "task": child})
        assert done == [True] * 3
        assert race.kinds(child).count("promoted") == 1
        assert kb.get_task(race.conn, child).status == ("running" if claimed else "ready")
        race.figures["claimed at once" if claimed else "claimed too early"] += 1


@ROUNDS
def test_a_lease_that_ran_out_ends_one_way(race: Race, rounds: int) -> None:
    """Its holder completes it and beats while two others reclaim it."""
    for number in range(rounds):
        task_id = race.new()
        claimed = kb.claim_task(race.conn, task_id, ttl_seconds=5)
        assert claimed is not None
        race.clock.advance(6)
        held = {"task": task_id, "run": claimed.current_run_id}
        completed, beaten, *released = race.run(
            {"verb": "complete", "result": f"result {number}"} | held,
            {"verb": "beat"} | held,
            {"verb": "release"},
            {"verb": "release"},
        )
        reclaimed = sum(claimed.current_run_id in one for one in released)
        if completed:
            assert reclaimed == 0
            assert race.outcomes(task_id) == ["completed"]
        else:
            assert reclaimed == 1
            assert race.outcomes(task_id) == ["reclaimed"]
            late = [e for e in kb.list_events(race.conn, task_id) if e.kind == "fenced"]
            assert f"result {number}" in str([event.payload for event in late])
            kb.archive_task(race.conn, task_id)
        name = "completed" if completed else "reclaimed"
        race.figures[f"{name}, beat {'held' if beaten else 'fenced'}"] += 1
    found = " ".join(race.figures)
    assert "completed" in found and "reclaimed" in found, "the moves never changed places"


@ROUNDS
def test_a_run_is_completed_once(race: Race, rounds: int) -> None:
    for _ in range(rounds):
        task_id = race.new()
        claimed = kb.claim_task(race.conn, task_id)
        assert claimed is not None
        held = {"verb": "complete", "task": task_id, "run": claimed.current_run_id}
        answers = race.run(*({"result": f"by {racer}"} | held for racer in range(4)))
        assert answers.count(True) == 1, answers
        assert race.kinds(task_id).count("completed") == 1
        winner = answers.index(True)
        assert kb.get_task(race.conn, task_id).result == f"by {winner}"


@ROUNDS
def test_who_attaches_a_file_that_others_remove_has_it(race: Race, rounds: int) -> None:
    """Its last other attachment is purged, and ``gc`` looks for files without a row."""
    removed = 0
    for number in range(rounds):
        old, one, two = race.new(), race.new(), race.new()
        data = f"content {number} " * 2_000
        kb.add_attachment(race.conn, old, name="file", data=data.encode())
        kb.archive_task(race.conn, old)
        moves = [
            {"verb": "attach", "task": one, "data": data},
            {"verb": "attach", "task": race.chance.choice([one, two]), "data": data},
            {"verb": "purge", "task": old},
            {"verb": "gc"},
        ]
        first, second, purged, cleared = race.run(*moves)
        assert isinstance(first, int) and isinstance(second, int)
        assert purged == old
        removed += cleared
        rows = kb.list_attachments(race.conn, one) + kb.list_attachments(race.conn, two)
        assert {row.id for row in rows} == {first, second}
        assert [*missing_files(race.conn), *altered_files(race.conn)] == []
        for task in (one, two):
            kb.archive_task(race.conn, task)
            kb.purge_task(race.conn, task)
        kb.gc(race.conn)
        assert list((race.conn.paths.root / "attachments").iterdir()) == []
    race.figures["removed by gc in between"] = removed
