"""The one place where the texts of messages come from: short, what happened, what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hermes_kanban.notify.message import Item
from hermes_kanban.redact import one_line, redact, strip_control

PROGRAM: Final = "hermes-kanban"
"""What a command begins with where there is a command line."""
TEXT_CHARACTERS: Final = 1_500
PART_CHARACTERS: Final = 500
SUBJECT_CHARACTERS: Final = 200
DIGEST_CHARACTERS: Final = 8_000
DIGEST_PART_CHARACTERS: Final = 160

FACTS: Final = ("reason", "error", "summary", "block_kind", "lifted_by", "failures", "comment")
"""What a message may carry of an event's payload; everything else stays on the board."""

_HEADLINES: Final = {
    "approved": "Approved",
    "archived": "Archived without being done",
    "blocked": "Blocked",
    "changes_requested": "Changes requested",
    "completed": "Done",
    "crashed": "A run crashed",
    "fenced": "Work came too late",
    "gave_up": "Gave up",
    "host_drained": "A host starts nothing new",
    "host_joined": "A host has joined",
    "host_left": "A host has left",
    "host_lost": "A host is not heard of any more",
    "host_resumed": "A host starts tasks again",
    "paused": "The board is paused",
    "question": "Question",
    "protocol_violation": "A run ended without a word",
    "reclaimed": "A run was reclaimed",
    "resumed": "The board goes on",
    "review_requested": "Review wanted",
    "spawn_failed": "A run could not be started",
    "timed_out": "A run took too long",
    "triaged": "Needs a decision",
}
_ASKED: Final = {
    "gave_up": "See what happened: {program} runs {id}; try again: {program} unblock {id}",
    "review_requested": "Decide: {program} approve {id}, or request-changes {id}",
    "triaged": "Decide: {program} accept {id}, or archive {id}",
}


def subject(kind: str, task_id: str | None, title: str | None) -> str:
    """What happened to which task, or to what else of that name, in one line."""
    headline = _HEADLINES.get(kind, kind.replace("_", " ").capitalize())
    if task_id is not None:
        headline = f"{headline}: {title} ({task_id})"
    elif title is not None:
        headline = f"{headline}: {title}"
    return cut(one_line(strip_control(headline)), SUBJECT_CHARACTERS)


def asked(kind: str, task_id: str | None, facts: dict[str, Any], program: str = PROGRAM) -> str:
    """What the reader can type: what is wanted of him, or where there is more to read.

    ``program`` is what commands begin with where he reads it.
    """
    if task_id is None:
        return ""
    if kind == "blocked" and (lifted_by := facts.get("lifted_by")):
        lifted = str(lifted_by).replace(f"{PROGRAM} ", f"{program} ")
        answer = lifted.startswith("answer with: ")
        return f"{lifted[:1].upper()}{lifted[1:]}" if answer else f"To lift it: {lifted}"
    wanted = _ASKED.get(kind, "More: {program} show {id}")
    return wanted.format(id=task_id, program=program)


def text(subject: str, said: str, asked: str, link: str | None) -> str:
    """The message for people, of at most ``TEXT_CHARACTERS``; the link is never cut."""
    end = "" if link is None else f"\n{link}"
    lines = [subject, said, asked]
    return cut("\n".join(line for line in lines if line), TEXT_CHARACTERS - len(end)) + end


def digest_subject(items: Sequence[Item], board: str) -> str:
    """One line for many: how many, and how many of them ask something."""
    asking = sum(one.ask is not None for one in items)
    wanted = f", {asking} to decide" if asking else ""
    return f"{len(items)} things happened on {board}{wanted}"


def digest_text(subject: str, items: Sequence[Item], link: str | None) -> str:
    """A line for each, in order; what was said of those that ask something, or who decided it."""
    end = "" if link is None else f"\n{link}"
    lines = [subject]
    for one in items:
        lines.append(f"- {one.subject}")
        if one.ask is not None and one.said:
            lines.append(f"  {cut(one_line(one.said), DIGEST_PART_CHARACTERS)}")
        if one.decided:
            lines.append(f"  {cut(decided_text(one.decided), DIGEST_PART_CHARACTERS)}")
    return cut("\n".join(lines), DIGEST_CHARACTERS - len(end)) + end


def closed_text(subject: str, said: str, decided: str, link: str | None) -> str:
    """A message whose question is decided: ``Answered by mara: 30 days.`` at its end."""
    return text(subject, said, decided_text(decided), link)


def decided_text(decided: str) -> str:
    """The sentence about a decision, as it stands alone."""
    sentence = redact(decided.replace(" by person:", " by ", 1))
    return f"{sentence[:1].upper()}{sentence[1:]}" + (
        "" if sentence.endswith((".", "!", "?")) else "."
    )


def test_text() -> str:
    """The message of ``notify test``."""
    return "This is a test: messages of this subscription arrive here."


def facts(payload: dict[str, Any]) -> dict[str, Any]:
    """The few facts of an event's payload that a message carries, redacted and cut."""
    run = payload.get("run")
    found = dict(run) if isinstance(run, dict) else {}
    found |= payload
    return {name: _clean(found[name]) for name in FACTS if found.get(name) not in (None, "")}


def said(facts: dict[str, Any]) -> str:
    """What was said with it, of at most ``PART_CHARACTERS``."""
    for name in ("reason", "error", "comment", "summary"):
        if found := facts.get(name):
            return cut(str(found), PART_CHARACTERS)
    return ""


def _clean(value: Any) -> Any:
    if isinstance(value, int):
        return value
    return cut(redact(strip_control(str(value))).strip(), PART_CHARACTERS)


def cut(value: str, characters: int) -> str:
    """``value``, with an ellipsis where it was cut."""
    return value if len(value) <= characters else value[: characters - 1] + "…"
