"""What a delivery says: the event, its task, what is asked of people, the link, and the files."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from hermes_kanban.kernel import decisions
from hermes_kanban.kernel.attachments import attachment_path
from hermes_kanban.kernel.questions import choices
from hermes_kanban.kernel.reads import get_event
from hermes_kanban.model.errors import BoardUnreachable, KanbanError
from hermes_kanban.model.records import Attachment, Decision, Delivery, Event
from hermes_kanban.notify import texts
from hermes_kanban.notify.message import AboutEvent, AboutTask, Ask, File, Item, Message
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_one

QUESTION: Final = "question"
FILES: Final = 5
FILES_BYTES: Final = 10 * 1024 * 1024
_WITH_FILES: Final = ("completed", "review_requested")
_LIFTED_BY_A_PERSON: Final = ("needs_input", "capability")
_VERBS: Final[dict[str, list[str]]] = {
    "question": ["unblock", "archive"],
    "review": ["approve", "request_changes"],
    "gave_up": ["unblock", "archive"],
    "triage": ["accept", "archive"],
    "late_result": ["adopt", "dismiss"],
}


class Unwritable(Exception):
    """A delivery whose message cannot be written, for a reason that will not go away."""


def write_message(
    conn: BoardConnection,
    deliveries: Sequence[Delivery],
    key: str,
    *,
    program: str = texts.PROGRAM,
) -> Message:
    """The message of these deliveries of one subscription, under that key. Raises Unwritable.

    ``program`` is what commands begin with where the message is read. What cannot be told of
    several is told of as such; it holds up none of the others.
    """
    if len(deliveries) == 1:
        return _single(conn, deliveries[0], key, program)
    items = [_item(conn, delivery) for delivery in deliveries]
    subject, link = texts.digest_subject(items, conn.paths.slug), link_to(conn, None)
    return Message(
        dedup_key=key,
        board=conn.paths.slug,
        subscription=deliveries[-1].sub_id,
        event=items[-1].event,
        task=items[-1].task,
        text=texts.digest_text(subject, items, link),
        subject=subject,
        link=link,
        items=items,
        written_at=conn.clock.now(),
    )


def _single(conn: BoardConnection, delivery: Delivery, key: str, program: str) -> Message:
    event, item = _piece(conn, delivery)
    wanted = texts.asked(item.event.kind, event.task_id, item.event.facts, program)
    if item.link is not None and item.ask is None:
        wanted = ""  # the link leads to all there is
    if item.decided:
        wanted = texts.decided_text(item.decided)
    return Message(
        dedup_key=key,
        board=conn.paths.slug,
        subscription=delivery.sub_id,
        event=item.event,
        task=item.task,
        text=texts.text(item.subject, item.said, wanted, item.link),
        subject=item.subject,
        said=item.said,
        link=item.link,
        ask=item.ask,
        question=item.question,
        files=_files(conn, event),
        written_at=conn.clock.now(),
    )


def _item(conn: BoardConnection, delivery: Delivery) -> Item:
    try:
        return _piece(conn, delivery)[1]
    except Unwritable as error:
        told = AboutEvent(delivery.event_id, "unreadable", "system", None, 0)
        return Item(event=told, task=None, subject=f"Event {delivery.event_id}: {error}")


def _piece(conn: BoardConnection, delivery: Delivery) -> tuple[Event, Item]:
    try:
        event = get_event(conn, delivery.event_id)
        if event is None:
            raise Unwritable(f"event {delivery.event_id} is not on the board any more")
        return event, _told(conn, event)
    except KanbanError:
        raise
    except (msgspec.MsgspecError, UnicodeError, LookupError, sqlite3.Error) as error:
        # SQLite's own errors have a code; without one the row holds bytes that are no text.
        if getattr(error, "sqlite_errorcode", None) is not None:
            raise
        raise Unwritable(f"its message cannot be written: {error}") from error


def _told(conn: BoardConnection, event: Event) -> Item:
    facts = texts.facts(event.payload)
    task = _about_task(conn, event.task_id)
    told = AboutEvent(event.id, event.kind, event.actor, event.run_id, event.created_at, facts)
    ask = None if task is None else ask_of(event)
    decided = None
    if ask is not None and event.task_id is not None:
        decided = decisions.decision_of(conn, event.task_id, event.id)
    return Item(
        event=told,
        task=task,
        subject=texts.subject(
            QUESTION if _is_asked_by_an_agent(event, ask) else event.kind,
            event.task_id,
            event.payload.get("host", {}).get("name") if task is None else task.title,
        ),
        said=texts.said(facts),
        link=link_to(conn, event.task_id),
        ask=ask if decided is None else None,
        question=event.id if ask is not None and decided is None else None,
        decided="" if decided is None else decisions.sentence(decided),
    )


def _is_asked_by_an_agent(event: Event, ask: Ask | None) -> bool:
    """Whether it is a question; what a person waits for is told as a block."""
    return ask is not None and ask.kind == QUESTION and not event.actor.startswith("person:")


def closed_text(conn: BoardConnection, delivery: Delivery, decision: Decision) -> str:
    """What a message says once its question is decided. Raises Unwritable."""
    item = _piece(conn, delivery)[1]
    sentence = decisions.sentence(decision)
    return texts.closed_text(item.subject, item.said, sentence, item.link)


def asks(event: Event) -> bool:
    """Whether a message about the event asks a person something."""
    return event.task_id is not None and ask_of(event) is not None


def ask_of(event: Event) -> Ask | None:
    """What the event asks a person, answered or not; None if it asks nothing."""
    payload = event.payload
    if event.kind == "blocked":
        part = payload.get("task")
        kind = part.get("block_kind") if isinstance(part, dict) else None
        if kind not in _LIFTED_BY_A_PERSON:
            return None
        offered = choices(payload.get("reason")) if kind == "needs_input" else []
        return Ask(kind="question", verbs=_VERBS["question"], choices=offered)
    if event.kind == "review_requested":
        return Ask(kind="review", verbs=_VERBS["review"])
    if event.kind == "gave_up":
        return Ask(kind="gave_up", verbs=_VERBS["gave_up"])
    if event.kind == "triaged" and event.actor == "system":
        return Ask(kind="triage", verbs=_VERBS["triage"])
    if event.kind == "fenced" and payload.get("verb") in ("complete", "request_review"):
        return Ask(kind="late_result", verbs=_VERBS["late_result"], run_id=event.run_id)
    return None


def link_to(conn: BoardConnection, task_id: str | None) -> str | None:
    """The address of a task, or of the board, on the web; None where no web board is configured."""
    base = conn.config.web.public_address
    if not base:
        return None
    place = f"{base}/b/{conn.paths.slug}"
    return place if task_id is None else f"{place}/t/{task_id}"


def _about_task(conn: BoardConnection, task_id: str | None) -> AboutTask | None:
    row = None if task_id is None else fetch_one(conn, _TASK, {"id": task_id})
    return None if row is None else AboutTask(*row)


_TASK: Final = "SELECT id, title, status, assignee, tenant FROM tasks WHERE id = :id"


def _files(conn: BoardConnection, event: Event) -> list[File]:
    """What the run handed in, as far as it is here and fits in a message."""
    if event.run_id is None or event.kind not in _WITH_FILES:
        return []
    found: list[File] = []
    room = FILES_BYTES
    for row in fetch_all(conn, _FILES_OF_RUN, {"run": event.run_id, "limit": FILES}):
        attachment = Attachment(*row)
        if attachment.size > room:
            continue
        try:
            path = str(attachment_path(conn, attachment))
        except BoardUnreachable:
            raise
        except (KanbanError, OSError):
            continue
        room -= attachment.size
        found.append(
            File(
                name=attachment.name,
                path=path,
                size=attachment.size,
                media_type=attachment.media_type,
            )
        )
    return found


_FILES_OF_RUN: Final = (
    f"SELECT {', '.join(Attachment.__struct_fields__)} FROM task_attachments"
    " WHERE run_id = :run ORDER BY id LIMIT :limit"
)


def read_event(conn: BoardConnection, event_id: int) -> Event | None:
    """The event, None if it is gone or cannot be read."""
    try:
        return get_event(conn, event_id)
    except (msgspec.MsgspecError, UnicodeError):
        return None
