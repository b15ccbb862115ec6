"""Taking back a person's last verb.

An undo restores, from the task's own events, what its columns held before the verb; what follows
from other rows is worked out anew by the rules that the verbs themselves use: ``ready`` or
``todo``, inherited priority, the children behind the gate. Times and counters move on: a time of
completion becomes that of the undo, a failure count stays, a run that was written stays.

A verb is taken back only while it is the last word on its task. Undoing an undo does it again.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import archive, gates, limits, links, reads, undo_board
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.kernel.history import fold_task
from hermes_kanban.kernel.replay import Columns, Folded, LinkPart
from hermes_kanban.lifecycle import RESTING, TaskState
from hermes_kanban.model.errors import CannotUndo, InvalidInput, NotFound
from hermes_kanban.model.records import Event
from hermes_kanban.store.protocol import BoardConnection, Transaction, fetch_one, reading, write


class Undone(msgspec.Struct, frozen=True):
    """What an undo took back.

    ``undid`` is the event of the verb and ``at`` its time; ``event_id`` is the undo's own event,
    None for a dry run. ``changes`` says of each column what it held and what it holds now,
    ``link`` which link came or went. ``task_id`` is None for what was done to the whole board.
    """

    task_id: str | None
    verb: str
    undid: int
    at: int
    event_id: int | None
    changes: dict[str, tuple[Any, Any]] = {}
    link: LinkPart | None = None


class _Inverse(NamedTuple):
    """A verb by the event it leaves, and what to do where it cannot be taken back."""

    verb: str
    instead: str


_INVERTIBLE: Final = {
    "created": _Inverse("create", "hermes-kanban archive {id}"),
    "accepted": _Inverse("accept", "hermes-kanban triage {id}"),
    "triaged": _Inverse("triage", "hermes-kanban accept {id}"),
    "edited": _Inverse("edit", "hermes-kanban edit {id}"),
    "prioritised": _Inverse("prioritise", "hermes-kanban prioritise {id} PRIORITY"),
    "scheduled": _Inverse("schedule", "hermes-kanban schedule {id} TIME"),
    "linked": _Inverse("link", "hermes-kanban unlink {parent} {id}"),
    "unlinked": _Inverse("unlink", "hermes-kanban link {parent} {id}"),
    "assigned": _Inverse("assign", "hermes-kanban assign {id} PROFILE"),
    "completed": _Inverse("complete", "hermes-kanban reopen {id}"),
    "blocked": _Inverse("block", "hermes-kanban unblock {id}"),
    "unblocked": _Inverse("unblock", "hermes-kanban block {id} REASON"),
    "approved": _Inverse("approve", "hermes-kanban reopen {id}"),
    "changes_requested": _Inverse("request-changes", "hermes-kanban show {id}"),
    "archived": _Inverse("archive", "hermes-kanban reopen {id}"),
    "reopened": _Inverse("reopen", "hermes-kanban complete {id}, or archive {id}"),
    "adopted": _Inverse("adopt", "hermes-kanban reopen {id}"),
    "dismissed": _Inverse("dismiss", "hermes-kanban adopt {id}"),
    "undone": _Inverse("undo", "hermes-kanban events {id}, and change it by hand"),
    "paused": _Inverse("pause", "hermes-kanban resume"),
    "resumed": _Inverse("resume", "hermes-kanban pause"),
    "host_drained": _Inverse("drain_host", "hermes-kanban hosts resume HOST"),
    "host_resumed": _Inverse("resume_host", "hermes-kanban hosts drain HOST"),
}

# Why, and what to do instead.
_FINAL: Final = {
    "commented": ("a comment stays as it was written", "hermes-kanban comment {id} TEXT"),
    "attached": ("an attachment stays", "hermes-kanban comment {id} TEXT"),
    "claimed": ("a run has started", "hermes-kanban reclaim {id}"),
    "promoted": ("a task that no parent holds back is ready", "hermes-kanban triage {id}"),
    "reclaimed": ("a run was ended", "it runs again by itself; hermes-kanban why {id}"),
    "review_requested": ("a run was ended", "hermes-kanban request-changes {id} COMMENT"),
    "waiting": ("a run was ended", "it runs again by itself; hermes-kanban why {id}"),
    "purged": ("nothing is left of it", "restore a backup"),
    "restored": ("the board before it is gone", "restore another backup"),
    "imported": ("others may work on what came", "archive what is not wanted, or restore a backup"),
}
_BY_HAND: Final = ("it has no inverse", "hermes-kanban events {id}, and change it by hand")

# What these columns hold follows from other rows, or only ever moves on.
_NOT_RESTORED: Final = frozenset({"status", "effective_priority", "consecutive_failures"})
_BLOCK_COLUMNS: Final = frozenset({"block_kind", "block_reason", "blocked_from"})
_CLOSED_RUN_FACT: Final = "ended_run_id"
_NEWEST: Final = 2**63 - 1

# Parts of other verbs, or nothing that was done.
_NO_VERB: Final = "'fenced', 'stop_requested', 'released'"
_LAST_ON_TASK: Final = (
    f"SELECT {reads.EVENT_COLUMNS} FROM task_events WHERE task_id = :task AND actor = :actor"
    f" AND kind NOT IN ({_NO_VERB}) ORDER BY id DESC LIMIT 1"
)
_LAST_ON_BOARD: Final = (
    f"SELECT {reads.EVENT_COLUMNS} FROM task_events WHERE id >= :since AND actor = :actor"
    f" AND kind NOT IN ({_NO_VERB}) ORDER BY id DESC LIMIT 1"
)


def undo(
    conn: BoardConnection,
    task_id: str | None = None,
    *,
    actor: str | None = None,
    dry_run: bool = False,
) -> Undone:
    """Take back the newest verb of ``actor``, a person: on the task, or on the whole board.

    With ``dry_run`` nothing is written. Raises CannotUndo, saying why and what to do instead,
    NotFound for an unknown task, InvalidInput for an actor that is no person.
    """
    by = limits.actor(actor)
    if not by.startswith("person:"):
        raise InvalidInput(
            "actor", "a person: workers and the system take nothing back", f"is {by}"
        )
    # Looked for on the whole board before anybody is kept waiting, and again under the lock.
    found = None if task_id else fetch_one(conn, _LAST_ON_BOARD, {"since": 0, "actor": by})
    with write(conn, "undo") as tx:
        last = _last(tx, task_id, by, since=found[0] if found else None)
        if last.task_id is None:
            return _undo_on_board(tx, last, by, dry_run)
        plan = _plan(tx, last)
        return plan.told(None if dry_run else _carry_out(tx, plan, by))


def can_undo(conn: BoardConnection, task_id: str | None, *, actor: str) -> bool:
    """Whether ``undo`` would take back ``actor``'s newest verb, on the task or the board."""
    with reading(conn):
        tx = Transaction(conn, "can-undo")  # reads only, in the snapshot of ``reading``
        try:
            if task_id is None:
                found = fetch_one(conn, _LAST_ON_BOARD, {"since": 0, "actor": actor})
                last = _last(tx, None, actor, since=found[0] if found else None)
                return last.task_id is None and bool(_undo_on_board(tx, last, actor, True))
            return _plan(tx, _last(tx, task_id, actor, since=None)) is not None
        except (CannotUndo, NotFound):
            return False


def _last(tx: Transaction, task_id: str | None, actor: str, since: int | None) -> Event:
    if task_id is not None:
        task_state(tx, task_id)
        row = tx.one(_LAST_ON_TASK, {"task": task_id, "actor": actor})
    else:
        row = since and tx.one(_LAST_ON_BOARD, {"since": since, "actor": actor})
    if not row:
        where = task_id or "this board"
        raise CannotUndo("anything", f"{actor} has done nothing on {where}", "name a task")
    return reads.event_of(row)


def _undo_on_board(tx: Transaction, last: Event, actor: str, dry_run: bool) -> Undone:
    if last.kind not in undo_board.KINDS:
        raise _final(last)
    newest = undo_board.newest_like(tx, last)
    if newest.id != last.id:
        raise _refusal(last, f"since then: {newest.kind} by {newest.actor}")
    event_id = None
    if not dry_run:
        undo_board.do_opposite(tx.conn, last, actor)
        event_id = reads.newest_event_id(tx.conn)
    return Undone(None, _INVERTIBLE[last.kind].verb, last.id, last.created_at, event_id)


class _Plan(NamedTuple):
    """How to take a verb back; ``origin`` is the kind of event at the start of its undos."""

    task: TaskState
    event: Event
    origin: str
    to: str
    changes: Columns
    link: LinkPart | None
    facts: dict[str, Any]

    def told(self, event_id: int | None) -> Undone:
        """The answer; compares with the task as it was when this was planned."""
        wanted = {"status": self.to} | self.changes
        return Undone(
            self.event.task_id,
            _INVERTIBLE[self.event.kind].verb,
            self.event.id,
            self.event.created_at,
            event_id,
            {c: (self.task[c], v) for c, v in wanted.items() if self.task[c] != v},
            self.link,
        )


def _plan(tx: Transaction, last: Event) -> _Plan:
    """What would be done; raises CannotUndo, and writes nothing."""
    task = task_state(tx, str(last.task_id))
    event = _verb_of(tx, last)
    if event.kind not in _INVERTIBLE:
        raise _final(event)
    _check_ended_no_run(event)
    _check_last_word(tx, last, event)
    before = fold_task(tx.conn, task["id"], until=event.id - 1)
    origin = event.payload["undid"]["origin"] if event.kind == "undone" else event.kind
    to, changes, facts = "archived", {}, {}
    if event.kind != "created":
        columns = before.tasks[task["id"]]
        _check_rows(tx, event, task)
        to = _target(tx, event, task, columns)
        changes = _restored(tx, event, task, columns)
        if to != "blocked":
            changes = {c: v for c, v in changes.items() if c not in _BLOCK_COLUMNS}
        elif task["status"] != "blocked":
            facts = _block_facts(tx, task["id"], event.id)
    plan = _Plan(dict(task), event, origin, to, changes, _inverse_link(event, before), facts)
    _check_landing(tx, plan)
    return plan


def _verb_of(tx: Transaction, last: Event) -> Event:
    """The event of the verb that ``last`` belongs to: ``create --parent`` writes links too."""
    if last.kind != "linked":
        return last
    row = tx.one(_CREATED, {"task": last.task_id})
    created = reads.event_of(row)
    with_it = len(created.payload.get("parents", ()))
    return created if last.id <= created.id + with_it else last


_CREATED: Final = (
    f"SELECT {reads.EVENT_COLUMNS} FROM task_events WHERE task_id = :task AND kind = 'created'"
    " ORDER BY id LIMIT 1"
)


def _check_ended_no_run(event: Event) -> None:
    """A verb that ended somebody's run cannot give it back; a zero-length run was nobody's."""
    run = event.payload.get("run", {})
    ended = event.payload.get(_CLOSED_RUN_FACT)
    if run and "task_id" not in run:
        ended = run["id"]
    if ended is not None:
        raise _refusal(event, f"it ended run {ended}")
    if event.kind == "archived" and "status" not in event.payload.get("task", {}):
        raise _refusal(event, "it ended a run")


def _check_last_word(tx: Transaction, last: Event, event: Event) -> None:
    since = f"SELECT {reads.EVENT_COLUMNS} FROM task_events WHERE task_id = :task AND id > :id"
    at_rest = "block_kind" not in event.payload.get("task", {})
    lost = False
    for row in tx.all(f"{since} ORDER BY id", {"task": last.task_id, "id": last.id}):
        later = reads.event_of(row)
        # A task at rest whose parent was given up is blocked, until the parent comes back.
        if (
            at_rest
            and later.actor == "system"
            and later.kind == ("unblocked" if lost else "blocked")
        ):
            lost = not lost
        elif not _only_follows(later):
            raise _refusal(event, f"since then: {later.kind} by {later.actor} (event {later.id})")


def _only_follows(later: Event) -> bool:
    """True for what the rules did because of other rows, or what became of an earlier process."""
    if later.kind == "fenced":
        return True
    if later.actor != "system" or "link" in later.payload:
        return False
    columns = set(later.payload.get("task", {})) - {"effective_priority"}
    return columns <= _MOVED_BY_RULES.get(later.kind, set())


_MOVED_BY_RULES: Final[dict[str, set[str]]] = {
    "promoted": {"status"},
    "demoted": {"status"},
    "scheduled": {"eligible_at"},
}


def _check_rows(tx: Transaction, event: Event, task: TaskState) -> None:
    """The compare of compare-and-swap: the row is what its events say."""
    told = fold_task(tx.conn, task["id"], until=_NEWEST).tasks[task["id"]]
    for column in event.payload.get("task", {}):
        if task[column] != told.get(column):
            raise _refusal(event, f"{column} was changed without an event; see hermes-kanban check")


def _target(tx: Transaction, event: Event, task: TaskState, before: Columns) -> str:
    """The status to go to; what rested rests as its parents now say."""
    if "status" not in event.payload.get("task", {}):
        status: str = task["status"]
        return status
    status = before["status"]
    lost_parent = status == "blocked" and "parent_id" in _block_facts(tx, task["id"], event.id)
    return gates.resting_status(tx, task["id"]) if status in RESTING or lost_parent else status


def _restored(tx: Transaction, event: Event, task: TaskState, before: Columns) -> Columns:
    """The columns that the verb named, as they were."""
    named = [column for column in event.payload.get("task", {}) if column not in _NOT_RESTORED]
    changes: Columns = {column: before.get(column) for column in named}
    if changes.get("completed_at") is not None:
        changes["completed_at"] = lifecycle.moment(tx, task)
    if changes.get("eligible_at") is not None:
        changes["eligible_at"] += _clock_shift(tx, event.id)
    if "priority" in changes:
        priority = changes["priority"]
        changes["effective_priority"] = gates.effective_priority(tx, task["id"], priority)
    return changes


def _clock_shift(tx: Transaction, since: int) -> int:
    """By how many seconds the clock was set since an event."""
    shifts = tx.all(
        "SELECT payload FROM task_events WHERE task_id IS NULL AND id > :since"
        " AND kind = 'clock_shifted'",
        {"since": since},
    )
    return sum(msgspec.json.decode(text)["seconds"] for (text,) in shifts)


def _block_facts(tx: Transaction, task_id: str, until: int) -> dict[str, Any]:
    """What the newest event before ``until`` that blocked the task says of its end."""
    rows = tx.all(
        "SELECT payload FROM task_events WHERE task_id = :task AND id < :until ORDER BY id DESC",
        {"task": task_id, "until": until},
    )
    for (text,) in rows:
        payload = msgspec.json.decode(text)
        if payload.get("task", {}).get("status") == "blocked":
            return {name: payload[name] for name in ("lifted_by", "parent_id") if name in payload}
    return {}


def _inverse_link(event: Event, before: Folded) -> LinkPart | None:
    """The link to add or to remove."""
    part = event.payload.get("link")
    if part is None or event.kind == "created":
        return None
    key = (part["parent_id"], part["child_id"])
    was = before.links.get(key)
    if was is not None and was["released_at"] is not None:
        raise _refusal(event, "the link had been released; a new one holds the task back")
    return LinkPart("remove" if was is None else "add", *key)


def _closes(plan: _Plan) -> tuple[bool, bool]:
    """Whether the task lets its children go: before the undo, and after it."""
    after = plan.task | plan.changes | {"status": plan.to}
    return not gates.is_open(plan.task), not gates.is_open(after)


def _check_landing(tx: Transaction, plan: _Plan) -> None:
    """What the way back would break."""
    task_id, leaves = plan.task["id"], plan.task["status"]
    if leaves == "archived" and plan.to != "archived":
        try:
            archive.check_key_is_free(tx, plan.task)
        except InvalidInput as error:
            raise _refusal(plan.event, str(error)) from None
    waits = plan.to == "blocked" and plan.changes.get("block_kind") == "dependency"
    if waits and not gates.has_open_parent(tx, task_id):
        raise _refusal(plan.event, "the parent that it waited for has closed")
    unmade = plan.origin == "created" and plan.to == "archived"
    if unmade and (waiting := [row[0] for row in gates.ask_unfinished_children(tx, task_id)()]):
        raise _refusal(plan.event, f"{waiting[0]} waits for it")
    was_closed, is_closed = _closes(plan)
    if was_closed and not is_closed and (child := tx.value(_RAN_SINCE, _since(plan))):
        raise _refusal(plan.event, f"{child}, which waited for it, has started since")
    if leaves == "archived" and (child := tx.value(_RELEASED_SINCE, _since(plan))):
        raise _refusal(plan.event, f"{child} was released from it")
    if plan.link is not None and plan.link.op == "add":
        _check_link(tx, plan)


def _since(plan: _Plan) -> dict[str, Any]:
    return {"id": plan.task["id"], "event": plan.event.id}


_RAN_SINCE: Final = """
SELECT l.child_id FROM task_links l JOIN task_events e ON e.task_id = l.child_id
WHERE l.parent_id = :id AND l.released_at IS NULL AND e.id > :event AND e.kind = 'claimed'
ORDER BY e.id LIMIT 1
"""
_RELEASED_SINCE: Final = """
SELECT l.child_id FROM task_links l JOIN task_events e ON e.task_id = l.child_id
WHERE l.parent_id = :id AND l.released_at IS NOT NULL AND e.id > :event AND e.kind = 'released'
ORDER BY e.id LIMIT 1
"""


def _check_link(tx: Transaction, plan: _Plan) -> None:
    assert plan.link is not None
    parent = lifecycle.load(tx, plan.link.parent_id)
    if parent is None:
        raise _refusal(plan.event, f"{plan.link.parent_id} was purged")
    if parent["status"] == "archived" and parent["completed_at"] is None:
        raise _refusal(plan.event, f"{parent['id']} is archived without being done")
    if links.path(tx, plan.link.child_id, parent["id"]):
        raise _refusal(plan.event, "it would close a cycle")


def _carry_out(tx: Transaction, plan: _Plan, actor: str) -> int:
    task = dict(plan.task)
    undid = {"event": plan.event.id, "kind": plan.event.kind, "origin": plan.origin}
    facts = {"undid": undid} | plan.facts
    if plan.link is not None:
        facts["link"] = msgspec.to_builtins(plan.link)
        links.write_link(tx, task, plan.link)
    if plan.to == "archived":
        # Whoever listens for the end of the task hears of it.
        lifecycle.record(tx, task, "archived", actor, {"undid": undid})
    lifecycle.apply(
        tx,
        "undo",
        task,
        actor=actor,
        to=None if plan.to == "running" else plan.to,
        changes=plan.changes,
        facts=facts,
    )
    event_id: int = tx.value("SELECT max(id) FROM task_events WHERE task_id = ?", (task["id"],))
    if plan.link is not None:
        _settle_link(tx, task, plan.link)
    if plan.task["status"] != plan.to:
        gates.settle_at_rest(tx, task)
    _settle_children(tx, plan, actor)
    _settle_priorities(tx, task, plan)
    return event_id


def _settle_link(tx: Transaction, child: TaskState, link: LinkPart) -> None:
    gates.settle_after_link_change(tx, child)
    parent = lifecycle.load(tx, link.parent_id)
    if parent is not None and parent["status"] not in ("done", "archived"):
        gates.settle_priority(tx, parent)


def _settle_children(tx: Transaction, plan: _Plan, actor: str) -> None:
    task_id, leaves = plan.task["id"], plan.task["status"]
    was_closed, is_closed = _closes(plan)
    if was_closed and not is_closed:
        gates.gate_children(tx, task_id)
    elif is_closed and not was_closed:
        gates.release_children(tx, task_id)
    if leaves == plan.to:
        return
    if plan.to == "archived" and not is_closed:
        archive.settle_children(tx, task_id, actor, release=False)
    elif leaves == "archived" and not was_closed:
        _unblock_children(tx, task_id)


def _unblock_children(tx: Transaction, task_id: str) -> None:
    """The children that were blocked because their parent was archived wait for it again."""
    for (child_id,) in gates.ask_unfinished_children(tx, task_id)():
        child = task_state(tx, child_id)
        if child["status"] != "blocked":
            continue
        if _block_facts(tx, child_id, _NEWEST).get("parent_id") == task_id:
            gates.unblock_by_system(tx, child, {"parent_id": task_id})


def _settle_priorities(tx: Transaction, task: TaskState, plan: _Plan) -> None:
    if task["status"] not in ("done", "archived") and plan.task["status"] in ("done", "archived"):
        gates.settle_priority(tx, task)
    if plan.task["status"] != task["status"] or "priority" in plan.changes:
        gates.settle_ancestors(tx, task["id"])


def _refusal(event: Event, reason: str) -> CannotUndo:
    inverse = _INVERTIBLE[event.kind]
    parent = (event.payload.get("link") or {}).get("parent_id", "PARENT")
    about = f"{inverse.verb} of {event.task_id}" if event.task_id else inverse.verb
    return CannotUndo(about, reason, inverse.instead.format(id=event.task_id, parent=parent))


def _final(event: Event) -> CannotUndo:
    reason, instead = _FINAL.get(event.kind, _BY_HAND)
    about = f"{event.kind!r} (event {event.id})"
    return CannotUndo(about, reason, instead.format(id=event.task_id or ""))
