"""What became of a commit during which the connection broke: the server is asked, nobody guesses.

``pg_xact_status`` knows the transaction by its number. A server that crashed may have lost all that
it knew of one, and have given the number to another since: then an event of it is looked for. So it
is for a transaction of which no answer came, and so no number: once the writer lock is free it is
over, whatever became of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import psycopg

from hermes_kanban.model.errors import KanbanError
from hermes_kanban.store import dialect, pgerrors
from hermes_kanban.store.pgsession import Pauses

FATE_SECONDS: Final = 15.0
_LONGEST_PAUSE_SECONDS: Final = 0.5

_FATE: Final = "SELECT pg_xact_status(%s::xid8)"
_OVER: Final = "SELECT set_config('lock_timeout', '1s', true), pg_advisory_xact_lock(%s)"
_UNSEEN, _SEEN = dialect.key_told("")
# What a row was named by before its key was seen.
_TOLD: Final = (
    f"replace(:payload, '{_UNSEEN}', '{_SEEN}'"
    " || coalesce((SELECT seq::text FROM tasks WHERE id = cast(:task_id AS text)), ''))"
)
# An event is never changed, and a look so soon after it finds it among the newest.
_HAS_EVENT: Final = dialect.statement(f"""
SELECT EXISTS (
    SELECT 1 FROM task_events
    WHERE id > (SELECT max(id) - 10000 FROM task_events) AND kind = :kind AND actor = :actor
      AND payload IN (:payload, {_TOLD}) AND created_at = :at
      AND task_id IS NOT DISTINCT FROM cast(:task_id AS text)
      AND run_id IS NOT DISTINCT FROM cast(:run_id AS integer))
""")


def was_kept(
    connect: Callable[[], psycopg.Connection[Any]],
    xid: str,
    event: dict[str, Any] | None,
    location: str,
    lock_key: int,
) -> bool:
    """Whether the transaction was committed; ``event`` is the last that it wrote, if any.

    ``xid`` is empty where no answer of it came: then there is one. Raises BoardUnreachable if
    the server does not say so in time.
    """
    deadline = time.monotonic() + FATE_SECONDS
    pauses = Pauses(_LONGEST_PAUSE_SECONDS)
    while True:
        try:
            session = connect()
            if not xid:
                session.execute(_OVER, (lock_key,))
                return _has(session, event)
            ((fate,),) = session.execute(_FATE, (xid,)).fetchall()
            if fate == "aborted":
                return False
            if fate == "committed":
                return event is None or _has(session, event)
        except psycopg.DataError:
            return False  # a number that the server, started anew, has not given out yet
        except (psycopg.Error, KanbanError):
            pass  # it is still starting, or in the midst of the commit
        if time.monotonic() > deadline:
            raise pgerrors.unknown_fate(location)
        time.sleep(pauses.next())


def _has(session: psycopg.Connection[Any], event: dict[str, Any] | None) -> bool:
    ((found,),) = session.execute(_HAS_EVENT, event).fetchall()
    return bool(found)
