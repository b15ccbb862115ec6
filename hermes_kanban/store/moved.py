"""The mark of a board that was moved: a schema version that no program knows.

Every program looks at the version before it writes, so that one of before the mark was thought of
refuses it too. ``AWAY`` may be read and not written; ``COMING`` may not even be opened. The row of
the version in ``schema_migrations`` says the rest.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Final

import msgspec

from hermes_kanban.machine import machine
from hermes_kanban.model.errors import BoardMoved
from hermes_kanban.store.protocol import BoardConnection
from hermes_kanban.store.schema import SCHEMA_VERSION

AWAY: Final = 1_000_000
"""Its rows lie elsewhere now, and these are those of then."""
COMING: Final = 1_000_001
"""Its rows are here, and whether those of before are given up is not known here."""

_READ: Final = f"SELECT name FROM schema_migrations WHERE version >= {AWAY} ORDER BY version DESC"
WRITE: Final = (
    "INSERT INTO schema_migrations (version, name, applied_at) VALUES (:version, :name, :at)"
)
ERASE: Final = f"DELETE FROM schema_migrations WHERE version >= {AWAY}"
MIN_READER: Final = "UPDATE boards SET min_reader = :version"


class Mark(msgspec.Struct, frozen=True):
    """Which move it was, when (Unix seconds), the other place, and the rows' schema version.

    ``host_id`` and ``host`` are the host that moved it, which has the file if that is the place.
    """

    move: str
    at: int
    place: str
    schema: int = SCHEMA_VERSION
    host_id: str = ""
    host: str = ""

    def row(self, version: int) -> dict[str, object]:
        """The parameters of ``WRITE``."""
        return {"version": version, "name": msgspec.json.encode(self).decode(), "at": self.at}


def read(conn: sqlite3.Connection | BoardConnection) -> Mark:
    """The mark of a board that has one."""
    row = conn.execute(_READ).fetchone()
    return decoded("{}" if row is None else row[0])


def decoded(name: str) -> Mark:
    """What the row says, as far as it can be read."""
    try:
        return msgspec.json.decode(name, type=Mark)
    except msgspec.DecodeError:
        return Mark("", 0, "another place")


def may_be_read(version: int, mark: Mark) -> bool:
    """Whether the board may be opened to look at it, as it was when it was moved."""
    return version == AWAY and mark.schema == SCHEMA_VERSION


def error(location: str, version: int, mark: Mark) -> BoardMoved:
    """What whoever opens or writes the board at ``location`` is told."""
    day = time.strftime("%Y-%m-%d", time.gmtime(mark.at))
    if version != AWAY:
        return BoardMoved(
            f"a move from {mark.place} to {location} was begun on {day} and not finished; run "
            "the same hermes-kanban move again, and use the board where it was until then"
        )
    place = mark.place
    if place.startswith("postgres"):
        use = "set kanban.database to that address"
        back = f"hermes-kanban move --from '{place}' --to sqlite"
    else:
        use = "take kanban.database out of config.yaml"
        back = "hermes-kanban move --to postgresql://…"
        if mark.host_id not in ("", machine().host):
            # Its file is no board of this host's, and one made anew here would be another.
            place = f"{place} of host {mark.host}"
            use = f"a file has one host: work on {mark.host}"
    return BoardMoved(
        f"{location} was moved to {place} on {day} and is not written any more; {use}, or take"
        f" it back{'' if place == mark.place else ' there'} with: {back}"
    )
