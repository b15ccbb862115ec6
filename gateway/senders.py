"""Who sends where: the adapters of chat platforms that run here, and otherwise the destination's
own module.

A chat adapter puts itself under its scheme while it is connected and takes itself away when it is
not; what is owed to a platform without one waits, and counts no attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import anyio

from hermes_kanban import notify
from hermes_kanban.notify.message import Log, Message, Outcome


class Sender(Protocol):
    """What sends the messages of one scheme, for every board of the gateway."""

    async def send(self, address: str, message: Message) -> Outcome:
        """One attempt; cancelled after ``notify.SEND_SECONDS``. What it raises is tried again.

        A repeat has the same ``message.dedup_key``: use it as the platform's own key where there
        is one. The outcome's ``receipt`` is how ``close`` and answers name the message.
        """

    async def close(self, address: str, receipt: str, text: str) -> None:
        """Replace a message whose question is decided by ``text``, and take its buttons away."""

    async def rewrite(self, address: str, receipt: str, digest: Message) -> None:
        """Replace a digest by what it says now: more of what it asks is decided."""


Senders = Mapping[str, Sender]
"""By scheme. Look each time: adapters come and go."""


class Unreached(Exception):
    """No adapter of the chat's platform runs here now."""


async def send(
    senders: Senders,
    destination: str,
    message: Message,
    log: Log,
    *,
    timeout_seconds: float = notify.SEND_SECONDS,
) -> Outcome:
    """Make one attempt. Never raises: what goes wrong is an outcome with its reason."""
    scheme, address = notify.split(destination)
    sender = senders.get(scheme)
    if sender is None:
        return await notify.send(destination, message, log, timeout_seconds=timeout_seconds)
    try:
        with anyio.move_on_after(timeout_seconds):
            return await sender.send(address, message)
    except Exception as error:
        return notify.retry(f"{type(error).__name__}: {error}")
    return notify.retry(f"no end within {timeout_seconds:g} s")


async def close(
    senders: Senders,
    destination: str,
    receipt: str,
    text: str,
    *,
    digest: Message | None = None,
    timeout_seconds: float = notify.SEND_SECONDS,
) -> bool:
    """Edit a message to say that its question is decided; False where that cannot be done.

    ``digest`` is all that a digest says by now. Raises what the destination raises, TimeoutError,
    or Unreached.
    """
    scheme, address = notify.split(destination)
    sender = senders.get(scheme)
    if sender is None:
        if scheme in notify.PLATFORMS:
            raise Unreached(notify.unreached(scheme))
        return await notify.close(destination, receipt, text, timeout_seconds=timeout_seconds)
    with anyio.fail_after(timeout_seconds):
        if digest is None:
            await sender.close(address, receipt, text)
        else:
            await sender.rewrite(address, receipt, digest)
    return True
