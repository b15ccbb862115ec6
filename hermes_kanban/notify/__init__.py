"""Destinations: where messages go, one small file each, loaded when it is first used.

A destination is written ``scheme`` or ``scheme:address``. Its module has two functions:
``check(address)`` returns the address as it is to be stored, or raises InvalidInput;
``send(address, message, log)`` makes one attempt. It may have a third, ``close(address, receipt,
text)``, which edits a message whose question is decided. Chat platforms (``chat``) are sent to by
the gateway's adapters instead. This package knows the records of the model and
nothing of boards: the kernel asks it to check, the notifier asks it to send.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, Protocol, cast

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.notify.message import (
    DELIVERED,
    Log,
    Message,
    Outcome,
    dead,
    delivered,
    not_now,
    retry,
)
from hermes_kanban.notify.texts import PROGRAM

SEND_SECONDS: Final = 30.0

SCHEMES: Final = {
    "log": "hermes_kanban.notify.log",
    "command": "hermes_kanban.notify.command",
    "webhook": "hermes_kanban.notify.webhook",
    "email": "hermes_kanban.notify.email",
    "apprise": "hermes_kanban.notify.apprise",
    "desktop": "hermes_kanban.notify.desktop",
}
PLATFORMS: Final = ("matrix", "telegram", "slack", "discord")
ALLOWED: Final = (
    "log, command:<program and arguments>, webhook:<name>, email:<address>, apprise:<name>,"
    " desktop, or a chat: " + ", ".join(f"{platform}:<where>" for platform in PLATFORMS)
)


class Destination(Protocol):
    """What the module of a scheme offers."""

    def check(self, address: str) -> str:
        """The address as it is to be stored, or InvalidInput."""

    async def send(self, address: str, message: Message, log: Log) -> Outcome:
        """One attempt; it may be cancelled at any time and then leaves nothing behind."""


def check_destination(destination: str, homes: Mapping[str, str] | None = None) -> str:
    """``destination`` as it is to be stored, or InvalidInput saying what is allowed.

    ``homes`` is where a chat platform's bare name goes.
    """
    if not isinstance(destination, str):
        raise InvalidInput("destination", ALLOWED, f"is a {type(destination).__name__}")
    scheme, address = split(destination.strip())
    if scheme in PLATFORMS:
        from hermes_kanban.notify import chat

        return f"{scheme}:{chat.check(scheme, address, homes or {})}"
    if scheme not in SCHEMES:
        raise InvalidInput("destination", ALLOWED, f"{destination!r} has no known scheme")
    checked = _module(scheme).check(address)
    return f"{scheme}:{checked}" if checked else scheme


async def send(
    destination: str, message: Message, log: Log, *, timeout_seconds: float = SEND_SECONDS
) -> Outcome:
    """Make one attempt. Never raises: what goes wrong is an outcome with its reason."""
    import anyio

    scheme, address = split(destination)
    if scheme in PLATFORMS:
        return not_now(unreached(scheme))
    if scheme not in SCHEMES:
        return dead(f"no destination is called {scheme!r}; allowed: {ALLOWED}")
    try:
        with anyio.move_on_after(timeout_seconds):
            return await _module(scheme).send(address, message, log)
    except Exception as error:
        return retry(f"{type(error).__name__}: {error}")
    return retry(f"no end within {timeout_seconds:g} s")


async def close(
    destination: str, receipt: str, text: str, *, timeout_seconds: float = SEND_SECONDS
) -> bool:
    """Edit a message to say that its question is decided; False where that cannot be done.

    Raises what the destination raises, or TimeoutError.
    """
    import anyio

    scheme, address = split(destination)
    edit = getattr(_module(scheme), "close", None) if scheme in SCHEMES else None
    if edit is None:
        return False
    with anyio.fail_after(timeout_seconds):
        await edit(address, receipt, text)
    return True


def unreached(platform: str) -> str:
    """Why what goes to a chat waits while its adapter does not run."""
    return f"no gateway here is connected to chat.{platform}"


def command_at(destination: str) -> str:
    """What a command begins with where the messages of a destination are read."""
    scheme = split(destination)[0]
    # Clients of Matrix keep the slash for commands of their own.
    return "!kanban" if scheme == "matrix" else "/kanban" if scheme in PLATFORMS else PROGRAM


def split(destination: str) -> tuple[str, str]:
    """Scheme and address."""
    scheme, _, address = destination.partition(":")
    return scheme, address.strip()


def _module(scheme: str) -> Destination:
    module: Any = import_module(SCHEMES[scheme])
    return cast(Destination, module)


__all__ = [
    "ALLOWED",
    "DELIVERED",
    "PLATFORMS",
    "SCHEMES",
    "SEND_SECONDS",
    "Destination",
    "Log",
    "Message",
    "Outcome",
    "check_destination",
    "close",
    "command_at",
    "dead",
    "delivered",
    "not_now",
    "retry",
    "send",
    "split",
    "unreached",
]
