"""Joins what the measuring tasks found: reads their results in its context, writes report.md."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from hermes_kanban.demo.agents.worker import Job

# A parent's result stands between markers that carry a word drawn for this context.
_RESULT = re.compile(r"<result (\w+)>\n(.*?)\n</result \1>", re.DOTALL)


def main() -> None:
    """Read the context from standard input, write the report, hand over where it lies."""
    measured = [json.loads(found[1]) for found in _RESULT.findall(sys.stdin.read())]
    job = Job()
    packages = sorted(
        (one for one in measured if "package" in one), key=lambda one: -int(one["sloc"])
    )
    if len(packages) != job.order["packages"]:
        sys.exit(f"expected {job.order['packages']} results in the context, got {len(packages)}")
    file = Path(job.order["file"])
    file.write_text(_report(packages), "utf-8")
    print(f"wrote {file}", flush=True)
    sloc = sum(one["sloc"] for one in packages)
    job.hand_over(
        f"{len(packages)} packages, {sloc} lines of code", {"file": str(file), "sloc": sloc}
    )


def _report(packages: list[dict[str, Any]]) -> str:
    rows = "\n".join(map(_row, packages))
    sloc = sum(one["sloc"] for one in packages)
    functions = sum(one["functions"] for one in packages)
    worst = sorted(
        (one["worst"] for one in packages if one["worst"]), key=lambda block: -block["complexity"]
    )
    listed = "\n".join(f"- `{block['name']}`: {block['complexity']}" for block in worst[:5])
    return (
        "# What this source tree is made of\n\n"
        f"{len(packages)} packages, {sloc} lines of code, {functions} functions and classes, "
        "measured by one worker a package and joined by another.\n\n"
        "| package | files | lines of code | blocks | mean complexity | maintainability |\n"
        "|---|---:|---:|---:|---:|---:|\n"
        f"{rows}\n\n"
        "## The most complex block of each of the five worst packages\n\n"
        f"{listed}\n\n"
        "Complexity is cyclomatic; maintainability runs from 0 to 100, higher is better (radon).\n"
    )


def _row(one: dict[str, Any]) -> str:
    return (
        f"| {one['package']} | {one['files']} | {one['sloc']} | {one['functions']} |"
        f" {one['mean_complexity']} | {one['mean_maintainability']} |"
    )


if __name__ == "__main__":
    main()
