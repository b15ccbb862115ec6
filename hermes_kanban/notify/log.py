"""The destination ``log``: one structured line in the gateway's log."""

from __future__ import annotations

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.notify.message import DELIVERED, Log, Message, Outcome


def check(address: str) -> str:
    """There is one log, so it has no address."""
    if address:
        raise InvalidInput("destination", "log, with nothing after it", f"has {address!r} after it")
    return ""


async def send(_address: str, message: Message, log: Log) -> Outcome:
    """Write the line."""
    log.info(
        "notify.message",
        board=message.board,
        task=message.task.id if message.task else None,
        run=message.event.run_id,
        subscription=message.subscription,
        event_id=message.event.id,
        kind=message.event.kind,
        title=message.task.title if message.task else None,
        text=message.text,
    )
    return DELIVERED
