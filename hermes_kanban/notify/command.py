"""The destination ``command:<program and arguments>``: a process that gets the message on stdin.

stdin is the message as one JSON object, with the fields of ``Message``. Exit 0 means delivered, 75
(EX_TEMPFAIL) later please; any other end is tried again too. A program that is not there is given
up. No shell takes part.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from typing import Final

import anyio
import anyio.abc
import msgspec

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.notify.message import DELIVERED, Log, Message, Outcome, dead, retry
from hermes_kanban.redact import one_line, redact

EX_TEMPFAIL: Final = 75  # sysexits.h
COMMAND_CHARACTERS: Final = 4096
COMPLAINT_BYTES: Final = 512
DRAIN_SECONDS: Final = 0.2
_ALLOWED: Final = "command:<program and arguments>, the program by absolute path or found on PATH"


def check(address: str) -> str:
    """The command with its program's absolute path: what was checked is what will run."""
    if len(address) > COMMAND_CHARACTERS or not address.isprintable():
        raise InvalidInput("destination", f"{COMMAND_CHARACTERS} printable characters at most")
    try:
        words = shlex.split(address)
    except ValueError as error:
        raise InvalidInput("destination", _ALLOWED, f"cannot be split ({error})") from None
    if not words or not words[0]:
        raise InvalidInput("destination", _ALLOWED, "names no command")
    return shlex.join([_program(words[0]), *words[1:]])


def _program(word: str) -> str:
    if "/" in word and not os.path.isabs(word):
        raise InvalidInput("destination", _ALLOWED, f"{word!r} is a relative path")
    found = shutil.which(word)
    if found is None or not os.path.isabs(found):
        raise InvalidInput("destination", _ALLOWED, f"{word!r} is no command that can be run")
    return found


async def send(address: str, message: Message, _log: Log) -> Outcome:
    """Run the command once; when cancelled, its whole process group is killed and it is reaped."""
    try:
        # Once a child exists it must be known, or nobody would kill and reap it.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                shlex.split(address),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
                start_new_session=True,
            )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        return dead(f"cannot run {error.filename}: {error.strerror}")
    try:
        complaint = await _converse(process, msgspec.json.encode(message) + b"\n")
    finally:
        await _make_sure_it_is_gone(process)
    return _judge(process.returncode, complaint)


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


def _judge(code: int | None, complaint: str) -> Outcome:
    if code == 0:
        return DELIVERED
    if code == EX_TEMPFAIL:
        ending = f"exit code {EX_TEMPFAIL} (try again later)"
    elif code is not None and code < 0:
        ending = f"killed by signal {-code}"
    else:
        ending = f"exit code {code}"
    return retry(f"{ending}: {complaint}" if complaint else ending)
