"""Which messages a platform has taken, for those that do not recognise a repeat by themselves.

A message that was sent and could not be marked on the board is sent again with the same key; here
its receipt is found. What was begun and has no receipt was cut short between the two: it may be
there or not, and only the platform knows.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Final

from hermes_kanban.regular import read_regular

KEPT_SECONDS: Final = 7 * 86_400
_TIDY_EACH: Final = 500


class Sent:
    """The record of one platform in ``folder``; several gateways of a home share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy()

    def receipt(self, key: str) -> str | None:
        """The receipt of the message with that key, if it was taken."""
        try:
            return read_regular(self._file(key)).decode() or None
        except OSError:
            return None

    def begun(self, key: str) -> float | None:
        """When it was first tried, in seconds of the clock on the wall; None if it never was."""
        try:
            return self._file(key).stat().st_mtime
        except OSError:
            return None

    def begin(self, key: str) -> None:
        """Write down that it is about to be sent for the first time."""
        if self.begun(key) is None:
            self._file(key).touch(0o600)

    def end(self, key: str, receipt: str) -> None:
        """Write down that it was taken."""
        file = self._file(key)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(receipt, "utf-8")
        draft.replace(file)
        self._written += 1
        if self._written % _TIDY_EACH == 0:
            self._tidy()

    def forget(self, key: str) -> None:
        """As if nothing had been written down."""
        self._file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()[:40]

    def _tidy(self) -> None:
        before = time.time() - KEPT_SECONDS
        for file in self._folder.iterdir():
            try:
                if file.stat().st_mtime < before:
                    file.unlink()
            except FileNotFoundError:
                pass  # another gateway was faster
