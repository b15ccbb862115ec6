"""``notify test``: one message to a subscription's destination, outside the outbox."""

from __future__ import annotations

import sys
from typing import Any

from hermes_kanban import notify
from hermes_kanban.kernel.subscriptions import get_subscription
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.notify import texts
from hermes_kanban.notify.message import AboutEvent, Message
from hermes_kanban.store.protocol import BoardConnection


class _Printed:
    """The log of a command: standard error."""

    def info(self, event: str, **keys: Any) -> None:
        said = " ".join(f"{key}={value!r}" for key, value in keys.items() if value is not None)
        sys.stderr.write(f"{event} {said}\n")


def send_test(conn: BoardConnection, sub_id: int) -> str:
    """Send a test message now; ``delivered``, or KanbanError with what went wrong."""
    import anyio

    sub = get_subscription(conn, sub_id)
    now = conn.clock.now()
    message = Message(
        dedup_key=f"{conn.board_id}:{sub.id}:test:{now}",
        board=conn.paths.slug,
        subscription=sub.id,
        event=AboutEvent(id=0, kind="test", actor="system", run_id=None, created_at=now),
        task=None,
        text=texts.test_text(),
    )
    outcome = anyio.run(notify.send, sub.destination, message, _Printed())
    if outcome.kind != "delivered":
        raise KanbanError(f"the test message did not arrive: {outcome.reason}")
    return outcome.kind
