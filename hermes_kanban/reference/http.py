"""Every address over HTTP, every problem, every message of the live socket."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban.reference.markdown import Page, code, codes, one_line, prose, table
from hermes_kanban.surfaces.rest.live_words import SAID, TOLD
from hermes_kanban.surfaces.rest.openapi import document
from hermes_kanban.surfaces.rest.operations import operations
from hermes_kanban.surfaces.rest.problems import PROBLEMS
from hermes_kanban.verbs import VERBS

_OF_MACHINES: Final = (
    ("GET /healthz", "Whether the server lives; asks for no proof."),
    ("GET /readyz", "Whether every board that it serves can be read; asks for no proof."),
    ("GET /metrics", "The figures of [metrics.md](metrics.md)."),
    ("GET /api/v1/openapi.json", "This page for programs, with every schema."),
    ("GET /api/v1/live", "The live socket, a WebSocket."),
)


def _body() -> str:
    whole = msgspec.json.decode(document(operations(), ""))
    of_boards: list[tuple[str, ...]] = []
    others: list[tuple[str, ...]] = []
    for path, methods in whole["paths"].items():
        named = any("variables" in server for server in methods["servers"])
        for method in ("get", "post", "patch", "delete"):
            if method in methods:
                row = _row(whole, method.upper(), path, methods[method])
                (of_boards if named else others).append(row)
    heads = ("address", "what it does, and takes")
    return (
        "## Addresses of a board\n\nBelow `/api/v1` for the default board, below"
        " `/api/v1/boards/{board}` for any. What a verb takes and answers is on its page.\n\n"
        f"{table(heads, of_boards)}\n## Addresses of the server\n\nBelow `/api/v1`.\n\n"
        f"{table(heads, others)}\n## Addresses for machines\n\n"
        f"{table(heads[:2], [(code(address), text) for address, text in _OF_MACHINES])}\n"
        "## Problems\n\n`application/problem+json` (RFC 9457), each with a `code`:\n\n"
        f"{_problems()}\n## What a page says over the live socket\n\n{_messages(SAID)}\n"
        f"## What it is told\n\n{_messages(TOLD)}"
    )


def _row(
    whole: dict[str, Any], method: str, path: str, operation: dict[str, Any]
) -> tuple[str, ...]:
    name = operation["operationId"]
    query = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    told = operation["summary"]
    if name in VERBS:
        told = f"[{name}](verbs.md#{name}): {told[:1].lower()}{told[1:]}"
    takes = [told]
    if query:
        takes.append(f"Query: {codes(_named(one['name'], one['required']) for one in query)}")
    if body := _content(whole, operation.get("requestBody")):
        takes.append(f"Body: {body}")
    return code(f"{method} {path}"), "<br>".join(takes)


def _content(whole: dict[str, Any], body: dict[str, Any] | None) -> str:
    if body is None:
        return ""
    if "application/json" not in body["content"]:
        return "the file"
    schema = body["content"]["application/json"]["schema"]
    if reference := schema.get("$ref"):
        schema = whole["components"]["schemas"][reference.rsplit("/", 1)[-1]]
    required = schema.get("required", ())
    return codes(_named(name, name in required) for name in schema["properties"])


def _named(name: str, required: bool) -> str:
    return name if required else f"{name}?"


def _problems() -> str:
    rows = [
        (str(known.status), code(name), known.title)
        for name, known in sorted(PROBLEMS.items(), key=lambda one: one[1].status)
    ]
    return table(("status", "code", "meaning"), rows)


def _messages(structs: tuple[Any, ...]) -> str:
    rows = []
    for struct in structs:
        fields = msgspec.structs.fields(struct)
        names = codes(
            _named(one.encode_name, one.required) for one in fields if one.encode_name != "v"
        )
        rows.append((code(struct.__struct_config__.tag), names, prose(one_line(struct.__doc__))))
    return table(("message", "fields", "meaning"), rows)


PAGE: Final = Page(
    "rest.md",
    "Addresses over HTTP",
    """\
Every address, what it takes, every problem and every live message. A `?` marks what may be left
out. Who may come in, pages, tags and repeats are in [the board over HTTP](../rest.md); the same
for programs is `/api/v1/openapi.json`.""",
    _body,
)
