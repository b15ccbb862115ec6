"""Doing things: an action from its beginning to what came of it, and whether that was right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hermes_kanban import kernel as kb
from hermes_kanban.model import BoardBusy, DiskFull
from tests.simulation import liveness
from tests.simulation.crew import Action, Aim
from tests.simulation.gateways import Gateway
from tests.simulation.hosts import Host
from tests.simulation.judgement import Violation, demand
from tests.simulation.shadow import Run
from tests.simulation.spec import LEGAL
from tests.simulation.steps import Step
from tests.simulation.world import World


class Actor(World):
    """A world in which somebody acts."""

    def act(
        self,
        step: Step,
        label: str,
        call: Callable[[Any], Any],
        *,
        host: Host | None = None,
        task: str | None = None,
        run: Run | None = None,
        wrong_lock: bool = False,
        **options: Any,
    ) -> None:
        """Let a short-lived process of its own do one thing."""
        conn = self.connect(host or self.host(step))
        self._begin(step, label, conn, lambda _action: call(conn), task=task, run=run,
                    wrong_lock=wrong_lock, pooled=True, options=options)  # fmt: skip

    def _begin(
        self,
        step: Step,
        label: str,
        conn: Any,
        call: Callable[[Action], Any],
        *,
        task: str | None = None,
        run: Run | None = None,
        wrong_lock: bool = False,
        pooled: bool = False,
        gateway: Gateway | None = None,
        options: dict[str, Any] | None = None,
    ) -> Any:
        action: Any = Action(self.crew, label, conn, call, many=gateway is not None, pooled=pooled)
        action.task, action.run, action.wrong_lock = task, run, wrong_lock
        action.gateway = gateway
        action.options = options or {}
        action.descendants = []
        action.newest_before = self.oracle.newest
        action.squeezed = step.fate == "squeeze"
        action.was_current = None
        action.events = 0
        if gateway is not None:
            action.records_before = list(gateway.host.records)
        conn.clock.begin()
        if action.squeezed:
            self.crew.seam.squeeze(conn, full=True)
        who = label.partition(" ")[0]
        self.counts[who] = self.counts.get(who, 0) + 1
        fate = "run" if action.squeezed else step.fate
        conn.action = action
        self._run(action, fate, step.after, _aim(action, step))
        return action

    def _run(self, action: Any, fate: str, after: int, aim: Aim | None = None) -> None:
        action = self.crew.next_to_run(action)
        self.crew.run(action, fate, after, aim)
        if not action.done:
            self.tell(f"  {action.label}: set aside")
        elif action.dead:
            self.tell(f"  {action.label}: died")
            if action.gateway is not None:
                self.kill_gateway(action.gateway)
        else:
            self._finished(action)

    def _finished(self, action: Any) -> None:
        error, conn = action.error, action.conn
        self.tell(f"  {action.label}: {_told(action)}")
        if action.squeezed:
            self.crew.seam.squeeze(conn, full=False)
        demand(not conn.in_transaction, "20", f"{action.label} left a transaction open")
        demand(self.crew.lock.holder is not conn, "20", f"{action.label} kept the writer lock")
        if action.pooled:
            self.crew.free.append(conn)
        if isinstance(error, Violation):
            raise error
        if self.violation is not None:
            return
        if error is not None:
            self._refused(action, error)
        elif action.label == "gateway tick" and action.gateway.is_twin:
            return
        elif action.label == "gateway tick" and not action.times_aside:
            liveness.look_was_thorough(self, action.gateway, action)
        elif action.label == "gateway notify" and not action.times_aside:
            liveness.round_was_thorough(self, action.gateway, action)
        else:
            self._answered(action)

    def _refused(self, action: Any, error: Exception) -> None:
        name = type(error).__name__
        if isinstance(error, DiskFull):
            demand(action.squeezed or action.faulted, "22", f"{action.label}: {error}")
        elif isinstance(error, BoardBusy):
            demand(action.faulted, "22", f"{action.label}: {error}")
        elif not isinstance(error, self.REFUSALS) or action.many:
            raise Violation("error", f"{action.label} raised {name}: {error}") from error
        if not action.many:
            demand(action.commits == 0, "20", f"{action.label} raised {name} and had committed")
        verb = action.label.split()[-1]
        if verb == "claim" and isinstance(error, kb.IllegalTransition):
            raise Violation("claim", f"a lost claim raised: {error}")
        by_person = action.label.startswith("person")
        if by_person and isinstance(error, kb.IllegalTransition) and verb in LEGAL:
            legal = action.status_before in LEGAL[verb]
            promote = verb == "promote" and self.oracle.shadow.open_parents(action.task)
            demand(not legal or bool(promote), "lifecycle", f"{action.label} refused: {error}")

    def _answered(self, action: Any) -> None:
        """What is said to be done is there; only current runs are obeyed; refusals do nothing."""
        refused = isinstance(action.value, kb.Refused)
        verb = action.label.split()[-1]
        if verb == "heartbeat" and action.value is True:
            least = action.conn.clock.low + self.config.kanban.lease_seconds
            demand(
                self.lease_of(action.run.id) >= least, "lease", f"{action.label} renewed nothing"
            )
        elif action.value is True and verb not in ("outbox", "subscribe"):
            demand(action.events > 0, "21", f"{action.label} says it is done and nothing is")
        if (
            verb.startswith("send")
            or action.was_current is None
            or verb in ("comment", "create", "link")
        ):
            return
        demand(
            refused != action.was_current,
            "18",
            f"{action.label} of run {action.run.id} was {'refused' if refused else 'obeyed'}",
        )
        if refused and self.commits == action.commits_before + action.commits:
            demand(self._around(action) == action.before, "18", f"{action.label} left a trace")

    def look(self, step: Step, gateway: Gateway) -> Any:
        """A look of the dispatcher; what it reported, unless it was set aside or failed."""
        conn = gateway.dispatch_conn
        step = step._replace(after=step.after * (1 + step.c % 3))  # a look has many points
        action = self._begin(step, "gateway tick", conn, gateway.tick, gateway=gateway)
        self.stop_if_broken()
        if gateway.is_twin:
            self.tell(f"  {gateway.host.name} began anew too soon")
            self.kill_gateway(gateway)
        return action.value

    def notify_round(self, step: Step, gateway: Gateway) -> Any:
        """A round of the notifier: whether there is more, and what is due."""
        conn = gateway.notify_conn
        action = self._begin(step, "gateway notify", conn, gateway.round, gateway=gateway)
        self.stop_if_broken()
        return action.value

    def send_to(self, step: Step, gateway: Gateway, sub_id: int) -> None:
        """Send a few of what a subscription is owed."""
        conn = self.connect(gateway.host)
        self._begin(
            step,
            f"gateway send-{sub_id}",
            conn,
            lambda action: gateway.send(action, conn, sub_id),
            gateway=gateway,
            pooled=True,
        )

    def _resume_one(self, action: Action, step: Step) -> None:
        fate = "run" if step.fate == "squeeze" else step.fate
        self._run(action, fate, step.after, _aim(action, step))

    def finish_actions(self) -> None:
        """Whatever was set aside runs to its end."""
        while self.crew.aside:
            self._run(self.crew.aside[0], "run", 0)
            self.stop_if_broken()


def _aim(action: Any, step: Step) -> Aim | None:
    """Where it is to meet its fate; whoever does one thing alone passes one lock and no window."""
    if action.gateway is not None or step.aim is None:
        return step.aim
    return Aim("lock", 1) if step.fate == "pause" else None


def _told(action: Any) -> str:
    if action.error is not None:
        return f"{type(action.error).__name__}: {action.error}"
    value = action.value
    return type(value).__name__ if isinstance(value, kb.DispatchReport) else repr(value)[:120]
