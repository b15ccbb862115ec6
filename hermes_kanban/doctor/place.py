"""The home: whether it is there, whose it is, and what it lies on."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hermes_kanban.config import load_last_good
from hermes_kanban.doctor.finding import Finding
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.store import filesystem

_FEW_INODES: Final = 1000
_OPEN_TO_OTHERS: Final = 0o077
# What holds secrets, or may.
_PRIVATE: Final = ("config.yaml", "profiles/*.yaml", "web.token", "web.sessions", "gateway.log*")


def home_folder(home: Path) -> Iterator[Finding]:
    """Whether the home is there and can be written."""
    if not home.exists():
        yield Finding.warning(f"{home} is not there yet", "hermes-kanban up")
        return
    if not home.is_dir():
        yield Finding.fault(
            f"{home} is no folder", f"mv {home} {home}.old, or set HERMES_KANBAN_HOME"
        )
        return
    try:
        with tempfile.NamedTemporaryFile(prefix=".doctor.", dir=home):
            pass
    except OSError as error:
        yield Finding.fault(
            f"nothing can be written in {home}: {error.strerror}",
            "make room or give yourself the right to write there, or set HERMES_KANBAN_HOME to a"
            " folder of your own",
        )
        return
    yield Finding.ok(str(home))


def rights(home: Path) -> Iterator[Finding]:
    """Whether it is ours, and nobody else's to read."""
    if not home.is_dir():
        return
    files = [home, *(file for name in _PRIVATE for file in sorted(home.glob(name)))]
    stats = [(file, file.stat()) for file in files if file.exists()]
    foreign = [file for file, found in stats if found.st_uid != os.geteuid()]
    if foreign:
        yield Finding.fault(
            f"{_few(foreign)} belongs to another user",
            f"run as that user, or: sudo chown -R {os.geteuid()} {home}",
        )
    opened = [
        file for file, found in stats if found.st_mode & _OPEN_TO_OTHERS and file not in foreign
    ]
    if opened:
        yield Finding.warning(
            f"{_few(opened)} can be read by other users of this machine",
            f"chmod -R go= {home}",
            lambda: _close(opened),
        )
    if not foreign and not opened:
        yield Finding.ok("the home is yours alone")


def _few(files: list[Path]) -> str:
    more = len(files) - 1
    return f"{files[0]}{f' (and {more} more)' if more else ''}"


def _close(files: list[Path]) -> None:
    for file in files:
        file.chmod(stat.S_IMODE(file.stat().st_mode) & ~_OPEN_TO_OTHERS)


def disk(home: Path) -> Iterator[Finding]:
    """Whether there is room: for bytes and for files."""
    there = _existing(home)
    status = os.statvfs(there)
    free = status.f_bavail * status.f_frsize // 2**20
    try:
        least = load_last_good(home).kanban.min_free_mb
    except KanbanError:
        least = 0
    if status.f_flag & os.ST_RDONLY:
        yield Finding.fault(
            f"the disk of {there} is mounted read-only",
            "mount it for writing, or set HERMES_KANBAN_HOME to a folder on another disk",
        )
    elif free < least:
        yield Finding.fault(
            f"only {free} MiB are free and kanban.min_free_mb is {least}: nothing new is started",
            "make room (hermes-kanban gc removes old logs), or lower kanban.min_free_mb",
        )
    elif status.f_files and status.f_favail < _FEW_INODES:
        yield Finding.fault(
            f"only {status.f_favail} more files fit on the disk of {there}",
            "remove small files; hermes-kanban gc removes old logs",
        )
    else:
        yield Finding.ok(f"{free} MiB are free")


def file_system(home: Path) -> Iterator[Finding]:
    """Whether locks hold there for everybody."""
    kind = filesystem.file_system(home)
    try:
        on_server = bool(load_last_good(home).kanban.database)
    except KanbanError:
        on_server = False
    if not on_server:
        try:
            filesystem.refuse_share(home)
        except KanbanError as refused:
            what, _, remedy = str(refused).partition("; ")
            yield Finding.fault(what, remedy)
            return
    yield Finding.ok(f"{kind}, a local file system" if kind else "of an unknown kind")


def _existing(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.exists())
