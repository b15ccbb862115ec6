"""OpenAI responses: ``POST …/responses``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.support.model.chat import error_body
from tests.support.model.dialect import Event, Heard, fresh, joined, pieces
from tests.support.model.script import Asked, Calls, Fail, Say, Usage


class Responses:
    """The protocol of Codex. Tools may come in namespaces; their names are joined here."""

    name = "responses"

    def hear(self, path: str, body: dict[str, Any]) -> Heard:
        del path
        given = body.get("input", [])
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        return Heard(
            model=body.get("model", ""),
            tools=tuple(_tools(body)),
            said=tuple(joined(i.get("content")) for i in items if i.get("role") == "user"),
            results=tuple(_output(i) for i in items if i.get("type") == "function_call_output"),
            stream=bool(body.get("stream")),
        )

    def whole(self, asked: Asked, answer: Say | Calls) -> dict[str, Any]:
        return _response(asked, fresh("resp_"), "completed", _items(asked, answer), answer.usage)

    def stream(self, asked: Asked, answer: Say | Calls) -> Iterator[Event]:
        number = 0

        def event(kind: str, **fields: Any) -> Event:
            nonlocal number
            number += 1
            return Event({"type": kind, "sequence_number": number} | fields, kind)

        made, items = fresh("resp_"), _items(asked, answer)
        begun = _response(asked, made, "in_progress", [], None)
        yield event("response.created", response=begun)
        yield event("response.in_progress", response=begun)
        for index, item in enumerate(items):
            place = {"output_index": index, "item_id": item["id"]}
            if item["type"] == "message":
                part = item["content"][0]
                empty, inside = part | {"text": ""}, place | {"content_index": 0}
                yield event(
                    "response.output_item.added",
                    output_index=index,
                    item=item | {"content": [], "status": "in_progress"},
                )
                yield event("response.content_part.added", **inside, part=empty)
                for piece in pieces(part["text"]):
                    yield event("response.output_text.delta", **inside, delta=piece)
                yield event("response.output_text.done", **inside, text=part["text"])
                yield event("response.content_part.done", **inside, part=part)
            else:
                yield event(
                    "response.output_item.added",
                    output_index=index,
                    item=item | {"arguments": "", "status": "in_progress"},
                )
                for piece in pieces(item["arguments"]):
                    yield event("response.function_call_arguments.delta", **place, delta=piece)
                yield event(
                    "response.function_call_arguments.done", **place, arguments=item["arguments"]
                )
            yield event("response.output_item.done", output_index=index, item=item)
        yield event(
            "response.completed",
            response=_response(asked, made, "completed", items, answer.usage),
        )

    def error(self, fail: Fail) -> dict[str, Any]:
        return error_body(fail)


def _tools(body: dict[str, Any]) -> Iterator[str]:
    for tool in body.get("tools") or ():
        if tool.get("type") == "namespace":
            yield from (tool["name"] + inner["name"] for inner in tool.get("tools", ()))
        else:
            yield tool.get("name") or tool.get("type", "")


def _named(asked: Asked, suffix: str) -> dict[str, str]:
    """How a call names the tool: a tool of a namespace is called by both names apart."""
    full = asked.offered(suffix) or suffix
    for tool in asked.body.get("tools") or ():
        if tool.get("type") == "namespace" and full.startswith(tool["name"]):
            return {"name": full.removeprefix(tool["name"]), "namespace": tool["name"]}
    return {"name": full}


def _output(item: dict[str, Any]) -> str:
    output = item.get("output")
    return json.dumps(output) if isinstance(output, dict) else joined(output)


def _items(asked: Asked, answer: Say | Calls) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if answer.text:
        part = {"type": "output_text", "text": answer.text, "annotations": []}
        items.append(
            {
                "id": fresh("msg_"),
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [part],
            }
        )
    if isinstance(answer, Calls):
        items += [
            {
                "id": fresh("fc_"),
                "type": "function_call",
                "call_id": fresh("call_"),
                "status": "completed",
                "arguments": json.dumps(one.arguments),
            }
            | _named(asked, one.tool)
            for one in answer.calls
        ]
    return items


def _response(
    asked: Asked, made: str, status: str, items: list[dict[str, Any]], used: Usage | None
) -> dict[str, Any]:
    return {
        "id": made,
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "model": asked.model,
        "output": items,
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "usage": None if used is None else _usage(used),
    }


def _usage(used: Usage) -> dict[str, Any]:
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": used.input + used.output,
    }
