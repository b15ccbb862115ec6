"""What people do, sensible or not: every verb, mostly where it is legal, sometimes elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from tests.simulation.spec import LEGAL
from tests.simulation.steps import Step

# A parent that comes late tells most of a task that is under way.
_TELLING: Final = frozenset({"running", "review", "ready", "blocked"})
ACTORS: Final = ("person:ann", "person:bob", "person:ann", "person:bob", "profile:lead")
ASSIGNEES: Final = ("coder", "writer", "coder", "painter", "lead", "outsider", None)
KINDS: Final = ("needs_input", "capability", "transient", "dependency")
DESTINATIONS: Final = ("log", "command:/bin/sh ann", "command:/bin/sh bob", "command:/bin/sh sms")
FILTERS: Final[tuple[dict[str, Any], ...]] = (
    {"kinds": ["attention"]},
    {"kinds": ["all"]},
    {"kinds": ["completed", "blocked"]},
    {"kinds": ["attention"], "assignee": "coder"},
    {"kinds": ["all"], "assignee": ["writer", "painter"]},
)

Call = Callable[[Any], Any]


def of_person(world: Any, step: Step) -> tuple[str, str | None, Call]:
    """A verb, the task it is about, and the call; picked by the step's numbers."""
    verb = world.verbs[step.a % len(world.verbs)]
    liked = _TELLING if verb == "link" else LEGAL.get(verb)
    task = world.pick_legal(liked, step.b, sometimes=step.c % 6 == 0)
    if verb in ("adopt", "dismiss") and (found := world.refused_work()):
        task = found[step.b % len(found)]
    if verb == "reopen" and (found := world.keys_passed_on()):
        task = found[step.b % len(found)]
    if task is None:
        return "nothing", None, lambda conn: None
    return verb, task, CALLS[verb](world, task, step)


def blocking_again(world: Any, step: Step) -> tuple[str, str, Call]:
    """Somebody who blocks the same few tasks over and over, and says little when he does not."""
    task = world.pick(step.a * 2 + 1)
    in_review = [
        one.id
        for one in world.oracle.shadow.tasks.values()
        if "review" in (one.status, one["blocked_from"])
    ]
    if in_review and step.c % 3 == 1:
        task = in_review[step.a % len(in_review)]
    if world.status(task) == "blocked":
        reason = "because" if step.c % 9 == 0 else None
        return (
            "unblock",
            task,
            lambda conn: kb.unblock_task(conn, task, reason=reason, actor="person:bob"),
        )
    return "block", task, lambda conn: kb.block_task(conn, task, reason="no", actor="person:bob")


def late_parent(world: Any, step: Step) -> tuple[str, Call] | None:
    """A parent that comes when the task is under way already: it will rest in todo."""
    child = world.pick_legal(frozenset({"running", "review"}), step.b, sometimes=False)
    parent = world.pick_legal(frozenset({"triage", "ready", "todo"}), step.a, sometimes=False)
    if child is None or parent is None:
        return None
    return child, lambda conn: kb.link_tasks(conn, parent, child, actor="person:bob")


def _complete(world: Any, task: str, step: Step) -> Call:
    return lambda conn: kb.complete_task(conn, task, result="by hand", actor=_person(step))


def _block(world: Any, task: str, step: Step) -> Call:
    kind = KINDS[step.c % 4]
    return lambda conn: kb.block_task(conn, task, reason="wait", kind=kind, actor=_person(step))


def _schedule(world: Any, task: str, step: Step) -> Call:
    at = None if step.c % 3 == 0 else world.host(step).now() + (step.c % 90) - 20
    return lambda conn: kb.schedule_task(conn, task, at, actor=_person(step))


def _edit(world: Any, task: str, step: Step) -> Call:
    wanted: dict[str, Any] = (
        {"body": f"body {step.c % 5}"},
        {"max_retries": step.c % 3},
        {"tenant": (None, "a", "b")[step.c % 3]},
        {"max_runtime_seconds": 30},
    )[step.c % 4]
    return lambda conn: kb.edit_task(conn, task, actor=_person(step), **wanted)


def _unblock(world: Any, task: str, step: Step) -> Call:
    reason = "because" if step.c % 4 == 0 else None
    return _decide(world, task, step, ("blocked", "gave_up"), kb.unblock_task, _person, reason)


def _approve(world: Any, task: str, step: Step) -> Call:
    comment = "fine" if step.c % 3 == 0 else None
    return _decide(
        world, task, step, ("review_requested",), kb.approve_task, _reviewer, comment, "comment"
    )


def _request_changes(world: Any, task: str, step: Step) -> Call:
    return _decide(
        world, task, step, ("review_requested",), kb.request_changes, _reviewer, "again", "comment"
    )


def _decide(
    world: Any,
    task: str,
    step: Step,
    kinds: tuple[str, ...],
    verb: Callable[..., Any],
    who: Callable[[Step], str],
    said: str | None,
    word: str = "reason",
) -> Call:
    """Somebody who saw the question decides it, maybe long after, or somebody who did not."""
    known = [one[0] for one in world.oracle.memory if one[1] == task and one[2] in kinds]
    question = known[-1 - step.a % 2 :][0] if known and step.b % 3 else None

    def call(conn: Any) -> Any:
        done = verb(conn, task, question=question, actor=who(step), **{word: said})
        if question is not None:
            world.mail.decide(task, question, world.oracle.memory)
        return done

    return call


def _cancel(world: Any, task: str, step: Step) -> Call:
    wanted = options("cancel", step)
    return lambda conn: kb.cancel_task(conn, task, actor=_person(step), **wanted)


def _archive(world: Any, task: str, step: Step) -> Call:
    wanted = options("archive", step)
    return lambda conn: kb.archive_task(conn, task, actor=_person(step), **wanted)


def _adopt(world: Any, task: str, step: Step) -> Call:
    run_id = _refused_run(world, task, step)
    return lambda conn: kb.adopt_result(conn, task, run_id=run_id, actor=_person(step))


def _dismiss(world: Any, task: str, step: Step) -> Call:
    run_id = _refused_run(world, task, step)
    return lambda conn: kb.dismiss_result(conn, task, run_id=run_id, actor=_person(step))


def _refused_run(world: Any, task: str, step: Step) -> int:
    shadow = world.oracle.shadow
    runs = [run.id for run in shadow.tasks[task].runs]
    runs = [run for run in runs if (run, "complete") in shadow.fenced] or runs or [1]
    found: int = runs[step.c % len(runs)]
    return found


def _assign(world: Any, task: str, step: Step) -> Call:
    assignee = ASSIGNEES[step.c % len(ASSIGNEES)]
    return lambda conn: kb.assign_task(conn, task, assignee, actor=_person(step))


def _link(world: Any, task: str, step: Step) -> Call:
    parent = world.pick(step.c)
    return lambda conn: kb.link_tasks(conn, parent, task, actor=_person(step))


def _unlink(world: Any, task: str, step: Step) -> Call:
    parents = list(world.oracle.shadow.parents.get(task, ()))
    parent = parents[step.c % len(parents)] if parents else world.pick(step.c)
    return lambda conn: kb.unlink_tasks(conn, parent, task, actor=_person(step))


def _prioritise(world: Any, task: str, step: Step) -> Call:
    return lambda conn: kb.prioritise_task(conn, task, step.c % 7 - 2, actor=_person(step))


def _comment(world: Any, task: str, step: Step) -> Call:
    if step.c % 3 == 0:
        return lambda conn: kb.add_attachment(conn, task, actor=_person(step), **a_file(step))
    return lambda conn: kb.add_comment(conn, task, "a word", actor=_person(step))


def a_file(step: Step) -> dict[str, Any]:
    """One of few, so that tasks share them and a purge finds some that another has too."""
    return {"name": f"file {step.b % 2}", "data": f"content {step.b % 3}".encode()}


def _purge(world: Any, task: str, step: Step) -> Call:
    return lambda conn: kb.purge_task(conn, task, actor=_person(step))


def _undo(world: Any, task: str, step: Step) -> Call:
    chosen = task if step.c % 3 else None
    return lambda conn: kb.undo(conn, chosen, actor=_person(step))


def _simply(name: str) -> Callable[[Any, str, Step], Call]:
    def make(world: Any, task: str, step: Step) -> Call:
        return lambda conn: getattr(kb, name)(conn, task, actor=_person(step))

    return make


def options(verb: str, step: Step) -> dict[str, Any]:
    """What a verb was asked for that its rules must know of."""
    if verb == "cancel":
        return {"tree": step.c % 2 == 0, "release": step.c % 5 == 0}
    return {"release": step.c % 3 == 0} if verb == "archive" else {}


def _person(step: Step) -> str:
    return ACTORS[step.c % 4]


def _reviewer(step: Step) -> str:
    return ("person:ann", "profile:lead", "profile:coder", "profile:lead")[step.c % 4]


CALLS: Final[dict[str, Callable[[Any, str, Step], Call]]] = {
    "accept": _simply("accept_task"),
    "triage": _simply("triage_task"),
    "promote": _simply("promote_task"),
    "reclaim": _simply("reclaim_task"),
    "reopen": _simply("reopen_task"),
    "complete": _complete,
    "block": _block,
    "schedule": _schedule,
    "edit": _edit,
    "unblock": _unblock,
    "approve": _approve,
    "request_changes": _request_changes,
    "cancel": _cancel,
    "archive": _archive,
    "adopt": _adopt,
    "dismiss": _dismiss,
    "assign": _assign,
    "link": _link,
    "unlink": _unlink,
    "prioritise": _prioritise,
    "comment": _comment,
    "purge": _purge,
    "undo": _undo,
}
_OFTEN: Final = (
    "unblock", "approve", "request_changes", "reopen", "link", "accept", "block", "reclaim",
    "unblock", "reopen", "link", "block", "adopt", "undo", "undo",
)  # fmt: skip
# What lets a task go on, by where it rests.
LIFTS: Final = {
    "unblock": frozenset({"blocked"}),
    "accept": frozenset({"triage"}),
    "reopen": frozenset({"done"}),
    "unlink": frozenset({"todo"}),
}
MEDDLING: Final = ("reclaim", "complete", "block", "cancel", "assign", "archive", "link")
VERBS: Final = (*sorted(CALLS), *_OFTEN)


def create(world: Any, step: Step, *, key: str | None = None) -> Call:
    """A new task, behind others more often than not."""
    if key is None and step.a % 3 == 0:
        key = f"key {step.c % 2}"
    tasks = world.oracle.shadow.tasks
    parents = [world.pick(step.b), world.pick(step.c)][: (0, 1, 0, 2)[step.a % 4]] if tasks else []
    given: dict[str, Any] = {
        "title": f"task {step.serial}",
        "parents": parents,
        "assignee": ASSIGNEES[step.b % 5 if step.c % 8 else 5 + step.b % 2],
        "tenant": (None, "a", "b")[step.c % 3],
        "priority": step.a % 4,
        "triage": step.b % 9 == 0,
        "idempotency_key": key,
        "max_retries": (None, None, 0, 2)[step.a % 4],
        "max_runtime_seconds": 40 if step.b % 6 == 0 else None,
        "workspace": "dir:/nowhere" if step.c % 7 == 0 else None,
        "scheduled_at": world.host(step).now() + 50 if step.a % 11 == 0 else None,
    }
    return lambda conn: kb.create_task(conn, actor=_person(step), **given)


def batch(world: Any, step: Step) -> Call:
    """Several verbs of which one may refuse: it undoes itself, or, not caught, everything."""
    one, other = world.pick(step.a), world.pick(step.b)
    caught = step.c % 3 != 0

    def plan(conn: Any) -> None:
        with kb.batch(conn):
            kb.add_comment(conn, one, "to be linked", actor="profile:lead")
            before = world.digest(conn)
            try:
                with kb.batch(conn):
                    kb.prioritise_task(conn, one, step.c % 5, actor="person:ann")
                    kb.link_tasks(conn, other, one, actor="person:ann")
                    kb.promote_task(conn, one, actor="person:ann")
            except world.REFUSALS:
                world.demand(world.digest(conn) == before, "20", "a verb that raised left a trace")
                if not caught:
                    raise
            kb.add_comment(conn, other, "so much for that", actor="profile:lead")

    return plan


def subscribe(world: Any, step: Step) -> Call:
    """A subscriber comes, or now and then one goes."""
    known = [wanted.id for wanted in world.mail.wanted.values() if not wanted.ended]
    if known and step.a % 4 == 0:
        return lambda conn: subscriptions.unsubscribe(conn, known[step.b % len(known)])
    task = world.pick(step.b) if step.a % 3 == 0 else None
    options: dict[str, Any] = {}
    if step.b % 3 == 0:
        options["digest_seconds"] = 30 + step.b % 400
    if task is not None and step.c % 3:
        options["inherit"] = True
    wanted = FILTERS[step.c % len(FILTERS)]
    destination: str | None = DESTINATIONS[step.a % len(DESTINATIONS)]
    if step.c % 7 == 0 and wanted["kinds"] != ["all"]:
        options["wake"] = "planner"
        destination = destination if step.b % 2 else None
    return lambda conn: subscriptions.subscribe(
        conn,
        destination=destination,
        task_id=task,
        filter=wanted,
        mode=subscriptions.mode_of(destination, options.get("wake")),
        options=options or None,
        actor="person:ann",
    )


def outbox_verb(world: Any, step: Step) -> Call:
    """A person tries a delivery again, or drops it."""

    def call(conn: Any) -> Any:
        owed = outbox.list_outbox(conn)
        if not owed:
            return None
        delivery = owed[step.b % len(owed)]
        if step.a % 2:
            world.mail.again.add(delivery.sub_id)
            return outbox.retry_delivery(conn, delivery.id)
        return outbox.drop_delivery(conn, delivery.id)

    return call


def of_host(verb: str, host: Any, step: Step) -> Call:
    """A verb on a host, by one of the words for it."""
    word = (host.name, host.called)[step.c % 2]
    return lambda conn: getattr(kb, verb)(conn, word, actor=_person(step))


def pause(world: Any, step: Step) -> Call:
    """The board is paused, or goes on."""
    if step.a % 4 == 0 and not world.oracle.shadow.paused:
        return lambda conn: kb.pause(conn, actor="person:ann")
    return lambda conn: kb.resume(conn, actor="person:bob")
