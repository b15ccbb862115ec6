"""What waits for a person: questions, reviews, what was given up, and results that came late.

Each item says what is asked, and by which verbs it is answered.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from hermes_kanban.kernel import limits, reads
from hermes_kanban.kernel.cards import Card, cards
from hermes_kanban.kernel.decisions import open_question
from hermes_kanban.kernel.finding import Filter
from hermes_kanban.kernel.late import late_results
from hermes_kanban.kernel.reads import latest_run
from hermes_kanban.store.protocol import BoardConnection, reading

PAGE: Final = 60
PAGE_LIMIT: Final = 200
TEXT_CHARACTERS: Final = 4_000

Kind = Literal["question", "review", "gave_up", "late_result"]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person is asked.

    ``text`` is the question, what is handed in for review, the last error, or the late summary; an
    agent wrote it. ``run_id`` is the run that it comes from. ``verbs`` answer it. ``choices`` are
    the answers that a question lists, each to be given as the reason of ``unblock``. ``question``
    is the event that asked: a verb that names it is refused if somebody was first.
    """

    kind: Kind
    card: Card
    since: int
    text: str
    run_id: int | None
    verbs: list[str]
    choices: list[str] = []
    question: int | None = None


class Attention(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a person, the oldest first; ``after`` asks for the next page.

    ``late`` are results that a refused run handed in, of the 200 tasks where that happened last;
    they are all on every page.
    """

    items: list[Item]
    late: list[Item]
    after: str | None
    cursor: int


_VERBS: Final[dict[Kind, list[str]]] = {
    "question": ["unblock", "comment", "archive"],
    "review": ["approve", "request_changes"],
    "gave_up": ["unblock", "assign", "edit", "archive"],
    "late_result": ["adopt", "dismiss"],
}


def attention(conn: BoardConnection, *, after: str | None = None, limit: int = PAGE) -> Attention:
    """One page of what waits for a person, as of one moment. Raises InvalidInput."""
    limits.whole("limit", limit, 1, PAGE_LIMIT)
    waiting = Filter(status=("review", "blocked"), needs_you=True)
    with reading(conn):
        page = cards(conn, waiting, after=after, limit=limit)
        return Attention(
            items=[_item(conn, card) for card in page.cards],
            late=_late(conn),
            after=page.after,
            cursor=page.cursor,
        )


def _item(conn: BoardConnection, card: Card) -> Item:
    run = latest_run(conn, card.id)
    kind: Kind = "review" if card.status == "review" else "question"
    text = card.block_reason or ""
    if card.status == "review":
        text = (run.summary if run is not None else None) or ""
    elif card.state == "error":
        kind, text = "gave_up", (run.error if run is not None else None) or text
    else:
        text = reads.get_task(conn, card.id).block_reason or text
    return Item(
        kind=kind,
        card=card,
        since=card.since,
        text=text[:TEXT_CHARACTERS],
        run_id=None if run is None else run.id,
        verbs=_VERBS[kind],
        choices=card.choices if kind == "question" else [],
        question=open_question(conn, card.id, card.status),
    )


def _late(conn: BoardConnection) -> list[Item]:
    """Results that wait, of tasks that could still take them."""
    found = late_results(conn)
    ids = list(dict.fromkeys(late.task_id for late in found))[-PAGE_LIMIT:]
    if not ids:
        return []
    able = Filter(ids=ids, status=("triage", "todo", "ready", "blocked", "review", "done"))
    by_id = {card.id: card for card in cards(conn, able, limit=PAGE_LIMIT).cards}
    return [
        Item(
            kind="late_result",
            card=by_id[late.task_id],
            since=late.at,
            text=late.text[:TEXT_CHARACTERS],
            run_id=late.run_id,
            verbs=_VERBS["late_result"],
            question=late.event_id,
        )
        for late in found
        if late.task_id in by_id
    ]
