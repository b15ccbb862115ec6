"""Edits to other programs' configuration files that leave every other byte as it was.

Each format is edited by splicing text, never by writing out a parsed file: comments, order,
quotes and blank lines are their owner's. Every edit is proved before it is used: what the new
text means must be what the old text meant with just that change.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Literal

from hermes_kanban.clients.formats import jsonc, plain, toml, yaml
from hermes_kanban.clients.formats.plain import CannotEdit, Path, Unreadable

__all__ = ["CannotEdit", "Format", "Path", "Unreadable", "drop", "load", "put"]

Format = Literal["jsonc", "toml", "yaml"]

_EDITORS: dict[Format, ModuleType] = {"jsonc": jsonc, "toml": toml, "yaml": yaml}


def load(kind: Format, text: str) -> dict[str, Any]:
    """What the text means; raises Unreadable, naming the line, if it is none of that format."""
    found = _EDITORS[kind].load(text)
    assert isinstance(found, dict)
    return found


def put(kind: Format, text: str, path: Path, value: Any) -> str:
    """The text with ``value`` at ``path``, replaced or added; what is missing above it is made.

    Raises CannotEdit where the text is written so that this cannot be done with certainty.
    """
    meant = plain.put(load(kind, text), path, value)
    return _proved(kind, _EDITORS[kind].put(text, path, value), meant)


def drop(kind: Format, text: str, path: Path) -> str:
    """The text without what stands at ``path``; raises CannotEdit as ``put`` does."""
    meant = plain.drop(load(kind, text), path)
    return _proved(kind, _EDITORS[kind].drop(text, path), meant, path[:-1])


def _proved(kind: Format, text: str, meant: dict[str, Any], above: Path = ()) -> str:
    try:
        means = load(kind, text)
    except Unreadable as problem:
        raise CannotEdit(
            f"its entries are written in a way that is not understood ({problem})"
        ) from None
    # In TOML a table that nothing is left of is gone; elsewhere it stays, empty.
    if means not in (meant, plain.without_empty(meant, above)):
        raise CannotEdit("its entries are written in a way that is not understood")
    return text
