"""What the system refused, as one line for people: the path, why, and what to do."""

from __future__ import annotations

import errno
from typing import Final

from hermes_kanban.model.errors import KanbanError

_ELSEWHERE: Final = "or set HERMES_KANBAN_HOME to a folder of your own"
_REMEDIES: Final = {
    errno.EACCES: f"give yourself the right to it, {_ELSEWHERE}",
    errno.EPERM: f"give yourself the right to it, {_ELSEWHERE}",
    errno.EROFS: f"its disk can only be read; mount it for writing, {_ELSEWHERE}",
    errno.ENOSPC: "make room on its disk, and try again",
    errno.EDQUOT: "make room within your quota, and try again",
    errno.ENOTDIR: f"a file stands where a folder should; move it away, {_ELSEWHERE}",
    errno.EEXIST: f"a file stands where a folder should; move it away, {_ELSEWHERE}",
    errno.EMFILE: "too many files are open; raise the limit: ulimit -n 4096",
}
_ANY: Final = "check the path, its rights and the room on its disk"


def one_line(error: OSError) -> str:
    """That line."""
    place = f"{error.filename}: " if error.filename else ""
    told = error.strerror or str(error) or type(error).__name__
    return f"{place}{told}; {_REMEDIES.get(error.errno or 0, _ANY)}"


def told(error: KanbanError | OSError) -> str:
    """The board's own words where it has them, else that line."""
    return str(error) if isinstance(error, KanbanError) else one_line(error)
