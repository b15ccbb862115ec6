"""PostgreSQL's values as SQLite gives them: rows by index and name, numbers as ``int``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, SupportsIndex

import psycopg
from psycopg._cursor_base import BaseCursor
from psycopg.adapt import Buffer, Dumper, Loader

_INT8_OID = 20
_INT8 = 2**63


class NamedRow(tuple[Any, ...]):
    """A tuple whose columns also have names, as ``sqlite3.Row`` has them."""

    __slots__ = ()
    _at: ClassVar[dict[str, int]] = {}
    width: ClassVar[int] = 0

    def keys(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self._at)

    def __getitem__(self, key: SupportsIndex | slice | str) -> Any:
        if isinstance(key, str):
            at = self._at.get(key)
            if at is None:
                raise IndexError(f"No item with that key: {key}")
            return tuple.__getitem__(self, at)
        return tuple.__getitem__(self, key)


@functools.lru_cache(maxsize=512)
def class_of(names: tuple[str, ...]) -> type[NamedRow]:
    """The rows with columns of these names."""
    # Of two columns with one name the first is found, as in sqlite3.Row.
    at = {name: index for index, name in reversed(list(enumerate(names)))}
    ordered = {name: at[name] for name in names}
    return type("Row", (NamedRow,), {"__slots__": (), "_at": ordered, "width": len(names)})


def named_rows(cursor: BaseCursor[Any, Any]) -> Callable[[Sequence[Any]], NamedRow]:
    """The row factory of a board's connection."""
    description = cursor.description
    if description is None:
        return NamedRow
    return class_of(tuple([column.name for column in description]))


class WholeNumber(Dumper):
    """Every whole number has 64 bits, so that one statement is one plan; a truth is 1 or 0."""

    oid = _INT8_OID

    def dump(self, obj: Any) -> Buffer:
        """Raises OverflowError, as SQLite does, for what no column can hold."""
        if not -_INT8 <= obj < _INT8:
            raise OverflowError("a number is too large for a column of 64 bits")
        return b"%d" % obj

    def quote(self, obj: Any) -> Buffer:
        """As it stands in a statement (``FETCH 1000``)."""
        return self.dump(obj)


class Truth(Loader):
    """A truth is 1 or 0."""

    def load(self, data: Buffer) -> int:
        """``t`` or ``f``."""
        return 1 if bytes(data) == b"t" else 0


class Sum(Loader):
    """A sum of whole numbers is numeric in PostgreSQL."""

    def load(self, data: Buffer) -> int | float:
        """An int where it is whole."""
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


def adapt(conn: psycopg.Connection[Any]) -> None:
    """Let values go in and come out as with SQLite."""
    conn.adapters.register_dumper(int, WholeNumber)
    conn.adapters.register_dumper(bool, WholeNumber)
    conn.adapters.register_loader("bool", Truth)
    conn.adapters.register_loader("numeric", Sum)
