"""A gateway that kills itself at a step of the notifier, of the desk, or of a platform's adapter.

``KILL_AT`` is the point (see ``tests.support.dying``).
"""

from __future__ import annotations

import os
from typing import Any, Final

import nio  # noqa: F401  # loaded once, and not in each process that is forked

from gateway import __main__ as program
from gateway.chat import desk, matrix
from hermes_kanban.kernel import said
from tests.notify import notifier_process
from tests.support.dying import Killing, points

# Telling: the kernel's steps, and those of the adapter; "put" has the server's answer behind it.
_OWED: Final = ("advance", "survey", "next", "mark", "to-close", "close-mark")
TELLING: Final[dict[str, tuple[Any, str]]] = {
    **{step: notifier_process.STEPS[step] for step in _OWED},
    "send": (matrix.MatrixAdapter, "send"),
    "room": (matrix.MatrixAdapter, "_room"),
    "put": (matrix.MatrixAdapter, "_put"),
    "file": (matrix.MatrixAdapter, "_send_file"),
    "close": (matrix.MatrixAdapter, "close"),
}
# Listening: what was said is read, done in one transaction, answered, and noted as read.
LISTENING: Final[dict[str, tuple[Any, str]]] = {
    "read": (matrix.MatrixAdapter, "_read_room"),
    "said": (desk.ChatDesk, "_said"),
    "do": (said, "do_once"),
    "reply": (matrix.MatrixAdapter, "_reply"),
    "keep": (matrix, "keep"),
}
STEPS: Final = TELLING | LISTENING
POINTS: Final = points(list(STEPS))


def main() -> None:
    """Run until killed."""
    Killing(os.environ.get("KILL_AT", "")).surround(STEPS)
    program.run()
