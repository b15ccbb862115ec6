"""The notifier watcher of one board: events become deliveries, deliveries become messages.

One a host, by lock. Each subscription is sent to in a task of its own, in event order, so that a
destination that hangs holds up nobody else. A message is marked right after it was sent: dying in
between sends it again, with the same key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.abc
import anyio.to_thread
from structlog.typing import FilteringBoundLogger

from gateway.backoff import FailureBackoff
from gateway.locks import RoleLock
from gateway.wakeup import Pulse, Wakeup
from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.config import LiveConfig
from hermes_kanban.kernel import outbox
from hermes_kanban.kernel.reads import get_event
from hermes_kanban.kernel.subscriptions import get_subscription
from hermes_kanban.model.records import Delivery, Event
from hermes_kanban.notify import texts
from hermes_kanban.notify.message import AboutEvent, AboutTask, Message, Outcome
from hermes_kanban.paths import board_paths
from hermes_kanban.store.sqlite import GATEWAY_WAIT_SECONDS, BoardConnection

T = TypeVar("T")

STANDBY_SECONDS: Final = 0.5
INTERVAL_SECONDS: Final = 60.0
SENDING_AT_ONCE: Final = 16


class BoardNotifier:
    """Delivers one board's news until cancelled."""

    def __init__(
        self, board: str | None, live_config: LiveConfig, pulse: Pulse, log: FilteringBoundLogger
    ) -> None:
        self._board = board
        self._live_config = live_config
        self._pulse = pulse
        self._log = log
        self._limiter = anyio.CapacityLimiter(1)
        self._sending = anyio.CapacityLimiter(SENDING_AT_ONCE)
        self._busy: set[int] = set()

    async def serve(self) -> None:
        """Wait for the board's notifier lock, then deliver until cancelled."""
        lock = RoleLock(board_paths(self._board).notifier_lock)
        while not lock.try_take():
            await anyio.sleep(STANDBY_SECONDS)
        wakeup = self._pulse.sleeper()
        try:
            self._conn = await self._in_thread(self._connect)
            try:
                async with anyio.create_task_group() as group:
                    await self._deliver_for_ever(group, wakeup)
            finally:
                self._conn.close()
        finally:
            self._pulse.drop(wakeup)
            lock.release()

    def _connect(self) -> BoardConnection:
        return kb.connect(self._board, wait_seconds=GATEWAY_WAIT_SECONDS, same_thread=False)

    async def _deliver_for_ever(self, group: anyio.abc.TaskGroup, wakeup: Wakeup) -> None:
        backoff = FailureBackoff("notifier", self._log)
        while True:
            newest = self._pulse.newest
            try:
                delay = await self._round(group, wakeup)
            except Exception as error:
                delay = backoff.failed(error)
            else:
                backoff.succeeded()
                wakeup.seen = newest
            await wakeup.sleep(delay)

    async def _round(self, group: anyio.abc.TaskGroup, wakeup: Wakeup) -> float:
        """Turn new events into deliveries and start what is due; seconds until the next round."""
        self._conn.config = self._live_config.current()
        while await self._in_thread(lambda: outbox.advance_cursors(self._conn)):
            pass
        delay = INTERVAL_SECONDS
        now = self._conn.clock.now()
        for head in await self._in_thread(lambda: list(outbox.waiting_heads(self._conn))):
            due_in = (head.next_attempt_at or 0) - now
            if head.sub_id in self._busy:
                continue
            if due_in > 0:
                delay = min(delay, due_in)
                continue
            self._busy.add(head.sub_id)
            group.start_soon(self._send_all_due, head.sub_id, wakeup)
        return delay

    async def _send_all_due(self, sub_id: int, wakeup: Wakeup) -> None:
        """Send what one subscription is owed, in order, until nothing is due or one fails."""
        try:
            async with self._sending:
                while due := await self._in_thread(
                    lambda: outbox.due_deliveries(self._conn, sub_id)
                ):
                    for delivery in due:
                        if not await self._send(delivery):
                            return
        except kb.KanbanError as error:
            self._log.error("watcher.failed", watcher="notifier", error=str(error))
            await anyio.sleep(STANDBY_SECONDS)
        finally:
            self._busy.discard(sub_id)
            wakeup.wake("delivered")

    async def _send(self, delivery: Delivery) -> bool:
        """One attempt and its mark; False when what follows has to wait."""
        destination, message = await self._in_thread(lambda: self._compose(delivery))
        if message is None:
            outcome = notify.dead("its event is gone")
        else:
            outcome = await notify.send(destination, message, self._log)
        return await self._mark(delivery, destination, outcome)

    def _compose(self, delivery: Delivery) -> tuple[str, Message | None]:
        """In a worker thread: where it goes, and the message as the board stands now."""
        conn = self._conn
        sub = get_subscription(conn, delivery.sub_id)
        event = get_event(conn, delivery.event_id)
        if event is None:
            return sub.destination, None
        task = None if event.task_id is None else _about_task(conn, event.task_id)
        facts = texts.facts(event.payload)
        title = None if task is None else task.title
        return sub.destination, Message(
            dedup_key=delivery.dedup_key,
            board=conn.paths.slug,
            subscription=sub.id,
            event=_about_event(event),
            task=task,
            text=texts.text(event.kind, event.task_id, title, facts),
        )

    async def _mark(self, delivery: Delivery, destination: str, outcome: Outcome) -> bool:
        scheme = destination.partition(":")[0]
        log = self._log.bind(
            delivery=delivery.id,
            subscription=delivery.sub_id,
            destination=scheme,
            event_id=delivery.event_id,
            attempts=delivery.attempts + 1,
        )
        if outcome.kind == "delivered":
            await self._in_thread(lambda: outbox.mark_delivered(self._conn, delivery.id))
            log.info("notify.delivered")
            return True
        delay = None
        if outcome.kind == "dead":
            await self._in_thread(lambda: outbox.mark_dead(self._conn, delivery.id, outcome.reason))
        else:
            delay = await self._in_thread(
                lambda: outbox.mark_failed(
                    self._conn, delivery, outcome.reason, retry_after=outcome.retry_after
                )
            )
        if delay is None:
            log.warning("notify.dead", error=outcome.reason)
            return True
        log.warning("notify.retry", error=outcome.reason, delay_seconds=delay)
        return False

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """A kernel call, one at a time on this board's connection."""
        return await anyio.to_thread.run_sync(call, limiter=self._limiter)


def _about_event(event: Event) -> AboutEvent:
    return AboutEvent(
        id=event.id,
        kind=event.kind,
        actor=event.actor,
        run_id=event.run_id,
        created_at=event.created_at,
        facts=texts.facts(event.payload),
    )


def _about_task(conn: BoardConnection, task_id: str) -> AboutTask | None:
    try:
        task = kb.get_task(conn, task_id)
    except kb.NotFound:
        return None
    return AboutTask(task.id, task.title, task.status, task.assignee, task.tenant)
