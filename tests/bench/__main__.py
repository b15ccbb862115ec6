"""Every figure of the board: ``python -m tests.bench [NAME…] [--json FILE]``.

Figures are reported, never asserted: the exit status is 0 unless a bench itself fails.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from pathlib import Path

from tests.bench.measure import Figure, report, save

BENCHES = {
    "verbs": "Verbs, beside plain sqlite3",
    "race": "Sixteen processes racing, beside plain sqlite3",
    "scale": "100,000 tasks, beside 1,000",
    "dispatch": "Dispatch",
    "cli": "Command line",
    "idle": "An idle gateway",
}


def main() -> int:
    """Run the benches named, all by default; print each table as it is done, then the verdict."""
    arguments = _arguments()
    figures: list[Figure] = []
    failed = []
    for name in arguments.names or BENCHES:
        try:
            taken = importlib.import_module(f"tests.bench.{name}").measure()
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        report(BENCHES[name], taken)
        figures += taken
    _summarise(figures, failed)
    if arguments.json is not None:
        save(arguments.json, figures)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures too")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in BENCHES]:
        parser.error(f"no bench is called {unknown[0]!r}; there are {', '.join(BENCHES)}")
    return arguments


def _summarise(figures: list[Figure], failed: list[str]) -> None:
    asked = [figure for figure in figures if figure.met is not None]
    missed = [figure for figure in asked if not figure.met]
    print(f"\n{len(asked) - len(missed)} of {len(asked)} targets met.")
    for figure in missed:
        print(f"missed: {figure.name}: {figure.value:.3g} {figure.unit}, asked {figure.target}")
    for name in failed:
        print(f"FAILED: {name}")


if __name__ == "__main__":
    sys.exit(main())
