"""The destination ``command:<program and arguments>``: a process that gets the message on stdin.

stdin is the message as one JSON object, with the fields of ``Message``. Exit 0 means delivered, 75
(EX_TEMPFAIL) later please; any other end is tried again too, and so is a program that is not there.
No shell takes part.
"""

from __future__ import annotations

import os
import shlex
import shutil
from typing import Final

import msgspec

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.notify import process
from hermes_kanban.notify.message import DELIVERED, Log, Message, Outcome, retry

EX_TEMPFAIL: Final = 75  # sysexits.h
COMMAND_CHARACTERS: Final = 4096
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
        ended = await process.run(shlex.split(address), msgspec.json.encode(message) + b"\n")
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        # Put right, or on a host that has it, the next attempt arrives.
        return retry(f"cannot run {error.filename}: {error.strerror}")
    if ended.code == 0:
        return DELIVERED
    if ended.code == EX_TEMPFAIL:
        later = f"exit code {EX_TEMPFAIL} (try again later)"
        return retry(f"{later}: {ended.complaint}" if ended.complaint else later)
    return retry(str(ended))
