"""The same edits on plain values: what an edit of a text must come to."""

from __future__ import annotations

import copy
from typing import Any

# A step into a list is the ``name`` of the item that is meant, or the item itself if it is a word.
Path = tuple[str, ...]


class Unreadable(ValueError):
    """The text is broken; ``line`` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        self.line, self.reason = line, reason
        super().__init__(f"line {line}: {reason}")


class CannotEdit(ValueError):
    """The text is sound, but how it is written leaves it unclear where a change belongs."""


def get(tree: Any, path: Path) -> Any:
    """What stands at ``path``; None if nothing does."""
    for step in path:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list):
            tree = next((one for one in tree if _is_named(one, step)), None)
        else:
            return None
    return tree


def has(tree: Any, path: Path) -> bool:
    """Whether something stands at ``path``, an empty value included."""
    above = get(tree, path[:-1])
    return path[-1] in above if isinstance(above, dict) else get(tree, path) is not None


def put(tree: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of ``tree`` with ``value`` at ``path``."""
    made = copy.deepcopy(tree)
    *way, last = path
    at: Any = made
    for step in way:
        below = get(at, (step,))
        if below is None:
            below = at[step] = {}
        at = below
    if isinstance(at, list):
        at[:] = [value if _is_named(one, last) else one for one in at]
        if value not in at:
            at.append(value)
    elif isinstance(at, dict):
        at[last] = value
    else:
        raise CannotEdit(f"{'.'.join(way)} holds a value where entries belong")
    return made


def drop(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    """A copy of ``tree`` without what stands at ``path``."""
    made = copy.deepcopy(tree)
    at = get(made, path[:-1])
    if isinstance(at, list):
        at[:] = [one for one in at if not _is_named(one, path[-1])]
    elif isinstance(at, dict):
        at.pop(path[-1], None)
    return made


def without_empty(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    """A copy of ``tree`` without what holds nothing at ``path``, and then above it."""
    while path and get(tree, path) in ({}, []):
        tree, path = drop(tree, path), path[:-1]
    return tree


def _is_named(item: Any, name: str) -> bool:
    return item.get("name") == name if isinstance(item, dict) else item == name
