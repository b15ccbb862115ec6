"""Verbs that show what a task's processes left on this host: their output, and their changes."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.hosts import elsewhere, log_file, workspace_of
from hermes_kanban.kernel.live import host_of
from hermes_kanban.kernel.workspaces import branch_of
from hermes_kanban.logtail import LogReader
from hermes_kanban.verbs.verb import Call, Verb
from hermes_kanban.verbs.working import AboutTask

LINE_BYTES: Final = 120
RunId = Annotated[int, Meta(ge=1, le=2**53, description="default: the newest run")]


class Log(AboutTask, kw_only=True):
    run_id: RunId | None = None
    lines: Annotated[int, Meta(ge=1, le=10_000, description="the last ones")] = 200
    colours: Annotated[bool, Meta(description="keep ESC[…m, and no other sequence")] = False


class LogPart(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a run's output, without secrets and control characters.

    ``whole`` says that this is all there is; ``over`` that no more will come. ``place`` is where
    to go on.
    """

    task_id: str
    run_id: int
    lines: list[str]
    whole: bool
    over: bool
    place: str | None


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """One file that differs; lines are None in what is no text."""

    path: str
    change: Literal["added", "changed", "deleted", "renamed", "untracked"]
    added: int | None
    removed: int | None


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task works, and what is different there.

    ``host`` is the id of the host that its newest run is or was on, None before the first. Where
    that is another than the one that answers, nothing is seen of it, and ``path`` is None unless
    the task itself names the folder. ``base`` is the commit that it is compared with, None where
    there is no repository. ``diff`` is in git's own format; ``cut`` says that it was longer.
    ``present``: the folder is there, as far as is seen.
    """

    task_id: str
    kind: str
    host: str | None
    path: str | None
    branch: str | None
    present: bool
    base: str | None
    files: list[FileChange]
    diff: str
    cut: bool


def is_over(run: kb.Run) -> bool:
    """Whether no process of the run can write any more."""
    return run.exited_at is not None if run.worker_pid else run.ended_at is not None


def _log(call: Call, asked: Log) -> LogPart:
    run = kb.find_run(call.conn, asked.task_id, asked.run_id)
    over = is_over(run)
    file = log_file(call.conn, run)
    # A first guess at how long lines are; where they are longer, all is read.
    for tail_bytes in (asked.lines * LINE_BYTES, None):
        reader = LogReader(file, tail_bytes=tail_bytes, colours=asked.colours)
        with reader:
            found = list(reader.lines(final=over))
            whole, place = reader.whole, reader.place
        if whole or len(found) >= asked.lines:
            break
    return LogPart(
        task_id=run.task_id,
        run_id=run.id,
        lines=found[-asked.lines :],
        whole=whole and len(found) <= asked.lines,
        over=over,
        place=place,
    )


def _workspace(call: Call, asked: AboutTask) -> Workspace:
    from hermes_kanban.workers.changes import NO_CHANGES, changes_in

    task = kb.get_task(call.conn, asked.task_id)
    run = kb.latest_run(call.conn, task.id)
    place = workspace_of(call.conn, task, run)
    seen = place if elsewhere(call.conn, run) is None else None
    found = NO_CHANGES if seen is None else changes_in(task, seen)
    return Workspace(
        task_id=task.id,
        kind=task.workspace_kind,
        host=None if run is None else host_of(run),
        path=None if place is None else str(place),
        branch=branch_of(task),
        present=seen is not None and seen.is_dir(),
        base=found.base,
        files=[
            FileChange(path=one.path, change=one.change, added=one.added, removed=one.removed)
            for one in found.files
        ],
        diff=found.diff,
        cut=found.cut,
    )


OUTPUT = (
    Verb(
        name="log",
        request=Log,
        response=LogPart,
        function=_log,
        sentence="The end of what a run's process has said.",
        changes=False,
    ),
    Verb(
        name="workspace",
        request=AboutTask,
        response=Workspace,
        function=_workspace,
        sentence="Where a task works, its branch, and what it has changed there.",
        changes=False,
    ),
)
