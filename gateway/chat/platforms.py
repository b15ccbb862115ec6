"""Which module has the adapter of a platform; loaded when the platform is configured.

Each has a function ``adapter(context)`` that returns the adapter, or raises MissingPackage or
ConfigError.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, Protocol, cast

from gateway.chat.adapter import Adapter, Context

MODULES: Final = {
    "matrix": "gateway.chat.matrix",
    "telegram": "gateway.chat.telegram",
    "slack": "gateway.chat.slack",
    "discord": "gateway.chat.discord",
}


class _Module(Protocol):
    def adapter(self, context: Context) -> Adapter: ...


def make(platform: str, context: Context) -> Adapter:
    """The adapter of a platform, not entered yet."""
    return cast(_Module, import_module(MODULES[platform])).adapter(context)
