"""Which machine this is: the host, the boot of it, and where its pids are counted."""

from __future__ import annotations

import functools
import os
import re
import sys
from pathlib import Path
from typing import Final

import msgspec

from hermes_kanban.model.errors import ConfigError

HOST_ID: Final = "HERMES_KANBAN_HOST_ID"


class Machine(msgspec.Struct, frozen=True):
    """Where pids are counted: host and boot id, and the inode of the pid namespace."""

    host: str
    boot: str
    pidns: int


@functools.cache
def machine() -> Machine:
    """This machine as this process sees it; it cannot change while the process lives."""
    host = _given_id() or _id("/etc/machine-id") or _id("/var/lib/dbus/machine-id") or _network()
    boot = _text("/proc/sys/kernel/random/boot_id") or _boot_time()
    try:
        pidns = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        pidns = 0
    return Machine(host, boot, pidns)


def _given_id() -> str:
    """The id that a person gave the machine, where copies of it would all have the same."""
    given = os.environ.get(HOST_ID, "").strip()
    if given and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given):
        raise ConfigError(
            f"environment: {HOST_ID} is {given!r}; allowed: 1 to 64 letters, digits and ._-"
        )
    return given


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _id(path: str) -> str:
    """A machine's id; images of machines that never ran have none yet (machine-id(5))."""
    found = _text(path)
    return "" if found == "uninitialized" else found


def _network() -> str:
    """Its network card, or its name where no card is to be seen.

    A container often has neither an id nor a card that Python finds; the number that stands for it
    then is another one in each process (RFC 9562, section 6.10), and marked as such.
    """
    import socket
    import uuid

    card = uuid.getnode()
    return socket.gethostname() if card >> 40 & 1 else f"{card:x}"


def _boot_time() -> str:
    import hashlib
    import subprocess

    text = ""
    if sys.platform == "darwin":
        try:
            command = ("sysctl", "-n", "kern.boottime")
            text = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=5
            ).stdout
        except (OSError, subprocess.TimeoutExpired):
            text = ""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
