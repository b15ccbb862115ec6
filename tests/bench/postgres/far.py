"""What is computed from the figures: ``python -m tests.bench.postgres.far`` renews the page.

The figures of the last whole run lie in ``measured.json``. A test recomputes the page from them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[3] / "docs" / "operations" / "how-far.md"
MEASURED: Final = Path(__file__).with_name("measured.json")
START, END = "<!-- computed:{}:start -->", "<!-- computed:{}:end -->"

DAY: Final = 86_400
GIB: Final = 2**30
HALF: Final = 0.5  # what a board may be busy with its writers before waits grow
MAX_CONNECTIONS: Final = 100  # PostgreSQL's default
SET_ASIDE: Final = 10  # three for administrators, the rest for commands and dumps
LOADS: Final = (1_000, 10_000, 100_000, 1_000_000)
COMMENTS_OF_A_RUN: Final = 5
RUN_MINUTES: Final = (1, 10, 60)
AGENTS_OF_A_HOST: Final = (0, 8, 32)
DISTANCES: Final = {
    "the same machine": 0.00005,
    "the same room": 0.0005,
    "another zone of a region": 0.002,
    "another region": 0.03,
}
VACUUM_THRESHOLD, VACUUM_SCALE = 50, 0.2  # PostgreSQL's defaults
TABLES: Final = ("tasks", "task_runs", "task_events", "task_links", "task_comments")
VERBS: Final = ("create", "claim", "complete")
Facts = dict[str, float]


def keep(taken: dict[str, Facts]) -> None:
    """Keep the facts of a whole run, and renew the page."""
    MEASURED.write_text(
        json.dumps({name: facts for name, facts in taken.items() if facts}, indent=1) + "\n"
    )
    renew()


def renew() -> None:
    """Write every computed part of the page anew."""
    PAGE.write_text(computed(PAGE.read_text(), facts()))


def facts() -> Facts:
    """Those of the last whole run, of all benches."""
    found: Facts = {}
    for some in json.loads(MEASURED.read_text()).values():
        found |= some
    return found


def computed(page: str, known: Facts) -> str:
    """The page with its parts computed from these facts."""
    for name, part in PARTS.items():
        start, end = START.format(name), END.format(name)
        before, _, rest = page.partition(start)
        _, _, after = rest.partition(end)
        page = "\n".join((f"{before}{start}", *part(known), f"{end}{after}"))
    return page


def _table(*head: str) -> list[str]:
    return [_line(head), _line(["---"] * len(head))]


def _line(cells) -> str:  # type: ignore[no-untyped-def]
    return f"| {' | '.join(cells)} |"


def _measured(known: Facts) -> Iterator[str]:
    yield from _table("measured", "", "figure")
    trips = " ".join(f"{known[f'{verb}_trips']:.3g}" for verb in VERBS)
    rows = [
        ("commits a second of one board, by sixteen processes", "W", f"{known['writes']:,.0f}"),
        ("the same by one process", "W1", f"{known['writes_alone']:,.0f}"),
        ("round trips of create, claim, complete", "T", trips),
        ("commits of a run, from filing its task to its end", "C", f"{known['run_commits']:.3g}"),
        ("log that those write", "L", f"{known['run_log'] / 1024:.1f} KiB"),
        ("rows of `tasks` that those leave dead", "D", f"{known['run_rewrites']:.2g}"),
        ("connections of a gateway", "G", f"{known['connections_of_a_gateway']:.0f}"),
        (
            "connections of an agent's tools between calls", "A",
            f"{known['connections_of_tools']:.0f}",
        ),
        ("memory of a connection on the server", "M", f"{known['mib_of_a_connection']:.1f} MiB"),
    ]  # fmt: skip
    for table in TABLES:
        row, indexes = known[f"{table}_row"], known[f"{table}_indexes"]
        size = f"{row:.0f} + {indexes:.0f} bytes"
        rows.append((f"a row of `{table}` + its entries in indexes", "B", size))
    yield from map(_line, rows)


def _commits(known: Facts) -> float:
    return known["run_commits"] + COMMENTS_OF_A_RUN


def task_bytes(known: Facts) -> float:
    """A task with its run, the five events of its life, and its comments with an event each."""
    rows = {"tasks": 1, "task_runs": 1, "task_events": 5 + COMMENTS_OF_A_RUN, "task_links": 0.3,
            "task_comments": COMMENTS_OF_A_RUN}  # fmt: skip
    return sum(
        count * (known[f"{table}_row"] + known[f"{table}_indexes"]) for table, count in rows.items()
    )


def _agents(known: Facts) -> Iterator[str]:
    yield from _table("a run lasts", "agents at work on one board", "runs a day")
    for minutes in RUN_MINUTES:
        agents = HALF * known["writes"] * minutes * 60 / _commits(known)
        yield _line((f"{minutes} min", f"{agents:,.0f}", f"{agents * DAY / (minutes * 60):,.0f}"))


def _distance(known: Facts) -> Iterator[str]:
    yield from _table(
        "the database is in",
        "round trip",
        "create",
        "claim",
        "complete",
        "claims and completions a second of one board",
    )
    for place, trip in DISTANCES.items():
        waits = [known[f"{verb}_trips"] * trip for verb in ("create", "claim", "complete")]
        yield _line((
            place, f"{trip * 1e3:g} ms", *(f"+ {wait * 1e3:.3g} ms" for wait in waits),
            f"{ceiling(known, trip):,.0f}",
        ))  # fmt: skip


def ceiling(known: Facts, trip: float) -> float:
    """Commits a second of one board: the lock is held from the answer that brings it to the commit.

    The first round trip of a claim or a completion brings the lock, the last gives it back.
    """
    held = (known["claim_trips"] + known["complete_trips"]) / 2 - 1
    return 1 / (1 / known["writes"] + held * trip)


def _relay(known: Facts) -> Iterator[str]:
    yield from _table("round trip through the relay", "computed", "measured")
    trip = known["far_trip"]
    rate = 1 / (1 / known["writes_alone"] + known["create_trips"] * trip)
    yield _line((f"{trip * 1e3:.3g} ms", f"{rate:,.0f} /s", f"{known['writes_far']:,.0f} /s"))


def _room(known: Facts) -> Iterator[str]:
    yield from _table(
        "tasks a day",
        "commits a second",
        "of one board's most",
        "events a day",
        "rows and indexes a day",
        "log a day",
        "days to a million tasks",
    )
    each, log = task_bytes(known), known["run_log"]
    for load in LOADS:
        commits = load * _commits(known) / DAY
        yield _line((
            f"{load:,}", f"{commits:,.3g}", f"{commits / known['writes'] * 100:.2g} %",
            f"{load * (5 + COMMENTS_OF_A_RUN):,}", f"{load * each / GIB:,.2g} GiB",
            f"{load * log / GIB:,.2g} GiB", f"{1_000_000 / load:,.0f}",
        ))  # fmt: skip


def _connections(known: Facts) -> Iterator[str]:
    yield from _table(
        "agents of a host", "connections of a host", f"hosts within {MAX_CONNECTIONS}"
    )
    for agents in AGENTS_OF_A_HOST:
        each = known["connections_of_a_gateway"] + agents * known["connections_of_tools"]
        yield _line((f"{agents}", f"{each:.0f}", f"{(MAX_CONNECTIONS - SET_ASIDE) // each:.0f}"))


def _vacuum(known: Facts) -> Iterator[str]:
    yield from _table(
        "tasks on the board", "dead rows of `tasks` before a vacuum", "runs until then"
    )
    for tasks in (10_000, 100_000, 1_000_000):
        dead = VACUUM_THRESHOLD + VACUUM_SCALE * tasks
        yield _line((f"{tasks:,}", f"{dead:,.0f}", f"{dead / known['run_rewrites']:,.0f}"))


PARTS: Final = {
    "measured": _measured,
    "agents": _agents,
    "distance": _distance,
    "relay": _relay,
    "room": _room,
    "connections": _connections,
    "vacuum": _vacuum,
}

if __name__ == "__main__":
    renew()
