"""The one place where the texts of messages come from: short, what happened, what is asked."""

from __future__ import annotations

from typing import Any, Final

from hermes_kanban.redact import redact, strip_control

TEXT_CHARACTERS: Final = 1_000
PART_CHARACTERS: Final = 500

FACTS: Final = ("reason", "error", "summary", "block_kind", "lifted_by", "failures", "comment")
"""What a message may carry of an event's payload; everything else stays on the board."""

_HEADLINES: Final = {
    "approved": "Approved",
    "archived": "Archived without being done",
    "blocked": "Blocked",
    "changes_requested": "Changes requested",
    "completed": "Done",
    "crashed": "A run crashed",
    "gave_up": "Gave up",
    "paused": "The board is paused",
    "protocol_violation": "A run ended without a word",
    "reclaimed": "A run was reclaimed",
    "resumed": "The board goes on",
    "review_requested": "Review wanted",
    "spawn_failed": "A run could not be started",
    "timed_out": "A run took too long",
    "triaged": "Needs a decision",
}
_ASKED: Final = {
    "gave_up": "See what happened: hermes-kanban runs {id}; try again: hermes-kanban unblock {id}",
    "review_requested": "Decide: hermes-kanban approve {id}, or request-changes {id}",
    "triaged": "Decide: hermes-kanban accept {id}, or archive {id}",
}


def text(kind: str, task_id: str | None, title: str | None, facts: dict[str, Any]) -> str:
    """The message for people, of at most ``TEXT_CHARACTERS``."""
    headline = _HEADLINES.get(kind, kind.replace("_", " ").capitalize())
    if task_id is None:
        return _joined(headline, _said(facts), "")
    return _joined(f"{headline}: {title} ({task_id})", _said(facts), _asked(kind, task_id, facts))


def test_text() -> str:
    """The message of ``notify test``."""
    return "This is a test: messages of this subscription arrive here."


def facts(payload: dict[str, Any]) -> dict[str, Any]:
    """The few facts of an event's payload that a message carries, redacted and cut."""
    run = payload.get("run")
    found = dict(run) if isinstance(run, dict) else {}
    found |= payload
    return {name: _clean(found[name]) for name in FACTS if found.get(name) not in (None, "")}


def _said(facts: dict[str, Any]) -> str:
    for name in ("reason", "error", "comment", "summary"):
        if said := facts.get(name):
            return str(said)
    return ""


def _asked(kind: str, task_id: str, facts: dict[str, Any]) -> str:
    """What is wanted of the reader, or where there is more to read."""
    if kind == "blocked" and (lifted_by := facts.get("lifted_by")):
        return f"To lift it: {lifted_by}"
    return _ASKED.get(kind, "More: hermes-kanban show {id}").format(id=task_id)


def _clean(value: Any) -> Any:
    if isinstance(value, int):
        return value
    return cut(redact(strip_control(str(value))).strip(), PART_CHARACTERS)


def cut(value: str, characters: int) -> str:
    """``value``, with an ellipsis where it was cut."""
    return value if len(value) <= characters else value[: characters - 1] + "…"


def _joined(headline: str, said: str, asked: str) -> str:
    lines = [strip_control(headline), cut(said, PART_CHARACTERS), asked]
    return cut("\n".join(line for line in lines if line), TEXT_CHARACTERS)
