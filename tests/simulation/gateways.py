"""Gateways: the dispatcher's look and the notifier's rounds, as processes that may die anywhere."""

from __future__ import annotations

import contextlib
from typing import Any

from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.kernel import outbox, waking
from hermes_kanban.model import Run, Task
from tests.simulation import placing
from tests.simulation.crew import Action
from tests.simulation.hosts import Host, SimulatedProcesses, Worker

SENT_IN_A_ROW = 3
WOKEN_IN_A_ROUND = 1  # so that messages overtake wakes


class NothingHandedIn:
    """``ports.HandOvers`` where the board was always there: only since when this gateway looks."""

    def __init__(self) -> None:
        self.reachable_since: int | None = None
        self.held: set[int] = set()

    def deliver(self, conn: Any) -> None:
        pass

    def settled(self, conn: Any, run: Any) -> bool:
        return True


class Gateway:
    """One gateway process: what it holds in memory dies with it."""

    def __init__(self, world: Any, host: Host) -> None:
        self.world = world
        self.host = host
        self.process = host.start("gateway", self)
        self.processes = SimulatedProcesses(host, self.process)
        self.dispatch_conn = world.connect(host)
        self.notify_conn = world.connect(host)
        self.sweep = kb.Sweep()
        self.hand_overs = NothingHandedIn()
        self.row = placing.Row(self)
        self.took_over = self.is_twin = False
        self.stubborn = self.spawn_fails = False
        self.busy: dict[int, str] = {}
        self.unmarked: dict[int, tuple[Any, Any]] = {}
        self.on_the_way: dict[int, set[tuple[str, int]]] = {}
        self.arrivals = 0

    @property
    def alive(self) -> bool:
        return self.process.alive

    # The dispatcher.

    def may_dispatch(self) -> bool:
        """Whether it has the host's dispatcher lock, or can take it."""
        if self.host.dispatching in (None, self):
            self.host.dispatching = self
            return True
        return False

    def tick(self, action: Action) -> Any:
        """Take over if it has just got the lock, then look; None if it must not be there."""
        if self.world.keeps_rows:
            try:
                self.row.keep(self.dispatch_conn)
            except placing.Twin:
                self.is_twin = True
                return None
        if not self.took_over:
            kb.recover_orphaned_claims(self.dispatch_conn, self.processes)
            self.took_over = True

        if self.hand_overs.reachable_since is None:
            self.hand_overs.reachable_since = self.dispatch_conn.clock.now()

        def spawn(task: Task, run: Run) -> Worker:
            return self._spawn(action, task, run)

        try:
            return kb.dispatch_once(
                self.dispatch_conn,
                spawn_fn=spawn,
                processes=self.processes,
                free_mib=lambda: self.world.look_at_disk(action),
                sweep=self.sweep,
                hand_overs=self.hand_overs,
            )
        except kb.KanbanError:
            # A look that failed lets go of the pipes that it held, as its process would by dying.
            for worker in self.world.workers.values():
                if worker.gateway is self and not worker.told_go:
                    worker.abandoned = True
            raise

    def _spawn(self, action: Action, task: Task, run: Run) -> Worker:
        action.window()
        profile = self.host.config.profiles[task.assignee or ""]
        if self.spawn_fails or not self.host.room():
            raise OSError("no process can be started")
        folder = self.dispatch_conn.paths.run_dir(run.id) if self.dispatch_conn.shared else None
        if folder is not None:
            folder.mkdir(parents=True)
        runtime = task.max_runtime_seconds or profile.max_runtime_seconds
        worker = _Held(
            self.host,
            run,
            board_id=self.world.board_id,
            gateway=self,
            max_runtime=runtime,
            on_exit_zero=profile.exit_zero,
            stubborn=self.stubborn,
            spawn_problem="no workspace" if run.id % self.world.spawn_problem_every == 0 else None,
            folder=folder,
        )
        worker.action = action
        self.world.workers[run.id] = worker
        action.window()
        return worker

    # The notifier.

    def may_notify(self) -> bool:
        """Whether it has the board's notifier lock, or can take it."""
        if self.world.notifying in (None, self):
            self.world.notifying = self
            return True
        return False

    def round(self, action: Action) -> Any:
        """Write down what could not be, turn events into deliveries, and see what is due."""
        for sub_id, (delivery, outcome) in list(self.unmarked.items()):
            with contextlib.suppress(kb.NotFound):  # purged with its task
                outbox.mark(self.notify_conn, delivery.id, outcome)
            del self.unmarked[sub_id]
            self._has_arrived(sub_id)
            self.busy.pop(sub_id, None)
        more = outbox.advance_cursors(self.notify_conn, limit=self.world.events_at_once)
        due = outbox.survey_outbox(
            self.notify_conn, busy=frozenset(self.busy), limit=self.world.heads_at_once
        )
        for head in due.heads:
            self.busy[head.delivery.sub_id] = head.destination
        woken = waking.wake_due(self.notify_conn, limit=WOKEN_IN_A_ROUND)
        times = (due.next_at, waking.next_wake(self.notify_conn))
        soonest = min((at for at in times if at is not None), default=None)
        return more or len(woken), outbox.Due(due.heads, soonest)

    def send(self, action: Action, conn: Any, sub_id: int) -> int:
        """A few deliveries of one subscription, each marked right after it was sent."""
        sent = 0
        try:
            while sent < SENT_IN_A_ROW and self._send_head(action, conn, sub_id):
                sent += 1
        finally:
            if sub_id not in self.unmarked:
                self._has_arrived(sub_id)
                self.busy.pop(sub_id, None)
        return sent

    def _has_arrived(self, sub_id: int) -> None:
        if self.on_the_way.pop(sub_id, None) is not None:
            self.arrivals += 1

    def _next(self, conn: Any, sub_id: int) -> Any:
        """A gateway's calls take turns: nothing it sent is marked between reading and looking."""
        while True:
            arrivals = self.arrivals
            outgoing = outbox.next_outgoing(conn, sub_id)
            if arrivals == self.arrivals:
                return outgoing

    def _send_head(self, action: Action, conn: Any, sub_id: int) -> bool:
        self._has_arrived(sub_id)
        outgoing = self._next(conn, sub_id)
        if outgoing is None:
            return False
        told = self.world.told_by(outgoing)
        if any(told & others for others in self.on_the_way.values()):
            return False  # another subscription tells it there, and comes first
        self.world.judge_news(told)
        self.on_the_way[sub_id] = told
        action.window()
        delivery = outgoing.delivery
        outcome = self.world.deliver(outgoing)
        action.window()
        try:
            marked = outbox.mark(conn, delivery.id, outcome)
        except kb.NotFound:
            return True  # its task was purged while it was on its way
        except kb.KanbanError:
            self.unmarked[sub_id] = (delivery, outcome)
            raise
        if marked.state == "waiting" and marked.attempts > delivery.attempts:
            soon = (marked.next_attempt_at or 0) <= conn.clock.low
            self.world.hold(not soon, "28", f"delivery {marked.id} is tried again at once")
        return True


class _Held(Worker):
    """A supervisor in the hands of the gateway that started it."""

    action: Action

    def go(self) -> None:
        """The go byte; dying just before it leaves end of file."""
        self.action.window()
        self.told_go = True

    def abandon(self) -> None:
        """The pipe is closed without go."""
        self.action.window()
        self.abandoned = True


def outcome_at(destination: str, number: int, *, faults: bool, hopeless: bool) -> Any:
    """What one attempt at a destination comes to; the last one never answers well.

    ``hopeless`` is for a message that is never taken and never refused.
    """
    if destination.endswith("sms"):
        return notify.retry("no answer") if faults or hopeless else notify.dead("no such number")
    if faults and number % 4 == 0:
        return notify.retry("try later")
    if faults and number % 31 == 0:
        return notify.dead("refused")
    return notify.DELIVERED
