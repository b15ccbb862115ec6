"""How fast each side puts, does, and does with four processes at once: rounds in turn."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.peers.process import Failed, Player, Process

TASKS: Final = 150
ROUNDS: Final = 5
RACERS: Final = 4
WORKS: Final = ("put", "claim and complete", "four processes racing")


class Race(NamedTuple):
    """What the racers came to."""

    per_second: float
    lost: int
    twice: int
    errors: tuple[str, ...]


class Speed(NamedTuple):
    """Tasks a second by work, medians of the rounds, and what went wrong in all races."""

    per_second: dict[str, float]
    lost: int
    twice: int
    errors: tuple[str, ...]

    def race_verdict(self) -> str:
        """In words: every task once, or what happened."""
        wrong = [
            f"{count} {word}" for count, word in ((self.lost, "lost"), (self.twice, "done twice"))
            if count
        ]  # fmt: skip
        if self.errors:
            names = ", ".join(sorted(set(self.errors)))
            wrong.append(f"{len(self.errors)} processes ended by {names}")
        return "; ".join(wrong) or "every task once"


def speeds(players: Sequence[Player], rounds: int = ROUNDS) -> dict[str, Speed | Failed]:
    """Every side in every round, another one first each time, so that noise falls on all alike."""
    taken: dict[str, list[tuple[float, float, Race]]] = {player.name: [] for player in players}
    failed: dict[str, Failed] = {}
    for number in range(rounds):
        first = number % len(players)
        for player in (*players[first:], *players[:first]):
            if player.name not in failed:
                try:
                    taken[player.name].append(_round(player))
                except Failed as error:
                    failed[player.name] = error
    return {name: failed.get(name) or _middle(found) for name, found in taken.items()}


def _middle(found: Sequence[tuple[float, float, Race]]) -> Speed:
    puts, dones, races = zip(*found, strict=True)
    columns = (puts, dones, [race.per_second for race in races])
    return Speed(
        dict(zip(WORKS, map(statistics.median, columns), strict=True)),
        sum(race.lost for race in races),
        sum(race.twice for race in races),
        tuple(error for race in races for error in race.errors),
    )


def _round(player: Player) -> tuple[float, float, Race]:
    with tempfile.TemporaryDirectory(prefix="hk-peers-") as name:
        folder = Path(name, "alone")
        folder.mkdir()
        put = player.run(folder, "fill", TASKS)["per_second"]
        drained = player.run(folder, "drain")
        if drained["done"] != TASKS:
            raise Failed(f"{drained['done']} of {TASKS} done")
        folder = Path(name, "race")
        folder.mkdir()
        return put, drained["per_second"], _race(player, folder)


def _race(player: Player, folder: Path) -> Race:
    """From the first task that is begun to the last that is completed, over all processes."""
    player.run(folder, "fill", TASKS)
    racers = [Process(player.command(folder, "race"), f"racer-{n}") for n in range(RACERS)]
    try:
        for racer in racers:
            racer.hear()
        for racer in racers:
            racer.tell()
        seen = [racer.hear() for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
    done = [number for one in seen for number in one["done"]]
    begun = [one["first"] for one in seen if one["first"] is not None]
    span = max(one["last"] for one in seen) - min(begun)
    return Race(
        len(set(done)) / span,
        TASKS - len(set(done)),
        len(done) - len(set(done)),
        tuple(one["error"] for one in seen if one["error"]),
    )
