"""What became of a commit during which the connection broke: the server is asked, nobody guesses.

``pg_xact_status`` knows the transaction by its number. A server that crashed may have lost all that
it knew of one, and have given the number to another since: then an event of it is looked for. So it
is for a transaction of which no answer came, and so no number, once it is over: what serves the old
session may still have to read what was sent, so that it is ended before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import psycopg

from hermes_kanban.model.errors import KanbanError
from hermes_kanban.store import dialect, pgerrors, pgunseen
from hermes_kanban.store.pgsession import Pauses
from hermes_kanban.store.protocol import UNSEEN_KEY

FATE_SECONDS: Final = 15.0
_LONGEST_PAUSE_SECONDS: Final = 0.5

# It may still have to hear of what was kept.
_STANDBY: Final = b"SELECT pg_is_in_recovery()"
_FATE: Final = "SELECT pg_xact_status(%s::xid8)"
# A process that began later only has the same number. Of whom we may not end we see no times.
_END: Final = (
    "SELECT pg_backend_pid(), count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE pid = %s AND coalesce(backend_start <= to_timestamp(%s), true)"
)
_LOCK: Final = "SELECT set_config('lock_timeout', '1s', true), pg_advisory_xact_lock(%s)"
# What a row was named by before its key was seen.
_OF_TASK: Final = pgunseen.told(
    ":payload",
    "tasks",
    "coalesce((SELECT seq::text FROM tasks WHERE id = cast(:task_id AS text)), '')",
)
_OF_RUN: Final = pgunseen.told(":payload", "task_runs", "coalesce(run_id::text, '')")
# An event is never changed. Those of no task are few among the newest, where a look finds it.
_HAS_EVENT: Final = dialect.statement(f"""
SELECT EXISTS (
    SELECT 1 FROM task_events
    WHERE (task_id = cast(:task_id AS text) OR id > (SELECT max(id) - 10000 FROM task_events))
      AND kind = :kind AND actor = :actor AND created_at = :at
      AND payload IN (:payload, {_OF_TASK}, {_OF_RUN})
      AND task_id IS NOT DISTINCT FROM cast(:task_id AS text)
      AND (run_id IS NOT DISTINCT FROM cast(:run_id AS integer)
           OR cast(:run_id AS integer) = {UNSEEN_KEY}))
""")


class Broken(NamedTuple):
    """The transaction, by all that is known of it.

    ``backend`` is the number of the server's process, and a time (the server's) at which it served
    the session. ``xid`` is empty where no answer came: then there is an ``event``, the last that
    it wrote.
    """

    backend: tuple[int, float]
    xid: str
    event: dict[str, Any] | None
    lock_key: int


def was_kept(connect: Callable[[], psycopg.Connection[Any]], of: Broken, location: str) -> bool:
    """Whether the transaction was committed.

    Raises FateUnknown if the server does not say so in time.
    """
    deadline = time.monotonic() + FATE_SECONDS
    pauses = Pauses(_LONGEST_PAUSE_SECONDS)
    while True:
        try:
            session = connect()
            fate = _status(session, of)
            if fate == "aborted":
                return False
            if fate == "committed":
                return of.event is None or _has(session, of.event)
            if fate == "over":
                return _has(session, of.event)
        except psycopg.DataError:
            return False  # a number that the server, started anew, has not given out yet
        except (psycopg.Error, KanbanError):
            pass  # it is still starting, or no answer is to be had
        if time.monotonic() > deadline:
            raise pgerrors.unknown_fate(location)
        time.sleep(pauses.next())


def _status(session: psycopg.Connection[Any], of: Broken) -> str | None:
    ((standby,),) = session.execute(_STANDBY).fetchall()
    if standby:
        return None
    if of.xid:
        ((fate,),) = session.execute(_FATE, (of.xid,)).fetchall()
        return None if fate is None else str(fate)
    ((backend, left),) = session.execute(_END, of.backend).fetchall()
    if backend != session.info.backend_pid:
        # A pooler shows numbers of its own; who had not asked for the lock yet is not seen.
        session.execute(_LOCK, (of.lock_key,))
    return None if left else "over"


def _has(session: psycopg.Connection[Any], event: dict[str, Any] | None) -> bool:
    ((found,),) = session.execute(_HAS_EVENT, event).fetchall()
    return bool(found)
