"""One history's world: the board on a real disk, hosts, people, agents, and the steps they take."""

from __future__ import annotations

import random
from typing import Any, TypeVar

from hermes_kanban import kernel as kb
from hermes_kanban.ports import ExitRecord
from tests.simulation import people, placing, workers
from tests.simulation.boards import Board
from tests.simulation.crew import Action, Clock, Crew
from tests.simulation.deliveries import Mail
from tests.simulation.gateways import Gateway, outcome_at
from tests.simulation.hosts import Host, Time, Worker
from tests.simulation.judgement import Violation, demand
from tests.simulation.oracle import Oracle
from tests.simulation.shadow import Run, Task
from tests.simulation.steps import Step

PLENTY_MIB = 10_000
NAMES = ("one", "two", "three")


T = TypeVar("T")


class Chance:
    """``ports.Randomness``, begun anew for every action so that leaving one out moves no other."""

    def __init__(self, seed: object) -> None:
        self._random = random.Random(f"chance {seed}")

    def randbits(self, bits: int) -> int:
        return self._random.getrandbits(bits)

    def token(self) -> str:
        return f"{self._random.getrandbits(128):032x}"


class World:
    """Everything that there is in one history, and how its processes come to an end."""

    REFUSALS = (
        kb.IllegalTransition,
        kb.AlreadyDecided,
        kb.InvalidInput,
        kb.NotFound,
        kb.StaleRun,
        kb.CannotUndo,
        kb.InUse,
    )
    demand = staticmethod(demand)

    def __init__(self, seed: int, board: Board) -> None:
        rng = random.Random(f"world {seed}")
        self.seed = seed
        self.board = board
        self.log: list[str] = []
        self.counts: dict[str, int] = {}
        self.violation: Violation | None = None
        self.faults = True
        self.events_at_once = rng.choice((1, 3, 500))
        self.heads_at_once = rng.choice((1, 2, 1_000))
        self.time = Time()
        several = rng.random() < 0.45
        self.hosts = [Host(name, self.time) for name in NAMES[: rng.choice((2, 2, 3))]]
        del self.hosts[1 if not several else len(self.hosts) :]
        # Several hosts share a board in a server; as on one in a file, they know nothing of others.
        board.seam.shared = several and rng.random() < 0.7
        self.keeps_rows = board.seam.shared or not several
        self.config = placing.settle(rng, board.config_for(rng), self.hosts)
        # Each history has habits of its own, so that some do much of what others never do.
        self.verbs = _habit(rng, people.VERBS)
        self.exits = _habit(rng, workers.EXITS)
        self.worker_verbs = _habit(rng, workers.VERBS)
        self.spawn_problem_every = rng.choice((3, 17, 50))
        self.most_tasks = rng.choice((2, 4, 7, 12, 40))
        for host in self.hosts:
            host.on_stop, host.on_settle = self._stopped, self._settled
        self.gateways: list[Gateway] = []
        self.notifying: Gateway | None = None
        self.workers: dict[int, Worker] = {}
        self.archived_undone: list[str] = []
        self.free_mib = PLENTY_MIB
        self.mail = Mail()
        self.leases_before: dict[int, tuple[int, int]] = {}
        self.serial = self.commits = self.rounds_to_rest = 0
        self._opened = 0
        self.crew = Crew(board.seam, board.connect, self._committed)
        self.crew.taken = self._taken
        self.observer = board.connect()
        self.observer.config = self.hosts[0].config
        self.board_id: str = self.observer.board_id
        self.oracle = Oracle(self.observer, self)

    # What the rules ask.

    def tell(self, line: str) -> None:
        """One line of the history."""
        self.log.append(line.replace(self.board.home, "HOME"))

    def worker_of(self, run: Run) -> Worker | None:
        """The supervisor that was started for a run."""
        return self.workers.get(run.id)

    def record_of(self, run: Run) -> ExitRecord | None:
        """The exit record on the disk of the run's host."""
        worker = self.workers.get(run.id)
        return None if worker is None else worker.host.records.get(run.id)

    def lease_of(self, run_id: int) -> int:
        """Until when a run was leased."""
        sql = "SELECT claim_expires FROM task_runs WHERE id = :id"
        expires: int = self.observer.execute(sql, {"id": run_id}).fetchone()[0] or 0
        return expires

    def leases(self) -> dict[int, tuple[int, int]]:
        """Until when each open run is leased, and when that was written."""
        sql = "SELECT id, claim_expires, last_heartbeat_at FROM task_runs WHERE ended_at IS NULL"
        return {run: (until, at) for run, until, at in self.observer.execute(sql).fetchall()}

    def option(self, name: str) -> Any:
        """What the action under way was asked for beside its verb."""
        action: Any = self.crew.current
        return None if action is None else action.options.get(name)

    def acts_for_run(self) -> bool:
        """Whether the action under way acts for a run, whatever it signs with."""
        action = self.crew.current
        return action is not None and action.label.startswith(("agent", "late", "outside"))

    def claim_is_void(self, run: Run) -> bool:
        """Whether the gateway that claimed it is gone, or has begun another look since."""
        identity = kb.get_run(self.observer, run.id).claimer_identity
        if identity is None:
            return True
        action: Any = self.crew.current
        if action is not None and action.gateway is not None:
            earlier = run.claimed_by <= action.newest_before
            if earlier and action.gateway.process.identity == identity:
                return True
        hosts = [host for host in self.hosts if host.name == identity.host]
        found = hosts[0].table.get(identity.pid)
        return found is None or found.identity != identity

    def look_at_disk(self, action: Action) -> int:
        """Free space as a gateway sees it now."""
        action.seen_mib = max(self.free_mib, getattr(action, "seen_mib", 0))
        return self.free_mib

    def digest(self, conn: Any) -> list[Any]:
        """Every row that a verb may change."""
        return [
            tuple(row)
            for table in ("tasks", "task_runs", "task_events", "task_links", "task_comments")
            for row in conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
        ]

    # Connections and commits.

    def connect(self, host: Host) -> Any:
        """A connection of somebody on that host."""
        conn = self.crew.open()
        self._opened += 1
        conn.clock = Clock(host)
        conn.config = host.config
        conn.randomness = Chance((self.seed, self.serial, self._opened))
        return conn

    def _taken(self, conn: Any) -> None:
        """Somebody has the writer lock: what others committed is known by now."""
        action = conn.action
        if action is None:
            return
        action.commits_before = self.commits
        if action.writing == "follow-clock":
            self.leases_before = self.leases()
        task = self.oracle.shadow.tasks.get(action.task) if action.task else None
        if action.options.get("tree") and task is not None:
            action.descendants = self.oracle.shadow.open_below(task.id)
        action.status_before = None if task is None else task.status
        if action.run is not None and task is not None:
            action.was_current = task.current == action.run.id and not action.wrong_lock
            action.before = self._around(action)

    def _around(self, action: Any) -> list[Any]:
        """What a refusal may not change."""
        return [
            tuple(row)
            for sql in (
                "SELECT * FROM tasks WHERE id = :task",
                "SELECT id, ended_at, outcome, claim_expires, exited_at, stop_requested_at, result"
                " FROM (SELECT r.*, NULL AS result FROM task_runs r WHERE task_id = :task) AS run"
                " ORDER BY id",
                "SELECT count(*) FROM task_links",
                "SELECT count(*) FROM task_events WHERE kind <> 'fenced'",
            )
            for row in self.observer.execute(sql, {"task": action.task}).fetchall()
        ]

    def _committed(self, action: Action) -> None:
        self.commits += 1
        clock, newest = action.conn.clock, self.oracle.newest
        try:
            self.oracle.committed(action.writing or "", clock.low, clock.high)
        except Violation as violation:
            self.violation = self.violation or violation
        action.events += self.oracle.newest - newest

    def check_memory(self) -> None:
        """Every event that anybody was told of is still there, as it was."""
        rows = self.observer.execute(
            "SELECT id, task_id, kind, created_at, payload FROM task_events ORDER BY id"
        )
        kept = [tuple(row) for row in rows.fetchall()]
        demand(kept == self.oracle.memory, "21", "an event that was committed is gone or changed")
        ended = self.observer.execute(
            "SELECT d.id FROM deliveries d JOIN kanban_notify_subs s ON s.id = d.sub_id"
            " WHERE d.state = 'waiting' AND s.ended_at IS NOT NULL"
        ).fetchone()
        demand(ended is None, "13", "a subscription that has ended is still to be sent something")
        sql = "SELECT sub_id, event_id, state, coalesce(reason, '') FROM deliveries"
        self.mail.judge([tuple(row) for row in self.observer.execute(sql).fetchall()])

    # Picking.

    def host(self, step: Step) -> Host:
        """The host on which a step happens."""
        return self.hosts[step.b % len(self.hosts)]

    def pick(self, number: int) -> str:
        """Any task; half of the time one to which something happened lately."""
        return self._choose(list(self.oracle.shadow.tasks.values()), number) or "t_none"

    def _choose(self, tasks: list[Task], number: int) -> str | None:
        if not tasks:
            return None
        if number % 2:
            tasks = sorted(tasks, key=lambda task: -task.last_event)[:4]
        return tasks[number // 2 % len(tasks)].id

    def status(self, task_id: str) -> str | None:
        """The status of a task."""
        task = self.oracle.shadow.tasks.get(task_id)
        return None if task is None else task.status

    def refused_work(self) -> list[str]:
        """Open tasks of which a run that had been overtaken finished something."""
        shadow = self.oracle.shadow
        runs = (shadow.runs.get(run) for run, verb in sorted(shadow.fenced) if verb == "complete")
        tasks = [shadow.tasks[run.task_id] for run in runs if run is not None]
        return [task.id for task in tasks if task.status not in ("running", "archived")]

    def keys_passed_on(self) -> list[str]:
        """Archived tasks whose idempotency key is another's by now."""
        tasks = list(self.oracle.shadow.tasks.values())
        live = {task["idempotency_key"] for task in tasks if task.status != "archived"} - {None}
        return [t.id for t in tasks if t.status == "archived" and t["idempotency_key"] in live]

    def keys_let_go(self) -> list[str]:
        """Idempotency keys of archived tasks that no task has now."""
        tasks = list(self.oracle.shadow.tasks.values())
        live = {task["idempotency_key"] for task in tasks if task.status != "archived"}
        gone = {task["idempotency_key"] for task in tasks if task.status == "archived"}
        return sorted(gone - live - {None})

    def pick_legal(
        self, legal: frozenset[str] | None, number: int, *, sometimes: bool
    ) -> str | None:
        """A task from whose status a verb is legal; ``sometimes`` any."""
        tasks = self.oracle.shadow.tasks
        if legal is not None and not sometimes:
            return self._choose([t for t in tasks.values() if t.status in legal], number)
        return self._choose(list(tasks.values()), number)

    # What happens to processes and to the post.

    def stop_if_broken(self) -> None:
        """Raise what was found from within the kernel."""
        if self.violation is not None:
            raise self.violation

    def agents_at_work(self) -> list[Worker]:
        """Workers whose agent lives, apart from those whose task was purged.

        A host that gave another's worker up does not keep its task from being purged.
        """
        known = self.oracle.shadow.runs
        alive = [w for w in self.workers.values() if w.agent is not None and w.agent.alive]
        return [worker for worker in alive if worker.run_id in known]

    def _agent_started(self, worker: Worker) -> None:
        if worker.given_up:
            return  # by another host, which cannot see it; it ends as soon as it looks at its lease
        others = worker.host.alive_of_task(worker.task_id)
        others = [w for w in others if w is not worker and not w.given_up]
        named = [other.run_id for other in others]
        run = self.oracle.shadow.runs[worker.run_id]
        demand(run["worker_pid"] is not None, "19", f"run {run.id} starts and is not registered")
        demand(
            not others, "19", f"runs {named} of {worker.task_id} live while {worker.run_id} starts"
        )

    def _stopped(self, worker: Worker) -> None:
        """A gateway stops a worker that lives: only ever because somebody asked for it."""
        run = self.oracle.shadow.runs[worker.run_id]
        self.hold(run["stop_requested_at"] is not None, "stop", f"run {run.id} was stopped unasked")

    def _settled(self, run_id: int) -> None:
        """A gateway forgets a worker and its record: only once the board has its end."""
        run = self.oracle.shadow.runs.get(run_id)
        # Only what has ended can be purged, and then nothing of it is left to look at.
        exited = run is None or run["exited_at"] is not None
        self.hold(
            exited, "exit", f"the record of run {run_id} went before its end was written down"
        )

    def hold(self, holds: bool, invariant: str, text: str) -> None:
        """Like ``demand``, from within the kernel: told at the end of the step."""
        if not holds and self.violation is None:
            self.violation = Violation(invariant, text)

    def _die(self, action: Any) -> None:
        if action.gateway is not None:
            self.kill_gateway(action.gateway)
        else:
            self.tell(f"  {action.label}: its process is killed")
            self.crew.kill(action)

    def kill_gateway(self, gateway: Gateway) -> None:
        """It and everything it holds in memory is gone; its workers go on."""
        if gateway not in self.gateways:
            return
        self.gateways.remove(gateway)
        self.tell(f"  the gateway {gateway.process.pid} on {gateway.host.name} is killed")
        gateway.host.kill(gateway.process)
        for action in [a for a in self.crew.aside if a.gateway is gateway]:
            self.crew.kill(action)
        for conn in (gateway.dispatch_conn, gateway.notify_conn):
            self.crew.drop(conn)
        host = gateway.host
        host.dispatching = None if host.dispatching is gateway else host.dispatching
        self.notifying = None if self.notifying is gateway else self.notifying

    def told_by(self, outgoing: Any) -> set[tuple[str, int]]:
        """What a message tells, and where."""
        items = [] if outgoing.message is None else outgoing.message.items
        events = [item.event.id for item in items] or [outgoing.delivery.event_id]
        return {(outgoing.destination, event) for event in events}

    def judge_news(self, told: set[tuple[str, int]]) -> None:
        """Nothing is sent to where it is known to have arrived."""
        for destination, event in told:
            known = self.observer.execute(
                "SELECT d.id FROM deliveries d JOIN kanban_notify_subs s ON s.id = d.sub_id"
                " WHERE d.event_id = :event AND s.destination = :place AND d.state = 'delivered'",
                {"event": event, "place": destination},
            ).fetchone()
            demand(known is None, "13", f"event {event} has been told at {destination}")

    def deliver(self, outgoing: Any) -> Any:
        """A message leaves for the outside; what comes of it."""
        delivery = outgoing.delivery
        demand(outgoing.message is not None, "13", f"no message: {outgoing.problem}")
        ahead = self.observer.execute(
            "SELECT event_id FROM deliveries WHERE sub_id = :sub AND event_id < :event"
            " AND state = 'waiting'",
            {"sub": delivery.sub_id, "event": delivery.event_id},
        ).fetchone()
        message = outgoing.message
        events = [item.event.id for item in message.items] or [message.event.id]
        self.mail.tried(delivery, events, None if ahead is None else ahead[0])
        number = sum(self.mail.attempts.values())
        if outgoing.destination.endswith("sms"):
            self.mail.hopeless = self.mail.hopeless or delivery.id
        outcome = outcome_at(
            outgoing.destination,
            number,
            faults=self.faults,
            hopeless=self.mail.hopeless == delivery.id,
        )
        if outcome.kind == "delivered":
            self.mail.arrive(delivery.sub_id, events, message.dedup_key)
        self.tell(
            f"  {message.dedup_key} ({len(events)}) to {outgoing.destination}: {outcome.kind}"
        )
        return outcome

    def close(self) -> None:
        """Every process is gone; the files may go."""
        for action in list(self.crew.aside):
            self.crew.kill(action)
        for gateway in list(self.gateways):
            self.kill_gateway(gateway)
        for conn in self.crew.free:
            self.crew.close(conn)
        self.observer.close()


def _habit(rng: random.Random, words: tuple[T, ...]) -> list[T]:
    """Some of the words several times, others not at all."""
    return [word for word in words for _ in range(rng.choice((0, 1, 1, 4)))] or list(words)
