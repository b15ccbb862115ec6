"""``python -m hermes_kanban``: the command line, or one line where this Python is too old for it."""

import sys

# Any Python that there is reads this file, so it keeps to what all of them know.
LEAST = (3, 11)

if sys.version_info < LEAST:
    sys.stderr.write(
        "hermes-kanban: needs Python %d.%d or newer, and this is %d.%d (%s);"  # noqa: UP031
        " install it with one that is: pipx install --python python3.11 hermes-kanban\n"
        % (LEAST + tuple(sys.version_info[:2]) + (sys.executable,))  # noqa: RUF005
    )
    sys.exit(2)

from hermes_kanban.surfaces.cli.main import main

main()
