"""Anthropic messages: ``POST …/v1/messages``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.support.model.dialect import Event, Heard, fresh, joined, pieces
from tests.support.model.script import Asked, Calls, Fail, Say, Usage

ERROR_TYPES = {
    401: "authentication_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


class Anthropic:
    """The protocol of Claude Code."""

    name = "anthropic"

    def hear(self, path: str, body: dict[str, Any]) -> Heard:
        del path
        users = [m["content"] for m in body.get("messages", ()) if m["role"] == "user"]
        parts = [part for content in users if isinstance(content, list) for part in content]
        return Heard(
            model=body.get("model", ""),
            tools=tuple(tool["name"] for tool in body.get("tools") or ()),
            said=tuple(text for content in users if (text := joined(content))),
            results=tuple(
                joined(part.get("content")) for part in parts if part["type"] == "tool_result"
            ),
            stream=bool(body.get("stream")),
        )

    def whole(self, asked: Asked, answer: Say | Calls) -> dict[str, Any]:
        return _message(asked, _blocks(asked, answer), _reason(answer), _usage(answer.usage))

    def stream(self, asked: Asked, answer: Say | Calls) -> Iterator[Event]:
        used = _usage(answer.usage)
        begun = _message(asked, [], None, used | {"output_tokens": 1})
        yield _event("message_start", message=begun)
        for index, block in enumerate(_blocks(asked, answer)):
            empty: dict[str, Any]
            if block["type"] == "text":
                empty, kind, field, whole = {"text": ""}, "text_delta", "text", block["text"]
            else:
                empty, kind, field = {"input": {}}, "input_json_delta", "partial_json"
                whole = json.dumps(block["input"])
            yield _event("content_block_start", index=index, content_block=block | empty)
            for piece in pieces(whole):
                yield _event("content_block_delta", index=index, delta={"type": kind, field: piece})
            yield _event("content_block_stop", index=index)
        delta = {"stop_reason": _reason(answer), "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage=used)
        yield _event("message_stop")

    def error(self, fail: Fail) -> dict[str, Any]:
        error = {
            "type": fail.code or ERROR_TYPES.get(fail.status, "api_error"),
            "message": fail.message or f"scripted error {fail.status}",
        }
        return {"type": "error", "error": error | fail.extra, "request_id": fresh("req_")}


def _event(kind: str, **fields: Any) -> Event:
    return Event({"type": kind} | fields, kind)


def _message(
    asked: Asked, blocks: list[dict[str, Any]], reason: str | None, used: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": fresh("msg_"),
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": used,
    }


def _blocks(asked: Asked, answer: Say | Calls) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    if isinstance(answer, Calls):
        blocks += [
            {
                "type": "tool_use",
                "id": fresh("toolu_"),
                "name": asked.offered(one.tool),
                "input": one.arguments,
            }
            for one in answer.calls
        ]
    return blocks


def _reason(answer: Say | Calls) -> str:
    return "end_turn" if isinstance(answer, Say) else "tool_use"


def _usage(used: Usage) -> dict[str, Any]:
    # Here what was read from the cache is counted beside the input, not in it.
    return {
        "input_tokens": used.input - used.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": used.cached,
        "output_tokens": used.output,
    }
