"""OpenAI chat completions: ``POST …/chat/completions``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.support.model.dialect import Event, Heard, fresh, joined, pieces
from tests.support.model.script import Asked, Calls, Fail, Say, Usage

ERROR_TYPES = {401: "invalid_request_error", 429: "requests", 500: "server_error"}
ERROR_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


class Chat:
    """The protocol that most providers imitate."""

    name = "chat"

    def hear(self, path: str, body: dict[str, Any]) -> Heard:
        del path
        messages = body.get("messages", [])
        return Heard(
            model=body.get("model", ""),
            tools=tuple(tool["function"]["name"] for tool in body.get("tools") or ()),
            said=tuple(joined(m["content"]) for m in messages if m["role"] == "user"),
            results=tuple(joined(m["content"]) for m in messages if m["role"] == "tool"),
            stream=bool(body.get("stream")),
        )

    def whole(self, asked: Asked, answer: Say | Calls) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
        if made := _calls(asked, answer):
            message["tool_calls"] = made
        choice = {"index": 0, "message": message, "finish_reason": _reason(answer)}
        head = _head(asked, "chat.completion")
        return head | {"choices": [choice], "usage": usage(answer.usage)}

    def stream(self, asked: Asked, answer: Say | Calls) -> Iterator[Event]:
        head = _head(asked, "chat.completion.chunk")

        def chunk(delta: dict[str, Any], reason: str | None = None) -> Event:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            return Event(head | {"choices": [choice]})

        yield chunk({"role": "assistant", "content": ""})
        for piece in pieces(answer.text):
            yield chunk({"content": piece})
        for index, made in enumerate(_calls(asked, answer)):
            function = made["function"]
            first = made | {"index": index, "function": function | {"arguments": ""}}
            yield chunk({"tool_calls": [first]})
            for piece in pieces(function["arguments"]):
                part = {"index": index, "function": {"arguments": piece}}
                yield chunk({"tool_calls": [part]})
        yield chunk({}, _reason(answer))
        if (asked.body.get("stream_options") or {}).get("include_usage"):
            yield Event(head | {"choices": [], "usage": usage(answer.usage)})
        yield Event("[DONE]")

    def error(self, fail: Fail) -> dict[str, Any]:
        return error_body(fail)


def error_body(fail: Fail) -> dict[str, Any]:
    """OpenAI's error object, the same in both of its protocols."""
    error = {
        "message": fail.message or f"scripted error {fail.status}",
        "type": fail.code or ERROR_TYPES.get(fail.status, "server_error"),
        "param": None,
        "code": fail.code or ERROR_CODES.get(fail.status),
    }
    return {"error": error | fail.extra}


def usage(used: Usage) -> dict[str, Any]:
    """The usage object."""
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _head(asked: Asked, kind: str) -> dict[str, Any]:
    return {
        "id": fresh("chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
    }


def _calls(asked: Asked, answer: Say | Calls) -> list[dict[str, Any]]:
    if isinstance(answer, Say):
        return []
    return [
        {
            "id": fresh("call_"),
            "type": "function",
            "function": {
                "name": asked.offered(one.tool),
                "arguments": json.dumps(one.arguments),
            },
        }
        for one in answer.calls
    ]


def _reason(answer: Say | Calls) -> str:
    return "stop" if isinstance(answer, Say) else "tool_calls"
