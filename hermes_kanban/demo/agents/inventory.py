"""Takes the inventory: how many files and lines each package has."""

from __future__ import annotations

from pathlib import Path

from hermes_kanban.demo.agents.worker import Job, sources


def main() -> None:
    """Count, say so line by line, and hand the counts over."""
    job = Job()
    root = Path(job.order["root"])
    counts = {}
    for package in job.order["packages"]:
        files = sources(root / package)
        lines = sum(len(file.read_text("utf-8").splitlines()) for file in files)
        counts[package] = {"files": len(files), "lines": lines}
        print(f"{package}: {len(files)} files, {lines} lines", flush=True)
    total = sum(one["lines"] for one in counts.values())
    job.hand_over(f"{len(counts)} packages, {total} lines", {"packages": counts})


if __name__ == "__main__":
    main()
