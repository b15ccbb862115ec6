"""What the checker says of one row."""

from __future__ import annotations

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """One broken invariant: its number, the row that breaks it, and how, in one sentence.

    ``noun`` is task, run, event, link, comment, attachment, subscription, delivery or board;
    ``row_id`` names the row among its like (a link as ``parent→child``).
    """

    invariant: int
    noun: str
    row_id: str
    text: str
