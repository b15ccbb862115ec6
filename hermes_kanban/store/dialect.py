"""From the SQL of this program to that of PostgreSQL: parameters, hints and the schema's types.

The program keeps to what both databases know; this is the rest. Text in quotes and comments is
left alone, and whatever is not listed here goes through as it is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

# What must not be touched comes first; then what is translated.
_TOKENS: Final = re.compile(
    r"""
    (?P<text> '(?:[^']|'')*' | "(?:[^"]|"")*" )
  | (?P<comment> --[^\n]* )
  | (?P<cast> :: )
  | : (?P<name> [A-Za-z_]\w* )
  | (?P<place> \? )
  | (?P<hint> \s+ INDEXED \s+ BY \s+ \w+ )
  | (?P<whole> \b (?<=AS\x20) INTEGER \b )
  | (?P<words> \b (?<=AS\x20) TEXT \s* \) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TABLE: Final = re.compile(r"\s*INSERT\s+INTO\s+(\w+)", re.IGNORECASE)
_WRITTEN: Final = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE)\s+(\w+)", re.IGNORECASE)
_NUMBER: Final = re.compile(rb"'(?:[^']|'')*'|\$(\d+)")
_KEYS: Final = {"tasks": "seq"}
FIRST_PART: Final = "w0"
"""The name of the first of several writes that are one statement, for what it returns."""

_DDL: Final = re.compile(
    r"""
    (?P<text> '(?:[^']|'')*' )
  | (?P<comment> --[^\n]* )
  | (?P<key> \b INTEGER \s+ PRIMARY \s+ KEY \s+ AUTOINCREMENT \b )
  | (?P<whole> \b INTEGER \b )
  | (?P<words> \b TEXT \b )
  | (?P<bytes> \b BLOB \b )
  | (?P<options> \) \s* (?: (?:STRICT | WITHOUT \s+ ROWID) \s* ,? \s* )+ (?= ; | $ ) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ONLY_SQLITE: Final = re.compile(r"\b(PRAGMA|AUTOINCREMENT|STRICT|ROWID|REAL|ANY)\b")


@functools.lru_cache(maxsize=1024)
def statement(sql: str) -> bytes:
    """A statement with ``%(name)s`` for ``:name`` and ``%s`` for ``?``, its index hints dropped.

    A cast makes whole numbers of 64 bits, and text that compares as columns do. The result is for
    a driver that reads ``%``, also where there are no parameters.
    """
    return _TOKENS.sub(_statement_token, sql.replace("%", "%%")).encode()


def _statement_token(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "name":
            return f"%({found['name']})s"
        case "place":
            return "%s"
        case "hint":
            return ""
        case "whole":
            return "bigint"
        case "words":
            return 'text) COLLATE "C"'
    return found[0]


class Numbered(NamedTuple):
    """A statement as the server itself reads it, with ``$1`` for its first parameter.

    ``names`` are those of the parameters in their order; of those without a name none are there.
    """

    text: bytes
    names: tuple[str, ...] = ()

    def given(self, parameters: dict[str, Any] | Sequence[Any]) -> Sequence[Any]:
        """The parameters in their order."""
        if type(parameters) is dict:
            return [parameters[name] for name in self.names]
        return parameters  # type: ignore[return-value]


@functools.lru_cache(maxsize=1024)
def numbered(sql: str) -> Numbered:
    """A statement with ``$n`` for ``:name`` and ``?``, otherwise as ``statement`` has it."""
    names: dict[str, int] = {}
    places = 0

    def token(found: re.Match[str]) -> str:
        nonlocal places
        match found.lastgroup:
            case "name":
                return f"${names.setdefault(found['name'], len(names) + 1)}"
            case "place":
                places += 1
                return f"${places}"
        return _statement_token(found)

    return Numbered(_TOKENS.sub(token, sql).encode(), tuple(names))


@functools.lru_cache(maxsize=256)
def inserting(sql: str) -> str:
    """An INSERT that returns the key of the row that it made."""
    found = _TABLE.match(sql)
    if found is None:
        raise ValueError(f"is no INSERT: {sql[:40]}")
    return f"{sql} RETURNING {key_of(found[1].lower())}"


def key_of(table: str) -> str:
    """The column that counts a table's rows up."""
    return _KEYS.get(table, "id")


@functools.lru_cache(maxsize=1024)
def table_of(sql: str) -> str:
    """The table into which an INSERT or UPDATE writes; empty for another statement."""
    found = _WRITTEN.match(sql)
    return found[1] if found else ""


def reads(sql: str) -> bool:
    """Whether a statement only reads, so that it may be run again."""
    return sql.lstrip()[:6].upper() in ("SELECT", "WITH R")


@functools.lru_cache(maxsize=512)
def together(writes: tuple[bytes, ...], last: bytes = b"") -> bytes:
    """Numbered writes to different tables as one statement, which ends with ``last`` if given.

    Its parameters are those of the first, then those of the next, and of ``last``. None sees what
    another writes.
    """
    parts, before = [], 0
    for write in (*writes, last) if last else writes:
        numbers = [int(found[1]) for found in _NUMBER.finditer(write) if found[1]]
        parts.append(_counted_on(write, before))
        before += max(numbers, default=0)
    *first, end = parts
    if not first:
        return end
    named = [b"w%d AS (%s)" % (number, part) for number, part in enumerate(first)]
    return b"WITH " + b", ".join(named) + b" " + end


def _counted_on(write: bytes, before: int) -> bytes:
    def number(found: re.Match[bytes]) -> bytes:
        return b"$%d" % (int(found[1]) + before) if found[1] else found[0]

    return _NUMBER.sub(number, write)


@functools.lru_cache(maxsize=256)
def with_key(sql: str) -> str:
    """``INSERT INTO t (a) VALUES (:a)``, with its key given as ``:id``."""
    into, values = sql.split(") VALUES (", 1)
    return f"{into.replace('(', '(id, ', 1)}) VALUES (:id, {values}"


def definition(sql: str) -> str:
    """A statement of a migration, in PostgreSQL's words. Raises ValueError for what has none.

    Text is compared by code points, as in SQLite; a key that counts up may also be given, as a
    copied board gives it.
    """
    translated = _DDL.sub(_definition_token, sql)
    left = _ONLY_SQLITE.search(_DDL.sub(_without_text, translated))
    if left is not None:
        raise ValueError(f"{left[0]} in a migration has no counterpart in PostgreSQL")
    return translated


_DEFINITIONS: Final[dict[str, Callable[[str], str]]] = {
    "key": lambda _: "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    "whole": lambda _: "bigint",
    "words": lambda _: 'text COLLATE "C"',
    "bytes": lambda _: "bytea",
    "options": lambda _: ")",
}


def _definition_token(found: re.Match[str]) -> str:
    change = _DEFINITIONS.get(found.lastgroup or "")
    return found[0] if change is None else change(found[0])


def _without_text(found: re.Match[str]) -> str:
    return "" if found.lastgroup in ("text", "comment") else found[0]
