"""What was written where, so that it can be taken back: ``<home>/clients/``.

One record a configuration file, and beside it what stood in the files before.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec


class Wish(msgspec.Struct, frozen=True):
    """A setting that was missing and that we made."""

    path: list[str]
    value: Any


class Record(msgspec.Struct, kw_only=True):
    """One client's configuration file and the skill that came with it.

    ``original`` and the values of ``overwritten`` name kept copies, ``original`` that of the file
    before our last change after anybody else's; with ``exact`` nothing of ours was in it yet, so it
    may come back as it was. ``after`` is the sha256 of the file as we left it, those of ``skill``
    as we left each file. ``made`` are the paths of parents of our entry that were missing,
    ``folders`` the folders, outermost first.
    """

    v: int = 1
    client: str
    config: str
    created: bool = False
    original: str | None = None
    exact: bool = False
    after: str = ""
    made: list[list[str]] = []
    wishes: list[Wish] = []
    replaced: Any = None
    skill: dict[str, str] = {}
    overwritten: dict[str, str] = {}
    folders: list[str] = []

    @property
    def copies(self) -> set[str]:
        """The names of the copies that it needs."""
        return {name for name in (self.original, *self.overwritten.values()) if name}


class Ledger:
    """The records under one home."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "clients"

    def read(self, client: str, config: Path) -> Record | None:
        """The record of that file; None if there is none that can be read."""
        try:
            return msgspec.json.decode(self._file(client, config).read_bytes(), type=Record)
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, record: Record) -> None:
        """Keep the record, whole or not at all."""
        file = self._file(record.client, Path(record.config))
        self._make()
        temporary = file.with_suffix(".tmp")
        _write_private(temporary, msgspec.json.format(msgspec.json.encode(record)))
        temporary.replace(file)

    def forget(self, record: Record) -> None:
        """Drop the record and the copies that it names."""
        self.drop(record.copies)
        self._file(record.client, Path(record.config)).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def drop(self, names: set[str]) -> None:
        """Drop those copies."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def keep(self, data: bytes) -> str:
        """Keep a copy; returns its name."""
        name = f"before-{sha256(data)[:16]}"
        self._make()
        if not (self.folder / name).exists():
            _write_private(self.folder / name, data)
        return name

    def kept(self, name: str) -> bytes | None:
        """The copy of that name; None if it is gone or is not what was kept."""
        try:
            data = (self.folder / name).read_bytes()
        except OSError:
            return None
        return data if name == f"before-{sha256(data)[:16]}" else None

    def _file(self, client: str, config: Path) -> Path:
        return self.folder / f"{client}-{sha256(os.fsencode(config))[:8]}.json"

    def _make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _write_private(file: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(file, flags, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
