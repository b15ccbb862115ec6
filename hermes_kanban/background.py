"""The gateway as a process in the background: found, started, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from hermes_kanban import health, present
from hermes_kanban.config import Server
from hermes_kanban.kernel.boards import board_slugs
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.ourselves import own_command
from hermes_kanban.paths import BoardPaths, board_paths

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
ERRORS_FILE: Final = "gateway.err"
_POLL_SECONDS: Final = 0.02


class GatewayFailed(KanbanError):
    """The gateway did not come up, or did not go down; the message says what it said last."""


def running(paths: BoardPaths) -> health.Health | None:
    """The gateway that serves the board, or the one that waits to; None if there is none."""
    now = int(time.time())
    found = health.read(paths, now)
    return found or next(iter(health.standing_by(paths, now)), None)


def start(paths: BoardPaths) -> health.Health:
    """Start a gateway that outlives this process and its terminal; return once it serves the board.

    Its log goes to the home's gateway.log. Raises GatewayFailed with its own last word.
    """
    errors = paths.home / ERRORS_FILE
    with open(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        child = subprocess.Popen(
            [*own_command(), "gateway", "run", "--quiet"],
            cwd=paths.home,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=os.environ | _absolute(),
            start_new_session=True,
        )
    try:
        return wait(paths, lambda: child.poll() is None)
    except GatewayFailed:
        raise GatewayFailed(_last_words(child, errors)) from None


def wait(paths: BoardPaths, lives: Callable[[], bool] = lambda: True) -> health.Health:
    """The gateway once it serves the board; GatewayFailed if it takes too long or ends."""
    deadline = time.monotonic() + START_SECONDS
    while (record := running(paths)) is None:
        if not lives() or time.monotonic() > deadline:
            raise GatewayFailed(f"no gateway serves the board within {START_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    return record


def _absolute() -> dict[str, str]:
    """What names a place relative to here names it from the home too."""
    return {
        name: str(Path(value).expanduser().absolute())
        for name in ("HERMES_KANBAN_HOME", "HERMES_HOME", "HERMES_KANBAN_DB")
        if (value := os.environ.get(name))
    }


def _last_words(child: subprocess.Popen[bytes], errors: Path) -> str:
    if child.poll() is None:
        child.terminate()
        return (
            f"the gateway serves nothing after {START_SECONDS:.0f} s and was stopped; see:"
            " hermes-kanban gateway logs"
        )
    lines = errors.read_text("utf-8", errors="replace").splitlines()
    said = present.clean(lines[-1]).removeprefix("gateway: ") if lines else "nothing"
    return f"the gateway ended with {child.returncode} and said: {said}"


def boards_here() -> list[BoardPaths]:
    """The boards of this home, as far as files tell: also while the configuration is wrong."""
    if os.environ.get("HERMES_KANBAN_DB"):
        return [board_paths()]
    try:
        slugs = board_slugs()
    except KanbanError:
        slugs = board_slugs(database=Server(""))
    return [board_paths(slug) for slug in slugs]


def all_running() -> dict[int, health.Health]:
    """Every gateway of this home that serves a board or waits to, by its pid."""
    return {record.pid: record for record in _records(boards_here())}


def _records(boards: list[BoardPaths]) -> Iterator[health.Health]:
    now = int(time.time())
    for paths in boards:
        if (record := health.read(paths, now)) is not None:
            yield record
        yield from health.standing_by(paths, now)


def stop(record: health.Health) -> None:
    """Stop a gateway of this machine and wait until it has gone; its workers go on.

    Raises GatewayFailed where it cannot be reached, or does not go.
    """
    from hermes_kanban.workers.process import SystemProcesses

    if record.identity is None or not health.is_here(record):
        raise GatewayFailed(
            f"the gateway is process {record.pid} of another machine or container ({record.host});"
            " stop it there"
        )
    processes = SystemProcesses()
    deadline = time.monotonic() + STOP_SECONDS
    told = False
    while processes.liveness(record.identity) != "dead":
        if not told:
            _terminate(record.pid)
            told = True
        if time.monotonic() > deadline:
            raise GatewayFailed(
                f"the gateway, process {record.pid}, is still there after {STOP_SECONDS:.0f} s;"
                f" end it with: kill -9 {record.pid}"
            )
        time.sleep(_POLL_SECONDS)


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError:
        raise GatewayFailed(
            f"the gateway, process {pid}, belongs to another user; stop it as that user"
        ) from None
