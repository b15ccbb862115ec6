"""The tables and the plot: speed beside ours, and what each side was seen to hold to."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.bench.measure import Bar, Section, Table
from tests.bench.peers.process import Failed, Player
from tests.bench.peers.promises import Count, Counter, Promises, promises
from tests.bench.peers.side import KINDS, kind_of
from tests.bench.peers.speed import WORKS, Speed, speeds
from tests.bench.peers.venvs import NotInstalled, interpreter, version
from tests.support.counting import calls_by_strace, has_strace

OURS = "ours"
SPEED_HEAD = ("side", *WORKS, "in the races")
Missing = dict[str, str]
"""Why a side is not there, by its name."""


def measure() -> Section:
    counter = calls_by_strace if has_strace() else None
    return compare("sqlite", counter, "write calls of both")


def compare(store: str, counter: Counter | None, writes: str) -> Section:
    """The sides on that store; ``writes`` says what the counter's writes are."""
    missing: Missing = {}
    names = tuple(KINDS[store])
    players = players_of(names, missing)
    held = _hold_to(players, counter, missing)
    fast = _race(players, missing)
    head = (
        "side", "syncs a put", "syncs a claim and completion", writes, "task of a killed worker",
        "late finish of a worker taken for dead", "kept of a finished task",
    )  # fmt: skip
    return Section(
        tables=[
            Table(SPEED_HEAD, [_speed_row(name, fast, missing) for name in names]),
            Table(head, [_promise_row(name, held, missing, len(head)) for name in names]),
        ],
        bars=_bars(fast, held),
        missing=[f"{title_of(name)}: {why}" for name, why in missing.items()],
    )


def players_of(names: Iterable[str], missing: Missing) -> list[Player]:
    """Who can be played; why another one cannot is noted."""
    found = []
    for name in names:
        kind = kind_of(name)
        try:
            python = interpreter(kind.package) if kind.package else Path(sys.executable)
        except NotInstalled as error:
            missing[name] = f"not installed: {error}"
        else:
            found.append(Player(name, python))
    return found


def _hold_to(
    players: list[Player], counter: Counter | None, missing: Missing
) -> dict[str, Promises]:
    held = {}
    for player in players:
        try:
            held[player.name] = promises(player, counter)
        except Failed as error:
            missing[player.name] = f"failed: {error}"
    return held


def _race(players: list[Player], missing: Missing) -> dict[str, Speed]:
    fast = {}
    for name, found in speeds(players).items():
        if isinstance(found, Failed):
            missing[name] = f"failed: {found}"
        else:
            fast[name] = found
    return fast


def title_of(name: str) -> str:
    """A side as it is shown."""
    kind = kind_of(name)
    return f"{kind.title} {version(kind.package)}" if kind.package else kind.title


def _speed_row(name: str, fast: dict[str, Speed], missing: Missing) -> tuple[str, ...]:
    if name not in fast:
        return _missing_row(name, missing, len(SPEED_HEAD))
    speed, ours = fast[name], fast.get(OURS)
    cells = []
    for work in WORKS:
        value = speed.per_second[work]
        beside = f" ({value / ours.per_second[work]:.2f} ×)" if ours and name != OURS else ""
        cells.append(f"{value:,.0f} /s{beside}")
    return title_of(name), *cells, speed.race_verdict()


def _promise_row(
    name: str, held: dict[str, Promises], missing: Missing, width: int
) -> tuple[str, ...]:
    if name not in held:
        return _missing_row(name, missing, width)
    seen = held[name]
    return (
        title_of(name), _syncs(seen.put), _syncs(seen.done), _writes(seen.put, seen.done),
        seen.after_kill, seen.overtaken, seen.kept,
    )  # fmt: skip


def _missing_row(name: str, missing: Missing, width: int) -> tuple[str, ...]:
    return title_of(name), f"missing: {missing[name]}", *[""] * (width - 2)


def _syncs(count: Count | None) -> str:
    return "not counted: no strace" if count is None else f"{count.syncs:.1f}"


def _writes(put: Count | None, done: Count | None) -> str:
    return "" if put is None or done is None else f"{put.writes:.1f} + {done.writes:.1f}"


def _bars(fast: dict[str, Speed], held: dict[str, Promises]) -> list[Bar]:
    if OURS not in fast:
        return []
    return [
        Bar(
            work,
            title_of(name),
            speed.per_second[work] / fast[OURS].per_second[work],
            _is_synced(held.get(name)),
        )
        for work in WORKS
        for name, speed in fast.items()
        if name != OURS
    ]


def _is_synced(seen: Promises | None) -> bool | None:
    return None if seen is None or seen.put is None else seen.put.syncs >= 1
