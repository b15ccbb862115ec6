"""The sample plan: an inventory, one measuring task a package, a report that joins them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import yaml

import hermes_kanban
from hermes_kanban import kernel as kb

AGENTS: Final = ("inventory", "measure", "report")
LEFT_OUT: Final = frozenset({"__pycache__", "build", "dist", "node_modules"})


def source_root() -> Path:
    """The folder that holds the packages: a checkout, or where they are installed."""
    return Path(hermes_kanban.__file__).resolve().parents[1]


def packages(root: Path) -> list[str]:
    """Every folder with Python files in it, relative to ``root``, largest first."""
    found = []
    for top in ("hermes_kanban", "gateway", "tests"):
        folders = [root / top, *(root / top).rglob("*/")]
        found += [folder for folder in folders if _is_package(folder)]
    found.sort(key=_bytes, reverse=True)
    return [str(folder.relative_to(root)) for folder in found]


def _is_package(folder: Path) -> bool:
    hidden = any(part.startswith(".") or part in LEFT_OUT for part in folder.parts[-3:])
    return folder.is_dir() and not hidden and _bytes(folder) > 0


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.py"))


def configuration() -> str:
    """The embedded board's config.yaml: one profile an agent, a short first back-off."""
    profiles = {
        name: {
            "argv": [sys.executable, "-m", f"hermes_kanban.demo.agents.{name}"],
            "on_exit_zero": "protocol_violation",
            "description": f"The sample plan's {name} agent",
        }
        for name in AGENTS
    }
    return yaml.safe_dump(
        {"kanban": {"backoff_base_seconds": 1, "max_in_progress": 4}, "profiles": profiles},
        sort_keys=False,
    )


def file_plan(conn: kb.BoardConnection, report: Path) -> list[str]:
    """File the plan in one transaction; return the ids of the measuring tasks, largest first."""
    root = source_root()
    names = packages(root)
    with kb.batch(conn):
        inventory = kb.create_task(
            conn,
            title="Take the inventory",
            body=json.dumps({"root": str(root), "packages": names}),
            assignee="inventory",
        )
        measuring = [
            kb.create_task(
                conn,
                title=f"Measure {name}",
                body=json.dumps({"root": str(root), "package": name}),
                assignee="measure",
                parents=[inventory],
            )
            for name in names
        ]
        kb.create_task(
            conn,
            title="Write the report",
            body=json.dumps({"file": str(report), "packages": len(names)}),
            assignee="report",
            parents=measuring,
        )
    return measuring
