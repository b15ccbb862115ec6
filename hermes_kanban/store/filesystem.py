"""What a board may lie on: a file system whose locks and shared memory hold for everybody.

SQLite's log needs both, and a share of the network or of a virtual machine's host gives neither
(https://www.sqlite.org/wal.html, section 1; https://www.sqlite.org/howtocorrupt.html, section 2.1).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from hermes_kanban.model.errors import KanbanError

MOUNTS: Final = Path("/proc/self/mounts")

# By the type that the kernel names; what runs over FUSE is named without "fuse.".
SHARES: Final = frozenset(
    {
        "9p",
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "fakeowner",
        "gcsfuse",
        "glusterfs",
        "gpfs",
        "grpcfuse",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "osxfs",
        "prl_fs",
        "rclone",
        "s3fs",
        "smb",
        "smb3",
        "smbfs",
        "sshfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
        "vmhgfs-fuse",
    }
)


def refuse_share(folder: Path, mounts: Path | None = None) -> None:
    """Raise KanbanError if ``folder`` (or what of it exists) lies on a share; else do nothing.

    Where the machine keeps no table of mounts nothing is refused.
    """
    found = file_system(folder, mounts)
    if is_share(found):
        raise KanbanError(
            f"{folder} lies on a network or shared file system ({found}), whose locks cannot be "
            "trusted with a SQLite board; put HERMES_KANBAN_HOME on a local disk, or set "
            "kanban.database to a PostgreSQL address (postgresql://…) to share one board"
        )


def is_share(kind: str | None) -> bool:
    """True for a type of file system whose locks do not hold for everybody."""
    return kind is not None and kind.removeprefix("fuse.") in SHARES


def file_system(folder: Path, mounts: Path | None = None) -> str | None:
    """The type of the file system under ``folder``; None when it cannot be told."""
    try:
        lines = (mounts or MOUNTS).read_text("utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    real = os.path.realpath(folder)
    best, found = -1, None
    for line in lines:
        fields = line.split(" ")
        point = _unescaped(fields[1]) if len(fields) > 2 else ""
        # What was mounted later covers what was there.
        if len(point) >= best and _is_below(real, point):
            best, found = len(point), fields[2]
    return found


def _is_below(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _unescaped(field: str) -> str:
    """A mount point as it is: blanks and backslashes stand as three octal digits (proc(5))."""
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(escape, character)
    return field
