"""JSON as people keep it: with comments and trailing commas."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, NoReturn

from hermes_kanban.clients.formats.plain import CannotEdit, Path, Unreadable

_BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SCALAR = re.compile(r"-?\d[\d.eE+-]*|true|false|null")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_MARK = "\ufeff"
MOST_DEEP = 200


class Node(NamedTuple):
    """A value and where it stands; ``members`` of an object only."""

    start: int
    end: int
    value: Any
    members: tuple[Member, ...] = ()

    def member(self, key: str) -> Member | None:
        """The member of that key; of several the last, as every reader takes it."""
        return next((one for one in reversed(self.members) if one.key == key), None)


class Member(NamedTuple):
    """A key of an object, and its value; ``comma`` is where the comma after it stands."""

    key: str
    start: int
    node: Node
    comma: int | None


def load(text: str) -> dict[str, Any]:
    """What the text means; an empty one means nothing."""
    if not text.removeprefix(_MARK).strip():
        return {}
    value = _root(text).value
    assert isinstance(value, dict)
    return value


def put(text: str, path: Path, value: Any) -> str:
    """The text with ``value`` at ``path``."""
    if not text.removeprefix(_MARK).strip():
        text = f"{text.strip()}{{}}\n"
    at = _root(text)
    for depth, step in enumerate(path):
        found = at.member(step)
        if found is None:
            return _add(text, at, step, _nested(path[depth + 1 :], value))
        at = found.node
        if depth + 1 < len(path) and not isinstance(at.value, dict):
            raise CannotEdit(f"{step} holds a value where entries belong")
    indent = _indent_at(text, at.start)
    return text[: at.start] + _written(text, value, indent) + text[at.end :]


def drop(text: str, path: Path) -> str:
    """The text without what stands at ``path``."""
    at = _root(text)
    for step in path[:-1]:
        found = at.member(step)
        if found is None:
            return text
        at = found.node
    member = at.member(path[-1])
    return text if member is None else _without(text, at, member)


def _without(text: str, parent: Node, member: Member) -> str:
    start, end = member.start, member.node.end
    before = [one for one in parent.members if one.start < start]
    after = [one for one in parent.members if one.start > start]
    if member.comma is not None and (after or not before or _has_trailing_comma(before)):
        end = member.comma + 1
    line = text.rfind("\n", 0, start) + 1
    rest = re.compile(r"[ \t]*(?:\r?\n|\Z)").match(text, end)
    if rest is not None and not text[line:start].strip() and rest.end() < parent.end:
        # It has its lines to itself.
        start, end = line, rest.end()
    elif after:
        end = re.compile(r"[ \t]*").match(text, end).end()  # type: ignore[union-attr]
    shorter = text[:start] + text[end:]
    if before and not after and member.comma is None and before[-1].comma is not None:
        # Nothing follows the one before it any more.
        comma = before[-1].comma
        shorter = shorter[:comma] + shorter[comma + 1 :]
        if rest is None or start == member.start:
            shorter = shorter[:comma] + shorter[comma:].lstrip(" \t")
    if not before and not after:
        inside = shorter[parent.start + 1 : parent.end - 1 - (len(text) - len(shorter))]
        if not inside.strip():
            close = parent.start + 1 + len(inside)
            shorter = shorter[: parent.start + 1] + shorter[close:]
    return shorter


def _has_trailing_comma(members: list[Member]) -> bool:
    return bool(members) and members[-1].comma is not None


def _add(text: str, parent: Node, key: str, value: Any) -> str:
    close = parent.end - 1
    indent = _indent_at(text, parent.start)
    inner = indent + _unit(text)
    members = parent.members
    one_line = "\n" not in text[parent.start : parent.end]
    if members and one_line:
        entry = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        last = members[-1]
        at = (last.comma + 1) if last.comma is not None else last.node.end
        return text[:at] + (" " if last.comma is not None else ", ") + entry + text[at:]
    if members:
        inner = _indent_at(text, members[-1].start)
    entry = f"{inner}{json.dumps(key)}: {_written(text, value, inner)}"
    newline = _newline(text)
    # Behind what stands last, a comment maybe; the bracket keeps its place.
    at = parent.start + 1 + len(text[parent.start + 1 : close].rstrip())
    tail = text[at:close] if "\n" in text[at:close] else f"{newline}{indent}"
    if members and members[-1].comma is None:
        end = members[-1].node.end
        text, at, close = f"{text[:end]},{text[end:]}", at + 1, close + 1
        comma = ""
    else:
        comma = "," if members else ""
    return text[:at] + newline + entry + comma + tail + text[close:]


def _nested(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def _written(text: str, value: Any, indent: str) -> str:
    written = json.dumps(value, ensure_ascii=False, indent=_unit(text))
    return written.replace("\n", _newline(text) + indent)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(text: str) -> str:
    """One step of indentation, as the file has it."""
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found else "  "


def _indent_at(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _root(text: str) -> Node:
    start = _skip(text, len(_MARK) if text.startswith(_MARK) else 0)
    root = _value(text, start, 0)
    end = _skip(text, root.end)
    if end < len(text):
        _fail(text, end, "something follows the end")
    if not isinstance(root.value, dict):
        _fail(text, start, "expected an object, { … }")
    return root


def _value(text: str, at: int, depth: int) -> Node:
    if depth > MOST_DEEP:
        _fail(text, at, "is nested too deeply")
    opening = text[at : at + 1]
    if opening == "{":
        return _object(text, at, depth)
    if opening == "[":
        return _array(text, at, depth)
    if found := _STRING.match(text, at) or _SCALAR.match(text, at):
        try:
            return Node(at, found.end(), json.loads(found[0], strict=False))
        except ValueError:
            _fail(text, at, f"{found[0][:40]} is no JSON value")
    return _fail(text, at, "expected a value" if opening else "ends too early")


def _object(text: str, start: int, depth: int) -> Node:
    members: list[Member] = []
    at = _skip(text, start + 1)
    while text[at : at + 1] != "}":
        found = _STRING.match(text, at)
        if found is None:
            _fail(
                text,
                at,
                'expected a key in double quotes or "}"' if at < len(text) else "ends too early",
            )
        colon = _skip(text, found.end())
        if text[colon : colon + 1] != ":":
            _fail(text, colon, f"expected ':' after {found[0][:40]}")
        node = _value(text, _skip(text, colon + 1), depth + 1)
        after = _skip(text, node.end)
        comma = after if text[after : after + 1] == "," else None
        members.append(Member(json.loads(found[0], strict=False), at, node, comma))
        at = after if comma is None else _skip(text, after + 1)
        if comma is None and text[at : at + 1] != "}":
            _fail(text, at, "expected ',' or '}'" if at < len(text) else "ends too early")
    return Node(start, at + 1, {one.key: one.node.value for one in members}, tuple(members))


def _array(text: str, start: int, depth: int) -> Node:
    items: list[Any] = []
    at = _skip(text, start + 1)
    while text[at : at + 1] != "]":
        node = _value(text, at, depth + 1)
        items.append(node.value)
        at = _skip(text, node.end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            _fail(text, at, "expected ',' or ']'" if at < len(text) else "ends too early")
    return Node(start, at + 1, items)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _fail(text: str, at: int, reason: str) -> NoReturn:
    raise Unreadable(text.count("\n", 0, at) + 1, reason)
