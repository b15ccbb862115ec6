"""The dispatcher watcher of one board: stand by, take over, tick, sleep until something changes."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
import anyio.to_thread
import msgspec
from structlog.typing import FilteringBoundLogger

from gateway.backoff import FailureBackoff
from gateway.chat.states import WELL
from gateway.eventlog import log_adopted, log_events, log_hand_overs
from gateway.health import HealthFile, HealthRecord, new_record, remove_stale_standbys
from gateway.host_row import HostRow
from gateway.kernel_thread import KernelThread
from gateway.locks import RoleLost, SharedRoleLock, let_go, role_lock
from gateway.stuck import StuckGauge
from gateway.wakeup import Pulse, Wakeup, doorbell
from gateway.web import WebServer
from hermes_kanban import kernel as kb
from hermes_kanban.config import Config, LiveConfig
from hermes_kanban.kernel.eligibility import disk_free_mib
from hermes_kanban.kernel.hosts import refuse_twin
from hermes_kanban.kernel.live import live_runs
from hermes_kanban.kernel.recover import is_foreign
from hermes_kanban.machine import Machine, machine
from hermes_kanban.notify.settings import not_installed
from hermes_kanban.ports import Spawned, WorkerRef
from hermes_kanban.store.role_lock import RoleLock
from hermes_kanban.verbs.delivering import HandOvers
from hermes_kanban.workers.housekeeping import sweep_workspaces
from hermes_kanban.workers.process import SystemProcesses
from hermes_kanban.workers.spawn import spawner_for

STANDBY_SECONDS: Final = 0.5
EVENTS_AT_ONCE: Final = 1000
SWEEP_SECONDS: Final = 30.0
BEAT_SECONDS: Final = 2.0
# How often exits are looked for that cannot be waited for.
UNWATCHED_SECONDS: Final = 0.5
_FIGURES: Final = re.compile(r"\d+")


class BoardDispatcher:
    """Dispatches one board until cancelled; no worker dies with it.

    ``chats`` says how each chat platform is, and ``web`` where the board is served, for the health
    record.
    """

    def __init__(
        self,
        board: str | None,
        live_config: LiveConfig,
        pulse: Pulse,
        log: FilteringBoundLogger,
        chats: Callable[[], Mapping[str, str]] = dict,
        web: WebServer | None = None,
    ) -> None:
        self._chats = chats
        self._web = web
        self._live_config = live_config
        self._pulse = pulse
        self._log = log
        self._processes = SystemProcesses()
        self._kernel = KernelThread(board, log.bind(watcher="dispatcher"))
        self._host = HostRow()
        self._swept_at = -math.inf
        self._sweep = kb.Sweep()
        self._hand_overs = HandOvers()
        self._stuck = StuckGauge()
        self._watched: dict[int, int] = {}
        self._misses_exits = False
        self._free_mib = 0
        self._told = 0
        self._backoff = FailureBackoff("dispatcher", log)

    async def serve(self) -> None:
        """Open the board, stand by while another dispatches it, then dispatch it until that ends.

        Raises RoleLost once another does.
        """
        await self._kernel.open()
        try:
            await self._serve(machine())
        except* RoleLost as lost:
            raise lost.exceptions[0] from None
        finally:
            self._kernel.close()

    async def _serve(self, here: Machine) -> None:
        self._conn = self._kernel.conn
        await self._kernel(lambda conn: refuse_twin(conn, here.host, here.boot))
        self._health = HealthFile(self._conn.paths.health)
        lock = self._lock = role_lock(self._conn.paths, "dispatcher")
        try:
            await self._stand_by(lock)
            await self._dispatch()
        finally:
            try:
                with anyio.CancelScope(shield=True):
                    await self._kernel(self._host.leave)
            finally:
                self._unwatch_all()
                self._health.remove()
                await let_go(lock)

    async def _stand_by(self, lock: RoleLock | SharedRoleLock) -> None:
        if await anyio.to_thread.run_sync(lock.try_take):
            return
        self._log.info("dispatch.standby", holder=lock.holder())
        record = self._new_record("standby")
        remove_stale_standbys(self._conn.paths, record.tick_at)
        health = HealthFile(self._conn.paths.standby(record.pid))
        try:
            while not await anyio.to_thread.run_sync(lock.try_take):
                record.tick_at = self._conn.clock.now()
                health.write(record)
                await anyio.sleep(STANDBY_SECONDS)
        finally:
            health.remove()
        self._log.info("dispatch.took_over")

    def _new_record(self, state: str) -> HealthRecord:
        return new_record(
            state,
            now=self._conn.clock.now(),
            interval_seconds=self._live_config.current().kanban.dispatch_interval_seconds,
        )

    async def _dispatch(self) -> None:
        self._told = await self._kernel(kb.newest_event_id)
        await self._kernel(lambda conn: kb.recover_orphaned_claims(conn, self._processes))
        await self._kernel(lambda conn: log_adopted(self._log, conn))
        self._record = self._new_record("dispatching")
        wakeup = self._pulse.sleeper()
        try:
            path = self._conn.paths.doorbell(self._conn.board_id)
            with doorbell(self._conn, path) as bell:
                async with anyio.create_task_group() as group:
                    if bell is not None:
                        group.start_soon(self._pulse.listen, bell)
                    if self._conn.shared:
                        group.start_soon(self._beat)
                    await self._tick_for_ever(wakeup)
        finally:
            self._pulse.drop(wakeup)

    async def _beat(self) -> None:
        """Let the other hosts know that this one lives; what fails is told by the next look."""
        while True:
            await anyio.sleep(BEAT_SECONDS)
            with contextlib.suppress(kb.KanbanError):
                await self._kernel(self._host.beat)

    async def _tick_for_ever(self, wakeup: Wakeup) -> None:
        reason = "start"
        while True:
            config = self._live_config.current()
            try:
                report = await self._tick(config, wakeup, reason)
            except RoleLost:
                raise
            except Exception as error:
                if isinstance(error, kb.BoardUnreachable):
                    self._hand_overs.reachable_since = None
                delay = self._backoff.failed(error)
                self._tell_failure(config, error)
                # Not the wakeup's sleep: what the failed look has not seen would end that at once.
                await anyio.sleep(delay)
                reason = "failure"
                continue
            self._backoff.succeeded()
            reason = await wakeup.sleep(self._delay(config, report))

    async def _tick(self, config: Config, wakeup: Wakeup, reason: str) -> kb.DispatchReport:
        report, newest, mine, workers = await self._kernel(lambda _: self._look(config))
        # Foreign events that came in during the look were perhaps not part of it: look again.
        if newest == mine:
            wakeup.seen = max(wakeup.seen, newest)
        else:
            wakeup.wake("change")
        self._watch_exits(wakeup, workers)
        self._tell(config, report, reason)
        return report

    def _look(self, config: Config) -> tuple[kb.DispatchReport, int, int, list[WorkerRef]]:
        """In a worker thread: one dispatch.

        Returns its report, the newest event id, what that would be if all newer events were its
        own, and the workers that are registered now.
        """
        if not self._lock.try_take():
            raise RoleLost("another gateway of this host dispatches the board now")
        conn = self._conn
        conn.config = config
        self._free_mib = disk_free_mib(conn)
        self._host.keep(conn, config)
        if self._hand_overs.reachable_since is None:
            self._hand_overs.reachable_since = conn.clock.now()
        before, written = kb.newest_event_id(conn), conn.events_written
        report = kb.dispatch_once(
            conn,
            spawn_fn=self._spawner(config),
            processes=self._processes,
            free_mib=lambda: self._free_mib,
            sweep=self._sweep,
            hand_overs=self._hand_overs,
        )
        log_hand_overs(self._log, self._hand_overs)
        if conn.shared:
            report.lost.clear()  # another host was quicker, as one always is
        newest = kb.newest_event_id(conn)
        self._log_until(newest)
        self._sweep_workspaces()
        workers = [
            run.worker(conn)
            for run in live_runs(conn)
            if run.registered and not is_foreign(self._processes, run)
        ]
        return report, newest, before + conn.events_written - written, workers

    def _spawner(self, config: Config) -> Callable[[kb.Task, kb.Run], Spawned | int]:
        """Starts workers; the host must not be taken for lost while that takes its time."""
        spawn = spawner_for(self._conn, config)

        def spawn_alive(task: kb.Task, run: kb.Run) -> Spawned | int:
            self._host.beat(self._conn)
            return spawn(task, run)

        return spawn_alive

    def _log_until(self, newest: int) -> None:
        """Tell in the log what has happened on the board since it was told last, by whomever."""
        while self._told < newest:
            events = kb.list_events(self._conn, after=self._told, limit=EVENTS_AT_ONCE)
            log_events(self._log, self._conn, events)
            self._told = events[-1].id if events else newest

    def _sweep_workspaces(self) -> None:
        """Now and then, since it looks at every folder that is there."""
        now = self._conn.clock.monotonic()
        if now - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = now
        for task_id in sweep_workspaces(self._conn).quarantined:
            self._log.warning("workspace.quarantined", task=task_id)

    def _delay(self, config: Config, report: kb.DispatchReport) -> float:
        """Until the next look: the interval at the latest, sooner when time alone is awaited."""
        delay = float(config.kanban.dispatch_interval_seconds)
        if report.next_due_at is not None:
            delay = min(delay, max(0.05, report.next_due_at - self._conn.clock.now()))
        if report.poll_seconds is not None:
            delay = min(delay, report.poll_seconds)
        if self._misses_exits:
            delay = min(delay, UNWATCHED_SECONDS)
        return delay

    def _watch_exits(self, wakeup: Wakeup, workers: list[WorkerRef]) -> None:
        """A pidfd for every registered supervisor, adopted ones too: its exit wakes the loop.

        Where there is none (macOS, or too many files are open), the next look comes soon.
        """
        loop = asyncio.get_running_loop()
        self._misses_exits = False
        live = {worker.run_id: worker for worker in workers}
        for run_id in self._watched.keys() - live.keys():
            self._unwatch(run_id)
        for run_id in live.keys() - self._watched.keys():
            handle = self._processes.watch(live[run_id])
            if handle is None:
                if self._lives(live[run_id]):
                    self._misses_exits = True
                else:
                    wakeup.wake("exit")  # gone between the look and now
                continue
            self._watched[run_id] = handle
            loop.add_reader(handle, self._exited, run_id, wakeup)

    def _lives(self, worker: WorkerRef) -> bool:
        identity = worker.identity
        return identity is not None and self._processes.liveness(identity) == "alive"

    def _exited(self, run_id: int, wakeup: Wakeup) -> None:
        asyncio.get_running_loop().remove_reader(self._watched[run_id])
        wakeup.wake("exit")

    def _unwatch(self, run_id: int) -> None:
        handle = self._watched.pop(run_id)
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)

    def _unwatch_all(self) -> None:
        for run_id in list(self._watched):
            self._unwatch(run_id)

    def _tell(self, config: Config, report: kb.DispatchReport, reason: str) -> None:
        """One line when something happened, one warning when stuck, and the health record."""
        if report.did_something():
            self._log.info("dispatch.tick", woken_by=reason, **_ids(report))
        change = self._stuck.update(report, config.kanban.stuck_ticks)
        if change == "stuck":
            self._log.warning(
                "dispatch.stuck", ticks=self._stuck.ticks, reasons=self._stuck.reasons
            )
        elif change == "unstuck":
            self._log.info("dispatch.unstuck")
        self._record.chat = dict(self._chats())
        self._record.web = self._web.address if self._web else ""
        self._record.in_progress = report.running_here
        self._record.stuck = self._stuck.reasons
        self._write_health(config, self._degraded(config))

    def _tell_failure(self, config: Config, error: Exception) -> None:
        failed = f"the last look failed: {str(error) or repr(error)}"
        self._write_health(config, [*self._degraded(config), failed])

    def _write_health(self, config: Config, degraded: list[str]) -> None:
        record = self._record
        if _kinds(degraded) != _kinds(record.degraded):
            self._tell_health(degraded)
        record.tick_at = self._conn.clock.now()
        record.interval_seconds = config.kanban.dispatch_interval_seconds
        record.degraded = degraded
        self._health.write(record)

    def _tell_health(self, degraded: list[str]) -> None:
        if degraded:
            self._log.warning("health.degraded", troubles=degraded)
        else:
            self._log.info("health.recovered")

    def _degraded(self, config: Config) -> list[str]:
        found = [
            f"chat.{platform}: {state}"
            for platform, state in self._record.chat.items()
            if state not in WELL
        ]
        found += not_installed(config.notify)
        if self._web is not None and self._web.trouble is not None:
            found.append(self._web.trouble)
        if self._live_config.error is not None:
            found.append(self._live_config.error)
        if self._free_mib < config.kanban.min_free_mb:
            found.append(f"only {self._free_mib} MiB are free; nothing new is started")
        if self._stuck.reasons:
            found.append("tasks should start and do not; see stuck")
        return found


def _kinds(degraded: list[str]) -> list[str]:
    """Without the figures: that a MiB less is free is no news."""
    return [_FIGURES.sub("", text) for text in degraded]


def _ids(report: kb.DispatchReport) -> dict[str, Any]:
    """The report without what is empty or only for the watcher."""
    kept: dict[str, Any] = msgspec.to_builtins(report)
    return {key: value for key, value in kept.items() if value and key not in _HIDDEN}


_HIDDEN: Final = frozenset(
    {
        *("eligible", "held", "renewed", "in_progress", "running_here"),
        *("next_due_at", "poll_seconds"),
    }
)
