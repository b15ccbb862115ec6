"""The table of verbs as operations of HTTP: a method, a path, and where each argument stands.

A verb that changes nothing is a GET, any other a POST, an edit a PATCH. What is about a task has it
in its path. ``list``, ``show``, ``create`` and ``edit`` are the task resource itself; every other
verb has its own name at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from hermes_kanban.verbs import VERBS, Verb

Method = Literal["GET", "POST", "PATCH"]

TASK_ID: Final = r"^t_[a-z0-9]{1,32}$"
ID_FIELDS: Final = frozenset({"task_id", "parent_id", "child_id"})
ID_LIST_FIELDS: Final = frozenset({"parents", "children", "ids", "created_cards"})
# After these a task may not start as whoever asked thinks.
WARNED: Final = frozenset(
    {
        *("create", "assign", "link", "move", "accept", "promote", "unblock", "reopen"),
        *("reclaim", "request_changes", "schedule", "undo"),
    }
)

_TASK: Final = "/tasks/{task_id}"
_RESOURCES: Final[dict[str, tuple[Method, str]]] = {
    "list": ("GET", "/tasks"),
    "create": ("POST", "/tasks"),
    "show": ("GET", _TASK),
    "edit": ("PATCH", _TASK),
    "task_past": ("GET", f"{_TASK}/past"),
    "why_each": ("GET", "/why"),
    "drain_host": ("POST", "/hosts/drain"),
    "resume_host": ("POST", "/hosts/resume"),
}
# A file is handed over as the body of a request, and not by its name on this machine.
_OTHERWISE: Final = frozenset({"attach"})


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One verb at one address, below that of its board."""

    verb: Verb
    method: Method
    path: str
    properties: tuple[str, ...]
    lists: frozenset[str]
    numbers: frozenset[str]

    @property
    def in_path(self) -> tuple[str, ...]:
        """The properties that stand in the path."""
        return ("task_id",) if "{task_id}" in self.path else ()

    @property
    def answers(self) -> int:
        """The status of an answer."""
        return 201 if self.verb.name == "create" else 200


def _operation(verb: Verb) -> Operation:
    method, path = _RESOURCES.get(verb.name) or (
        "POST" if verb.changes else "GET",
        (_TASK if verb.about_task else "") + "/" + verb.name.replace("_", "-"),
    )
    fields = msgspec.inspect.type_info(verb.request).fields  # type: ignore[attr-defined]
    names = tuple(
        field.encode_name for field in fields if field.encode_name not in verb.of_this_host
    )
    kinds = {field.encode_name: _plain(field.type) for field in fields}
    return Operation(
        verb=verb,
        method=method,
        path=path,
        properties=names,
        lists=frozenset(n for n in names if isinstance(kinds[n], msgspec.inspect.ListType)),
        numbers=frozenset(n for n in names if isinstance(kinds[n], msgspec.inspect.IntType)),
    )


def _plain(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """The type without what is said about it, and without its null."""
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    if isinstance(kind, msgspec.inspect.UnionType):
        choices = [one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)]
        if len(choices) == 1:
            return _plain(choices[0])
    return kind


def operations() -> Mapping[str, Operation]:
    """Every verb that a person may call, by its name."""
    return {
        name: _operation(verb)
        for name, verb in VERBS.items()
        if not verb.of_run and name not in _OTHERWISE
    }


def has_body(operation: Operation) -> bool:
    """Whether its arguments come in a body rather than in the query."""
    return operation.method != "GET"


def about(operation: Operation, request: Any, result: Any) -> str | None:
    """The task that a verb's warnings are about, None where there are none to be had."""
    if operation.verb.name not in WARNED:
        return None
    return touched(request, result)


def touched(request: Any, result: Any) -> str | None:
    """The task that a verb changed, None where it was none in particular."""
    if (child := getattr(request, "child_id", None)) is not None:
        linked: str = child
        return linked
    if (named := getattr(request, "task_id", None)) is not None:
        asked: str = named
        return asked
    found = getattr(result, "id", None) or getattr(result, "task_id", None)
    return found if isinstance(found, str) else None  # others have numbers
