"""Every figure of the board: ``python -m tests.bench [NAME…] [--json FILE] [--write PAGE]``.

``--store postgres`` takes those of a board on PostgreSQL, on a server of the bench's own.
Figures are reported, never asserted. The exit status is 0 when everything was measured, 1 when a
bench failed, 3 when something that is fetched for the run was not to be had: such a run is
incomplete, and what is missing stands in its tables. ``--write`` renews the figures in a page and
the plot beside it, which takes a run of everything; without it what takes minutes by itself is
measured only if it is named.
"""

from __future__ import annotations

import argparse
import importlib
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.bench.measure import Figure, Section, markdown, save
from tests.bench.plot import draw

BENCHES = {
    "verbs": "Verbs, beside plain sqlite3",
    "counts": "What a verb asks for, counted",
    "race": "Sixteen processes racing, beside plain sqlite3",
    "peers": "Other queues on SQLite, on the same work",
    "scale": "100,000 tasks, beside 1,000",
    "dispatch": "Dispatch",
    "cli": "Command line",
    "mcp": "An agent's tools",
    "web": "The web board",
    "notifications": "Notifications",
    "chat": "A chat",
    "idle": "An idle gateway",
}
ON_POSTGRES = {
    "verbs": "Verbs, beside bare psycopg",
    "counts": "What a verb asks for, counted",
    "writers": "How much one board can write",
    "queues": "Other queues on PostgreSQL, on the same work",
    "dispatch": "Dispatch",
    "idle": "An idle gateway",
    "million": "1,000,000 tasks, beside 1,000",
}
SUITES = {"sqlite": BENCHES, "postgres": ON_POSTGRES}
ON_REQUEST = {"million"}
MODULES = {"peers": "tests.bench.peers.bench"}
START, END = "<!-- figures:start -->", "<!-- figures:end -->"
PLOT = Path("build/benchmarks.svg")
FAILED, INCOMPLETE = 1, 3


def main() -> int:
    """Run the benches named, all by default; print each table as it is done, then the verdict."""
    arguments = _arguments()
    titles = SUITES[arguments.store]
    by_itself = [name for name in titles if arguments.write or name not in ON_REQUEST]
    sections: dict[str, Section] = {}
    failed = []
    with _ground(arguments.store) as (where, measure):
        said = [_say(_where(where))]
        for name in arguments.names or by_itself:
            try:
                taken = measure(name)
            except Exception:
                traceback.print_exc()
                failed.append(name)
                continue
            sections[name] = taken if isinstance(taken, Section) else Section(figures=taken)
            said.append(_say(markdown(titles[name], sections[name])))
    said.append(_say(f"The load at its end: {machine.load()}."))
    said.append(_say(_verdict(list(sections.values()), failed)))
    figures = [figure for section in sections.values() for figure in section.figures]
    if arguments.json is not None:
        save(arguments.json, figures)
    if arguments.write is not None and not failed:
        _write(arguments.write, "\n".join(said))
        if arguments.store == "postgres":
            _foretell({name: section.facts for name, section in sections.items()})
    _plot(sections, arguments.write)
    if failed:
        return FAILED
    return INCOMPLETE if any(section.missing for section in sections.values()) else 0


@contextmanager
def _ground(store: str) -> Iterator[tuple[str, Callable[[str], Section | list[Figure]]]]:
    """What the benches stand on, beside the machine, and what measures one by its name."""
    if store == "sqlite":
        yield (
            f"SQLite {sqlite3.sqlite_version}",
            lambda name: _module(MODULES.get(name, f"tests.bench.{name}")).measure(),
        )
        return
    from tests.bench.postgres.server import running

    with running() as server:
        yield (
            f"PostgreSQL {server.version} on this machine, over a socket of the file system",
            lambda name: _module(f"tests.bench.postgres.{name}").measure(server),
        )


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    every = "; ".join(f"on {store}: {', '.join(names)}" for store, names in SUITES.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=every)
    parser.add_argument("--store", choices=SUITES, default="sqlite", help="default: sqlite")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures too")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the figures in a page")
    arguments = parser.parse_args()
    known = SUITES[arguments.store]
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"no bench is called {unknown[0]!r}; there are {', '.join(known)}")
    if arguments.write is not None:
        if arguments.names:
            parser.error("--write takes a run of everything: name no bench")
        page = arguments.write.read_text() if arguments.write.is_file() else ""
        if not page.count(START) == page.count(END) == 1:
            parser.error(f"{arguments.write} has no place for figures: {START} and {END}")
    return arguments


def _say(text: str) -> str:
    print(text, flush=True)
    return text


def _where(ground: str) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return (
        f"{day}, commit {_commit()}: {machine.describe(ground)}. "
        f"The load at its start: {machine.load()}.\n"
    )


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def _verdict(sections: list[Section], failed: list[str]) -> str:
    asked = [one for section in sections for one in section.figures if one.met is not None]
    missed = [figure for figure in asked if not figure.met]
    lines = [f"{len(asked) - len(missed)} of {len(asked)} targets met."] if asked else []
    lines += [f"missed: {f.name}: {f.shown()}, asked {f.target}" for f in missed]
    missing = [why for section in sections for why in section.missing]
    lines += [f"INCOMPLETE: {why}" for why in missing]
    lines += [f"FAILED: {name}" for name in failed]
    return "".join(f"\n- {line}" for line in lines)


def _write(page: Path, figures: str) -> None:
    before, _, rest = page.read_text().partition(START)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{START}\n{figures.strip()}\n{END}{after}")
    print(f"renewed {page}")


def _foretell(facts: dict[str, dict[str, float]]) -> None:
    """Renew the page that computes how far a board goes from what was measured."""
    from tests.bench.postgres import far

    far.keep(facts)
    print(f"renewed {far.PAGE}")


def _plot(sections: dict[str, Section], page: Path | None) -> None:
    bars = [bar for section in sections.values() for bar in section.bars]
    if bars:
        file = PLOT if page is None else page.with_suffix(".svg")
        file.parent.mkdir(exist_ok=True)
        file.write_text(draw(bars))
        print(f"drew {file}")


if __name__ == "__main__":
    sys.exit(main())
