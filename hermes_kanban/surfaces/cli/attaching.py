"""Files that stay with a task: ``attach`` and ``attachments``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli import answers, inputs
from hermes_kanban.surfaces.cli.session import AS_PERSON, WORKER, Session, command
from hermes_kanban.surfaces.cli.shapes import attachment_json

_TASK: Final = re.compile(r"t_[a-z0-9]+")
# One byte more than the kernel takes is enough for it to say so.
_STDIN_BYTES: Final = 25 * 1024 * 1024 + 1
ARTIFACT: Final = click.Option(
    ["--artifact", "artifacts"],
    multiple=True,
    metavar="FILE",
    help="A file to keep with the task. Repeatable.",
)


@command(
    "attach",
    inputs.words("[ID] FILE..."),
    click.Option(["--name"], metavar="NAME", help="What it is called. Default: its own name."),
    *WORKER,
    examples="""
    hermes-kanban attach t_abc234 report.md figures.csv
    git diff | hermes-kanban attach t_abc234 - --name change.patch
    """,
)
def attach_command(session: Session, words: tuple[str, ...], name: str | None) -> None:
    """Keep copies of files with a task.

    At most 25 MiB each; "-" is standard input. A worker's must lie in its workspace. The same file
    again costs nothing.
    """
    task, files = _task_and_files(session, words)
    if name is not None and len(files) > 1:
        raise click.UsageError("--name is for one file", click.get_current_context())
    made: list[kb.Attachment] = []
    author = session.author(task)
    for file in files:
        try:
            with answers.about(task):
                given = _given(file, by_worker="run_id" in author)
                made.append(kb.add_attachment(session.conn, task, name=name, **given, **author))
        except kb.KanbanError as error:
            if made:
                error.add_note(f"attached before it: {', '.join(one.name for one in made)}")
            raise
    lines = [f"attachment {one.id} on {task}: {present.clean(one.name)}" for one in made]
    session.answer("attachments", [attachment_json(one) for one in made], lines)


def _task_and_files(session: Session, words: Sequence[str]) -> tuple[str, list[str]]:
    """A worker may leave its own task's id out; a file named like one is given as ``./t_x``."""
    own = session.own_task()
    named = words[:1] and _TASK.fullmatch(words[0]) and len(words) > 1
    if own and not named:
        task, files = own, list(words)
    else:
        task, files = words[0] if words else "", list(words[1:])
    if not files:
        raise click.UsageError("expected [ID] FILE...", click.get_current_context())
    return task, files


def _given(file: str, *, by_worker: bool) -> dict[str, Any]:
    if file == "-":
        return {"data": sys.stdin.buffer.read(_STDIN_BYTES)}
    return {"path": as_typed(file, by_worker=by_worker)}


def as_typed(file: str, *, by_worker: bool) -> str:
    """A worker's path counts from where it was typed, else from its workspace."""
    return os.path.abspath(file) if by_worker and os.path.lexists(file) else file


@command(
    "attachments",
    inputs.ONE,
    click.Option(
        ["--save"],
        nargs=2,
        metavar="NAME|ID PATH",
        help="Copy one to a new file or into a folder; of several of a name the newest.",
    ),
    AS_PERSON,
    examples="""
    hermes-kanban attachments t_abc234
    hermes-kanban attachments t_abc234 --save report.md .
    """,
)
def attachments_command(session: Session, task: str | None, save: tuple[str, str] | None) -> None:
    """List the files of a task, or copy one out.

    A file that exists is never replaced.
    """
    task_id = inputs.task_id(session, task)
    if save is not None:
        wanted, path = save
        one = kb.find_attachment(session.conn, task_id, wanted)
        file = kb.save_attachment(session.conn, one, Path(path))
        session.answer("attachment", attachment_json(one), [str(file)], file=str(file))
        return
    kb.get_task(session.conn, task_id)
    found = list(_all(session, task_id))
    lines = attachment_table(session, found) or ["no attachments"]
    session.answer("attachments", [attachment_json(one) for one in found], lines)


def _all(session: Session, task_id: str) -> Iterator[kb.Attachment]:
    after = 0
    while page := kb.list_attachments(session.conn, task_id, after=after):
        yield from page
        after = page[-1].id


def attachment_table(session: Session, found: Sequence[kb.Attachment]) -> list[str]:
    """The attachments for people; nothing where there are none."""
    rows = [
        (
            str(one.id),
            present.clean(one.name),
            f"{one.size:,}",
            one.media_type,
            present.ago(one.created_at, session.now),
            "-" if one.run_id is None else str(one.run_id),
        )
        for one in found
    ]
    headers = ("ID", "NAME", "BYTES", "TYPE", "WHEN", "RUN")
    return present.table(headers, rows, width=session.width, flexible=1) if rows else []
