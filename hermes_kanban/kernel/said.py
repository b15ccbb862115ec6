"""What people said in chats: done once, and answered with the same words however often it comes.

A chat platform hands a message over again when its reader died before it could say that it has
it. What the message did and that it was done are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from hermes_kanban.kernel import limits
from hermes_kanban.store.protocol import BoardConnection, fetch_value, write

KEPT_SECONDS: Final = 30 * 86_400
KEY_CHARACTERS: Final = 400


class Answered(NamedTuple):
    """The answer to what was said, and whether it is that of the first time."""

    answer: str
    again: bool


def do_once(conn: BoardConnection, key: str, perform: Callable[[], str]) -> Answered:
    """Call ``perform``, in one transaction with the note that ``key`` was done; its answer.

    ``perform`` gives the answer and may write to ``conn``. If the key is known, its first answer.
    """
    key = limits.required("key", key, KEY_CHARACTERS)
    known: str | None = fetch_value(conn, _KNOWN, {"key": key})
    if known is not None:
        return Answered(known, True)
    with write(conn, "said") as tx:
        known = tx.value(_KNOWN, {"key": key})
        if known is not None:
            return Answered(known, True)
        answer = perform()
        tx.run(_FORGET, {"before": tx.now - KEPT_SECONDS})
        tx.run(_NOTE, {"key": key, "answer": answer, "now": tx.now})
    return Answered(answer, False)


_KNOWN: Final = "SELECT answer FROM said WHERE key = :key"
_NOTE: Final = "INSERT INTO said (key, answer, created_at) VALUES (:key, :answer, :now)"
_FORGET: Final = "DELETE FROM said WHERE created_at < :before"
