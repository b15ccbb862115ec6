"""The destination ``desktop``: a notification on the screen of the gateway's host.

It is shown by what the system has: ``notify-send`` where there is a desktop of freedesktop.org,
``osascript`` on macOS. The system takes no key, so a repeat is shown again.
"""

from __future__ import annotations

import html
import shutil
from typing import Final

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.notify import process
from hermes_kanban.notify.message import DELIVERED, Log, Message, Outcome, retry
from hermes_kanban.notify.texts import cut

BODY_CHARACTERS: Final = 500
_ALLOWED: Final = "desktop, with nothing after it"
_NONE_HERE: Final = (
    "nothing on this machine shows messages: install notify-send (Debian: libnotify-bin)"
)
# The texts are arguments of the script and never a part of it.
_SCRIPT: Final = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


def check(address: str) -> str:
    """There is one screen, so it has no address; InvalidInput where nothing shows messages."""
    if address:
        raise InvalidInput("destination", _ALLOWED, f"has {address!r} after it")
    if _program() is None:
        raise InvalidInput("destination", "desktop, on a machine with a desktop", _NONE_HERE)
    return ""


async def send(_address: str, message: Message, _log: Log) -> Outcome:
    """Show it once."""
    program = _program()
    if program is None:
        return retry(_NONE_HERE)
    subject = message.subject or message.board
    body = message.text.removeprefix(message.subject).strip()
    ended = await process.run(_words(program, subject, cut(body, BODY_CHARACTERS), message))
    return DELIVERED if ended.code == 0 else retry(str(ended))


def _program() -> str | None:
    return shutil.which("notify-send") or shutil.which("osascript")


def _words(program: str, subject: str, body: str, message: Message) -> list[str]:
    if program.endswith("osascript"):
        lines = [word for line in _SCRIPT for word in ("-e", line)]
        return [program, *lines, subject, body]
    return [
        program,
        "--app-name=hermes-kanban",
        f"--urgency={'normal' if message.ask is None else 'critical'}",
        "--",
        subject,
        html.escape(body, quote=False),  # desktops show a little markup in a body
    ]
