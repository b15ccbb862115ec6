"""What a run cost where its client counts over the whole conversation.

On the way into such a conversation its count so far is laid down in the run's folder, and on the
way out it is taken off.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from hermes_kanban.model import Usage
from hermes_kanban.regular import read_regular

BEFORE = "usage-before.json"


def before(folder: Path, usage: Usage | None) -> dict[Path, str]:
    """The file that keeps what the conversation had cost when the run began."""
    if usage is None:
        return {}
    return {folder / BEFORE: msgspec.json.encode(usage).decode()}


def since(folder: Path, total: Usage) -> Usage:
    """``total`` without what had been there before the run."""
    try:
        had = msgspec.json.decode(read_regular(folder / BEFORE), type=Usage)
    except (OSError, msgspec.DecodeError):
        return total
    cost = None if total.cost_usd is None else max(0.0, total.cost_usd - (had.cost_usd or 0.0))
    return Usage(
        input=_less(total.input, had.input),
        cached=_less(total.cached, had.cached),
        output=_less(total.output, had.output),
        cost_usd=cost,
        turns=_less(total.turns, had.turns),
    )


def _less(total: int | None, had: int | None) -> int | None:
    return None if total is None else max(0, total - (had or 0))
