"""``notify test``: one message to a subscription's destination, outside the outbox."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from hermes_kanban import notify
from hermes_kanban.kernel.subscriptions import WAKE, get_subscription
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.notify import texts
from hermes_kanban.notify.message import AboutEvent, Message
from hermes_kanban.store.protocol import BoardConnection


class _Told:
    """The log of a command."""

    def __init__(self, tell: Callable[[str], Any]) -> None:
        self._tell = tell

    def info(self, event: str, **keys: Any) -> None:
        said = " ".join(f"{key}={value!r}" for key, value in keys.items() if value is not None)
        self._tell(f"{event} {said}\n")

    warning: Final = info


def send_test(conn: BoardConnection, sub_id: int, tell: Callable[[str], Any] | None = None) -> str:
    """Send a test message now; ``delivered``, or KanbanError with what went wrong.

    ``tell`` is where the destination ``log`` writes, by default standard error.
    """
    import anyio

    sub = get_subscription(conn, sub_id)
    if sub.mode == WAKE:
        raise KanbanError("this subscription wakes an agent and sends no message")
    told = _Told(tell or sys.stderr.write)
    now = conn.clock.now()
    message = Message(
        dedup_key=f"{conn.board_id}:{sub.id}:test:{now}",
        board=conn.paths.slug,
        subscription=sub.id,
        event=AboutEvent(id=0, kind="test", actor="system", run_id=None, created_at=now),
        task=None,
        text=texts.test_text(),
        written_at=now,
    )
    if notify.split(sub.destination)[0] in notify.PLATFORMS:
        # Only the gateway speaks to chats; a test borrows its adapter, in a process of any kind.
        from gateway.chat.trying import send_once

        outcome = anyio.run(send_once, conn.config, sub.destination, message, told)
    else:
        outcome = anyio.run(notify.send, sub.destination, message, told)
    if outcome.kind != "delivered":
        raise KanbanError(f"the test message did not arrive: {outcome.reason}")
    return outcome.kind
