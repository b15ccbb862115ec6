"""A pooler between here and the server: one that lends sessions by the transaction is refused.

Then the search path, the settings, the roles of gateways and LISTEN would be another's a moment
later. PgBouncer and its like answer with a process number of their own, which the server does not
have; whether a session is one's own a second session tells, which finds what the first one set.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

import psycopg

from hermes_kanban.config.database import Server, server_of
from hermes_kanban.store import pgerrors

if TYPE_CHECKING:
    from psycopg import Connection

_MARK: Final = "hermes_kanban.mark"
_guard: Final = threading.Lock()
_known_good: Final[set[Server]] = set()


def refuse_sharing(server: Server | str, session: Connection[Any]) -> None:
    """Raise KanbanError where the session behind a pooler is not one's own.

    Asked once a process for each server.
    """
    server = server_of(server)
    with _guard:
        if server in _known_good:
            return
        if _is_shared(server, session):
            raise pgerrors.shared_session()
        _known_good.add(server)


def _is_shared(server: Server, session: Connection[Any]) -> bool:
    from hermes_kanban.store import pgsession

    mark = os.urandom(8).hex()
    session.execute(f"SELECT set_config('{_MARK}', %s, false)", (mark,))
    told = pgsession.parameters(server, f"hermes-kanban {os.getpid()} pooler")
    with psycopg.connect("", autocommit=True, **told) as other:
        ((seen,),) = other.execute(f"SELECT current_setting('{_MARK}', true)").fetchall()
    return bool(seen == mark)
