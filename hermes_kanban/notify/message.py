"""What is sent, and what came of it: plain records that every destination shares."""

from __future__ import annotations

from typing import Any, Final, Literal, Protocol

import msgspec

MESSAGE_VERSION: Final = 1

AskKind = Literal["question", "review", "gave_up", "triage", "late_result"]


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


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is asked, and the verbs that answer it, the likeliest first.

    ``choices`` are answers that a question offers, each to be given as the reason of ``unblock``.
    ``run_id`` is what ``adopt`` and ``dismiss`` take of a late result.
    """

    kind: AskKind
    verbs: list[str]
    choices: list[str] = []
    run_id: int | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the run handed in: to be read at ``path``, never changed."""

    name: str
    path: str
    size: int
    media_type: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a digest tells of, with the fields that a message has of its own.

    ``decided`` says who decided what it asked, where somebody has.
    """

    event: AboutEvent
    task: AboutTask | None
    subject: str
    said: str = ""
    link: str | None = None
    ask: Ask | None = None
    question: int | None = None
    decided: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message. A repeat of it carries the same ``dedup_key``.

    ``text`` is all of it for people: ``subject`` (what happened to which task, one line), ``said``
    (what an agent or a person wrote; untrusted), what is asked, and ``link`` (None where no web
    board is configured). ``ask`` is there while the question is open; ``question`` is the event to
    name with the answer. A digest has ``items``, and the event and the task of the last of them.
    ``written_at`` is the board's time, as that of the host may be wrong.
    """

    v: int = MESSAGE_VERSION
    dedup_key: str
    board: str
    subscription: int
    event: AboutEvent
    task: AboutTask | None
    text: str
    subject: str = ""
    said: str = ""
    link: str | None = None
    ask: Ask | None = None
    question: int | None = None
    files: list[File] = []
    items: list[Item] = []
    written_at: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of one attempt; ``reason`` says in one line why it was not delivered.

    ``retry_after`` are the seconds that the destination asked for. ``receipt`` is its own id of
    the message, by which it can be edited and answers be recognised. ``counts`` is False for a
    retry that says nothing of the destination, since nobody tried.
    """

    kind: Literal["delivered", "retry", "dead"]
    reason: str = ""
    retry_after: float | None = None
    receipt: str | None = None
    counts: bool = True


DELIVERED: Final = Outcome("delivered")


def delivered(receipt: str | None = None) -> Outcome:
    """It arrived; ``receipt`` is the destination's own id of it."""
    return Outcome("delivered", receipt=receipt)


def retry(reason: str, retry_after: float | None = None) -> Outcome:
    """Not delivered; it may go better later."""
    return Outcome("retry", reason, retry_after)


def not_now(reason: str) -> Outcome:
    """Nobody tried, and that counts no attempt."""
    return Outcome("retry", reason, counts=False)


def dead(reason: str) -> Outcome:
    """Not delivered, and trying again would not help."""
    return Outcome("dead", reason)


class Log(Protocol):
    """Where the destination ``log`` writes; a structlog logger is one."""

    def info(self, event: str, **keys: Any) -> Any: ...
