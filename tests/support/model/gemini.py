"""Gemini: ``POST …/models/<model>:generateContent`` and ``:streamGenerateContent``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.support.model.dialect import Event, Heard, fresh, joined
from tests.support.model.script import Asked, Calls, Fail, Say, Usage

STATUS_WORDS = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}


class Gemini:
    """The protocol of Gemini CLI; the model and the manner of answering are in the path."""

    name = "gemini"

    def hear(self, path: str, body: dict[str, Any]) -> Heard:
        model, _, method = path.rsplit("/", 1)[-1].partition(":")
        contents = body.get("contents", [])
        parts = [part for content in contents for part in content.get("parts", ())]
        declared = [
            declaration
            for tool in body.get("tools") or ()
            for declaration in tool.get("functionDeclarations", ())
        ]
        users = [content["parts"] for content in contents if content.get("role") == "user"]
        return Heard(
            model=model,
            tools=tuple(declaration["name"] for declaration in declared),
            said=tuple(text for content in users if (text := joined(content))),
            results=tuple(
                json.dumps(part["functionResponse"]["response"])
                for part in parts
                if "functionResponse" in part
            ),
            stream=method.startswith("stream"),
        )

    def whole(self, asked: Asked, answer: Say | Calls) -> dict[str, Any]:
        return _response(asked, _parts(asked, answer), "STOP", answer.usage)

    def stream(self, asked: Asked, answer: Say | Calls) -> Iterator[Event]:
        parts = _parts(asked, answer)
        for part in parts[:-1]:
            yield Event(_response(asked, [part], None, None))
        yield Event(_response(asked, parts[-1:], "STOP", answer.usage))

    def error(self, fail: Fail) -> dict[str, Any]:
        details: list[dict[str, Any]] = []
        if fail.retry_after is not None:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            details.append({"@type": kind, "retryDelay": f"{fail.retry_after}s"})
        error = {
            "code": fail.status,
            "message": fail.message or f"scripted error {fail.status}",
            "status": fail.code or STATUS_WORDS.get(fail.status, "INTERNAL"),
            "details": details,
        }
        return {"error": error | fail.extra}


def _parts(asked: Asked, answer: Say | Calls) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if answer.text:
        parts.append({"text": answer.text})
    if isinstance(answer, Calls):
        parts += [
            {
                "functionCall": {
                    "id": fresh("fn_"),
                    "name": asked.offered(one.tool),
                    "args": one.arguments,
                }
            }
            for one in answer.calls
        ]
    return parts


def _response(
    asked: Asked, parts: list[dict[str, Any]], reason: str | None, used: Usage | None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
    if reason:
        candidate["finishReason"] = reason
    response = {
        "candidates": [candidate],
        "modelVersion": asked.model,
        "responseId": fresh("gen-"),
    }
    return response if used is None else response | {"usageMetadata": _usage(used)}


def _usage(used: Usage) -> dict[str, Any]:
    return {
        "promptTokenCount": used.input,
        "cachedContentTokenCount": used.cached,
        "candidatesTokenCount": used.output,
        "totalTokenCount": used.input + used.output,
    }
