"""Tasks that came from elsewhere: the one path by which what happened elsewhere is written.

A foreign task is told as a story: each step is a row of the lifecycle's table, applied by
``lifecycle.apply`` as of the time at which it happened, in order of time, by the ``importer``. So
its rows are what its events add up to, and the checker asks of it what it asks of any task. Its
links come when its status is known; from there on the gates decide.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import attachments, finish, gates, limits
from hermes_kanban.kernel.attachments import Staged
from hermes_kanban.kernel.comments import insert_comment
from hermes_kanban.kernel.create import DRAWS, NO_FREE_ID, draw_id
from hermes_kanban.kernel.fencing import Author
from hermes_kanban.kernel.inherit import inherit
from hermes_kanban.kernel.links import add_links, release_link
from hermes_kanban.kernel.workspaces import parse_workspace
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import IdTaken
from hermes_kanban.model.foreign import (
    ForeignComment,
    ForeignFile,
    ForeignOutcome,
    ForeignRun,
    ForeignTask,
)
from hermes_kanban.model.records import Task
from hermes_kanban.store.protocol import Transaction

_BY: Final = Author(limits.IMPORTER, None)

# How a claimed run of that outcome is closed.
_CLOSING: Final = {
    "completed": "complete",
    "blocked": "block",
    "review": "request_review",
    "waiting": "wait_for",
    "crashed": "crash",
    "timed_out": "time_out",
    "spawn_failed": "fail_to_spawn",
    "protocol_violation": "violate_protocol",
    "rate_limited": "rate_limit",
    "reclaimed": "reclaim",
}
_FAILURES: Final = ("crash", "time_out", "fail_to_spawn", "violate_protocol")
# What brings a task back to rest from a status.
_BACK: Final = {
    "triage": "accept",
    "blocked": "unblock",
    "review": "request_changes",
    "done": "reopen",
    "archived": "reopen",
}
# Within a second runs keep their order, and what was said stands in the run that it fell in.
_BETWEEN: Final = 0.5


class Step(NamedTuple):
    """Something that happened to the task, at a time, and in which order within that second."""

    at: int
    order: float
    tell: Callable[[], None]


class Story:
    """One foreign task on its way into rows and events."""

    def __init__(self, tx: Transaction, task: ForeignTask, files: list[Staged]) -> None:
        self._tx = tx
        self._of = task
        self._files = files
        self._now = tx.now
        self._last_run = task.runs[-1] if task.runs else None
        self.state: TaskState = {}

    def tell(self, source: str, task_id: str | None, parents: list[str]) -> TaskState:
        """Write all of it; ``task_id`` is the id that it should keep, ``parents`` are here."""
        created = self._time(self._of.created_at)
        try:
            self._tx.now = created
            self._create(source, task_id)
            for step in sorted(self._steps(created), key=lambda step: step[:2]):
                self._tx.now = step.at
                step.tell()
            self._tx.now = self._time(self._of.ended_at, after=self.state["last_event_at"])
            self._end()
            if parents:
                add_links(self._tx, self.state, parents, _BY)
            if self._of.status == "archived":
                lifecycle.apply(self._tx, "archive", self.state, actor=limits.IMPORTER)
        finally:
            self._tx.now = self._now
        _gate(self._tx, self.state, parents)
        return self.state

    def _time(self, at: int | None, after: int = 0) -> int:
        """A time of the past: not before ``after``, not in the future; unknown is as early."""
        known = after or self._now if at is None else at
        return max(0, after, min(known, self._now))

    def _create(self, source: str, task_id: str | None) -> None:
        of = self._of
        choice = parse_workspace(of.workspace or "scratch")
        triage = of.status == "triage" and not of.runs
        columns: dict[str, Any] = {
            "title": of.title,
            "body": of.body,
            "status": "triage" if triage else "ready",
            "assignee": of.assignee,
            "tenant": of.tenant,
            "priority": of.priority,
            "effective_priority": of.priority,
            "skills": msgspec.json.encode(of.skills).decode() if of.skills else "[]",
            "model": of.model,
            "idempotency_key": of.idempotency_key,
            "created_at": self._tx.now,
            "created_by": of.created_by,
            "max_runtime_seconds": of.max_runtime_seconds,
            "max_retries": of.max_retries,
            "consecutive_failures": 0,
            "workspace_kind": choice.kind,
            "workspace_path": choice.path,
            "branch": of.branch if choice.kind == "worktree" else None,
        }
        row = {column: value for column, value in columns.items() if value is not None}
        _insert_row(self._tx, row, task_id)
        name: str = row["id"]
        origin = {"source": source, "id": of.id, "status": of.was} | of.rest
        facts = {"task": row, "imported": origin}
        now = self._tx.now
        lifecycle.append_event(self._tx, name, "created", limits.IMPORTER, facts, at=now)
        self.state = _WITHOUT | row | {"last_event_at": self._tx.now}

    def _steps(self, created: int) -> Iterator[Step]:
        spans: list[tuple[int, int]] = []
        for number, run in enumerate(self._of.runs):
            start = self._time(run.started_at, after=spans[-1][1] if spans else created)
            end = self._time(run.ended_at, after=start)
            spans.append((start, end))
            if run.claimed:
                yield Step(start, 2 * number, functools.partial(self._claim, run, end))
            yield Step(end, 2 * number + 1, functools.partial(self._close, run))
        for comment in self._of.comments:
            at = self._time(comment.at, after=created)
            yield Step(at, _place(at, spans), functools.partial(self._comment, comment))
        for file, staged in zip(self._of.files, self._files, strict=True):
            at = self._time(file.at, after=created)
            yield Step(at, _place(at, spans), functools.partial(self._attach, staged))

    def _comment(self, comment: ForeignComment) -> None:
        say(self._tx, self.state, comment)

    def _attach(self, staged: Staged) -> None:
        attachments.insert_all(self._tx, self.state, _BY, [staged])

    def _claim(self, run: ForeignRun, end: int) -> None:
        self._rest()
        owner = self.state["assignee"]
        # The run tells who worked on it, whoever has the task now.
        self.state["assignee"] = run.profile
        try:
            lifecycle.open_run(
                self._tx,
                self.state,
                claimer=run.claimer,
                identity=None,
                expires=end,
                actor=limits.IMPORTER,
            )
        finally:
            self.state["assignee"] = owner

    def _close(self, run: ForeignRun) -> None:
        if not run.claimed:
            self._rest()
            self._close_without_run(run)
            return
        verb = _CLOSING[run.outcome]
        self._apply(verb, self._target(verb, run), run, run_changes=_kept(run))

    def _close_without_run(self, run: ForeignRun) -> None:
        """A hand-over of a task that nobody was at work on: a zero-length run has it."""
        verb = "block" if run.outcome == "blocked" else "complete"
        outcome = "blocked" if verb == "block" else "completed"
        run_id, part = lifecycle.synthetic_run(
            self._tx,
            self.state,
            outcome=outcome,
            actor=run.claimer,
            columns={"profile": run.profile} | _kept(run),
        )
        to = "blocked" if verb == "block" else "done"
        self._apply(verb, to, run, run_id=run_id, facts={"run": part})

    def _target(self, verb: str, run: ForeignRun) -> str:
        if verb in _FAILURES:
            gave_up = run is self._last_run and self._of.status == "blocked"
            return "blocked" if gave_up else "ready"
        return {"complete": "done", "block": "blocked", "request_review": "review"}.get(
            verb, "ready"
        )

    def _apply(
        self,
        verb: str,
        to: str,
        run: ForeignRun | None = None,
        *,
        run_id: int | None = None,
        run_changes: dict[str, Any] | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        """One row of the lifecycle, with what its target asks of the task's other columns."""
        changes: dict[str, Any] = {}
        told = dict(facts or {})
        last = run is not None and run is self._last_run
        if verb in _FAILURES:
            changes["consecutive_failures"] = self.state["consecutive_failures"] + 1
        elif verb in ("complete", "reopen", "request_review"):
            changes["consecutive_failures"] = 0
        if to == "done":
            changes["completed_at"] = lifecycle.moment(self._tx, self.state)
            if last and self._of.result is not None:
                changes["result"] = self._of.result
        elif verb == "reopen":
            changes["completed_at"] = None
        if to == "blocked":
            kind, reason = self._block(run, last=last and self._of.status == "blocked")
            changes |= {"block_kind": kind, "block_reason": reason}
            told |= {"lifted_by": finish.LIFTED_BY[kind].format(id=self.state["id"])}
        lifecycle.apply(
            self._tx,
            verb,
            self.state,
            actor=limits.IMPORTER,
            to=to,
            changes=changes,
            run_id=run_id,
            run_changes=run_changes,
            facts=told,
        )

    def _block(self, run: ForeignRun | None, *, last: bool) -> tuple[str, str]:
        """Kind and reason; a person lifts what has no other end that the board knows."""
        kind = self._of.block_kind if last else None
        said = (self._of.block_reason if last else None) or (run.error if run else None)
        said = said or f"it was {self._of.was} where it came from"
        lifted_by_people = kind in ("needs_input", "capability")
        return (kind or "needs_input") if lifted_by_people else "needs_input", said

    def _rest(self) -> None:
        """Back to ready, by the verb that leads there."""
        verb = _BACK.get(self.state["status"])
        if verb is not None:
            self._apply(verb, "ready")

    def _end(self) -> None:
        """From where its runs left it to where it is."""
        of = self._of
        if of.status == "done" or of.completed:
            self._finish("done", "completed")
        elif of.status == "blocked":
            self._finish("blocked", "blocked")
        elif of.status == "triage":
            self._triage()
        elif of.status == "review":
            self._review()
        elif of.status == "ready" or self.state["status"] == "done":
            self._rest()

    def _finish(self, status: str, outcome: ForeignOutcome) -> None:
        if self.state["status"] != status:
            self._rest()
            self._close_without_run(self._nobodys_run(outcome))

    def _triage(self) -> None:
        if self.state["status"] != "triage":
            self._rest()
            lifecycle.apply(self._tx, "triage", self.state, actor=limits.IMPORTER)

    def _review(self) -> None:
        """Only a run can ask for it; where the source has none, it lasted no time."""
        if self.state["status"] != "review":
            run = self._nobodys_run("review")
            self._claim(run, self._tx.now)
            self._apply("request_review", "review", run)

    def _nobodys_run(self, outcome: ForeignOutcome) -> ForeignRun:
        """What the board keeps a hand-over in, where the source has no run for it."""
        by, now = limits.IMPORTER, self._tx.now
        error = self._of.block_reason if outcome == "blocked" else None
        run = ForeignRun("", self._of.assignee, by, now, now, outcome, error=error, claimed=False)
        self._last_run = run
        return run


def _insert_row(tx: Transaction, row: dict[str, Any], wanted: str | None) -> None:
    """Insert the row under a free id, ``wanted`` if it is free; it gains ``id`` and ``seq``."""
    sql = lifecycle.insert_sql("tasks", ("id", *row)) + " ON CONFLICT (id) DO NOTHING"
    for draw in range(DRAWS):
        row["id"] = wanted if wanted and not draw else draw_id(tx)
        if seq := tx.insert(sql, row):
            row["seq"] = seq
            return
    raise IdTaken(NO_FREE_ID)


def _place(at: int, spans: list[tuple[int, int]]) -> float:
    """Where something stands among the steps of the runs: within the run that it fell in."""
    for number, (start, end) in enumerate(spans):
        if at <= end:
            return 2 * number + (_BETWEEN if start <= at else -_BETWEEN)
    return 2 * len(spans)


# What a new row leaves empty, beside it who runs the task.
_WITHOUT: Final[TaskState] = dict.fromkeys(
    (*Task.__struct_fields__, "run_profile", "run_claimer", "last_event_at")
)


def _kept(run: ForeignRun) -> dict[str, Any]:
    metadata = None if run.metadata is None else msgspec.json.encode(run.metadata).decode()
    columns = {"summary": run.summary, "error": run.error, "metadata": metadata}
    return {column: value for column, value in columns.items() if value is not None}


def say(tx: Transaction, task: TaskState, comment: ForeignComment) -> int:
    """One comment of the source, by its author there; the event is the importer's."""
    by = Author(comment.author, None)
    return insert_comment(tx, task, by, comment.body, told_by=limits.IMPORTER)


def _gate(tx: Transaction, child: TaskState, parents: list[str]) -> None:
    """Let its parents decide where the task rests, and who hears of it.

    A parent that was given up holds back only a task that had not begun: that one is blocked, as
    it would have been here.
    """
    if not parents or child["status"] in ("done", "archived"):
        return
    inherit(tx, [child["id"]], parents)
    if child["status"] not in ("ready", "todo"):
        for parent_id in filter(functools.partial(_given_up, tx), parents):
            release_link(tx, parent_id, child, limits.IMPORTER)
    gates.settle_after_link_change(tx, child)
    gates.settle_at_rest(tx, child)
    above = gates.ask_open_parents(tx, child["id"])()
    gates.raise_ancestors(tx, child["id"], child["effective_priority"], above)


def _given_up(tx: Transaction, task_id: str) -> bool:
    row = tx.one("SELECT status, completed_at FROM tasks WHERE id = :id", {"id": task_id})
    return row["status"] == "archived" and row["completed_at"] is None


@contextlib.contextmanager
def staged(conn: Any, files: list[ForeignFile]) -> Iterator[list[Staged]]:
    """Keep the files of a task, before the writer lock is asked for."""
    from hermes_kanban.store import contents

    with contextlib.ExitStack() as stack:
        kept = []
        for file in files:
            if file.data is not None:
                read = contents.of_bytes(file.data)
            else:
                read = contents.of_file(stack.enter_context(open(file.path or "", "rb")).fileno())
            kept.append(attachments.keep(conn, read, file.name, file.media_type, stack))
        yield kept
