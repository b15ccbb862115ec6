"""What a message asks, in which ways it can be answered, and answering it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import decisions, deliveries, messages
from hermes_kanban.kernel.subscriptions import get_subscription
from hermes_kanban.model.errors import AlreadyDecided, InvalidInput
from hermes_kanban.notify.message import Ask

CODES: Final = {
    "a": "approve",
    "c": "request_changes",
    "u": "unblock",
    "t": "accept",
    "o": "adopt",
    "d": "dismiss",
}
CODE_OF: Final = {verb: code for code, verb in CODES.items()}
_DONE: Final = {
    "approve": "Approved",
    "request_changes": "Sent back",
    "unblock": "Answered",
    "accept": "Accepted",
    "adopt": "Taken over",
    "dismiss": "Put aside",
}
_WORDS: Final = {
    "approve": ("approve", "approved", "ok", "okay", "lgtm", "yes"),
    "unblock": ("retry", "again", "try again"),
    "accept": ("accept", "accepted", "ok", "okay", "yes"),
    "adopt": ("adopt", "take over", "yes"),
    "dismiss": ("dismiss", "put aside", "no"),
}
_FIRST: Final = frozenset("👍✅✔🆗")
_SECOND: Final = frozenset("👎❌✖🚫")
_VARIANTS: Final = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_KEYCAP: Final = re.compile("([1-9])\u20e3")


_IN_WORDS: Final = {
    "question": "the answer",
    "review": "what is to change",
    "gave_up": "what the next attempt has to know",
}
_FIRST_DOES: Final = {"review": "to approve", "gave_up": "to try again", "triage": "to accept"}


class Way(NamedTuple):
    """One way to answer; ``wants_words`` if it takes a text that is not known yet."""

    label: str
    verb: str
    text: str = ""
    wants_words: bool = False


def ways(ask: Ask) -> list[Way]:
    """The ways to answer that can be chosen, in a fixed order; none where only words will do."""
    if ask.kind == "question":
        return [Way(choice, "unblock", choice) for choice in ask.choices]
    if ask.kind == "review":
        changes = Way("Request changes", "request_changes", wants_words=True)
        return [Way("Approve", "approve"), changes]
    if ask.kind == "gave_up":
        return [Way("Try again", "unblock")]
    if ask.kind == "triage":
        return [Way("Accept", "accept")]
    return [Way("Take over", "adopt"), Way("Put aside", "dismiss")]


def how_pressed(ask: Ask, where: str, *, buttons: bool) -> str:
    """How to answer, in one line; ``where`` is where words go: ``Reply to this message``."""
    words = _IN_WORDS.get(ask.kind)
    if not buttons:
        return f"{where} with {words or 'the answer'}."
    more = f", or {where[:1].lower()}{where[1:]} with {words}" if words else ""
    return f"Press a button{more}."


def how_numbered(ask: Ask) -> str:
    """How to answer, in one line, where there are no buttons."""
    offered, words = ways(ask), _IN_WORDS.get(ask.kind)
    reply = "Reply to this message with"
    if not offered:
        return f"{reply} {words}."
    signs = " ".join(f"{at}\ufe0f\u20e3" for at in range(1, len(offered) + 1))
    if does := _FIRST_DOES.get(ask.kind):
        more = f", or with {words}" if words else ""
        return f"{reply} 1 {does}{more}; or react with {signs}"
    more = " or in words" if words else ""
    return f"{reply} a number{more}, or react with {signs}"


def way_of_text(ask: Ask, text: str) -> Way | None:
    """What a reply means: a number, a word for one of the ways, or the answer itself."""
    text = text.strip()
    offered = ways(ask)
    if text.isascii() and text.isdecimal() and 1 <= int(text[:3]) <= len(offered):
        return offered[int(text[:3]) - 1]
    plain = text.lower().rstrip(".!")
    for way in offered:
        if plain == way.label.lower():
            return way
        if ask.kind != "question" and plain in _WORDS.get(way.verb, ()):
            return way
    if ask.kind in ("question", "gave_up"):
        return Way(text, "unblock", text)
    return Way(text, "request_changes", text) if ask.kind == "review" else None


def way_of_sign(ask: Ask, sign: str) -> Way | None:
    """What a reaction means: a number, or 👍 and 👎 where that says yes and no."""
    sign = _VARIANTS.sub("", sign)
    offered = ways(ask)
    if keycap := _KEYCAP.fullmatch(sign):
        at = int(keycap[1]) - 1
        return offered[at] if at < len(offered) else None
    if ask.kind == "question":
        return None
    if sign in _FIRST:
        return offered[0]
    return offered[1] if sign in _SECOND and len(offered) > 1 else None


class Asked(NamedTuple):
    """A question that a message asked; ``decision`` is None while it is open."""

    task_id: str
    question: int
    ask: Ask
    decision: kb.Decision | None


def asked_by(conn: kb.BoardConnection, platform: str, receipt: str) -> list[Asked] | None:
    """What the message with that receipt asked; None if it is none of this board's."""
    found, ours = [], False
    for delivery in deliveries.with_receipt(conn, receipt):
        sub = get_subscription(conn, delivery.sub_id)
        if sub.destination.partition(":")[0] == platform:
            ours = True
            if (asked := question(conn, delivery.event_id)) is not None:
                found.append(asked)
    return found if ours else None


def question(conn: kb.BoardConnection, event_id: int) -> Asked | None:
    """The question that an event asks; None if it asks none, or is gone."""
    event = messages.read_event(conn, event_id)
    if event is None or event.task_id is None:
        return None
    ask = messages.ask_of(event)
    if ask is None:
        return None
    return Asked(event.task_id, event.id, ask, decisions.decision_of(conn, event.task_id, event.id))


def decided(conn: kb.BoardConnection, asked: Asked) -> str:
    """Who was first, in one line."""
    assert asked.decision is not None
    sentence = decisions.sentence(asked.decision, conn.clock.now())
    return f"{asked.task_id} was {sentence.replace(' by person:', ' by ', 1)}"


def answer(conn: kb.BoardConnection, asked: Asked, way: Way, actor: str) -> str:
    """Answer the question; what to say then. Raises KanbanError, AlreadyDecided among others."""
    _perform(conn, asked, way, actor)
    status = kb.get_task(conn, asked.task_id).status
    said = f": {way.text}" if way.text else ""
    done = "Trying again" if way.verb == "unblock" and not way.text else _DONE[way.verb]
    return f"{done}{said}\n{asked.task_id} is {status} now."


def _perform(conn: kb.BoardConnection, asked: Asked, way: Way, actor: str) -> None:
    task_id, guard = asked.task_id, asked.question
    run_id = asked.ask.run_id or 0
    if way.verb == "approve":
        changed = kb.approve_task(conn, task_id, question=guard, actor=actor)
    elif way.verb == "request_changes":
        changed = kb.request_changes(conn, task_id, comment=way.text, question=guard, actor=actor)
    elif way.verb == "unblock":
        reason = way.text or None
        changed = kb.unblock_task(conn, task_id, reason=reason, question=guard, actor=actor)
    elif way.verb == "accept":
        changed = kb.accept_task(conn, task_id, question=guard, actor=actor)
    elif way.verb == "adopt":
        changed = kb.adopt_result(conn, task_id, run_id=run_id, question=guard, actor=actor)
    elif way.verb == "dismiss":
        changed = kb.dismiss_result(conn, task_id, run_id=run_id, question=guard, actor=actor)
    else:
        raise InvalidInput("verb", ", ".join(CODE_OF), f"is {way.verb!r}")
    if not changed and (now := question(conn, guard)) is not None and now.decision is not None:
        raise AlreadyDecided(task_id, now.decision, decisions.sentence(now.decision))
