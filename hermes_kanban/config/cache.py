"""The parsed copy of the configuration files, so that no command parses YAML in vain.

``<home>/.config-cache.json`` holds the files' plain values, before the environment, with the
stamps of the files they came from. It is an aid only: unreadable, stale or unwritable, it is
passed over in silence. It may hold what a profile's ``env`` holds, hence 0600.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hermes_kanban.regular import read_regular

CACHE_FILE = ".config-cache.json"
CACHE_VERSION = 2
# A file may be written twice within one tick of the clock that stamps it, and then looks
# unchanged; what was written just now is therefore read again.
SETTLED_NANOSECONDS = 50_000_000


class Stamp(NamedTuple):
    """What tells one version of a file from the next.

    ``ctime_ns`` also changes with the file's mode, and when an edit keeps the old ``mtime_ns``.
    """

    path: str
    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int

    @property
    def file(self) -> Path:
        return Path(self.path)


class _Copy(msgspec.Struct, frozen=True):
    version: int
    stamps: tuple[Stamp, ...]
    tree: dict[str, Any]
    settled: bool


def stamps(home: Path) -> tuple[Stamp, ...]:
    """The stamps of config.yaml (first, if there) and of every profile's file, by name.

    Raises OSError for a file that may not be looked at.
    """
    found = []
    config_file = home / "config.yaml"
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        found.append(_stamp(str(config_file), config_file.stat()))
    with (
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
        os.scandir(f"{home}/profiles") as entries,
    ):
        files = [entry for entry in entries if _is_profile(entry)]
        found += sorted(_stamp(entry.path, entry.stat()) for entry in files)
    return tuple(found)


def _is_profile(entry: os.DirEntry[str]) -> bool:
    """Editors leave hidden files beside what they edit; those are no profiles."""
    return entry.name.endswith(".yaml") and not entry.name.startswith(".") and entry.is_file()


def _stamp(path: str, stat: os.stat_result) -> Stamp:
    return Stamp(path, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)


def settled(found: tuple[Stamp, ...]) -> bool:
    """Whether the stamps can be trusted to change with the next edit."""
    now = time.time_ns()
    return all(abs(now - stamp.mtime_ns) > SETTLED_NANOSECONDS for stamp in found)


def read_copy(home: Path, found: tuple[Stamp, ...]) -> dict[str, Any] | None:
    """The parsed copy of exactly these files, or None."""
    copy = _read(home)
    if copy is None or copy.stamps != found or not copy.settled:
        return None
    return copy.tree


def read_last_copy(home: Path) -> tuple[tuple[Stamp, ...], dict[str, Any]] | None:
    """The newest copy that was good, whatever became of its files; None if there is none."""
    copy = _read(home)
    return None if copy is None else (copy.stamps, copy.tree)


def _read(home: Path) -> _Copy | None:
    try:
        data = read_regular(home / CACHE_FILE)
        copy = msgspec.json.decode(data, type=_Copy)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return copy if copy.version == CACHE_VERSION else None


def write_copy(home: Path, found: tuple[Stamp, ...], tree: dict[str, Any]) -> None:
    """Keeps ``tree`` for the next process; a home that cannot be written is no error.

    Of files written just now it is the last good copy only: they are read again until settled.
    """
    target = home / CACHE_FILE
    draft = f"{target}.{os.getpid()}.{time.monotonic_ns()}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(msgspec.json.encode(_Copy(CACHE_VERSION, found, tree, settled(found))))
            Path(draft).replace(target)
        except OSError:
            Path(draft).unlink(missing_ok=True)
    except OSError:
        return
