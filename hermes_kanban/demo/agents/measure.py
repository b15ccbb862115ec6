"""The measurer: size, complexity and maintainability of one package, by radon.

Which package is in its task; which files belong to it, in the inventory that is the task's parent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from radon.complexity import cc_visit
from radon.metrics import mi_visit
from radon.raw import analyze
from radon.visitors import Function

from hermes_kanban.demo.agents.briefing import Briefing, complete, say
from hermes_kanban.demo.agents.ranks import COMPLEX_FROM

# Enough for the report; a hand-over has to fit into the next agent's context beside many others.
NAMED_FUNCTIONS: Final = 5
NAMED_FILES: Final = 3


class FunctionMeasure(msgspec.Struct, frozen=True):
    """One function or method and its cyclomatic complexity."""

    name: str
    file: str
    line: int
    complexity: int


class FileMeasure(msgspec.Struct, frozen=True):
    """One file: source lines without blanks and comments, and the maintainability index."""

    file: str
    source_lines: int
    maintainability: float
    classes: int
    functions: list[FunctionMeasure]


def main() -> None:
    """Measure each file of the package, and hand over what there is to say of it."""
    briefing = Briefing.read()
    package = briefing.fact("package")
    files = _files(briefing, package)
    measured = []
    for file in files:
        measured.append(measure(file))
        say(_line(measured[-1]))
    found = total(package, measured)
    complete(
        summary=f"{found['source_lines']:,} source lines, {found['functions']} functions of mean"
        f" complexity {found['complexity']}, maintainability {found['maintainability']}",
        result=found,
    )


def _files(briefing: Briefing, package: str) -> list[str]:
    for result in briefing.parents_results():
        if files := result.get("packages", {}).get(package):
            return list(files)
    raise SystemExit(f"the inventory knows no package {package}")


def measure(file: str) -> FileMeasure:
    """What radon says of one file."""
    code = Path(file).read_text(encoding="utf-8")
    blocks = cc_visit(code)
    functions = [block for block in blocks if isinstance(block, Function)]
    return FileMeasure(
        file=file,
        source_lines=analyze(code).sloc,
        maintainability=round(mi_visit(code, multi=True), 1),
        classes=len(blocks) - len(functions),
        functions=[
            FunctionMeasure(one.fullname, file, one.lineno, one.complexity) for one in functions
        ],
    )


def total(package: str, files: list[FileMeasure]) -> dict[str, Any]:
    """One package in numbers, with the functions and files that stand out."""
    functions = [one for file in files for one in file.functions]
    lines = sum(file.source_lines for file in files)
    weighed = sum(file.maintainability * file.source_lines for file in files)
    return {
        "package": package,
        "files": len(files),
        "source_lines": lines,
        "classes": sum(file.classes for file in files),
        "functions": len(functions),
        "complex_functions": sum(one.complexity >= COMPLEX_FROM for one in functions),
        "complexity": _mean(sum(one.complexity for one in functions), len(functions)),
        "maintainability": _mean(weighed, lines),
        "most_complex": sorted(functions, key=_by_complexity)[:NAMED_FUNCTIONS],
        "least_maintainable": [
            {"file": one.file, "source_lines": one.source_lines, "index": one.maintainability}
            for one in sorted(files, key=lambda one: one.maintainability)[:NAMED_FILES]
        ],
    }


def _by_complexity(function: FunctionMeasure) -> tuple[int, str, int]:
    return -function.complexity, function.file, function.line


def _mean(sum_of: float, count: int) -> float:
    return round(sum_of / count, 1) if count else 0.0


def _line(file: FileMeasure) -> str:
    worst = max((one.complexity for one in file.functions), default=0)
    return (
        f"{Path(file.file).name}: {file.source_lines} lines, {len(file.functions)} functions,"
        f" complexity up to {worst}, maintainability {file.maintainability}"
    )


if __name__ == "__main__":
    main()
