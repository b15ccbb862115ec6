"""TOML: tables come and go as lines of their own."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from hermes_kanban.clients.formats.plain import CannotEdit, Path, Unreadable, get

_MARK = "\ufeff"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PART = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')\s*""")
# What may hide a bracket, a line end or a hash.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\''
    r"|#[^\n]*|[\[{]|[\]}]|\n",
    re.DOTALL,
)


class Table(NamedTuple):
    """A ``[header]`` with its lines: from ``start`` to ``end``, without what leads to the next."""

    path: Path
    start: int
    end: int


def load(text: str) -> dict[str, Any]:
    """What the text means."""
    try:
        return tomllib.loads(text.removeprefix(_MARK).replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as problem:
        line = re.search(r"line (\d+)", str(problem))
        reason = re.sub(r" \(at .*\)", "", str(problem))
        raise Unreadable(int(line[1]) if line else text.count("\n") + 1, reason) from None
    except RecursionError:
        raise Unreadable(1, "is nested too deeply") from None


def put(text: str, path: Path, value: Any) -> str:
    """The text with the table ``value`` at ``path``, in the old one's place or at the end.

    A plain value goes into its table, which is written anew.
    """
    means = load(text)
    if not isinstance(value, dict):
        whole = get(means, path[:-1])
        if not isinstance(whole, dict) or len(path) < 2:
            raise CannotEdit(f"{'.'.join(path)} has no table of its own")
        return put(text, path[:-1], whole | {path[-1]: value})
    written = "".join(f"{line}\n" for line in _lines(path, value))
    written = written.replace("\n", _newline(text))
    found = _of(text, path)
    if found:
        first = found[0].start
        for table in reversed(found):
            text = text[: table.start] + text[table.end :]
        return text[:first] + written + text[first:]
    if get(means, path) is not None:
        raise CannotEdit(f"{'.'.join(path)} is no table with a [header]")
    if text and not text.endswith("\n"):
        text += _newline(text)
    blank = _newline(text) if text.strip(f"{_MARK} \t\r\n") else ""
    return text + blank + written


def drop(text: str, path: Path) -> str:
    """The text without the table at ``path`` and those below it."""
    found = _of(text, path)
    if not found and get(load(text), path) is not None:
        raise CannotEdit(f"{'.'.join(path)} is no table with a [header]")
    for table in reversed(found):
        before, after = text[: table.start], text[table.end :]
        # The blank line that set it off goes with it.
        if not before.removeprefix(_MARK):
            after = re.sub(r"\A\r?\n", "", after)
        if re.search(r"\n\r?\n\Z", before) and (not after.strip() or re.match(r"\r?\n", after)):
            before = re.sub(r"\r?\n\Z", "", before)
        text = before + after
    return text


def _of(text: str, path: Path) -> list[Table]:
    return [table for table in _tables(text) if table.path[: len(path)] == path]


def _tables(text: str) -> Iterator[Table]:
    heads = [
        (start, _path(text, start))
        for start in _line_starts(text)
        if text[start:].lstrip(" \t").startswith("[")
    ]
    for number, (start, path) in enumerate(heads):
        end = heads[number + 1][0] if number + 1 < len(heads) else len(text)
        lines = text[start:end].splitlines(keepends=True)
        while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
            lines.pop()
        yield Table(path, start, start + sum(map(len, lines)))


def _line_starts(text: str) -> Iterator[int]:
    """Where the lines begin that stand in no string and no list."""
    start = len(_MARK) if text.startswith(_MARK) else 0
    yield start
    depth = 0
    for found in _TOKEN.finditer(text, start):
        token = found[0]
        if token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
        elif token == "\n" and depth == 0:
            yield found.end()


def _path(text: str, start: int) -> Path:
    """The names in the header that begins there; empty for ``[[…]]``, which is none of ours."""
    at = text.index("[", start) + 1
    if text[at : at + 1] == "[":
        return ()
    parts: list[str] = []
    while found := _PART.match(text, at):
        bare, quoted, literal = found.groups()
        parts.append(bare or literal or _unquoted(quoted))
        at = found.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return tuple(parts)


def _unquoted(words: str | None) -> str:
    found = tomllib.loads(f'x = "{words or ""}"')["x"]
    return str(found)


def _lines(path: Path, table: dict[str, Any]) -> Iterator[str]:
    yield f"[{'.'.join(map(_key, path))}]"
    below: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            below[name] = value
        else:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in below.items():
        yield ""
        yield from _lines((*path, name), value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str | bool | int | float):
        # A JSON string is a basic string of TOML, but for DEL, which must be escaped there.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items())
        return f"{{ {inner} }}"
    return str(value)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
