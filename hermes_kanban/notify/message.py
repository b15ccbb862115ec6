"""What is sent, and what came of it: plain records that every destination shares."""

from __future__ import annotations

from typing import Any, Final, Literal, Protocol

import msgspec

MESSAGE_VERSION: Final = 1


class AboutEvent(msgspec.Struct, frozen=True):
    """The event behind a message; ``facts`` are the few words of its payload that people need."""

    id: int
    kind: str
    actor: str
    run_id: int | None
    created_at: int
    facts: dict[str, Any] = {}


class AboutTask(msgspec.Struct, frozen=True):
    """The task that it is about, as it is when the message is sent."""

    id: str
    title: str
    status: str
    assignee: str | None
    tenant: str | None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message. A repeat of it carries the same ``dedup_key``."""

    v: int = MESSAGE_VERSION
    dedup_key: str
    board: str
    subscription: int
    event: AboutEvent
    task: AboutTask | None
    text: str


class Outcome(msgspec.Struct, frozen=True):
    """What came of one attempt; ``reason`` says in one line why it was not delivered.

    ``retry_after`` are the seconds that the destination asked for.
    """

    kind: Literal["delivered", "retry", "dead"]
    reason: str = ""
    retry_after: float | None = None


DELIVERED: Final = Outcome("delivered")


def retry(reason: str, retry_after: float | None = None) -> Outcome:
    """Not delivered; it may go better later."""
    return Outcome("retry", reason, retry_after)


def dead(reason: str) -> Outcome:
    """Not delivered, and trying again would not help."""
    return Outcome("dead", reason)


class Log(Protocol):
    """Where the destination ``log`` writes; a structlog logger is one."""

    def info(self, event: str, **keys: Any) -> Any: ...
