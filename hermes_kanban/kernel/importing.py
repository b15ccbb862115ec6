"""Importing: what a source holds becomes tasks of the board, once, however often it is done.

A task is remembered by its source and its id there. Tasks are written parents first, a hundred a
transaction, each with its links: whenever an import ends, what there is is sound, no task is ready
before its parents are known, and to do it again goes on. What changed in the source since is
brought where that takes nothing away here; the rest is reported.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import archive, edits, finish, imported, limits
from hermes_kanban.kernel.attachments import Staged
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.kernel.links import link_tasks
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import IllegalTransition, InvalidInput
from hermes_kanban.model.foreign import ForeignComment, ForeignTask
from hermes_kanban.store.protocol import (
    BoardConnection,
    Transaction,
    fetch_all,
    fetch_one,
    reading,
    takes_long,
    write,
)

BATCH: Final = 100
EXAMPLES: Final = 3
_OURS: Final = re.compile(r"t_[a-z0-9]{4,32}")
_EDITED: Final = ("title", "body", "tenant", "skills", "model")
_DIGEST_BYTES: Final = 8


class Source(Protocol):
    """What is imported: everything that was read, already fitted to the board."""

    source: str
    file: str
    parents: dict[str, list[str]]

    def __len__(self) -> int: ...

    def __contains__(self, foreign_id: str) -> bool: ...

    def get(self, foreign_id: str) -> ForeignTask:
        """The task of that id."""

    def batches(self, size: int) -> Iterator[list[str]]:
        """The ids, parents first, so many at a time."""


class Note(msgspec.Struct):
    """Something that is otherwise here than there: of how many tasks, and a few of them."""

    text: str
    tasks: int
    examples: list[str]


class Imported(msgspec.Struct):
    """What came of an import, or (``dry_run``) what would.

    ``statuses`` maps each status of the source to ours with how many tasks have it. ``other_ids``
    are the tasks that could not keep their id. Counts of comments, runs, links and files are of
    what was brought now.
    """

    source: str
    dry_run: bool
    read: int
    made: int = 0
    updated: int = 0
    unchanged: int = 0
    purged: int = 0
    other_ids: int = 0
    comments: int = 0
    runs: int = 0
    links: int = 0
    files: int = 0
    statuses: dict[str, dict[str, int]] = {}
    notes: list[Note] = []

    def note(self, text: str, foreign_id: str) -> None:
        """Count one more task of which ``text`` is true."""
        for known in self.notes:
            if known.text == text:
                break
        else:
            known = Note(text, 0, [])
            self.notes.append(known)
        known.tasks += 1
        if len(known.examples) < EXAMPLES:
            known.examples.append(foreign_id)


class Seen(msgspec.Struct, omit_defaults=True):
    """What a source said of a task when it was last read: digests, and keys of its parts."""

    fields: dict[str, str]
    status: str
    parents: list[str] = []
    comments: list[str] = []
    runs: list[str] = []


_seen_of = msgspec.json.Decoder(Seen).decode


@takes_long
def import_tasks(
    conn: BoardConnection,
    source: Source,
    *,
    actor: str | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Bring every task of ``source`` that is not here, and what changed of those that are.

    ``progress`` is told how many tasks are through. Raises InvalidInput for links in a circle,
    before anything is written. Interrupted, it leaves whole tasks; done again, it goes on.
    """
    by = limits.actor(actor)
    report = Imported(source.source, dry_run, len(source))
    through = 0
    for ids in source.batches(BATCH):
        tasks = [source.get(foreign_id) for foreign_id in ids]
        through += len(ids)
        if dry_run:
            with reading(conn):
                for task in tasks:
                    _foresee(conn, source, task, report)
        else:
            _bring(conn, source, tasks, by, report, last=through == len(source))
        progress(through)
    return report


def imported_ids(
    conn: BoardConnection, foreign_id: str | None = None
) -> list[tuple[str, str, str]]:
    """(source, foreign id, task id) of what was imported; only of that foreign id, if one is given.

    In the order of the tasks. A task that was purged since is left out.
    """
    wanted = "" if foreign_id is None else " AND i.foreign_id = :id"
    rows = fetch_all(
        conn,
        "SELECT i.source, i.foreign_id, i.task_id FROM imported_tasks i"
        f" JOIN tasks t ON t.id = i.task_id WHERE i.task_id IS NOT NULL{wanted} ORDER BY t.seq",
        {} if foreign_id is None else {"id": foreign_id},
    )
    return [(source, foreign, task) for source, foreign, task in rows]


def _foresee(conn: BoardConnection, source: Source, task: ForeignTask, report: Imported) -> None:
    known = _known(conn, source.source, task.id)
    if known is None:
        missing = [
            parent
            for parent in source.parents[task.id]
            if parent not in source and _known(conn, source.source, parent) is None
        ]
        _count_new(task, report, missing)
        report.links += len(source.parents[task.id]) - len(missing)
        report.other_ids += not _may_keep(conn, task.id)
        return
    task_id, seen = known
    if task_id is None:
        report.purged += 1
        return
    report.unchanged += not _changes(task, seen)
    report.updated += bool(_changes(task, seen))
    report.comments += len(_new_comments(task, seen))


def _bring(
    conn: BoardConnection,
    source: Source,
    tasks: list[ForeignTask],
    by: str,
    report: Imported,
    *,
    last: bool,
) -> None:
    """One transaction: these tasks with all that belongs to them; the ``last`` tells the board."""
    with contextlib.ExitStack() as stack:
        staged = {
            task.id: stack.enter_context(imported.staged(conn, task.files))
            for task in tasks
            if task.files and _known(conn, source.source, task.id) is None
        }
        tx = stack.enter_context(write(conn, "import"))
        before = tx.value("SELECT max(id) FROM task_events") or 0
        for task in tasks:
            _bring_one(tx, source, task, staged.get(task.id, []), by, report)
        after = tx.value("SELECT max(id) FROM task_events") or 0
        if after > before:
            tx.run(
                "INSERT INTO imports (first_event_id, last_event_id, source, imported_by,"
                " imported_at) VALUES (:first, :last, :source, :by, :now)",
                {
                    "first": before + 1,
                    "last": after,
                    "source": source.source,
                    "by": by,
                    "now": tx.now,
                },
            )
        if last and report.made + report.updated:
            facts = {name: getattr(report, name) for name in _TOLD}
            lifecycle.append_event(tx, None, "imported", by, {"source": source.source} | facts)


_TOLD: Final = ("made", "updated", "comments", "runs", "links", "files")


def _bring_one(
    tx: Transaction,
    source: Source,
    task: ForeignTask,
    files: list[Staged],
    by: str,
    report: Imported,
) -> None:
    known = _known(tx.conn, source.source, task.id)
    if known is None:
        _make(tx, source, task, files, report)
        return
    task_id, seen = known
    if task_id is None:
        report.purged += 1
        return
    changed = _changes(task, seen)
    if not changed:
        report.unchanged += 1
        return
    _update(tx, source, task, task_id, seen, changed, by, report)
    report.updated += 1
    _remember(tx, source.source, task, task_id)


def _make(
    tx: Transaction, source: Source, task: ForeignTask, files: list[Staged], report: Imported
) -> None:
    _free_key(tx, task)
    missing: list[str] = []
    parents: list[str] = []
    for foreign_id in source.parents[task.id]:
        found = _known(tx.conn, source.source, foreign_id)
        if found is None or found[0] is None:
            missing.append(foreign_id)
        else:
            parents.append(found[0])
    wanted = task.id if _may_keep(tx.conn, task.id) else None
    state = imported.Story(tx, task, files).tell(source.source, wanted, parents)
    _remember(tx, source.source, task, state["id"])
    _count_new(task, report, missing)
    report.links += len(parents)
    report.other_ids += state["id"] != task.id


def _count_new(task: ForeignTask, report: Imported, missing: list[str]) -> None:
    report.made += 1
    report.comments += len(task.comments)
    report.runs += len(task.runs)
    report.files += len(task.files)
    ours = report.statuses.setdefault(task.was, {})
    ours[task.status] = ours.get(task.status, 0) + 1
    for note in dict.fromkeys(task.notes):
        report.note(note, task.id)
    if missing:
        report.note("it waits for a task that is not in the source: that link is left out", task.id)


def _free_key(tx: Transaction, task: ForeignTask) -> None:
    """A key that another task here has already is left out; it would be refused."""
    sql = "SELECT id FROM tasks WHERE idempotency_key = :key AND status <> 'archived'"
    key = task.idempotency_key
    if key is not None and task.status != "archived" and tx.one(sql, {"key": key}):
        task.rest["idempotency_key"] = key
        task.idempotency_key = None
        task.notes.append("its idempotency key is another task's here and is left out")


def _may_keep(conn: BoardConnection, foreign_id: str) -> bool:
    """Whether a foreign id can be a task's here: it has the form of ours, and nobody has it."""
    if not _OURS.fullmatch(foreign_id):
        return False
    return fetch_one(conn, "SELECT 1 FROM tasks WHERE id = :id", {"id": foreign_id}) is None


# What is remembered.


def _known(conn: BoardConnection, source: str, foreign_id: str) -> tuple[str | None, Seen] | None:
    """The task (None: purged) and what was seen, or None for what never came."""
    row = fetch_one(conn, _KNOWN, {"source": source, "id": foreign_id})
    return None if row is None else (row[0], _seen_of(row[1]))


_KNOWN: Final = (
    "SELECT task_id, seen FROM imported_tasks WHERE source = :source AND foreign_id = :id"
)


def _remember(tx: Transaction, source: str, task: ForeignTask, task_id: str) -> None:
    parameters = {
        "source": source,
        "id": task.id,
        "task": task_id,
        "seen": msgspec.json.encode(_look(task)).decode(),
    }
    tx.run(
        "INSERT INTO imported_tasks (source, foreign_id, task_id, seen)"
        " VALUES (:source, :id, :task, :seen)"
        " ON CONFLICT (source, foreign_id) DO UPDATE SET seen = :seen",
        parameters,
    )


def _look(task: ForeignTask) -> Seen:
    return Seen(
        fields={name: _digest(getattr(task, name)) for name in (*_EDITED, "assignee", "priority")},
        status=task.status,
        parents=sorted(set(task.parents)),
        comments=[one.key for one in task.comments],
        runs=[one.key for one in task.runs],
    )


def _digest(value: Any) -> str:
    encoded = msgspec.json.encode(value)
    return hashlib.blake2b(encoded, digest_size=_DIGEST_BYTES).hexdigest()


# What changed in the source since.


def _changes(task: ForeignTask, seen: Seen) -> list[str]:
    """The names of what the source says otherwise by now."""
    now = _look(task)
    changed = [name for name, digest in now.fields.items() if seen.fields.get(name) != digest]
    changed += ["status"] if now.status != seen.status else []
    changed += ["parents"] if now.parents != seen.parents else []
    changed += ["comments"] if set(now.comments) - set(seen.comments) else []
    changed += ["runs"] if set(now.runs) - set(seen.runs) else []
    return changed


def _new_comments(task: ForeignTask, seen: Seen) -> list[ForeignComment]:
    known = set(seen.comments)
    return [one for one in task.comments if one.key not in known]


def _update(
    tx: Transaction,
    source: Source,
    task: ForeignTask,
    task_id: str,
    seen: Seen,
    changed: list[str],
    by: str,
    report: Imported,
) -> None:
    """Bring what changed there; what cannot be is reported, and nothing here is taken back."""
    state = task_state(tx, task_id)
    if state["status"] == "archived":
        report.note("it changed there and is archived here: nothing was brought", task.id)
        return
    fields = {name: getattr(task, name) for name in _EDITED if name in changed}
    if fields:
        edits.edit_task(tx.conn, task_id, actor=by, **fields)
    if "priority" in changed:
        edits.prioritise_task(tx.conn, task_id, task.priority, actor=by)
    if "assignee" in changed:
        _assign(tx, state, task, by, report)
    for comment in _new_comments(task, seen):
        imported.say(tx, task_state(tx, task_id), comment)
        report.comments += 1
    if "parents" in changed:
        _relink(tx, source, task, task_id, by, report)
    if "runs" in changed:
        report.note("it ran there since: those runs are not brought", task.id)
    if "status" in changed:
        _move(tx, task, task_id, by, report)


def _assign(
    tx: Transaction, state: TaskState, task: ForeignTask, by: str, report: Imported
) -> None:
    if state["status"] == "running":
        report.note("it has another assignee there and is running here: it stays", task.id)
    else:
        edits.assign_task(tx.conn, state["id"], task.assignee, actor=by)


def _relink(
    tx: Transaction, source: Source, task: ForeignTask, task_id: str, by: str, report: Imported
) -> None:
    here = {row[0] for row in tx.all(_PARENTS, {"id": task_id})}
    for foreign_id in source.parents[task.id]:
        found = _known(tx.conn, source.source, foreign_id)
        if found is None or found[0] is None or found[0] in here:
            continue
        try:
            report.links += link_tasks(tx.conn, found[0], task_id, actor=by)
        except InvalidInput:
            report.note("a new link of it cannot be made here and is left out", task.id)


_PARENTS: Final = "SELECT parent_id FROM task_links WHERE child_id = :id"


def _move(tx: Transaction, task: ForeignTask, task_id: str, by: str, report: Imported) -> None:
    """Done there is done here, given up is archived; nothing else moves a task from outside."""
    state = task_state(tx, task_id)
    at_rest: Iterable[str] = ("triage", "todo", "ready", "blocked")
    if task.status == "done" and state["status"] in at_rest:
        finish.complete_task(tx.conn, task_id, result=task.result, actor=by)
    elif task.status == "archived" and state["status"] != "running":
        with contextlib.suppress(IllegalTransition):
            archive.archive_task(tx.conn, task_id, actor=by)
    elif task.status != state["status"]:
        report.note(f"it is {task.was} there by now and stays as it is here", task.id)
