"""What agents do with their task, in time, twice, late or with the wrong lock; outsiders too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban.ports import Conclusion
from tests.simulation.people import a_file
from tests.simulation.shadow import Run, Task
from tests.simulation.steps import Step

Call = Callable[[Any], Any]
VERBS: Final = (
    "complete", "complete", "complete", "block", "block", "block", "wait", "wait", "review",
    "review", "heartbeat", "comment", "create", "link",
)  # fmt: skip
FINISHING: Final = frozenset({"complete", "block", "wait", "review"})
KINDS: Final = ("needs_input", "capability", "transient", "dependency")
EXITS: Final = (0, 1, 75, 75, 137)


def of_run(world: Any, run: Run, verb: str, step: Step, *, wrong_lock: bool = False) -> Call:
    """The call of a verb for a run, with what proves that it is current."""
    task = run.task_id
    lock = "not the lock" if wrong_lock else run["claim_lock"]
    if not run.open and step.c % 3 == 0:
        lock = None  # a caller in the same process may leave it out
    proof = {"run_id": run.id, "claim_lock": lock}
    other = world.pick(step.c)
    kind = KINDS[step.c % 4]
    calls: dict[str, Call] = {
        "complete": lambda conn: kb.complete_task(
            conn,
            task,
            result=f"of {run.id}",
            summary="done",
            metadata={"n": step.c},
            artifacts=_artifacts(world, conn, task, step),
            **proof,
        ),
        "block": lambda conn: kb.block_task(conn, task, reason="why", kind=kind, **proof),
        "wait": lambda conn: kb.wait_for(conn, task, [other], summary="later", **proof),
        "review": lambda conn: kb.request_review(conn, task, summary="look", **proof),
        "heartbeat": lambda conn: kb.heartbeat_claim(conn, task, **proof),
        "comment": lambda conn: (
            kb.add_attachment(conn, other, **a_file(step), **proof)
            if step.a % 3 == 0
            else kb.add_comment(conn, other, "seen", **proof)
        ),
        "link": lambda conn: kb.link_tasks(conn, other, task, **proof),
        "create": lambda conn: kb.create_task(
            conn, title="a part", parents=[other] if step.b % 2 else [], assignee="coder", **proof
        ),
    }
    return calls[verb]


def _artifacts(world: Any, conn: Any, task: str, step: Step) -> list[str]:
    """Now and then a file that the worker left in its workspace."""
    known = world.oracle.shadow.tasks.get(task)
    if step.a % 3 or known is None or known["workspace_kind"] != "scratch":
        return []
    given = a_file(step)
    workspace = conn.paths.workspaces / task
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / given["name"]).write_bytes(given["data"])
    return [given["name"]]


def claim(task: str, step: Step) -> Call:
    """Somebody outside takes a task."""
    ttl = (30, 120, 300)[step.b % 3]
    claimer = ("person:ann", "robot")[step.c % 2]
    return lambda conn: kb.claim_task(conn, task, claimer=claimer, ttl_seconds=ttl)


def exit_facts(world: Any, task: Task, step: Step, now: int) -> tuple[int, dict[str, Any]]:
    """How an agent ends: its exit code, and what its runtime knows of a rate limit."""
    code = world.exits[step.b % len(world.exits)]
    if step.c % 4 and task.rate_limits:
        code = 75  # a limit that holds for one run holds for the next
    reset = {"conclusion": Conclusion(reset_at=now + 200)} if code == 75 and step.c % 8 == 0 else {}
    return code, reset
