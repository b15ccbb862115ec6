"""Any number of simulated histories: ``python -m tests.simulation --seeds 10000``.

Blocks of seeds that were run with the same code are not run again, so an interrupted run goes on
where it was. The exit status is 1 when a history broke an invariant.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from tests.simulation import history
from tests.simulation.blocks import Block, Job, run_block
from tests.simulation.boards import a_home
from tests.simulation.shrink import explain
from tests.simulation.spec import EDGES
from tests.support import server, stores

BLOCK: Final = 25
STATE: Final = Path(".simulation")
SHOWN: Final = 5
_ROOT: Final = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run what is asked for, with progress, and print what it came to."""
    asked = _arguments()
    if asked.store == "sqlite":
        return _run(asked, "")
    folder = server.folder_of_run()
    try:
        return _run(asked, server.start(folder))
    finally:
        server.stop(folder)


def _run(asked: argparse.Namespace, postgres: str) -> int:
    code = f"{fingerprint()} {asked.store}"
    state: Path = asked.state
    state.parent.mkdir(parents=True, exist_ok=True)
    jobs = [
        Job(code, postgres, asked.steps, first, min(BLOCK, asked.first + asked.seeds - first))
        for first in range(asked.first, asked.first + asked.seeds, BLOCK)
    ]
    known = {(b.first, b.histories): b for b in _remembered(state) if _is_of(b, code, asked.steps)}
    blocks = [known[job.first, job.count] for job in jobs if (job.first, job.count) in known]
    jobs = [job for job in jobs if (job.first, job.count) not in known]
    if blocks:
        print(f"{sum(block.histories for block in blocks):,} histories are known already")
    began = time.monotonic()
    with open(state, "ab") as kept:
        for done, block in enumerate(_run_all(jobs, asked.jobs), 1):
            kept.write(msgspec.json.encode(block) + b"\n")
            kept.flush()
            blocks.append(block)
            _progress(blocks, asked.seeds, done, len(jobs), time.monotonic() - began)
    return _summarise(blocks, postgres, shorten=not asked.as_it_is)


def _run_all(jobs: list[Job], workers: int) -> Iterator[Block]:
    if workers == 1:
        yield from map(run_block, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(run_block, jobs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--store", choices=stores.STORES, default="sqlite")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many histories")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--steps", type=int, default=history.STEPS, help="steps of a history")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--state", type=Path, default=STATE / "histories.jsonl", metavar="FILE")
    parser.add_argument("--as-it-is", action="store_true", help="do not shorten what is broken")
    return parser.parse_args()


def fingerprint() -> str:
    """The code that the histories depend on, as a short word."""
    digest = hashlib.sha256()
    for folder in ("hermes_kanban", "tests/simulation"):
        for file in sorted((_ROOT / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _remembered(state: Path) -> list[Block]:
    if not state.exists():
        return []
    blocks = []
    for line in state.read_bytes().splitlines():
        try:
            blocks.append(msgspec.json.decode(line, type=Block))
        except msgspec.DecodeError:
            continue  # the line that was being written when it was interrupted
    return blocks


def _is_of(block: Block, code: str, steps: int) -> bool:
    return block.code == code and block.steps == steps


def _progress(blocks: list[Block], wanted: int, done: int, of: int, seconds: float) -> None:
    histories = sum(block.histories for block in blocks)
    broken = sum(len(block.broken) for block in blocks)
    left = seconds / done * (of - done)
    print(
        f"\r{histories:,} of {wanted:,} histories, {broken} broken, {left / 60:.0f} min left",
        end="" if sys.stdout.isatty() else "\n",
        flush=True,
    )


def _summarise(blocks: list[Block], postgres: str, *, shorten: bool) -> int:
    figures: Counter[str] = Counter()
    edges: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    verbs: Counter[str] = Counter()
    for block in blocks:
        figures.update(block.figures)
        edges.update(block.edges)
        kinds.update(block.kinds)
        verbs.update(block.verbs)
    histories = sum(block.histories for block in blocks)
    seconds = sum(block.seconds for block in blocks)
    steps = sum(block.steps * block.histories for block in blocks)
    print(f"\n{histories:,} histories of {steps:,} steps in {seconds:,.0f} s of CPU")
    for title, counts in (("", figures), ("actions", verbs), ("events", kinds), ("edges", edges)):
        print(f"\n{title}".rstrip())
        for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
            print(f"  {count:>12,}  {word}")
    every = {f"{kind} {source} {to}" for kind, ways in EDGES.items() for source, to in ways}
    untaken = sorted(every - edges.keys())
    if untaken:
        print("\nnever taken:", ", ".join(untaken))
    broken = sorted((one for block in blocks for one in block.broken), key=lambda one: one.seed)
    for outcome in broken:
        print(f"seed {outcome.seed} step {outcome.at}: invariant {outcome.broken}: {outcome.text}")
    with a_home(postgres) as home:
        for outcome in broken[:SHOWN]:
            print(f"\n{explain(home, outcome, shorten=shorten)}")
    print(f"\n{len(broken)} histories broke an invariant")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
