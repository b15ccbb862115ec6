"""The reporter: joins what its task's parents measured into one report in Markdown.

It opens no source file: all it knows is in the context that it was given.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hermes_kanban.demo.agents.briefing import Briefing, complete, say
from hermes_kanban.demo.agents.ranks import COMPLEX_FROM, MAINTAINABLE_FROM

Measures = list[dict[str, Any]]

SHOWN_FUNCTIONS: Final = 10
SHOWN_FILES: Final = 5


def main() -> None:
    """Write the report to ``--out``, and say in the hand-over what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    measures = sorted(
        Briefing.read().parents_results(), key=lambda one: one["source_lines"], reverse=True
    )
    if not measures:
        raise SystemExit("no parent has handed over a measure; there is nothing to report")
    for one in measures:
        say(f"{one['package']}: {one['source_lines']:,} source lines")
    _write(out, report(measures))
    say(f"written: {out}")
    complete(summary=_headline(measures), result=totals(measures), report=str(out))


def report(measures: Measures) -> str:
    """The whole report."""
    sections = [
        f"# The source tree, measured\n\n{_headline(measures)}. {_opening()}",
        "## Packages\n\n" + "\n".join(_package_table(measures)),
        "## Findings\n\n" + "\n".join(_findings(measures)),
        "## Most complex functions\n\n" + "\n".join(_function_table(measures)),
        "## Least maintainable files\n\n" + "\n".join(_file_table(measures)),
        "## How to read the numbers\n\n" + _LEGEND,
    ]
    return "\n\n".join(sections) + "\n"


def totals(measures: Measures) -> dict[str, Any]:
    """The tree in numbers; means are weighed by what they are means of."""
    lines, functions = _sum(measures, "source_lines"), _sum(measures, "functions")
    return {
        "packages": len(measures),
        "files": _sum(measures, "files"),
        "source_lines": lines,
        "classes": _sum(measures, "classes"),
        "functions": functions,
        "complexity": _weighed(measures, "complexity", "functions"),
        "maintainability": _weighed(measures, "maintainability", "source_lines"),
    }


def _headline(measures: Measures) -> str:
    found = totals(measures)
    return (
        f"{found['packages']} packages with {found['files']} files, {found['source_lines']:,}"
        f" source lines and {found['functions']:,} functions of mean complexity"
        f" {found['complexity']}"
    )


def _opening() -> str:
    day = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"Written {day} by an agent that read nothing but the hand-overs of the agents that"
        " measured, one a package."
    )


def _package_table(measures: Measures) -> list[str]:
    sizes = ("files", "source lines", "classes", "functions")
    heads = ("package", *sizes, "mean complexity", "highest", "maintainability")
    rows = [_package_row(f"`{one['package']}`", one, _highest(one)) for one in measures]
    whole = _package_row("**all**", totals(measures), max(map(_highest, measures)))
    return _table(heads, [*rows, whole])


def _package_row(name: str, one: dict[str, Any], highest: int) -> list[str]:
    counts = [f"{one[key]:,}" for key in ("files", "source_lines", "classes", "functions")]
    return [name, *counts, str(one["complexity"]), str(highest), str(one["maintainability"])]


def _findings(measures: Measures) -> list[str]:
    found = totals(measures)
    largest, functions, files = measures[0], _functions(measures), _files(measures)
    share = 100 * largest["source_lines"] / max(1, found["source_lines"])
    lines = [
        f"- `{largest['package']}` is the largest package: {share:.0f} % of all source lines.",
        _densest(measures, found["complexity"]),
    ]
    if functions:
        lines.append(_about_functions(measures, functions[0]))
    lines.append(_about_files(files))
    return lines


def _densest(measures: Measures, mean: float) -> str:
    one = max(measures, key=lambda one: one["complexity"])
    return (
        f"- `{one['package']}` has the most complex functions on average: {one['complexity']},"
        f" where the whole tree has {mean}."
    )


def _about_functions(measures: Measures, worst: dict[str, Any]) -> str:
    count, of = _sum(measures, "complex_functions"), _sum(measures, "functions")
    said = f"`{worst['name']}` in {_place(worst)} is the most complex: {worst['complexity']}."
    if not count:
        return f"- No function reaches {COMPLEX_FROM}, where radon's rank C begins; {said}"
    reach = "functions reach" if count > 1 else "function reaches"
    return f"- {count} of {of:,} {reach} {COMPLEX_FROM}, where radon's rank C begins; {said}"


def _about_files(files: Measures) -> str:
    worst = files[0]
    said = f"`{worst['file']}` is the lowest with {worst['index']}"
    if worst["index"] >= MAINTAINABLE_FROM:
        return f"- Every file ranks A in maintainability ({MAINTAINABLE_FROM} or more); {said}."
    return f"- {said}, below the {MAINTAINABLE_FROM} that rank A asks for."


def _function_table(measures: Measures) -> list[str]:
    rows = [
        [f"`{one['name']}`", _place(one), str(one["complexity"])]
        for one in _functions(measures)[:SHOWN_FUNCTIONS]
    ]
    return _table(("function", "place", "complexity"), rows, texts=2)


def _file_table(measures: Measures) -> list[str]:
    rows = [
        [f"`{one['file']}`", str(one["source_lines"]), str(one["index"])]
        for one in _files(measures)[:SHOWN_FILES]
    ]
    return _table(("file", "source lines", "maintainability"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> list[str]:
    """A table whose first ``texts`` columns are words; the others are numbers, set right."""
    marks = ["---" if at < texts else "---:" for at in range(len(heads))]
    return [f"| {' | '.join(row)} |" for row in (heads, marks, *rows)]


def _functions(measures: Measures) -> Measures:
    named = [function for one in measures for function in one["most_complex"]]
    return sorted(named, key=lambda one: (-one["complexity"], one["file"], one["line"]))


def _files(measures: Measures) -> Measures:
    named = [file for one in measures for file in one["least_maintainable"]]
    return sorted(named, key=lambda one: (one["index"], one["file"]))


def _highest(one: dict[str, Any]) -> int:
    return max((function["complexity"] for function in one["most_complex"]), default=0)


def _place(function: dict[str, Any]) -> str:
    return f"{function['file']}:{function['line']}"


def _sum(measures: Measures, key: str) -> int:
    return sum(one[key] for one in measures)


def _weighed(measures: Measures, key: str, weight: str) -> float:
    whole = _sum(measures, weight)
    return round(sum(one[key] * one[weight] for one in measures) / whole, 1) if whole else 0.0


def _write(out: Path, text: str) -> None:
    """Whole or not at all: a reader never meets half a report."""
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(out)


_LEGEND: Final = (
    "Source lines are without blank lines and comments. Cyclomatic complexity counts the ways"
    " through a function: up to 5 is simple, from 11 on it asks for attention. The maintainability"
    " index goes from 0 to 100; 20 and more ranks A. All by [radon](https://radon.readthedocs.io)."
)


if __name__ == "__main__":
    main()
