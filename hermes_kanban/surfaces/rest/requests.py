"""From a request's path, query and body to the arguments of a verb, checked on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.surfaces.http.headers import Headers
from hermes_kanban.surfaces.rest.operations import (
    ID_FIELDS,
    ID_LIST_FIELDS,
    TASK_ID,
    Operation,
    has_body,
)
from hermes_kanban.surfaces.rest.problems import Problem
from hermes_kanban.verbs.perform import decode

_TASK_ID: Final = re.compile(TASK_ID.removesuffix("$"))
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")
QUERY_FIELDS: Final = 1_000


def request_of(
    operation: Operation, path: Mapping[str, str], query: bytes, body: bytes
) -> msgspec.Struct:
    """What the verb is asked. Raises Problem or InvalidInput."""
    given = query_of(query)
    if has_body(operation):
        if given:
            name = next(iter(given))
            raise InvalidInput(name, "arguments in the body", "is in the query")
        arguments, strict = object_of(body), True
    else:
        arguments, strict = _typed(operation, given), False
    for name in operation.in_path:
        if name in arguments:
            raise InvalidInput(name, "the path's", "stands in the path already")
        arguments[name] = path[name]
    return asked(operation, arguments, strict=strict)


def asked(
    operation: Operation, arguments: dict[str, Any], *, strict: bool = True
) -> msgspec.Struct:
    """The verb's request of these arguments. Raises InvalidInput."""
    for name, value in arguments.items():
        if name not in operation.properties:
            allowed = ", ".join(operation.properties) or "no argument"
            raise InvalidInput(name, allowed, "is not known")
        _check_text(name, value)
    request = decode(operation.verb, arguments, strict=strict)
    for name in ID_FIELDS.intersection(operation.properties):
        if (value := getattr(request, name)) is not None:
            check_task_id(name, value)
    for name in ID_LIST_FIELDS.intersection(operation.properties):
        for value in getattr(request, name):
            check_task_id(name, value)
    return request


def check_task_id(field: str, value: str) -> str:
    """``value`` itself, or InvalidInput for what can be no task's id."""
    if not _TASK_ID.fullmatch(value):
        raise InvalidInput(field, "the id of a task, such as t_abc234", f"is {value[:80]!r}")
    return value


def query_of(query: bytes) -> dict[str, list[str]]:
    """The query's names with their values. Raises Problem."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS,
        )
    except ValueError:
        raise Problem("malformed", "the query is not well-formed, or too long") from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; none where there is no body. Raises Problem."""
    if not body:
        return {}
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed", f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Problem("malformed", "the body is not a JSON object", allowed=["a JSON object"])
    return found


def check_is_json(headers: Headers, body: bytes) -> None:
    """A body must say that it is JSON: no form of another site does. Raises Problem."""
    kind = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json" and (body or kind):
        raise Problem(
            "unsupported_media_type",
            "a request has a JSON body",
            allowed=["application/json"],
            headers={"Accept": "application/json"},
        )


def _typed(operation: Operation, given: dict[str, list[str]]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, values in given.items():
        if name in operation.lists:
            arguments[name] = values
            continue
        if len(values) > 1:
            raise InvalidInput(name, "one value", f"is given {len(values)} times")
        if name in operation.numbers:
            if not _NUMBER.fullmatch(values[0]):
                raise InvalidInput(name, "a whole number", f"is {values[0][:80]!r}")
            arguments[name] = int(values[0])
        else:
            arguments[name] = values[0]
    return arguments


def _check_text(name: str, value: Any) -> None:
    """No text may hold what a database refuses; texts inside metadata the kernel checks."""
    if isinstance(value, str) and "\0" in value:
        raise InvalidInput(name, "text without NUL characters", "holds a NUL character")
    if isinstance(value, list):
        for one in value:
            _check_text(name, one)
