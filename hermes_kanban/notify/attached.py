"""The files of a message, read for a destination that takes them along."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import Final, NamedTuple

from hermes_kanban.notify.message import File
from hermes_kanban.redact import one_line
from hermes_kanban.regular import open_regular

ALL_BYTES: Final = 10 * 2**20


class Attached(NamedTuple):
    """A file with its content."""

    file: File
    content: bytes


class Files(NamedTuple):
    """What could be read, and a line about what could not."""

    attached: list[Attached]
    missing: str


def read(files: Iterable[File]) -> Files:
    """Read them; what is gone, is no plain file, or has grown too large is left out and named."""
    attached: list[Attached] = []
    missing: list[File] = []
    room = ALL_BYTES
    for file in files:
        content = _content(file.path, room)
        if content is None:
            missing.append(file)
            continue
        attached.append(Attached(file, content))
        room -= len(content)
    return Files(attached, not_attached(missing))


def present(files: Iterable[File]) -> tuple[list[File], list[File]]:
    """Those that are plain files now, and the others."""
    here: list[File] = []
    gone: list[File] = []
    for file in files:
        try:
            (here if stat.S_ISREG(os.lstat(file.path).st_mode) else gone).append(file)
        except OSError:
            gone.append(file)
    return here, gone


def not_attached(files: Iterable[File]) -> str:
    """A line that names them; empty for none."""
    names = ", ".join(one_line(file.name) for file in files)
    return f"Not attached: {names}." if names else ""


def _content(path: str, room: int) -> bytes | None:
    try:
        with open(open_regular(path), "rb") as opened:
            content = opened.read(room + 1)
    except OSError:
        return None
    return content if len(content) <= room else None
