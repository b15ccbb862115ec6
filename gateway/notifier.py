"""The notifier watcher of one board: events become deliveries, deliveries become messages.

One a board, by lock: on PostgreSQL one over all hosts, and one that stands still is displaced by
another. What is due is handed to ``sending``, which holds up no round.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import Final

import anyio
import anyio.abc
import anyio.to_thread
from structlog.typing import FilteringBoundLogger

from gateway.backoff import FailureBackoff
from gateway.charge import Charge
from gateway.closing import Closings
from gateway.kernel_thread import KernelThread
from gateway.locks import RoleLost, SharedRoleLock, let_go, role_lock
from gateway.senders import Senders
from gateway.sending import Sending
from gateway.wakeup import Pulse, Wakeup, doorbell
from hermes_kanban.config import LiveConfig
from hermes_kanban.kernel import outbox, waking
from hermes_kanban.paths import board_paths
from hermes_kanban.store.role_lock import RoleLock

NO_SENDERS: Final[Senders] = MappingProxyType({})
STANDBY_SECONDS: Final = 0.5
INTERVAL_SECONDS: Final = 5.0  # 'notify retry' writes no event that would wake it; a look is cheap


class BoardNotifier:
    """Delivers one board's news until cancelled; ``senders`` are the chats that can be reached."""

    def __init__(
        self,
        board: str | None,
        live_config: LiveConfig,
        pulse: Pulse,
        log: FilteringBoundLogger,
        senders: Senders = NO_SENDERS,
    ) -> None:
        self._board = board
        self._live_config = live_config
        self._pulse = pulse
        self._log = log
        self._senders = senders
        self._reached: frozenset[str] = frozenset()
        self._hearing: anyio.CancelScope | None = None
        self._kernel = KernelThread(board, log.bind(watcher="notifier"))

    async def serve(self) -> None:
        """Wait for the board's notifier lock, then deliver until cancelled, or until it is lost."""
        lock = role_lock(board_paths(self._board), "notifier")
        try:
            await self._stand_by(lock)
            await self._serve_in_charge(Charge(lock, "another gateway delivers the board's news"))
        except* RoleLost as lost:
            raise lost.exceptions[0] from None
        finally:
            await let_go(lock)

    async def _stand_by(self, lock: RoleLock | SharedRoleLock) -> None:
        if await anyio.to_thread.run_sync(lock.try_take):
            return
        self._log.info("notify.standby")
        while not await anyio.to_thread.run_sync(lock.try_take):
            await anyio.sleep(STANDBY_SECONDS)
        self._log.info("notify.took_over")

    async def _serve_in_charge(self, charge: Charge) -> None:
        wakeup = self._pulse.sleeper()
        try:
            await self._kernel.open()
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(charge.keep)
                    group.start_soon(self._give_way, charge)
                    rested = partial(wakeup.wake, "delivered")
                    sending = Sending(
                        group,
                        self._kernel,
                        self._log,
                        rested,
                        by_scheme=self._senders,
                        turn=charge.turn,
                    )
                    closings = Closings(group, self._kernel, self._log, self._senders)
                    await self._deliver_for_ever(group, sending, closings, wakeup, charge)
            finally:
                self._kernel.close()
        finally:
            self._pulse.drop(wakeup)

    async def _give_way(self, charge: Charge) -> None:
        """Where a call hangs here (a disk, a line to the database) another host delivers."""
        hangs = anyio.Event()
        self._kernel.on_slow = hangs.set
        await hangs.wait()
        await charge.give_up("a call hangs on this host; another may deliver the board's news")

    async def _deliver_for_ever(
        self,
        group: anyio.abc.TaskGroup,
        sending: Sending,
        closings: Closings,
        wakeup: Wakeup,
        charge: Charge,
    ) -> None:
        backoff = FailureBackoff("notifier", self._log)
        while True:
            newest = self._pulse.newest
            try:
                await charge.turn()
                self._hear(group)
                self._kernel.conn.config = self._live_config.current()
                delay = await self._round(sending)
                await closings.look(newest)
            except RoleLost:
                raise
            except Exception as error:
                delay = backoff.failed(error)
            else:
                backoff.succeeded()
            wakeup.seen = newest  # also after a failure, or the same news would end every wait
            await wakeup.sleep(delay)

    def _hear(self, group: anyio.abc.TaskGroup) -> None:
        """Have a bell of one's own where no dispatcher of this gateway hears the board's."""
        if self._hearing is None:
            if not self._pulse.bells:
                self._hearing = anyio.CancelScope()
                group.start_soon(self._listen, self._hearing)
        elif self._pulse.bells > 1:
            self._hearing.cancel()

    async def _listen(self, scope: anyio.CancelScope) -> None:
        conn = self._kernel.conn
        try:
            with scope, doorbell(conn, conn.paths.notifier_bell(conn.board_id)) as bell:
                await (anyio.sleep_forever() if bell is None else self._pulse.listen(bell))
        finally:
            self._hearing = None

    async def _round(self, sending: Sending) -> float:
        """Turn new events into deliveries, start what is due, and wake; seconds until the next."""
        await sending.settle()
        await self._look_who_is_reached()
        more = await self._kernel(outbox.advance_cursors)
        busy = frozenset(sending.busy)
        due = await self._kernel(lambda conn: outbox.survey_outbox(conn, busy=busy))
        sending.take(due.heads)
        woken, next_wake = await self._kernel(
            lambda conn: (waking.wake_due(conn), waking.next_wake(conn))
        )
        if woken:
            self._log.info("notify.woke", tasks=woken)
        if more or len(woken) >= waking.AT_ONCE:
            return 0.0
        next_at = min((at for at in (due.next_at, next_wake) if at is not None), default=None)
        if next_at is None:
            return INTERVAL_SECONDS
        return min(max(0.0, next_at - self._kernel.conn.clock.now()), INTERVAL_SECONDS)

    async def _look_who_is_reached(self) -> None:
        reached = frozenset(self._senders)
        for platform in sorted(reached - self._reached):
            await self._kernel(partial(outbox.due_again, platform=platform))
        self._reached = reached
