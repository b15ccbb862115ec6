"""Measures one package with radon: size, cyclomatic complexity, maintainability."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

from radon.complexity import cc_visit
from radon.metrics import mi_visit
from radon.raw import analyze

from hermes_kanban.demo.agents.worker import Job, sources


def main() -> None:
    """Measure file by file and hand the sums over."""
    job = Job()
    package = job.order["package"]
    files = [_measure(file) for file in sources(Path(job.order["root"]) / package)]
    blocks = [block for file in files for block in file["blocks"]]
    worst = max(blocks, key=lambda block: block["complexity"], default=None)
    result = {
        "package": package,
        "files": len(files),
        "sloc": sum(file["sloc"] for file in files),
        "functions": len(blocks),
        "mean_complexity": round(mean(b["complexity"] for b in blocks), 2) if blocks else 0.0,
        "mean_maintainability": round(mean(f["maintainability"] for f in files), 1),
        "worst": worst,
    }
    job.hand_over(f"{package}: {result['sloc']} lines of code in {len(files)} files", result)


def _measure(file: Path) -> dict[str, Any]:
    code = file.read_text("utf-8")
    raw = analyze(code)
    blocks = [
        {"name": f"{file.stem}.{block.fullname}", "complexity": block.complexity}
        for block in cc_visit(code)
    ]
    print(f"{file.name}: {raw.sloc} lines of code, {len(blocks)} blocks", flush=True)
    return {
        "sloc": raw.sloc,
        "blocks": blocks,
        "maintainability": mi_visit(code, multi=True),
    }


if __name__ == "__main__":
    main()
