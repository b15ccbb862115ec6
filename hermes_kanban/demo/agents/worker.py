"""What the sample workers share: their task, and handing over its result."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from hermes_kanban import kernel as kb


class Job:
    """The task of this process, as its environment names it."""

    def __init__(self) -> None:
        self.conn = kb.connect()
        self.task = kb.get_task(self.conn, os.environ["HERMES_KANBAN_TASK"])
        self.order: dict[str, Any] = json.loads(self.task.body or "{}")

    def hand_over(self, summary: str, result: dict[str, Any]) -> None:
        """Complete the task, or say who has it now and end with failure."""
        done = kb.complete_task(
            self.conn,
            self.task.id,
            summary=summary,
            result=json.dumps(result),
            run_id=int(os.environ["HERMES_KANBAN_RUN_ID"]),
            claim_lock=os.environ["HERMES_KANBAN_CLAIM_LOCK"],
        )
        self.conn.close()
        if not done:
            sys.exit(f"refused: {done}")


def sources(folder: Path) -> list[Path]:
    """The Python files of one package, without those of the packages inside it."""
    return sorted(folder.glob("*.py"))
