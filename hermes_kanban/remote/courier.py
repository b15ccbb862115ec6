"""Hands in what waits on this machine, for as long as that takes.

One process a folder, in a session of its own, so that it outlives the agent; started when a
hand-over has to wait, and by whatever of ours is started there later.
"""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple

from hermes_kanban import handovers
from hermes_kanban.handovers import HandOver
from hermes_kanban.redact import one_line
from hermes_kanban.regular import NotRegular, open_regular
from hermes_kanban.remote import files
from hermes_kanban.remote.answers import Away, Refused, Unknown
from hermes_kanban.remote.client import Gateways
from hermes_kanban.verbs.table import AGENTS

Outcome = Literal["accepted", "refused", "waiting"]

LOG: Final = ".courier.log"
"""Why something waits: one line for each new reason, since the newest courier began."""
_LOCK: Final = ".courier.lock"
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 15.0
# After that a run is long over; the hand-over stays on the disk.
_DAYS: Final = 7


class Delivered(NamedTuple):
    """What became of one hand-over, and what the board, or the line to it, said."""

    name: str
    outcome: Outcome
    said: str


def start(folder: Path) -> None:
    """Have a courier see to ``folder``, unless one does."""
    subprocess.Popen(
        [sys.executable, "-P", "-m", "hermes_kanban.remote.courier", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def start_if_needed(folder: Path) -> None:
    """The same where something waits: left by a machine that was started anew, say."""
    if handovers.waiting(folder):
        start(folder)


def main() -> None:
    """Deliver until nothing waits any more."""
    folder = Path(sys.argv[1])
    until = time.monotonic() + _DAYS * 86_400
    with _alone(folder) as alone:
        if alone:
            log = folder / LOG
            with suppress(OSError):
                log.unlink()
            for one in deliver_all(folder, until, partial(_write, log)):
                _write(log, f"{one.name} {one.outcome}: {one.said}")


def _write(log: Path, what: str) -> None:
    """One line; a full disk here must not keep anything from being handed in."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    line = f"{time.strftime('%Y-%m-%d %H:%M:%S%z')} {one_line(what)}\n"
    with suppress(OSError), open(open_regular(log, flags), "wb") as file:
        file.write(line.encode("utf-8", "replace"))


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(lock)


def deliver_all(folder: Path, until: float, tell: Callable[[str], None]) -> Iterator[Delivered]:
    """Hand in what waits, again and again until nothing does or ``until`` (monotonic seconds).

    Yields each that was taken or refused, and at the end each that still waits. ``tell`` is told
    why one waits, once for each reason: some last until a person sees to them.
    """
    pause = _FIRST_PAUSE
    told: set[str] = set()
    while True:
        left = []
        for name in handovers.waiting(folder):
            delivered = deliver(folder, name)
            if delivered is None:
                continue
            if delivered.outcome == "waiting":
                left.append(delivered)
                if delivered.said not in told:
                    told.add(delivered.said)
                    tell(f"{name} waits: {delivered.said}")
                continue
            pause = _FIRST_PAUSE
            yield delivered
        if not left or time.monotonic() + pause > until:
            yield from left
            return
        time.sleep(pause * random.uniform(0.7, 1.0))
        pause = min(pause * 2, _LONGEST_PAUSE)


def deliver(folder: Path, name: str) -> Delivered | None:
    """Try once; None if it has gone, or is one that the gateway of this host hands in."""
    try:
        asked = handovers.read(folder, name)
    except ValueError as error:
        handovers.set_aside(folder, name, f"it cannot be read: {error}")
        return Delivered(name, "refused", "it cannot be read")
    if asked is None or not asked.token:
        return None
    try:
        with files.copies(folder / name, asked.artifacts) as copies:
            said, refused = _hand_in(asked, files.measured(copies))
    except FileNotFoundError:
        if name not in handovers.waiting(folder):
            return None
        handovers.set_aside(folder, name, "a file that it names is gone")
        return Delivered(name, "refused", "a file that it names is gone")
    except NotRegular:
        handovers.set_aside(folder, name, "what it names is no regular file")
        return Delivered(name, "refused", "what it names is no regular file")
    except (Away, OSError) as away:
        return Delivered(name, "waiting", str(away))
    if refused:
        handovers.set_aside(folder, name, said)
        return Delivered(name, "refused", said)
    handovers.drop(folder, name)
    return Delivered(name, "accepted", said)


def _hand_in(asked: HandOver, opened: list[files.File]) -> tuple[str, bool]:
    """What the board said, and whether it did not take it; raises Away."""
    verb = AGENTS.get(asked.verb)
    if verb is None or verb.tool is None:
        return f"{asked.verb} is none of the verbs that end a run", True
    gateways = Gateways(tuple(asked.addresses), asked.token)
    arguments = files.uploaded(asked.arguments, opened)
    try:
        answer = gateways.hand_in(verb.tool, arguments, kept=True, files=opened)
    except Unknown:
        return "the token belongs to no run", True
    except Refused as error:
        return str(error), True
    return answer.text, answer.is_error


if __name__ == "__main__":
    main()
