"""The OpenAPI document, made of the table of verbs: every address, every answer.

An address below a board is written once: the two servers of the document say that it is the default
board's without, and any board's with ``/boards/{board}`` before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from hermes_kanban.cautions import Caution
from hermes_kanban.kernel.limits import ATTACHMENT_BYTES
from hermes_kanban.surfaces.rest import endpoints
from hermes_kanban.surfaces.rest.endpoints import IDEMPOTENCY_HEADER
from hermes_kanban.surfaces.rest.files import Uploaded
from hermes_kanban.surfaces.rest.gate import TOKEN_HEADER, LoggedIn
from hermes_kanban.surfaces.rest.operations import (
    ID_FIELDS,
    ID_LIST_FIELDS,
    TASK_ID,
    Operation,
    has_body,
)
from hermes_kanban.surfaces.rest.performing import (
    CURSOR_HEADER,
    Bulk,
    BulkResults,
)
from hermes_kanban.surfaces.rest.problems import MEDIA_TYPE, PROBLEMS, ProblemBody

Schema = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{name}"
_ROOT: Final = [{"url": "/api/v1"}]
_OF_BOARD: Final = [
    {"url": "/api/v1", "description": "the default board"},
    {
        "url": "/api/v1/boards/{board}",
        "description": "any board",
        "variables": {"board": {"default": "default", "description": "its slug"}},
    },
]
# Statuses that any request may be answered with, whatever it asks.
_ANY: Final = (401, 403, 421, 500, 503)
_READ: Final = (400, 404, 422)
_WRITTEN: Final = (400, 404, 408, 409, 413, 415, 422, 507)
_WHOLE_NUMBER: Final = {"minimum": -(2**53), "maximum": 2**53}


class _Document:
    """The document as it grows; schemas are collected as they are named."""

    def __init__(self, structs: list[Any]) -> None:
        found, components = msgspec.json.schema_components(structs, ref_template=_REFERENCE)
        self._named = dict(zip(structs, found, strict=True))
        self.components: dict[str, Schema] = {
            name: _settled(schema) for name, schema in components.items()
        }
        self.paths: dict[str, dict[str, Any]] = {}

    def schema_of(self, struct: Any) -> Schema:
        """A reference to the struct's schema."""
        found: Schema = self._named[struct]
        return found

    def add(self, path: str, method: str, operation: Schema, servers: Any) -> None:
        """One operation."""
        at = self.paths.setdefault(path, {"servers": servers})
        at[method.lower()] = operation


def document(operations: Mapping[str, Operation], version: str) -> bytes:
    """The whole document, as JSON."""
    structs = [Caution, ProblemBody, Bulk, BulkResults, Uploaded, LoggedIn]
    structs += [endpoints.LogIn, endpoints.Here, endpoints.LoggedOut, endpoints.BoardList]
    structs += [endpoints.CreateBoard, endpoints.CreatedBoard]
    structs += [one.verb.response for one in operations.values()]
    made = _Document(list(dict.fromkeys(structs)))
    for one in operations.values():
        made.add(one.path, one.method, _of_verb(made, one), _OF_BOARD)
    _add_bulk(made)
    _add_files(made)
    _add_boards(made)
    _add_sessions(made)
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "hermes-kanban",
            "version": version,
            "description": "A board on which agents and people share work.",
        },
        "servers": _ROOT,
        "security": [{"token": []}, {"session": [], "page": []}],
        "paths": made.paths,
        "components": {
            "schemas": {name: made.components[name] for name in sorted(made.components)},
            "responses": _problems(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "hermes-kanban-PORT"},
                "page": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER},
            },
        },
    }
    return msgspec.json.encode(whole)


def _of_verb(made: _Document, operation: Operation) -> Schema:
    verb = operation.verb
    schema = _alone(verb.request)
    properties: dict[str, Schema] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    parameters = [_in_path("task_id")] if operation.in_path else []
    given = [name for name in operation.properties if name not in operation.in_path]
    found: Schema = {"operationId": verb.name, "summary": verb.sentence}
    if has_body(operation):
        if operation.method == "POST":
            parameters.append(_IDEMPOTENCY_KEY)
        body = {
            "type": "object",
            "properties": {name: _property(name, properties[name]) for name in given},
            "required": [name for name in given if name in required],
            "additionalProperties": False,
        }
        found["requestBody"] = {
            "required": bool(body["required"]),
            "content": {"application/json": {"schema": body}},
        }
        answer = _of_write(made, made.schema_of(verb.response))
        statuses: tuple[int, ...] = _WRITTEN
    else:
        parameters += [
            _in_query(name, _property(name, properties[name]), name in required) for name in given
        ]
        parameters.append(_IF_NONE_MATCH)
        answer = made.schema_of(verb.response)
        statuses = (*_READ, 409)
    found["parameters"] = parameters
    found["responses"] = _responses(operation.answers, _json(answer), statuses)
    if not has_body(operation):
        found["responses"]["304"] = {"description": "as it was when it got that ETag"}
    return found


def _alone(request: Any) -> Schema:
    """The schema of a request, which names no other: it stands where it is used."""
    _, components = msgspec.json.schema_components([request], ref_template=_REFERENCE)
    schema: Schema
    (schema,) = components.values()
    return schema


def _property(name: str, schema: Schema) -> Schema:
    """A property of a request, with what an id must look like."""
    if name in ID_FIELDS:
        return _tightened(schema, "string", {"pattern": TASK_ID})
    if name in ID_LIST_FIELDS:
        items = {"type": "string", "pattern": TASK_ID}
        return schema | {"items": items}
    return _tightened(schema, "integer", {}) if _is_whole(schema) else schema


def _is_whole(schema: Schema) -> bool:
    kinds = [schema, *schema.get("anyOf", ())]
    return any(kind.get("type") == "integer" for kind in kinds)


def _tightened(schema: Schema, kind: str, more: Schema) -> Schema:
    if schema.get("type") == kind:
        return (_WHOLE_NUMBER if kind == "integer" else {}) | schema | more
    if "anyOf" in schema:
        return schema | {"anyOf": [_tightened(one, kind, more) for one in schema["anyOf"]]}
    return schema


def _in_path(name: str) -> Schema:
    schema = {"type": "string", "pattern": TASK_ID}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(name: str, schema: Schema, required: bool) -> Schema:
    plain = {key: value for key, value in schema.items() if key not in ("description", "default")}
    choices = [one for one in plain.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        plain = choices[0]
    found: Schema = {"name": name, "in": "query", "required": required, "schema": plain}
    if "description" in schema:
        found["description"] = schema["description"]
    return found


_IDEMPOTENCY_KEY: Final[Schema] = {
    "name": IDEMPOTENCY_HEADER,
    "in": "header",
    "required": False,
    "description": "a repeat with the same key is not performed again",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"},
}
_IF_NONE_MATCH: Final[Schema] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "the ETag of an answer that is there already",
    "schema": {"type": "string"},
}


def _of_write(made: _Document, answer: Schema) -> Schema:
    """The answer of a write: what the verb says, and what its caller should hear besides."""
    warnings = {"type": "array", "items": made.schema_of(Caution)}
    undoable = {"type": "boolean", "description": "whether undo would take it back now"}
    more = {
        "type": "object",
        "properties": {"warnings": warnings, "undoable": undoable},
        "required": ["warnings", "undoable"],
    }
    return {"allOf": [answer, more]}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _responses(status: int, content: Schema, problems: tuple[int, ...]) -> Schema:
    headers = {
        CURSOR_HEADER: {
            "description": "the board's newest event when this was answered",
            "schema": {"type": "string"},
        }
    }
    found: Schema = {str(status): {"description": "done", "content": content, "headers": headers}}
    for one in sorted({*problems, *_ANY}):
        found[str(one)] = {"$ref": f"#/components/responses/Problem{one}"}
    return found


def _problems() -> Schema:
    """One answer for every status that a problem has."""
    body = {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="ProblemBody")}}}
    codes: dict[int, list[str]] = {}
    for code, known in PROBLEMS.items():
        codes.setdefault(known.status, []).append(code)
    return {
        f"Problem{status}": {"description": ", ".join(sorted(names)), "content": body}
        for status, names in sorted(codes.items())
    }


def _add_bulk(made: _Document) -> None:
    made.add(
        "/bulk",
        "POST",
        {
            "operationId": "bulk",
            "summary": "Perform several verbs, one after the other.",
            "description": "Each is a transaction of its own; one that fails stops none.",
            "parameters": [_IDEMPOTENCY_KEY],
            "requestBody": {"required": True, "content": _json(made.schema_of(Bulk))},
            "responses": _responses(200, _json(made.schema_of(BulkResults)), _WRITTEN),
        },
        _OF_BOARD,
    )


def _add_files(made: _Document) -> None:
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    name = _in_query("name", {"type": "string", "minLength": 1, "maxLength": 255}, True)
    made.add(
        "/tasks/{task_id}/attachments",
        "POST",
        {
            "operationId": "attach",
            "summary": "Attach a file to a task: the body, as it is.",
            "description": f"At most {ATTACHMENT_BYTES:,} bytes.",
            "parameters": [_in_path("task_id"), name],
            "requestBody": {"required": True, "content": {"application/octet-stream": {}}},
            "responses": _responses(201, _json(made.schema_of(Uploaded)), _WRITTEN),
        },
        _OF_BOARD,
    )
    number = {"type": "integer", "minimum": 0, "maximum": 2**53}
    made.add(
        "/tasks/{task_id}/attachments/{attachment_id}",
        "GET",
        {
            "operationId": "attachment",
            "summary": "An attached file, to be saved.",
            "parameters": [
                _in_path("task_id"),
                {"name": "attachment_id", "in": "path", "required": True, "schema": number},
                _IF_NONE_MATCH,
            ],
            "responses": _responses(200, {"*/*": {"schema": file}}, _READ)
            | {"304": {"description": "as it was when it got that ETag"}},
        },
        _OF_BOARD,
    )
    run = _in_query("run_id", number, False)
    made.add(
        "/tasks/{task_id}/log.txt",
        "GET",
        {
            "operationId": "log_file",
            "summary": "All that is kept of a run's output, without secrets, to be saved.",
            "parameters": [_in_path("task_id"), run],
            "responses": _responses(200, {"text/plain": {"schema": {"type": "string"}}}, _READ),
        },
        _OF_BOARD,
    )


def _add_boards(made: _Document) -> None:
    made.add(
        "/boards",
        "GET",
        {
            "operationId": "boards",
            "summary": "The boards that are served here.",
            "responses": _responses(200, _json(made.schema_of(endpoints.BoardList)), _READ),
        },
        _ROOT,
    )
    made.add(
        "/boards",
        "POST",
        {
            "operationId": "create_board",
            "summary": "Create a board.",
            "requestBody": {
                "required": True,
                "content": _json(made.schema_of(endpoints.CreateBoard)),
            },
            "responses": _responses(201, _json(made.schema_of(endpoints.CreatedBoard)), _WRITTEN),
        },
        _ROOT,
    )


def _add_sessions(made: _Document) -> None:
    made.add(
        "/session",
        "GET",
        {
            "operationId": "who",
            "summary": "Who asks, and by what proof.",
            "responses": _responses(200, _json(made.schema_of(endpoints.Here)), _READ),
        },
        _ROOT,
    )
    made.add(
        "/session",
        "POST",
        {
            "operationId": "log_in",
            "summary": "Open a session, by the code of a one-time link or by the token.",
            "security": [{}, {"token": []}],
            "requestBody": {
                "required": False,
                "content": _json(made.schema_of(endpoints.LogIn)),
            },
            "responses": _responses(200, _json(made.schema_of(LoggedIn)), _WRITTEN),
        },
        _ROOT,
    )
    made.add(
        "/session",
        "DELETE",
        {
            "operationId": "log_out",
            "summary": "End the session.",
            "responses": _responses(200, _json(made.schema_of(endpoints.LoggedOut)), _READ),
        },
        _ROOT,
    )


def _settled(schema: Schema) -> Schema:
    """A schema without its title, which is its name, and with its description on one line."""
    kept = {key: value for key, value in schema.items() if key != "title"}
    kept["description"] = " ".join(schema.get("description", "").replace("``", "`").split())
    return kept
