"""Rules of the kernel switched off one by one: ``python -m tests.simulation.mutants``.

Each mutant is a process of its own, in which an import hook puts another text in the place of one
of the kernel's. Histories are run until one breaks an invariant. A mutant that survives means that
the simulation is too weak. The table goes to ``docs/proof-mutants.md``.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

from tests.simulation.mutant import Edit, Mutant
from tests.simulation.mutant_list import MUTANTS

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "hermes_kanban"
TABLE: Final = ROOT / "docs" / "proof-mutants.md"
HISTORIES: Final = 1_000
PATIENCE_SECONDS: Final = 1_800


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles another text than the file's; what is cached of the file is not looked at."""

    edits: Sequence[Edit] = ()

    def get_code(self, fullname: str) -> CodeType | None:
        text = Path(self.path).read_text("utf-8")
        for edit in self.edits:
            text = applied(edit, text)
        code: CodeType = compile(text, self.path, "exec", dont_inherit=True)
        return code


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that a mutant changes before anybody else does."""

    def __init__(self, mutant: Mutant) -> None:
        self._edits: dict[str, list[Edit]] = {}
        for edit in mutant.edits:
            name = "hermes_kanban." + edit.file.removesuffix(".py").replace("/", ".")
            self._edits.setdefault(name, []).append(edit)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        edits = self._edits.get(fullname)
        if edits is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        loader = _Loader(fullname, spec.origin)
        loader.edits = edits
        spec.loader = loader
        return spec


def applied(edit: Edit, text: str) -> str:
    """The text with the edit made; ValueError unless it fits in exactly one place."""
    if (found := text.count(edit.old)) != 1:
        raise ValueError(f"{edit.file} has {found} times: {edit.old}")
    return text.replace(edit.old, edit.new)


def run_here(mutant: Mutant, histories: int, first: int) -> dict[str, Any]:
    """In a process of its own: switch the rule off and run until an invariant is broken."""
    sys.meta_path.insert(0, _Finder(mutant))
    from tests.simulation import history
    from tests.simulation.boards import Home

    home = Home()
    try:
        for seed in range(first, first + histories):
            outcome = history.run(home, seed)
            if outcome.broken:
                return {
                    "seed": seed,
                    "step": outcome.at,
                    "invariant": outcome.broken,
                    "text": outcome.text,
                }
        return {"survived": histories}
    finally:
        home.close()


def run(mutant: Mutant, histories: int = HISTORIES, first: int = 0) -> dict[str, Any]:
    """Run one mutant in a process of its own; seed, step and invariant, or how it survived."""
    command = [sys.executable, "-m", "tests.simulation.mutants", "--one", mutant.name]
    done = subprocess.run(
        [*command, "--histories", str(histories), "--from", str(first)],
        cwd=ROOT,
        env=os.environ | {"SIMULATION_TOLERATES": mutant.tolerates},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode:
        return {"survived": 0, "failed": done.stderr[-2_000:]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def table(rows: Iterable[tuple[Mutant, dict[str, Any]]]) -> str:
    """The table of mutants and what caught them, as Markdown."""
    lines = [
        "| switched off | rule | caught by | seed | step |",
        "|---|---|---|---|---|",
    ]
    for mutant, found in rows:
        if "survived" in found:
            caught = f"| **not caught** in {found['survived']} histories | – | – |"
        else:
            invariant, seed, step = found["invariant"], found["seed"], found["step"]
            step = step if step < 200 else "rest"
            caught = f"| {_named(invariant)} | {seed} | {step} |"
        lines.append(f"| {mutant.name} | {mutant.rule} {caught}")
    return "\n".join(lines) + "\n"


def _named(invariant: str) -> str:
    return f"invariant {invariant}" if invariant.isdigit() else f"rule “{invariant}”"


HEAD: Final = """\
# Mutants

<!-- generated by `make mutants`; do not edit -->

Each rule of the kernel is switched off in turn, and simulated histories (`tests/simulation`) are
run until one breaks an invariant. The table says which, and at which seed and step; “rest” is the
end of a history, when faults have stopped and everything must have come to rest. A number is that
of an invariant of the checker or of the tests; a word is a rule of the simulation's own, such as a
transition that the lifecycle table does not have.

"""


def main() -> int:
    """Run every mutant, or those named, and write the table; 1 if any survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants")
    parser.add_argument("names", nargs="*", help="mutants to run; their table is only printed")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--histories", type=int, default=HISTORIES, help="at most, for each")
    parser.add_argument(
        "--from", dest="first", type=int, default=0, help="the first seed; the table is of 0"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(run_here(named(asked.one), asked.histories, asked.first)))
        return 0
    chosen = [named(name) for name in asked.names] or list(MUTANTS)
    rows = []
    with ThreadPoolExecutor(asked.jobs) as pool:
        found_in_turn = pool.map(lambda one: run(one, asked.histories, asked.first), chosen)
        for mutant, found in zip(chosen, found_in_turn, strict=True):
            print(f"{mutant.name}: {found}", flush=True)
            rows.append((mutant, found))
    survivors = [mutant.name for mutant, found in rows if "survived" in found]
    if not asked.names and not asked.first:
        TABLE.write_text(HEAD + table(rows), "utf-8")
    print(f"{len(rows) - len(survivors)} of {len(rows)} mutants were caught")
    return 1 if survivors else 0


def named(name: str) -> Mutant:
    """The mutant of that name."""
    return next(mutant for mutant in MUTANTS if mutant.name == name)


if __name__ == "__main__":
    sys.exit(main())
