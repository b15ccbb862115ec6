"""The console script: a quick start, one command, and an end at once."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line that the process was started with, and exit."""
    # Loading code makes no garbage: looking for some costs time, now and at every later look.
    gc.disable()
    from hermes_kanban.surfaces.cli.root import run

    gc.freeze()
    gc.enable()
    # Whatever a locale cannot spell is escaped rather than a reason to fail.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = run(sys.argv[1:])
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    sys.stderr.flush()
    # Taking the interpreter down in good order costs an eighth of a short command, and nothing of
    # ours waits for it: the board is closed by now.
    os._exit(code)


if __name__ == "__main__":
    main()
