"""What is said when a call goes wrong in a way that no toolbox foresaw: never a traceback."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

from hermes_kanban.surfaces.mcp.toolbox import CallResult
from hermes_kanban.surfaces.mcp.turn import CALL_SECONDS

_BUSY: Final = f"no answer within {CALL_SECONDS:.0f} s: the board is busy"
TOO_LATE: Final = CallResult(
    f"{_BUSY}, and what you asked for may still be done. Look with kanban_show before you ask"
    " again",
    is_error=True,
    later=_BUSY,
)


def gone_wrong(error: Exception) -> CallResult:
    """What the model is told of an error that is ours: its kind, and what to do."""
    failed = f"the board failed at this call ({type(error).__name__})"
    return CallResult(
        f"{failed}; nothing was changed. Try once more; if it fails again, go on without it and say"
        " so in your summary",
        is_error=True,
        later=failed,
    )


def tell(error: Exception) -> None:
    """One line on standard error, for whoever runs the server."""
    from hermes_kanban.redact import one_line, redact

    what = redact(one_line(f"{type(error).__name__}: {error}"))[:500]
    # Whoever started the server may have closed that end, or never opened it.
    with suppress(OSError, AttributeError):
        sys.stderr.write(f"hermes-kanban: mcp: {what}\n")
