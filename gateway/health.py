"""The gateway's health record: one small JSON file a board, which CLI and board read."""

from __future__ import annotations

import contextlib
import os
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban import health
from hermes_kanban.machine import machine
from hermes_kanban.model.records import Identity
from hermes_kanban.paths import BoardPaths
from hermes_kanban.regular import open_regular, read_regular
from hermes_kanban.workers.process import identity_of

REFRESH_SECONDS: Final = 15.0


class HealthRecord(msgspec.Struct):
    """What one gateway says of one board. Times are Unix seconds.

    ``state`` is ``dispatching``, ``standby`` or ``off``; ``degraded`` lists what needs a person;
    ``stuck`` has the tasks that should start and do not, by reason; ``chat`` says in words how each
    chat platform is; ``web`` is the address at which this gateway serves HTTP, empty for none.
    """

    state: str
    pid: int
    host: str
    identity: Identity | None
    started_at: int
    tick_at: int
    interval_seconds: float
    version: str
    in_progress: int = 0
    degraded: list[str] = []
    stuck: dict[str, list[str]] = {}
    chat: dict[str, str] = {}
    web: str = ""


def new_record(state: str, *, now: int, interval_seconds: float) -> HealthRecord:
    """The first record of this process."""
    return HealthRecord(
        state=state,
        pid=os.getpid(),
        host=machine().host,
        identity=identity_of(os.getpid()),
        started_at=now,
        tick_at=now,
        interval_seconds=interval_seconds,
        version=metadata.version("hermes-kanban"),
    )


class HealthFile:
    """Writes the record whole, when it changed or has grown old."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: tuple[Any, ...] = ()

    def write(self, record: HealthRecord) -> None:
        """Replace the file if the record says something new; a full disk is no reason to fail.

        Where there is no room for a second file the old one is overwritten: a full disk is what
        people must hear of.
        """
        key = (
            record.state,
            record.in_progress,
            tuple(record.degraded),
            msgspec.json.encode(record.stuck),
            tuple(record.chat.items()),
            record.web,
            record.tick_at // REFRESH_SECONDS,
        )
        if key == self._written:
            return
        encoded = msgspec.json.encode(record)
        if self._replace(encoded) or self._overwrite(encoded):
            self._written = key

    def _replace(self, encoded: bytes) -> bool:
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            with open(draft, "wb", opener=_private) as file:
                file.write(encoded)
            os.replace(draft, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()
            return False
        return True

    def _overwrite(self, encoded: bytes) -> bool:
        try:
            file = open_regular(self._path, os.O_WRONLY)
        except OSError:
            return False
        try:
            written = os.pwrite(file, encoded, 0)
            os.ftruncate(file, written)
        except OSError:
            return False
        finally:
            os.close(file)
        return written == len(encoded)

    def remove(self) -> None:
        """This gateway has gone, if the file is still its own."""
        record = read_health(self._path)
        if record is not None and record.pid == os.getpid():
            with contextlib.suppress(OSError):
                self._path.unlink()


def remove_stale_standbys(paths: BoardPaths, now: int) -> None:
    """Remove what gateways left behind that were killed while they stood by."""
    for file in paths.root.glob("health.standby-*.json"):
        if health.read_one(file, now) is None:
            with contextlib.suppress(OSError):
                file.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read_health(path: Path) -> HealthRecord | None:
    """The record at ``path``, or None if there is none that can be read."""
    try:
        return _decode(read_regular(path))
    except (OSError, msgspec.DecodeError):
        return None


_decode = msgspec.json.Decoder(HealthRecord).decode
