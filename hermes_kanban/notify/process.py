"""Runs a program for one message, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Final, NamedTuple

import anyio
import anyio.abc

from hermes_kanban.redact import one_line, redact

COMPLAINT_BYTES: Final = 512
DRAIN_SECONDS: Final = 0.2


class Ended(NamedTuple):
    """How it ended: its exit code, below 0 for a signal, and the last line it complained with."""

    code: int | None
    complaint: str

    def __str__(self) -> str:
        if self.code is not None and self.code < 0:
            ending = f"killed by signal {-self.code}"
        else:
            ending = f"exit code {self.code}"
        return f"{ending}: {self.complaint}" if self.complaint else ending


async def run(words: Sequence[str], stdin: bytes = b"") -> Ended:
    """Run it once; when cancelled, its whole process group is killed and it is reaped.

    Raises OSError if it cannot be started.
    """
    # Once a child exists it must be known, or nobody would kill and reap it.
    with anyio.CancelScope(shield=True):
        process = await anyio.open_process(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
    try:
        complaint = await _converse(process, stdin)
    finally:
        await _make_sure_it_is_gone(process)
    return Ended(process.returncode, complaint)


async def _converse(process: anyio.abc.Process, message: bytes) -> str:
    """Hand over the message, wait for the end; returns the last line that it complained with."""
    heard = bytearray()
    async with anyio.create_task_group() as group:
        group.start_soon(_tell, process, message)
        group.start_soon(_listen, process, heard)
        await process.wait()
        # A child of its own may hold stderr open for ever.
        group.cancel_scope.deadline = anyio.current_time() + DRAIN_SECONDS
    lines = bytes(heard).decode(errors="replace").strip().splitlines()
    return redact(one_line(lines[-1])) if lines else ""


async def _tell(process: anyio.abc.Process, message: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        await process.stdin.send(message)
        await process.stdin.aclose()


async def _listen(process: anyio.abc.Process, heard: bytearray) -> None:
    assert process.stderr is not None
    async for chunk in process.stderr:
        heard += chunk
        del heard[:-COMPLAINT_BYTES]


async def _make_sure_it_is_gone(process: anyio.abc.Process) -> None:
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await process.aclose()
