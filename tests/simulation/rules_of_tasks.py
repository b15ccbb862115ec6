"""The contract's rules for blocks, review, links, archiving and clocks, and whole transactions."""

from __future__ import annotations

from typing import Any

from tests.simulation.judgement import demand
from tests.simulation.scene import Event, Scene
from tests.simulation.shadow import Task
from tests.simulation.spec import BLOCKS_BEFORE_TRIAGE, JUMP_SECONDS, RESTING

# Blocks.


def block_loops(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """A verb's third block since a person's touch goes to triage; each block says who lifts it."""
    if event.run_id is not None:
        looping = task.blocks >= BLOCKS_BEFORE_TRIAGE
        demand(
            (task.status == "triage") == looping,
            "loop",
            f"{task.id} is {task.status} after {task.blocks} blocks",
        )
        if looping:
            why = [e for e in after if e.kind == "triaged" and e.task_id == task.id]
            demand(len(why) == 1, "loop", f"{task.id} went to triage and no event says why")
            return
    demand(bool(event.payload.get("lifted_by")), "17", f"{task.id}: nobody lifts its block")
    came_from = "review" if before.get("status") == "review" else None
    demand(task["blocked_from"] == came_from, "17", f"{task.id} came from {task['blocked_from']}")
    if task["block_kind"] == "transient":
        demand((task["eligible_at"] or 0) > scene.low, "17", f"{task.id} is due at once")


def unblock_is_right(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """Back to the phase it came from; by the system only when time or parents lift it."""
    del after
    to_review = before.get("blocked_from") == "review"
    demand((task.status == "review") == to_review, "unblock", f"{task.id} is {task.status} now")
    if event.by_system:
        kind = before.get("block_kind")
        due = kind == "transient" and (before.get("eligible_at") or 0) <= scene.high
        free = kind == "dependency" and not scene.shadow.open_parents(task.id)
        undone = {e.task_id for e in scene.events if e.kind == "undone"}
        free = free or event.payload.get("parent_id") in undone
        demand(due or free, "unblock", f"{task.id} was unblocked and waits for {kind}")


# Review, reopening, archiving, links.


def reviewer_is_another(scene: Scene, event: Event, task: Task) -> None:
    """A person, or an orchestrating profile that did not do the work."""
    if event.by_person:
        return
    asked = [run for run in task.runs if run["outcome"] == "review"]
    name = event.actor.partition(":")[2]
    profile = scene.world.config.profiles.get(name)
    demand(profile is not None and profile.orchestrator, "review", f"{event.actor} decided")
    by_hand = bool(asked) and asked[-1]["claimer"].startswith("person:")
    own = bool(asked) and asked[-1]["profile"] == name and not by_hand
    demand(not own, "review", f"{event.actor} reviewed its own work on {task.id}")


def completion_is_timed(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """Done has the time of its completion."""
    del scene, before, after
    found = task["completed_at"]
    demand(
        found == event.at, "10", f"{task.id} was completed at {found}, by an event of {event.at}"
    )


def is_open_again(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """What is reopened was never completed."""
    del scene, before, after
    demand(task["completed_at"] is None, "10", f"{task.id} is reopened and still completed")


def children_know(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """Children that wait for a task archived undone are blocked with a reason, or released."""
    del event, before, after
    if task["completed_at"] is not None:
        return
    scene.world.archived_undone.append(task.id)


def link_is_sound(scene: Scene, event: Event, task: Task) -> None:
    """No cycle, and no parent that can never be done."""
    link = event.payload.get("link") or {}
    if link.get("op") == "add":
        parent = scene.shadow.tasks[link["parent_id"]]
        cycle = scene.shadow.reaches(link["child_id"], link["parent_id"])
        demand(not cycle, "7", f"{link} closes a cycle")
        never = parent.status == "archived" and parent["completed_at"] is None
        demand(not never, "link", f"{task.id} waits for {parent.id}, which is archived undone")


def waits_for_its_children(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """Whoever waits is linked to what it waits for."""
    del before, after
    for child in event.payload.get("waits_for", ()):
        linked = child in scene.shadow.parents.get(task.id, {})
        demand(linked, "wait", f"{task.id} waits for {child} without a link")


def adoption_has_a_source(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """Only what a refused run had finished can be adopted, or put aside."""
    del before, after
    run_id = event.payload.get("from_run_id")
    known = {(run_id, "complete"), (run_id, "request_review")} & scene.shadow.fenced
    demand(bool(known), "adopt", f"{task.id} {event.kind} what run {run_id} never finished")


def wait_goes_along(
    scene: Scene, event: Event, task: Task, before: dict[str, Any], after: list[Event]
) -> None:
    """A clock that is set moves what waits for a time by the jump."""
    del scene, after
    if event.by_system:
        jump = event.payload.get("clock_shifted", 0)
        moved = (before.get("eligible_at") or 0) + jump
        found = task["eligible_at"]
        demand(found == moved, "clock", f"{task.id} waits until {found} and should until {moved}")


# Whole transactions.


def archived_parents_block(scene: Scene) -> None:
    """After the transaction no todo child is left behind a parent archived in it."""
    for parent_id in scene.world.archived_undone:
        if scene.shadow.tasks[parent_id].closed_as_parent():
            continue  # it was done before, and is archived again by an undo
        for child_id in scene.shadow.children.get(parent_id, ()):
            holds = scene.shadow.parents[child_id].get(parent_id)
            child = scene.shadow.tasks[child_id]
            demand(
                not holds or child.status != "todo",
                "archive",
                f"{child_id} waits for {parent_id}, which was archived undone",
            )
    scene.world.archived_undone.clear()


def options_are_followed(scene: Scene) -> None:
    """``release`` lets every unfinished child go, ``tree`` takes every open descendant along."""
    shadow, action = scene.shadow, scene.world.crew.current
    archived = [e.task_id for e in scene.events if e.kind == "archived"]
    if not archived or action is None:
        return
    for parent_id in archived if scene.world.option("release") else ():
        parent = shadow.tasks[parent_id]
        for child_id in shadow.children.get(parent_id, ()):
            child, holds = shadow.tasks[child_id], shadow.parents[child_id].get(parent_id)
            held = holds and child.status not in ("done", "archived")
            undone = parent["completed_at"] is None
            demand(not (held and undone), "release", f"{child_id} is still held by {parent_id}")
    for one in action.descendants:
        status = shadow.tasks[one].status
        demand(status == "archived", "tree", f"{one} is {status}, its ancestor is cancelled")


def clock_is_followed(scene: Scene) -> None:
    """A clock that is set moves each lease of before, and everything that backs off."""
    shifts = [e for e in scene.events if e.kind == "clock_shifted"]
    if not shifts:
        return
    jump = shifts[0].payload["seconds"]
    slept = shifts[0].payload["suspended_seconds"]
    moved = {}
    for run_id, (until, at) in scene.world.leases_before.items():
        by = 0 if _written_since(at, jump, shifts[0].at) else jump
        moved[run_id] = until + by + slept, at + by
    found = scene.world.leases()
    demand(found == moved, "clock", f"leases end at {found} and should at {moved}")
    told = {e.task_id for e in scene.events if e.kind == "scheduled"}
    for task in scene.shadow.tasks.values():
        resting = task.status in RESTING or task["block_kind"] == "transient"
        waits = resting and task["eligible_at"] is not None and jump != 0
        demand(not waits or task.id in told, "clock", f"{task.id} backs off by the old clock")


def _written_since(at: int, jump: int, now: int) -> bool:
    """Whether a lease that was written then may be of after a jump back, or must be (forth)."""
    return at <= now + JUMP_SECONDS if jump < 0 else at > now - jump + JUMP_SECONDS


def keys_are_unique(scene: Scene) -> None:
    """At most one live task per idempotency key."""
    if any(e.kind in ("created", "reopened", "undone") for e in scene.events):
        keys = [
            task["idempotency_key"]
            for task in scene.shadow.tasks.values()
            if task["idempotency_key"] is not None and task.status != "archived"
        ]
        demand(len(keys) == len(set(keys)), "11", f"a key is shared: {sorted(keys)}")


_TELLS_OF_PRIORITY = frozenset(
    {"created", "prioritised", "linked", "unlinked", "released", "completed", "approved"}
    | {"archived", "reopened", "adopted", "undone"}
)


def priorities_are_inherited(scene: Scene) -> None:
    """An effective priority is the higher of a task's own and its open children's."""
    if not any(e.kind in _TELLS_OF_PRIORITY for e in scene.events):
        return
    tasks = scene.shadow.tasks
    for task in tasks.values():
        if task.status in ("done", "archived"):
            continue
        inherited = [
            tasks[child]["effective_priority"]
            for child in scene.shadow.children.get(task.id, ())
            if scene.shadow.parents[child].get(task.id)
            and tasks[child].status not in ("done", "archived")
        ]
        expected = max([task["priority"], *inherited])
        found = task["effective_priority"]
        demand(found == expected, "priority", f"{task.id} has {found} and should have {expected}")
