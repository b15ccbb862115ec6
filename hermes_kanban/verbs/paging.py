"""Pages that end by their number of rows, or where they have grown large: rows may be very long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

PAGE_BYTES: Final = 1024 * 1024
ROWS_AT_ONCE: Final = 25

Row = TypeVar("Row")
View = TypeVar("View")


def page(
    read: Callable[[int, int], list[Row]],
    view: Callable[[Row], View],
    *,
    key: str,
    after: int,
    limit: int,
) -> tuple[list[View], int | None]:
    """At most ``limit`` rows after the key ``after``, of about a mebibyte together, as shown.

    ``read`` takes a key and a number of rows. Besides what asks for the next page, None where
    there is none now. One row comes however large it is.
    """
    found: list[View] = []
    size = 0
    while len(found) < limit:
        wanted = min(ROWS_AT_ONCE, limit - len(found))
        some = read(after, wanted)
        for row in some:
            shown = view(row)
            size += len(msgspec.json.encode(shown))
            if found and size > PAGE_BYTES:
                return found, after
            found.append(shown)
            after = getattr(row, key)
        if len(some) < wanted:
            return found, None
    return found, after


def fitting(found: list[Any]) -> int:
    """How many of the first of these are about a mebibyte together; one at least."""
    size = 0
    for at, one in enumerate(found):
        size += len(msgspec.json.encode(one))
        if at and size > PAGE_BYTES:
            return at
    return len(found)
