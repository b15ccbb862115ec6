"""A model whose answers are written down beforehand, spoken over real HTTP on loopback.

It speaks the four protocols that agent clients speak: OpenAI chat completions and responses,
Anthropic messages and Gemini. One file a protocol; none of them knows of the script's order.
"""

from __future__ import annotations

from tests.support.model.endpoint import ModelEndpoint
from tests.support.model.script import (
    Asked,
    Call,
    Calls,
    Fail,
    Hang,
    Say,
    Turn,
    Usage,
    call,
    calls,
)

__all__ = [
    "Asked",
    "Call",
    "Calls",
    "Fail",
    "Hang",
    "ModelEndpoint",
    "Say",
    "Turn",
    "Usage",
    "call",
    "calls",
]
