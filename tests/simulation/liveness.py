"""What must come about: by the end of every look, and once faults have stopped."""

from __future__ import annotations

from typing import Any, Final

from hermes_kanban import kernel as kb
from tests.simulation import placing, rules_of_runs, workers
from tests.simulation.gateways import Gateway
from tests.simulation.judgement import Violation, demand
from tests.simulation.scene import Scene
from tests.simulation.steps import Step

ROUNDS: Final = 200
QUIET_ROUNDS: Final = 3
TWIN_SECONDS: Final = 31
RUNTIME_MARGIN_SECONDS: Final = 10
_ENDED: Final = ("done", "archived", "blocked", "triage", "review")


def look_was_thorough(world: Any, gateway: Gateway, action: Any) -> None:
    """After a look that nothing disturbed: nothing that it should have seen to is left."""
    host, settings = gateway.host, world.config.kanban
    low, high = action.conn.clock.low_of_action, action.conn.clock.high
    for run in world.oracle.shadow.live_runs():
        worker = world.worker_of(run)
        here = worker is not None and worker.host is host
        lease = world.lease_of(run.id)
        if run.open and run["worker_pid"] is None and run["claimer"] != "dispatcher":
            demand(lease >= low, "26", f"run {run.id} is stale since {lease} and goes on")
        held = run.open and run["worker_pid"] is not None and run["stop_reason"] != "lost_lease"
        if here and held and worker.supervisor.alive:
            left = lease - high
            least = settings.lease_seconds * 2 // 3
            demand(left >= least, "lease", f"the lease of run {run.id} ends in {left} s")
        if run.open and run["worker_pid"] is None and run["claimer"] == "dispatcher":
            _is_not_orphaned(world, gateway, action, run)
        if run.open and (worker is None or here):
            _within_runtime(world, host, run, low)
        elif not run.open and here and worker.supervisor.alive:
            since = low - (run["ended_at"] or 0)
            asked = run["stop_requested_at"] is not None
            demand(asked or since <= settings.linger_seconds, "26", f"run {run.id} lingers")
        if here and run["stop_requested_at"] is not None and worker.supervisor.alive:
            recent = run["stop_requested_at"] >= low
            demand(worker.asked_to_stop or recent, "stop", f"run {run.id} was never terminated")
        if here and run.id in action.records_before and run.registered:
            raise Violation("26", f"the exit record of run {run.id} was not imported")
    for task in world.oracle.shadow.tasks.values():
        due = task.status == "blocked" and task["block_kind"] == "transient"
        demand(not due or task["eligible_at"] > low, "17", f"{task.id} is due and still blocked")
    _nothing_eligible_is_left(world, action)


def _is_not_orphaned(world: Any, gateway: Gateway, action: Any, run: Any) -> None:
    """What was claimed in this look has a process or has ended; nothing is left of the dead."""
    by = kb.get_run(world.observer, run.id).claimer_identity
    mine = run.claimed_by > action.newest_before or by == gateway.process.identity
    demand(not mine, "26", f"run {run.id} was claimed and nothing was started")
    if by is not None and by.host == gateway.host.name:
        demand(not world.claim_is_void(run), "26", f"the dispatcher of run {run.id} is dead")


def round_was_thorough(world: Any, gateway: Gateway, action: Any) -> None:
    """After a round that nothing disturbed everything that is due is in hand, wherever it goes; of
    more than a round takes, what has been due for longest."""
    clock = action.conn.clock
    _, due = action.value
    taken = [head.delivery.next_attempt_at for head in due.heads]
    full = len(taken) >= world.heads_at_once
    since = min(max(taken), clock.low_of_action) if full else clock.low_of_action + 1
    for sub_id, at in world.observer.execute(_HEADS).fetchall():
        late = at < since
        demand(not late or sub_id in gateway.busy, "28", f"subscription {sub_id} is held up")
    (asleep,) = world.observer.execute("SELECT min(wake_at) FROM deliveries").fetchone()
    if asleep is not None and asleep <= clock.low_of_action:
        at_once = due.next_at is not None and due.next_at <= clock.high
        demand(at_once, "28", f"an agent was to be woken at {asleep}; the next is at {due.next_at}")


# A round makes so many tasks and no more; what only wakes waits for the next.
_HEADS: Final = (
    "SELECT d.sub_id, d.next_attempt_at FROM deliveries d"
    " JOIN kanban_notify_subs s ON s.id = d.sub_id AND s.mode <> 'wake'"
    " WHERE d.state = 'waiting' AND d.event_id = (SELECT min(h.event_id) FROM deliveries h"
    " WHERE h.state = 'waiting' AND h.sub_id = d.sub_id)"
)


def _within_runtime(world: Any, host: Any, run: Any, low: int) -> None:
    task = world.oracle.shadow.tasks[run.task_id]
    limit = task["max_runtime_seconds"]
    profile = host.config.profiles.get(run["profile"] or "")
    if limit is None and profile is not None:
        limit = profile.max_runtime_seconds
    if limit is None or run["stop_requested_at"] is not None:
        return
    over = low - run["started_at"] - limit
    margin = RUNTIME_MARGIN_SECONDS if run["worker_pid"] is not None else 0
    demand(over <= margin, "26", f"run {run.id} is {over} s over its max runtime")


def _nothing_eligible_is_left(world: Any, action: Any) -> None:
    report = action.value
    started = len(report.spawned) + len(report.spawn_failed)
    if started >= world.config.kanban.max_spawn or report.lost:
        return
    clock = action.conn.clock
    low = clock.low_of_action
    scene = Scene(world.oracle.shadow, world, "dispatch", clock.low, low, [], action)
    for task in world.oracle.shadow.tasks.values():
        if task.status == "ready" and _could_start(scene, task):
            raise Violation("25", f"{task.id} is eligible and was not started")


def _could_start(scene: Scene, task: Any) -> bool:
    try:
        rules_of_runs.claim_was_open(scene, None, task)
    except Violation:
        return False
    return True


def come_to_rest(world: Any) -> None:
    """Faults have stopped: gateways run until nothing happens any more; then judge."""
    world.faults = False
    world.finish_actions()
    world.free_mib = 10_000
    step = Step(world.serial + 1, "rest", 0, 0, 1, "run", 0)
    world.act(step, "person resume", lambda conn: kb.resume(conn, actor="person:ann"))
    quiet = 0
    for number in range(ROUNDS):  # noqa: B007 (how many there were is told)
        world.serial += 1
        step = Step(world.serial, "rest", 0, 0, 1, "run", 0)
        before = world.oracle.newest
        next_at = _round(world, step)
        busy = any(
            worker.anything_alive() for worker in world.workers.values() if worker.state != "gone"
        )
        quiet = 0 if world.oracle.newest > before or next_at or busy else quiet + 1
        if quiet >= QUIET_ROUNDS:
            break
        _pass_time(world, next_at, world.oracle.newest > before)
    else:
        raise Violation("27", f"no rest after {ROUNDS} rounds")
    _judge(world, number)


def _round(world: Any, step: Step) -> int | None:
    """A look of every host, everybody's work, and the post; when time alone makes a change."""
    times = []
    for host in world.hosts:
        if not any(gateway.host is host for gateway in world.gateways):
            world.gateways.append(Gateway(world, host))
        gateway = host.dispatching or next(g for g in world.gateways if g.host is host)
        gateway.may_dispatch()
        gateway.stubborn = gateway.spawn_fails = False
        report = world.look(step, gateway)
        if report is None:
            times.append(TWIN_SECONDS)
        elif report.next_due_at is not None:
            times.append(report.next_due_at - host.now())
    _work(world, step)
    times += _post(world, step)
    return min(times) if times else None


def _work(world: Any, step: Step) -> None:
    """Agents finish, and supervisors with them."""
    for worker in list(world.workers.values()):
        moved = True
        while moved:
            moved = worker.step(world._agent_started)
            if worker.agent is not None and worker.agent.alive and not worker.asked_to_stop:
                run = world.oracle.shadow.runs.get(worker.run_id)
                if run is not None:
                    call = workers.of_run(world, run, "complete", step)
                    about = {"host": worker.host, "task": run.task_id, "run": run}
                    world.act(step, "agent complete", call, **about)
                worker.exit(0)


def _post(world: Any, step: Step) -> list[int]:
    times = []
    for host in world.hosts:
        here = [gateway for gateway in world.gateways if gateway.host is host]
        if not here:
            continue
        gateway = world.notifying or here[0]
        if gateway.host is not host or not gateway.may_notify():
            continue
        more = True
        while more:
            more, due = world.notify_round(step, gateway)
            for sub_id in list(gateway.busy):
                world.send_to(step, gateway, sub_id)
            more = more or bool(due.heads)
        if due.next_at is not None:
            times.append(due.next_at - host.now())
    return times


def _pass_time(world: Any, next_at: int | None, moved: bool) -> None:
    if moved and next_at is None:
        world.time.elapsed += 1
    else:
        world.time.elapsed += 40 if next_at is None else max(1, min(next_at + 1, 4_000))


def _judge(world: Any, rounds: int) -> None:
    shadow = world.oracle.shadow
    world.rounds_to_rest = rounds
    for run in shadow.live_runs():
        what = "open" if run.open else "ended and its process has not exited"
        raise Violation("26", f"at rest run {run.id} of {run.task_id} is {what}")
    for task in shadow.tasks.values():
        if task.status == "ready":
            _is_offered_nowhere(world, task)
        elif task.status != "todo":
            demand(task.status in _ENDED, "27", f"at rest {task.id} is {task.status}")
        if task.status not in ("done", "archived"):
            _is_explained(world, task)
    sql = "SELECT sub_id, event_id, state, reason FROM deliveries"
    rows = [tuple(row) for row in world.observer.execute(sql).fetchall()]
    world.mail.judge(rows)
    world.mail.judge_all_owed(rows)
    world.mail.judge_wakes([tuple(row) for row in world.observer.execute(_WAKES).fetchall()])


_WAKES: Final = (
    "SELECT d.sub_id, d.event_id, d.state, d.dedup_key, d.wake_at, d.dropped_at, d.receipt,"
    " s.options LIKE '%digest_seconds%' FROM deliveries d"
    " JOIN kanban_notify_subs s ON s.id = d.sub_id WHERE s.mode <> 'notify'"
)


def _is_offered_nowhere(world: Any, task: Any) -> None:
    """No host that lives can run it and drains not; ``why`` says which of these it is."""
    able = [host for host in world.hosts if placing.can_run(host, task["assignee"])]
    active = [host.name for host in able if host.name not in world.oracle.shadow.draining]
    demand(not active, "25", f"at rest {task.id} is ready, and {active} could start it")
    if not world.keeps_rows:
        return
    codes = {hold.code for hold in kb.why(world.observer, task.id)}
    known = task["assignee"] in world.observer.config.profiles
    expected = "draining" if able else "no_host" if known else "no_profile"
    expected = "unassigned" if task["assignee"] is None else expected
    demand(expected in codes, "30", f"{task.id}: {expected}, and why says {codes}")


def _is_explained(world: Any, task: Any) -> None:
    """``why`` names the true gate and what lifts it."""
    holds = kb.why(world.observer, task.id)
    demand(bool(holds), "30", f"nothing holds {task.id} ({task.status}), says why")
    demand(all(hold.lifted_by for hold in holds), "30", f"{task.id}: {holds}")
    if task.status == "todo":
        gates = shadow_gates = world.oracle.shadow.open_parents(task.id)
        named = [gate for gate in shadow_gates if any(gate in hold.text for hold in holds)]
        demand(named == gates, "30", f"{task.id} waits for {gates}, and why says {holds}")
