"""The gateway of the embedded board: started if there is none, stopped if it was started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from gateway.health import read_health
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.workers.process import SystemProcesses

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05


class Gateway:
    """A gateway process over one home."""

    def __init__(self, home: Path, health: Path) -> None:
        self._home = home
        self._health = health
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start it and wait until it dispatches; False if one was running already."""
        if self._dispatches():
            return False
        log = (self._home / "gateway.err").open("ab")
        # A session of its own: Ctrl-C in this terminal reaches only the runner, which passes it on.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"HERMES_KANBAN_HOME": str(self._home)},
        )
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while not self._dispatches():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise KanbanError(f"the gateway did not start; see {self._home / 'gateway.err'}")
            time.sleep(POLL_SECONDS)
        return True

    def stop(self) -> None:
        """Stop the gateway that this object started; its workers live on."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _dispatches(self) -> bool:
        record = read_health(self._health)
        if record is None or record.identity is None or record.state != "dispatching":
            return False
        return SystemProcesses().liveness(record.identity) == "alive"
