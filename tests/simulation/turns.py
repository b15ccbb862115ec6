"""The steps of a schedule: what each means, by what there is when it is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hermes_kanban import kernel as kb
from tests.simulation import people, workers
from tests.simulation.actions import Actor
from tests.simulation.crew import Action
from tests.simulation.gateways import Gateway
from tests.simulation.hosts import Host
from tests.simulation.shadow import Run
from tests.simulation.spec import LEGAL
from tests.simulation.steps import Step
from tests.simulation.world import PLENTY_MIB

WAITS = (1, 1, 2, 4, 6, 12, 35, 65, 130, 310, 1_000, 4_000)
JUMPS = (-40, 45, -7, 400, -400, 3_000)


class Play(Actor):
    """A world whose history is a schedule; ``step`` takes one entry of it."""

    def step(self, step: Step) -> None:
        """Take one step; raises Violation when an invariant is broken."""
        self.serial = step.serial
        self.tell(str(step))
        self.time.elapsed += (step.c % 16) / 8
        getattr(self, f"_{step.op}")(step)
        self.stop_if_broken()

    def _create(self, step: Step) -> None:
        if len(self.oracle.shadow.tasks) >= self.most_tasks:
            self._person(step)
            return
        self.act(step, "person create", people.create(self, step))

    def _person(self, step: Step) -> None:
        verb, task, call = people.of_person(self, step)
        if task is not None:
            self.act(step, f"person {verb}", call, task=task, **people.options(verb, step))

    def _meddle(self, step: Step) -> None:
        """A person lays hands on a task that a dispatcher has claimed and not started yet."""
        between = [
            run
            for run in self.oracle.shadow.live_runs()
            if run["claimer"] == "dispatcher" and run["worker_pid"] is None
        ]
        stale = self._stale_by_hand()
        if stale is not None and step.b % 2:
            self._renew_in_time(step, stale)
            return
        if not between:
            self._tick(step.until("window", 1 + step.after % 2))
            return
        if step.a % 3 == 0:
            self._overtake(step)
            return
        verb = people.MEDDLING[step.a % len(people.MEDDLING)]
        task = between[step.b % len(between)].task_id
        call = people.CALLS[verb](self, task, step)
        self.act(step, f"person {verb}", call, task=task, **people.options(verb, step))

    def _overtake(self, step: Step) -> None:
        """Another gateway judges what a look has claimed and not started, and the look goes on
        between its reading and its writing; before that the look may have been frozen for long."""
        looks = [action for action in self.crew.aside if action.label == "gateway tick"]
        if step.c % 2:
            self.time.elapsed += self.config.kanban.lease_seconds + step.b % 30
            self.tell("  whoever was set aside was so for longer than a lease")
        other = self._another_gateway(step)
        if other is None:
            return
        parts = (kb.recover_orphaned_claims, kb.release_stale_claims, kb.release_stale_claims)
        judge = parts[step.b % len(parts)]
        part = self._part(step.until("lock"), other, lambda conn: judge(conn, other.processes))
        if looks:
            self._resume_one(looks[step.a % len(looks)], step._replace(fate="run"))
        if step.b % 4 and part in self.crew.aside:
            self._resume_one(part, step._replace(fate="run"))

    def _another_gateway(self, step: Step) -> Gateway | None:
        """One that is at nothing; a new one if there is none and a host has room for it."""
        ready = [g for g in self.gateways if g.dispatch_conn.action is None]
        if not ready:
            self._gateway(step)
            ready = [g for g in self.gateways if g.dispatch_conn.action is None]
        return ready[step.b % len(ready)] if ready else None

    def _stale_by_hand(self) -> Run | None:
        """A run of somebody outside whose lease has run out, and which nobody took back yet."""
        for run in self.oracle.shadow.live_runs():
            by_hand = run["worker_pid"] is None and run["claimer"] != "dispatcher"
            if by_hand and run.open and self.lease_of(run.id) < self.hosts[0].now():
                return run
        return None

    def _renew_in_time(self, step: Step, run: Run) -> None:
        """A look finds a stale claim, and before it has the lock the claim is renewed."""
        ready = [g for g in self.gateways if g.dispatch_conn.action is None]
        if ready and not any(action.label == "gateway part" for action in self.crew.aside):
            gateway = ready[step.a % len(ready)]
            self._part(
                step.until("lock"),
                gateway,
                lambda conn: kb.release_stale_claims(conn, gateway.processes),
            )
        call = workers.of_run(self, run, "heartbeat", step)
        self.act(step, "outside heartbeat", call, task=run.task_id, run=run)

    def _part(self, step: Step, gateway: Gateway, call: Callable[[Any], Any]) -> Any:
        conn = gateway.dispatch_conn
        return self._begin(step, "gateway part", conn, lambda _action: call(conn), gateway=gateway)

    def _decide(self, step: Step) -> None:
        """Whatever waits for a review gets one, of whoever comes by."""
        if not any(task.status == "review" for task in self.oracle.shadow.tasks.values()):
            self._agent(step)
            return
        verb = ("approve", "request_changes")[step.a % 2]
        task = self.pick_legal(LEGAL[verb], step.b, sometimes=False)
        assert task is not None
        self.act(step, f"person {verb}", people.CALLS[verb](self, task, step), task=task)

    def _again(self, step: Step) -> None:
        if step.c % 4 == 3 and self._file_again(step):
            return
        late = people.late_parent(self, step) if step.c % 3 == 0 else None
        if late is not None:
            self.act(step, "person link", late[1], task=late[0])
            return
        verb, task, call = people.blocking_again(self, step)
        self.act(step, f"person {verb}", call, task=task)

    def _file_again(self, step: Step) -> bool:
        """What was archived is filed anew under its key; or is wanted back when that has been."""
        passed_on, let_go = self.keys_passed_on(), self.keys_let_go()
        if passed_on:
            task = passed_on[step.a % len(passed_on)]
            self.act(step, "person reopen", people.CALLS["reopen"](self, task, step), task=task)
        elif let_go:
            key = let_go[step.a % len(let_go)]
            self.act(step, "person create", people.create(self, step, key=key))
        return bool(passed_on or let_go)

    def _batch(self, step: Step) -> None:
        self.act(step, "person batch", people.batch(self, step))

    def _subscribe(self, step: Step) -> None:
        self.act(step, "person subscribe", people.subscribe(self, step))

    def _outbox(self, step: Step) -> None:
        self.act(step, "person outbox", people.outbox_verb(self, step))

    def _pause(self, step: Step) -> None:
        self.act(step, "person pause", people.pause(self, step))

    def _drain(self, step: Step) -> None:
        """A person drains a host, maybe while it is about to start something; or resumes one."""
        if not self.keeps_rows:
            self._tick(step)
            return
        host = self.host(step)
        draining = [one for one in self.hosts if one.name in self.oracle.shadow.draining]
        if draining and step.a % 4:
            host = draining[step.b % len(draining)]
            self.act(step, "person resume_host", people.of_host("resume_host", host, step))
            return
        gateway = host.dispatching
        if gateway is not None and gateway.dispatch_conn.action is None and step.c % 2:
            self.look(step.until("lock", 1 + step.after % 2), gateway)
        self.act(step, "person drain_host", people.of_host("drain_host", host, step))

    def _claim(self, step: Step) -> None:
        task = self.pick_legal(frozenset({"ready"}), step.a, sometimes=step.c % 5 == 0)
        if task is not None:
            self.act(step, "outsider claim", workers.claim(task, step), task=task)

    def _outside(self, step: Step) -> None:
        """Somebody who claimed a task by hand works on it."""
        runs = [run for run in self.oracle.shadow.live_runs() if run["worker_pid"] is None]
        runs = [run for run in runs if run["claimer"] != "dispatcher"]
        if runs:
            self._work(step, "outside", runs[step.a % len(runs)])
        else:
            self._claim(step)

    def _late(self, step: Step) -> None:
        """A run that ended long ago speaks up, or one with the wrong lock."""
        runs = [run for run in self.oracle.shadow.runs.values() if run["claim_lock"]]
        if runs:
            run = runs[step.a % len(runs)]
            self._work(step, "late", run, wrong_lock=run.open)
        else:
            self._claim(step)

    def _agent(self, step: Step) -> None:
        """An agent does a part of its work, and sometimes the same once more."""
        working = self.agents_at_work()
        if not working:
            self._supervisor(step)
            return
        worker = working[step.a % len(working)]
        if step.c % 9 == 0:
            worker.fork()
        self._work(step, "agent", self.oracle.shadow.runs[worker.run_id], host=worker.host)
        if step.c % 4 == 0:
            worker.exit(0)

    def _work(
        self,
        step: Step,
        who: str,
        run: Run,
        *,
        wrong_lock: bool = False,
        host: Host | None = None,
    ) -> None:
        verb = self.worker_verbs[step.b % len(self.worker_verbs)]
        call = workers.of_run(self, run, verb, step, wrong_lock=wrong_lock)
        self.act(step, f"{who} {verb}", call, host=host, task=run.task_id, run=run,
                 wrong_lock=wrong_lock)  # fmt: skip

    def _exit(self, step: Step) -> None:
        """An agent ends, one way or another; or its supervisor is killed."""
        working = self.agents_at_work()
        if not working:
            self._supervisor(step)
            return
        worker = working[step.a % len(working)]
        if step.c % 5 == 0:
            worker.lose_supervisor()
            self.tell(f"  supervisor of run {worker.run_id} is killed")
        else:
            task = self.oracle.shadow.tasks[worker.task_id]
            code, facts = workers.exit_facts(self, task, step, worker.host.now())
            worker.exit(code, **facts)
            self.tell(f"  agent of run {worker.run_id} exits {code}")

    def _supervisor(self, step: Step) -> None:
        """Supervisors move on; one step of one, or several of each."""
        alive = [w for w in self.workers.values() if w.supervisor.alive]
        if not alive:
            self._tick(step)
            return
        one = alive[step.a % len(alive)]
        for worker in [one] if step.b % 2 else alive:
            for _ in range(1 + step.c % 3):
                if worker.step(self._agent_started):
                    self.tell(f"  supervisor of run {worker.run_id}: {worker.state}")

    def _gateway(self, step: Step) -> None:
        host = self.host(step)
        if sum(g.host is host for g in self.gateways) < 2 and host.room():
            self.gateways.append(Gateway(self, host))
            self.tell(f"  a gateway starts on {host.name}")

    def _kill(self, step: Step) -> None:
        if self.gateways and step.a % 2 == 0:
            self.kill_gateway(self.gateways[step.b % len(self.gateways)])
        elif self.crew.aside:
            self._die(self.crew.aside[step.b % len(self.crew.aside)])

    def _tick(self, step: Step) -> None:
        """A gateway looks, or goes on with the look that it was at."""
        under_way = [a for a in self.crew.aside if a.label == "gateway tick"]
        if under_way:
            self._resume_one(under_way[step.a % len(under_way)], step)
            return
        if step.c % 2 and self._stir(step):
            return
        ready = [g for g in self.gateways if g.may_dispatch() and g.dispatch_conn.action is None]
        if ready:
            gateway = ready[step.a % len(ready)]
            gateway.stubborn = step.b % 3 == 0
            gateway.spawn_fails = self.faults and step.c % 25 == 0
            self.look(step, gateway)
        else:
            self._gateway(step)

    def _stir(self, step: Step) -> bool:
        """Where nothing runs and nothing can start, somebody lets something go on."""
        tasks = self.oracle.shadow.tasks.values()
        if self.oracle.shadow.live_runs() or any(task.status == "ready" for task in tasks):
            return False
        lifting = [
            verb
            for verb in ("unblock", "accept", "reopen", "unlink")
            if any(task.status in people.LIFTS[verb] for task in tasks)
        ]
        if not lifting:
            return False
        verb = lifting[step.a % len(lifting)]
        task = self.pick_legal(people.LIFTS[verb], step.b, sometimes=False)
        assert task is not None
        self.act(step, f"person {verb}", people.CALLS[verb](self, task, step), task=task)
        return True

    def _settle(self, step: Step) -> None:
        """One part of the dispatcher's look by itself, in any order, also beside another's."""
        ready = [g for g in self.gateways if g.dispatch_conn.action is None]
        if not ready:
            return
        gateway = ready[step.a % len(ready)]
        conn, processes = gateway.dispatch_conn, gateway.processes
        parts: tuple[Callable[[Action], Any], ...] = (
            lambda _: kb.import_exit_records(conn, processes),
            lambda _: kb.advance_stops(conn, processes),
            lambda _: kb.detect_crashed_workers(conn, processes),
            lambda _: kb.release_stale_claims(conn, processes),
            lambda _: kb.enforce_max_runtime(conn),
            lambda _: kb.unblock_due(conn),
            lambda _: kb.recompute_ready(conn),
            lambda _: kb.renew_leases(conn, processes),
            lambda _: kb.recover_orphaned_claims(conn, processes),
        )
        part = parts[step.b % len(parts)]
        self._begin(step, f"gateway part-{step.b % len(parts)}", conn, part, gateway=gateway)

    def _notify(self, step: Step) -> None:
        ready = [g for g in self.gateways if g.may_notify() and g.notify_conn.action is None]
        if ready:
            gateway = ready[step.a % len(ready)]
            self.notify_round(step, gateway)
        else:
            self._gateway(step)

    def _send(self, step: Step) -> None:
        for gateway in self.gateways:
            ready = [s for s in gateway.busy if s not in gateway.unmarked and not self._sending(s)]
            if ready:
                self.send_to(step, gateway, ready[step.a % len(ready)])
                return
        self._notify(step)

    def _sending(self, sub_id: int) -> bool:
        return any(action.label == f"gateway send-{sub_id}" for action in self.crew.aside)

    def _resume(self, step: Step) -> None:
        if self.crew.aside:
            self._resume_one(self.crew.aside[step.a % len(self.crew.aside)], step)
        else:
            self._tick(step)

    def _wait(self, step: Step) -> None:
        self.time.elapsed += WAITS[step.a % len(WAITS)]

    def _jump(self, step: Step) -> None:
        self.time.offset += JUMPS[step.a % len(JUMPS)]
        self.tell(f"  the board's clock jumps by {JUMPS[step.a % len(JUMPS)]}")

    def _disk(self, step: Step) -> None:
        self.free_mib = 10 if self.free_mib > 10 and step.a % 3 == 0 else PLENTY_MIB

    def _reboot(self, step: Step) -> None:
        if step.a % 2:
            return
        host = self.host(step)
        self.tell(f"  {host.name} reboots")
        for action in list(self.crew.aside):
            if action.conn.clock.host is host and action in self.crew.aside:
                self._die(action)
        for gateway in [g for g in self.gateways if g.host is host]:
            self.kill_gateway(gateway)
        host.reboot()
