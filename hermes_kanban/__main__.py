"""``python -m hermes_kanban``: the command line, or why this Python is too old for it."""

import sys

# Any Python that there is reads this file, so it keeps to what all of them know.
LEAST = (3, 11)

if sys.version_info < LEAST:
    text = (
        "hermes-kanban: needs Python {}.{} or newer, and this is {}.{} ({});"
        " install it with one that is: pipx install --python python3.11 hermes-kanban\n"
    )
    sys.stderr.write(text.format(*(LEAST + tuple(sys.version_info[:2]) + (sys.executable,))))
    sys.exit(2)

from hermes_kanban.surfaces.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
