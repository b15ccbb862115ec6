"""Which tasks of a board are meant: the filters that people narrow a board with, as SQL.

Names that may be absent (assignee, tenant) take ``-`` for nobody. A text is looked for in title and
body, without regard to case where it is ASCII, and taken for an id where it is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from hermes_kanban.kernel import limits, reads
from hermes_kanban.model.errors import InvalidInput

NOBODY: Final = "-"
FILTER_VALUES: Final = 200
TEXT_CHARACTERS: Final = 200
NEEDS_A_PERSON: Final = (
    "(t.status = 'review'"
    " OR (t.status = 'blocked' AND t.block_kind IN ('needs_input', 'capability')))"
)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that a task meets all of; an empty one asks nothing.

    ``status`` without a value means all but archived. ``min_priority`` is the least priority of a
    task's own. ``needs_you`` leaves the tasks that wait for a person's answer.
    """

    status: Sequence[str] = ()
    assignee: Sequence[str] = ()
    tenant: Sequence[str] = ()
    ids: Sequence[str] = ()
    text: str | None = None
    min_priority: int | None = None
    needs_you: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether it asks more than a status."""
        return bool(
            self.assignee
            or self.tenant
            or self.ids
            or self.min_priority is not None
            or self.needs_you
            or (self.text or "").strip()
        )


def condition(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """An SQL condition on the tasks ``t`` and its parameters. Raises InvalidInput."""
    parts: list[str] = []
    values: dict[str, Any] = {}
    statuses = reads.statuses_of(wanted.status or None)
    parts.append(_in_status(statuses))
    for column in ("assignee", "tenant"):
        if names := _few(column, getattr(wanted, column)):
            parts.append(_named(column, names, values))
    if ids := _few("ids", wanted.ids):
        parts.append(_among("t.id", "id", ids, values))
    if wanted.min_priority is not None:
        parts.append("t.priority >= :min_priority")
        values["min_priority"] = limits.priority(wanted.min_priority, "min_priority")
    if wanted.needs_you:
        parts.append(NEEDS_A_PERSON)
    if text := (limits.text("text", wanted.text, TEXT_CHARACTERS * 4) or "").strip():
        parts.append(_about(text, values))
    return " AND ".join(parts), values


def _in_status(statuses: list[str]) -> str:
    """Spelt out, as partial indexes want it; these are words that were checked."""
    if len(statuses) == 1:
        return f"t.status = '{statuses[0]}'"
    listed = ", ".join(f"'{one}'" for one in statuses)
    return f"t.status IN ({listed})"


def _few(field: str, given: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(given))
    if len(found) > FILTER_VALUES:
        raise InvalidInput(field, f"{FILTER_VALUES} at most", f"are {len(found)}")
    for value in found:
        limits.required(field, value, limits.NAME_CHARACTERS * 4)
    return found


def _named(column: str, names: list[str], values: dict[str, Any]) -> str:
    told = [name for name in names if name != NOBODY]
    choices = [_among(f"t.{column}", column, told, values)] if told else []
    if len(told) < len(names):
        choices.append(f"t.{column} IS NULL")
    return f"({' OR '.join(choices)})"


def _among(column: str, name: str, wanted: list[str], values: dict[str, Any]) -> str:
    keys = [f"{name}_{at}" for at in range(len(wanted))]
    values.update(zip(keys, wanted, strict=True))
    return f"{column} IN ({', '.join(f':{key}' for key in keys)})"


def _about(text: str, values: dict[str, Any]) -> str:
    plain = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    values["text"] = f"%{plain}%"
    values["text_folded"] = f"%{plain.lower()}%"
    values["text_id"] = text.lower()
    columns = ("t.title", "coalesce(t.body, '')")
    found = [f"lower({column}) LIKE :text_folded ESCAPE '!'" for column in columns]
    if not text.isascii():
        # Of other letters the databases know no lower case: they are found as they are.
        found += [f"{column} LIKE :text ESCAPE '!'" for column in columns]
    return f"(t.id = :text_id OR {' OR '.join(found)})"
