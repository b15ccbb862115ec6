"""Processes that kill themselves, as by kill -9, right before or after a step that is named.

They are forked from one that has everything loaded, so that a thousand deaths cost no thousand
starts of Python; each is a process of its own, with the environment that it is given.
"""

from __future__ import annotations

import faulthandler
import inspect
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_DUMP_SECONDS = 1.0
KILLED = -signal.SIGKILL
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["pytest", "tests.notify.notifier_process", "tests.chat.gateway_process"]
)


class Killing:
    """Counts down to the point at which this process dies.

    ``wanted`` is ``before-<step>:<number>`` or ``after-<step>:<number>``: the so manieth time.
    """

    def __init__(self, wanted: str) -> None:
        self.point, _, left = wanted.partition(":")
        self.left = int(left or 0)

    def reach(self, point: str) -> None:
        """This point is reached."""
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def surround(self, steps: Mapping[str, tuple[Any, str]]) -> None:
        """From now on each step has its two points; a step is where it is, and its name there."""
        for step, (owner, name) in steps.items():
            setattr(owner, name, self._around(step, getattr(owner, name)))

    def _around(self, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(call):

            @wraps(call)
            async def awaited(*args: Any, **keys: Any) -> Any:
                self.reach(f"before-{step}")
                answer = await call(*args, **keys)
                self.reach(f"after-{step}")
                return answer

            return awaited

        @wraps(call)
        def called(*args: Any, **keys: Any) -> Any:
            self.reach(f"before-{step}")
            answer = call(*args, **keys)
            self.reach(f"after-{step}")
            return answer

        return called


def points(steps: Sequence[str]) -> tuple[str, ...]:
    """Right before and right after each."""
    return tuple(f"{side}-{step}" for step in steps for side in ("before", "after"))


@contextmanager
def running(
    program: Callable[[], None], point: str = "", *, errors: Path, **variables: str
) -> Iterator[BaseProcess]:
    """``program`` in a process of its own, killed in the end if it has not died before.

    ``point`` is where it kills itself (``KILL_AT``); what it writes to standard error is added to
    the file ``errors``, and where each of its threads is if the block fails.
    """
    environment = os.environ | variables | {"KILL_AT": point}
    process = _CONTEXT.Process(target=_enter, args=(program, environment, str(errors)))
    process.start()
    try:
        yield process
    except BaseException:
        # Only now: a dump reads the frames of threads that go on, and may end a process that works.
        _say_where(process)
        raise
    finally:
        process.kill()
        process.join(30)
        process.close()


def _say_where(process: BaseProcess) -> None:
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGUSR1)
        process.join(_DUMP_SECONDS)


def _enter(program: Callable[[], None], environment: Mapping[str, str], errors: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    faulthandler.register(signal.SIGUSR1)
    sys.stdout, sys.stderr = os.fdopen(1, "w", 1), os.fdopen(2, "w", 1)
    program()
