"""Every kind of source by the name that people give it, and reading one into a spool."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from hermes_kanban.porting.fitting import Fitting
from hermes_kanban.porting.reading import Choices, Reading
from hermes_kanban.porting.spool import Spool

# The name, and the module whose ``read`` knows its files.
KINDS: Final = {
    "hermes": "hermes",
    "beads": "beads",
    "backlog": "backlog",
    "vibe-kanban": "vibe_kanban",
    "github": "github",
    "csv": "table",
}
_NO_PROGRESS: Final[Callable[[int], None]] = lambda _: None  # noqa: E731


def reader(kind: str) -> Callable[[Path, Choices], Reading]:
    """What reads files of that kind."""
    found: Callable[[Path, Choices], Reading] = import_module(
        f"hermes_kanban.porting.{KINDS[kind]}"
    ).read
    return found


def spooled(
    kind: str,
    file: Path,
    choices: Choices,
    fitting: Fitting,
    *,
    name: str | None = None,
    progress: Callable[[int], None] = _NO_PROGRESS,
) -> tuple[Spool, list[str]]:
    """All of a source, read and fitted, and what there is to say of it as a whole.

    ``name`` is what its tasks are remembered under, if not its own. Whatever is wrong with the
    file is raised here, before anything is written.
    """
    reading = reader(kind)(file, choices)
    spool = Spool(name or reading.name, str(file))
    try:
        for task in reading.tasks:
            spool.add(fitting.fit(task))
            progress(len(spool))
        spool.in_order()
    except BaseException:
        spool.__exit__(None, None, None)
        raise
    return spool, reading.notes
