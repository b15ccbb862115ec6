"""Sending what is due: each destination has workers of its own, each subscription its order.

A worker takes one subscription after another and sends a few of its deliveries before it goes to
the next, so that a destination that hangs, or a subscription that is owed thousands, holds up
nobody else. A message is marked right after it was sent: dying in between sends it again, with
the same key.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple, Protocol, TypeVar

import anyio
import anyio.abc
import msgspec
from structlog.typing import FilteringBoundLogger

from gateway import senders
from gateway.locks import RoleLost
from gateway.senders import Senders
from gateway.telling import OnTheWay
from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.kernel import outbox
from hermes_kanban.kernel.outbox import Head, Outgoing
from hermes_kanban.model.records import Delivery
from hermes_kanban.notify.message import Outcome
from hermes_kanban.store.protocol import BoardConnection

T = TypeVar("T")

WORKERS_PER_DESTINATION: Final = 4
SENDING_AT_ONCE: Final = 64
IN_A_ROW: Final = 20
PAUSE_SECONDS: Final = 0.5


class Kernel(Protocol):
    """Calls the kernel in a worker thread, one call at a time on the board's connection."""

    async def __call__(self, call: Callable[[BoardConnection], T]) -> T: ...


class _Lane(msgspec.Struct):
    """What one destination is to be sent: ids of subscriptions, and who is at it."""

    queue: deque[int] = msgspec.field(default_factory=deque)
    workers: int = 0


class _Unmarked(NamedTuple):
    """An attempt that was made and could not be written down yet."""

    outgoing: Outgoing
    outcome: Outcome


class Sending:
    """The messages of one board that are on their way.

    ``busy`` are the subscriptions that it has in hand; ``on_rest`` is called when a destination's
    worker has nothing left to do. ``by_scheme`` are the adapters that send to chats. ``turn`` tells
    in which turn this process is in charge, and raises RoleLost when it is not: what was read in
    another turn may have been sent by somebody else since.
    """

    def __init__(
        self,
        group: anyio.abc.TaskGroup,
        kernel: Kernel,
        log: FilteringBoundLogger,
        on_rest: Callable[[], None],
        *,
        by_scheme: Senders,
        turn: Callable[[], Awaitable[int]],
        timeout_seconds: float = notify.SEND_SECONDS,
    ) -> None:
        self.busy: set[int] = set()
        self._group = group
        self._kernel = kernel
        self._log = log
        self._on_rest = on_rest
        self._senders = by_scheme
        self._turn = turn
        self._timeout_seconds = timeout_seconds
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._limiter = anyio.CapacityLimiter(SENDING_AT_ONCE)
        self._unmarked: dict[int, _Unmarked] = {}
        self._on_the_way = OnTheWay()

    def take(self, heads: Iterable[Head]) -> None:
        """Send what these subscriptions are owed, each until nothing of it is due."""
        for head in heads:
            self.busy.add(head.delivery.sub_id)
            lane = self._lanes[head.destination]
            lane.queue.append(head.delivery.sub_id)
            if lane.workers < WORKERS_PER_DESTINATION:
                lane.workers += 1
                self._group.start_soon(self._work, head.destination, lane)

    async def settle(self) -> None:
        """Write down the attempts that could not be; raises KanbanError while that still fails.

        Until then their subscriptions stay busy: what has arrived is not sent again and again.
        """
        for sub_id, (outgoing, outcome) in list(self._unmarked.items()):
            await self._write_down(outgoing, outcome)
            del self._unmarked[sub_id]
            self._on_the_way.end(outgoing)
            self.busy.discard(sub_id)

    async def _work(self, destination: str, lane: _Lane) -> None:
        try:
            while lane.queue:
                await self._send_some(lane, lane.queue.popleft())
        finally:
            lane.workers -= 1
            if not lane.workers:
                del self._lanes[destination]
            self._on_rest()

    async def _send_some(self, lane: _Lane, sub_id: int) -> None:
        """Send a few of a subscription's deliveries; it queues again if more are due."""
        try:
            for _ in range(IN_A_ROW):
                if not await self._send_head(sub_id):
                    break
            else:
                lane.queue.append(sub_id)
                return
        except RoleLost:
            raise
        except Exception as error:
            self._log.error(
                "watcher.failed",
                watcher="notifier",
                error=str(error) or repr(error),
                exc_info=not isinstance(error, kb.KanbanError),
            )
            await anyio.sleep(PAUSE_SECONDS)
        if sub_id not in self._unmarked:
            self.busy.discard(sub_id)

    async def _send_head(self, sub_id: int) -> bool:
        """One attempt and its mark; False when nothing of the subscription is due."""
        turn = await self._turn()
        outgoing = await self._next(sub_id)
        if outgoing is None:
            return False
        self._on_the_way.begin(outgoing)
        try:
            if await self._turn() != turn:
                return True
            outcome = await self._attempt(outgoing)
            # Stopping waits for this: the message is out, and unmarked it would go out again.
            with anyio.CancelScope(shield=True):
                await self._mark(outgoing, outcome)
        finally:
            if sub_id not in self._unmarked:
                self._on_the_way.end(outgoing)
        return True

    async def _next(self, sub_id: int) -> Outgoing | None:
        """What is to be sent next; another subscription that is telling it there comes first."""
        while True:
            outgoing = await self._kernel(lambda conn: outbox.next_outgoing(conn, sub_id))
            end = None if outgoing is None else self._on_the_way.end_of(outgoing)
            if end is None:
                return outgoing
            await end.wait()

    async def _attempt(self, outgoing: Outgoing) -> Outcome:
        if outgoing.message is None:
            return notify.dead(outgoing.problem)
        async with self._limiter:
            return await senders.send(
                self._senders,
                outgoing.destination,
                outgoing.message,
                self._log,
                timeout_seconds=self._timeout_seconds,
            )

    async def _mark(self, outgoing: Outgoing, outcome: Outcome) -> None:
        try:
            await self._write_down(outgoing, outcome)
        except Exception:
            self._unmarked[outgoing.delivery.sub_id] = _Unmarked(outgoing, outcome)
            raise

    async def _write_down(self, outgoing: Outgoing, outcome: Outcome) -> None:
        delivery_id = outgoing.delivery.id
        try:
            marked, now = await self._kernel(
                lambda conn: (outbox.mark(conn, delivery_id, outcome), conn.clock.now())
            )
        except kb.NotFound:
            # Its task was purged while it was on its way, and its row with it.
            self._log.info("notify.purged", delivery=delivery_id)
            return
        self._tell(outgoing, outcome, marked, now)

    def _tell(self, outgoing: Outgoing, outcome: Outcome, delivery: Delivery, now: int) -> None:
        log = self._log.bind(
            delivery=delivery.id,
            subscription=delivery.sub_id,
            destination=outgoing.destination.partition(":")[0],
            event_id=delivery.event_id,
            attempts=delivery.attempts,
        )
        if outgoing.message is not None and outgoing.message.task is not None:
            log = log.bind(task=outgoing.message.task.id)
        if delivery.state == "delivered":
            log.info("notify.delivered")
        elif delivery.state == "dead":
            log.warning("notify.dead", error=delivery.reason)
        else:
            delay = max(0, (delivery.next_attempt_at or now) - now)
            log.warning("notify.retry", error=outcome.reason, delay_seconds=delay)
