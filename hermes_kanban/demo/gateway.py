"""The gateway of the demonstration: started as anybody would, or found running."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from gateway.health import HealthRecord, read_health
from hermes_kanban.demo.home import Home
from hermes_kanban.paths import board_paths
from hermes_kanban.workers.process import SystemProcesses

START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.01
SHOWN_LINES: Final = 5


class GatewayFailed(Exception):
    """The gateway did not come up, or ended by itself; the message says what it said last."""


class Gateway:
    """One gateway that serves the board: a child of this process, or somebody's whom it joined."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._health = board_paths().health
        self._processes = SystemProcesses()
        self._child: subprocess.Popen[bytes] | None = None
        self.pid = 0

    @property
    def is_ours(self) -> bool:
        """Whether this process started it, and so has to stop it."""
        return self._child is not None

    def join_or_start(self) -> None:
        """Join the gateway that dispatches the board already, else start one. GatewayFailed."""
        if record := self._record():
            self.pid = record.pid
            return
        self._start()

    def look(self) -> bool:
        """False if the gateway that was joined has gone; GatewayFailed if our own has."""
        if self._child is None:
            return self._record() is not None
        if self._child.poll() is not None:
            words = self._last_words()
            self._child, self.pid = None, 0
            raise GatewayFailed(words)
        return True

    def stop(self) -> float:
        """Stop our own; workers live on. Returns the seconds that it took."""
        if self._child is None:
            return 0.0
        began = time.monotonic()
        # A second signal is the gateway's own way of being told not to tidy up.
        for signal in (self._child.terminate, self._child.terminate, self._child.kill):
            signal()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(STOP_SECONDS)
                break
        self._child = None
        return time.monotonic() - began

    def _start(self) -> None:
        with self._home.gateway_errors.open("wb") as errors:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "gateway"],
                cwd=self._home.folder,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                # Ctrl-C is for this process, which stops the gateway in its own time.
                start_new_session=True,
            )
        self.pid = self._wait_until_served(self._child).pid
        if self.pid != self._child.pid:
            self.stop()  # another was faster: one is enough

    def _wait_until_served(self, child: subprocess.Popen[bytes]) -> HealthRecord:
        deadline = time.monotonic() + START_SECONDS
        while (record := self._record()) is None:
            if child.poll() is not None or time.monotonic() > deadline:
                words = self._last_words()
                self.stop()
                raise GatewayFailed(words)
            time.sleep(POLL_SECONDS)
        return record

    def _record(self) -> HealthRecord | None:
        """What the gateway that dispatches the board says of itself; None if none lives."""
        record = read_health(self._health)
        if record is None or record.identity is None or record.state != "dispatching":
            return None
        return record if self._processes.liveness(record.identity) == "alive" else None

    def _last_words(self) -> str:
        code = self._child.poll() if self._child else None
        how = f"ended with {code}" if code is not None else "did not begin to dispatch"
        said = _last_lines(self._home.gateway_errors)
        return "\n  ".join([f"the gateway {how}; it said last:", *said])


def _last_lines(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-SHOWN_LINES:] or ["nothing"]
