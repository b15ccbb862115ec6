"""The contract's rules for claims, processes and the ends of runs."""

from __future__ import annotations

import json
from typing import Any

from tests.simulation import placing
from tests.simulation.judgement import demand
from tests.simulation.scene import Event, Scene
from tests.simulation.shadow import Run, Task
from tests.simulation.spec import (
    CLOSING,
    ELSEWHERE_MARGIN_SECONDS,
    JUMP_SECONDS,
    OUTCOME_OF,
    RESTING,
)

# Claims and processes.


def claim_was_open(scene: Scene, event: Event, task: Task) -> None:
    """Gates of a claim: parents, pause, earlier processes, folders; a dispatcher has its own."""
    shadow = scene.shadow
    gated = shadow.open_parents(task.id)
    demand(not gated, "8", f"{task.id} was claimed behind {gated}")
    demand(not shadow.paused, "claim", f"{task.id} was claimed on a paused board")
    for run in task.runs:
        demand(not run.open, "2", f"{task.id} was claimed while run {run.id} is open")
        demand(not run.registered, "15", f"{task.id} was claimed while run {run.id} may live")
    path = task["workspace_path"] if task["workspace_kind"] == "dir" else None
    live = shadow.live_runs()
    for run in live if path is not None else ():
        other = shadow.tasks[run.task_id]
        used = run.registered and other["workspace_kind"] == "dir"
        demand(
            not used or other["workspace_path"] != path,
            "claim",
            f"{task.id} was claimed while {other.id} uses its folder",
        )
    if scene.verb == "dispatch":
        _dispatched_rightly(scene, task, live)


def _dispatched_rightly(scene: Scene, task: Task, live: list[Run]) -> None:
    config = scene.host.config
    for column in ("eligible_at", "scheduled_at"):
        due = task[column]
        demand(
            due is None or due <= scene.high,
            "back-off",
            f"{task.id} was dispatched at {scene.high} and its {column} is {due}",
        )
    assignee, host = task["assignee"], scene.host
    able = placing.can_run(host, assignee)
    demand(able, "host", f"{task.id} of {assignee} was started on {host.name}")
    drains = host.name in scene.shadow.draining
    demand(not drains, "host", f"{task.id} was started on {host.name}, which drains")
    profile = config.profiles.get(assignee or "")
    demand(profile is not None, "claim", f"{task.id} was dispatched without a profile")
    cap = config.kanban.max_in_progress
    here = _of_its_host(scene, live)
    demand(len(here) < cap, "caps", f"{len(here)} runs are in progress, {cap} allowed")
    of_profile = sum(run["profile"] == task["assignee"] for run in live)
    cap = profile.max_in_progress
    demand(cap is None or of_profile < cap, "caps", f"{of_profile} of {task['assignee']} run")
    cap = config.kanban.max_in_progress_per_tenant.get(task["tenant"])
    of_tenant = sum(scene.shadow.tasks[run.task_id]["tenant"] == task["tenant"] for run in live)
    demand(cap is None or of_tenant < cap, "caps", f"{of_tenant} of tenant {task['tenant']} run")
    for resource, wanted in profile.resources.items():
        used = sum(
            config.profiles[run["profile"]].resources.get(resource, 0)
            for run in live
            if run["profile"] in config.profiles
        )
        room = config.kanban.resources.get(resource, 0)
        demand(used + wanted <= room, "caps", f"{used} of {room} {resource} are in use")
    floor = config.kanban.min_free_mb
    demand(
        getattr(scene.action, "seen_mib", 0) >= floor, "disk", "a run was started on a full disk"
    )


def _of_its_host(scene: Scene, live: list[Run]) -> list[Run]:
    """Of those, what its host carries; on a shared board each carries its own, and what nobody can
    place."""
    if not scene.world.observer.shared:
        return live
    return [run for run in live if _host(run) in (scene.host.name, None)]


def _host(run: Run) -> str | None:
    identity = run["worker_identity"] or run["claimer_identity"]
    return None if identity is None else str(json.loads(identity)["host"])


def claim_is_kept(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """A claim takes up what the run will need, and ends the wait."""
    del scene, before, after
    demand(task.current == event.run_id, "1", f"{task.id} does not name run {event.run_id}")
    demand(task["eligible_at"] is None, "claim", f"{task.id} runs and still backs off")
    run = task.runs[-1]
    demand(bool(run["claim_lock"]), "claim", f"run {run.id} has no lock")
    demand(run["claim_lock"] == task["claim_lock"], "3", f"run {run.id} has another lock")


def register_was_open(scene: Scene, event: Event, task: Task) -> None:
    """A process is registered once, on an open run that nobody asked to stop."""
    run = scene.shadow.runs[event.run_id or 0]
    demand(run.open, "register", f"run {run.id} had ended")
    demand(run["worker_pid"] is None, "register", f"run {run.id} had a process")
    demand(run["stop_requested_at"] is None, "register", f"run {run.id} was to stop")


def stop_was_possible(scene: Scene, event: Event, task: Task) -> None:
    """A stop intention is left once, on a run whose process may live."""
    run = scene.shadow.runs[event.run_id or 0]
    demand(run.registered, "stop", f"run {run.id} has no process to stop")
    demand(run["stop_requested_at"] is None, "stop", f"run {run.id} was asked before")


def exit_is_true(scene: Scene, event: Event, task: Task) -> None:
    """``exited_at`` means that nothing of the run lives any more, and is written once."""
    run = scene.shadow.runs[event.run_id or 0]
    demand(run["worker_pid"] is not None, "exit", f"run {run.id} had no process")
    demand(run["exited_at"] is None, "exit", f"run {run.id} had exited before")
    worker = scene.world.worker_of(run)
    if worker is None or not worker.anything_alive():
        return
    if worker.state != "recorded" or worker.at_work():
        demand(
            _is_lost(scene, run) and _elsewhere(scene, worker),
            "19",
            f"run {run.id} is said to have exited and its process lives ({worker.state})",
        )
        if _clock_is_known(scene):
            over = worker.lease_is_over()
            demand(over, "lease", f"run {run.id} was given up, and its supervisor lets it live")
    worker.given_up = True


def _clock_is_known(scene: Scene) -> bool:
    """Whether leases went along with the clock: some look knew how it had stood, and followed it;
    a part of a look by itself has not."""
    unseen = scene.world.time.offset - scene.shadow.clock_shifted
    whole = scene.action.label == "gateway tick"
    return whole and bool(scene.world.observer.shared) and abs(unseen) <= JUMP_SECONDS


def _is_lost(scene: Scene, run: Run) -> bool:
    """Whether its lease ran out and the margin with it, be it that of a run that had ended."""
    if any(event.kind == "reclaimed" and event.run_id == run.id for event in scene.events):
        return True
    margin = scene.world.config.kanban.host_margin_seconds
    given_up = scene.verb == "give-up-process"
    return given_up and scene.world.lease_of(run.id) + margin < scene.high


def _elsewhere(scene: Scene, worker: Any) -> bool:
    return worker.host is not scene.host


def fence_was_right(scene: Scene, event: Event, task: Task) -> None:
    """Only a run that is not current is refused, and told so once for each verb."""
    key = (event.run_id or 0, event.payload.get("verb", ""))
    demand(key not in scene.shadow.fenced, "18", f"{key} was fenced twice")
    scene.shadow.fenced.add(key)
    if event.payload.get("verb") == "complete":
        demand("result" in event.payload, "18", f"what run {event.run_id} had finished is lost")
    demand(
        task.current != event.run_id or "claim lock" in event.payload["reason"],
        "18",
        f"run {event.run_id} is current and was refused",
    )


def run_may_write(scene: Scene, event: Event, task: Task) -> None:
    """What is signed by a run was written while it was open."""
    del task
    run = scene.shadow.runs.get(event.run_id or 0)
    demand(run is None or run.open, "18", f"run {event.run_id} has ended and wrote {event.kind}")


# Ends of runs.


def run_is_closed(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """Exactly one outcome, and a stop intention where a process is left behind by a person."""
    if event.run_id is None or event.kind not in CLOSING:
        return  # blocked by the system: its parent is gone
    run = scene.shadow.runs[event.run_id]
    outcome = OUTCOME_OF.get(event.kind, event.kind)
    demand(run["outcome"] == outcome, "6", f"{event.kind} closed run {run.id} as {run['outcome']}")
    by_verb = event.by_person and not scene.world.acts_for_run()
    if by_verb and before.get("status") == "running" and run.registered:
        asked = run["stop_requested_at"] is not None
        asked = asked or any(e.kind == "stop_requested" and e.run_id == run.id for e in after)
        demand(asked, "stop", f"the process of run {run.id} was not asked to stop")
    exits = [e for e in scene.events if e.kind == "exited" and e.run_id == run.id]
    if event.by_system and run["worker_pid"] is not None and before.get("status") == "running":
        demand(bool(exits), "exit", f"run {run.id} was closed while its process may live")
        worker = scene.world.worker_of(run)
        if event.kind != "reclaimed" or worker is None or not _elsewhere(scene, worker):
            _as_recorded(scene, event, task, run)


def _as_recorded(scene: Scene, event: Event, task: Task, run: Run) -> None:
    """The outcome is what the exit record, or its absence, says."""
    record = scene.world.record_of(run)
    reason = run["stop_reason"]
    if reason == "lost_lease" or (record is not None and record.lease_lost):
        expected = {"reclaimed"}
    elif reason == "max_runtime" or (record is not None and record.timed_out):
        expected = {"timed_out"}
    elif record is None:
        expected = {"crashed", "reclaimed"}
    elif record.never_started:
        expected = {"reclaimed"}
    elif record.spawn_failed is not None:
        expected = {"spawn_failed"}
    elif record.exit_code == 75:
        expected = {"rate_limited"}
    elif record.exit_code == 0:
        kept = record.on_exit_zero == "complete"
        expected = {"completed"} if kept else {"protocol_violation"}
    else:
        expected = {"crashed"}
    demand(event.kind in expected, "26", f"run {run.id} ended as {event.kind}: {record}")


def failure_is_counted(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """One failure more; above the limit the breaker opens, else the task waits its back-off."""
    failures = (before.get("consecutive_failures") or 0) + 1
    found = task["consecutive_failures"]
    demand(found == failures, "12", f"{task.id} counts {found} failures, not {failures}")
    settings = scene.world.config.kanban
    allowed = task["max_retries"]
    allowed = settings.max_retries if allowed is None else allowed
    gave_up = [e for e in after if e.kind == "gave_up" and e.task_id == task.id]
    if failures > allowed:
        demand(task.status == "blocked", "breaker", f"{task.id} failed {failures} times, goes on")
        demand(task["block_kind"] == "needs_input", "17", f"{task.id} needs {task['block_kind']}")
        told = [e.payload.get("run_id") for e in gave_up]
        demand(told == [event.run_id], "breaker", f"gave_up names {told}")
        return
    demand(not gave_up, "breaker", f"{task.id} was given up after {failures} failures")
    if task.status in RESTING:
        ceiling = min(
            settings.backoff_base_seconds * 2 ** (failures - 1), settings.backoff_max_seconds
        )
        _waits(scene, task, ceiling // 2, ceiling, f"failure {failures}")


def _waits(scene: Scene, task: Task, least: float, most: float, what: str) -> None:
    until = task["eligible_at"] or 0
    demand(
        until - scene.low >= least and until - scene.high <= most,
        "back-off",
        f"{task.id} waits until {until} after {what}; it is {scene.low}, {least} to {most} s",
    )


def requeue_is_bounded(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """Run often enough without a person's touch means triage; and only that does."""
    if event.by_person or before.get("status") != "running" or task.status == "blocked":
        return
    spent = task.claims >= scene.world.config.kanban.max_runs
    demand(
        (task.status == "triage") == spent,
        "27",
        f"{task.id} is {task.status} after {task.claims} runs that nobody touched",
    )
    if spent:
        why = [e for e in after if e.kind == "triaged" and e.task_id == task.id]
        demand(len(why) == 1, "27", f"{task.id} went to triage and no event says why")


def rate_limit_is_free(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """A rate limit counts no failure and waits, longer each time."""
    del after
    found = task["consecutive_failures"]
    demand(found == before.get("consecutive_failures"), "12", f"{task.id} counts a rate limit")
    if task.status not in RESTING:
        return
    record = scene.world.record_of(scene.shadow.runs[event.run_id or 0])
    reset_at = 0 if record is None else record.conclusion.reset_at or 0
    if reset_at > scene.high:
        demand(
            task["eligible_at"] == reset_at, "back-off", f"{task.id} does not wait for its reset"
        )
    elif reset_at <= scene.low:
        base = scene.world.config.kanban.rate_limit_base_seconds
        delay = min(base * 2 ** (task.rate_limits - 1), 3600)
        _waits(scene, task, delay, delay, f"{task.rate_limits} rate limits in a row")


def reclaim_is_right(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """By a person it starts anew; by the system only when nobody holds the run any more."""
    del after
    failures = task["consecutive_failures"]
    if event.by_person:
        demand(failures == 0, "reset", f"{task.id} was reclaimed and counts {failures}")
        return
    demand(failures == before.get("consecutive_failures"), "12", f"{task.id} counts a reclaim")
    run = scene.shadow.runs[event.run_id or 0]
    if run["worker_pid"] is not None:
        worker = scene.world.worker_of(run)
        record = scene.world.record_of(run)
        if record is not None and (record.never_started or record.lease_lost):
            return
        away = worker is None or _elsewhere(scene, worker)
        expires = scene.world.lease_of(run.id)
        over = expires + ELSEWHERE_MARGIN_SECONDS < scene.high
        demand(away and over, "lease", f"run {run.id} was reclaimed from a worker that is here")
        return
    orphaned = run["claimer"] == "dispatcher" and scene.world.claim_is_void(run)
    expired = scene.world.lease_of(run.id) < scene.high
    demand(orphaned or expired, "lease", f"run {run.id} was reclaimed within its lease")


def is_reset(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """Success, a request for review or a person starts the failures anew."""
    del scene, before, after
    if event.kind != "unblocked" or event.by_person:
        found = task["consecutive_failures"]
        demand(found == 0, "reset", f"{task.id} counts {found} failures after {event.kind}")


def waits_no_more(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """A person's word ends a back-off."""
    del scene, before, after
    if event.by_person:
        found = task["eligible_at"]
        demand(found is None, "back-off", f"{task.id} waits until {found} after {event.kind}")
