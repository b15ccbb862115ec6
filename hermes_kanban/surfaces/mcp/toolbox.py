"""What a toolbox is: the tools that one caller has, and how one is called."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One tool as clients see it; its name and the first words of its description say it all.

    ``destructive``: it may take something away. ``idempotent``: twice with the same arguments is
    once. A ``read_only`` tool is neither.
    """

    name: str
    description: str
    schema: dict[str, Any]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False


class CallResult(msgspec.Struct, frozen=True):
    """What a call answers, as text for a model; an error says what to do about it.

    ``later``: why the board could not take the call, where it may take the same one later; for
    who keeps it until then, so without what ``text`` tells a model to do about it.
    """

    text: str
    is_error: bool = False
    later: str = ""


class Toolbox(Protocol):
    """The tools of one caller. Calls come from several threads at once."""

    def tools(self) -> list[Tool]:
        """Every tool that this caller has, in an order that stays."""
        ...

    def call(self, name: str, arguments: dict[str, Any]) -> CallResult:
        """Call one of them; what goes wrong is an error result, never an exception."""
        ...
