"""The checker: every invariant that the database alone can show, over one moment of the board.

Each way of looking is a file of ``invariants``. A violation names the invariant, the row and what
is wrong with it; a healthy board has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from hermes_kanban.kernel.invariants.attached import altered_files, missing_files
from hermes_kanban.kernel.invariants.encoding import (
    broken_json,
    broken_pages,
    broken_references,
)
from hermes_kanban.kernel.invariants.histories import broken_histories, unfolded
from hermes_kanban.kernel.invariants.links import broken_links, claims_behind_parents
from hermes_kanban.kernel.invariants.outbox import broken_subscriptions
from hermes_kanban.kernel.invariants.rows import broken_rows
from hermes_kanban.kernel.invariants.violation import Violation
from hermes_kanban.model.errors import BoardDamaged
from hermes_kanban.store.protocol import BoardConnection, reading, takes_long

__all__ = ["Violation", "check", "replay_differences"]

_LOOKS: Final[tuple[Callable[[BoardConnection], Iterator[Violation]], ...]] = (
    broken_rows,
    broken_references,
    broken_json,
    broken_links,
    claims_behind_parents,
    broken_subscriptions,
    missing_files,
)


@takes_long
def check(
    conn: BoardConnection, deep: bool = False, *, told: Callable[[int], None] | None = None
) -> list[Violation]:
    """Every broken invariant of the board, by number; empty when all hold.

    ``deep`` also reads every page of the file, and every attached one. Reads only, at one moment;
    takes seconds on a large board, and meanwhile ``told`` hears how many tasks have been gone
    through. Raises BoardDamaged when the file cannot be read and ``deep`` was not asked to say why.
    """
    found: list[Violation] = []
    with reading(conn):
        if deep:
            found += broken_pages(conn)
        try:
            for look in _LOOKS:
                found += look(conn)
            found += broken_histories(conn, told)
            if deep:
                found += altered_files(conn)
        except conn.Error as error:
            # The pages that cannot be read are among what was found.
            if not (deep and found and isinstance(conn.translated(error), BoardDamaged)):
                raise
    return sorted(found, key=lambda one: one.invariant)


def replay_differences(conn: BoardConnection) -> list[Violation]:
    """Where replaying all events gives other rows than there are, and events that cannot be read.

    Reads only, at one moment; memory is that of one task.
    """
    with reading(conn):
        return list(unfolded(conn))
