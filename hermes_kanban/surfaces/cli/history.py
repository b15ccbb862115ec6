"""``--at``, ``diff`` and ``undo``: the board as it was, what changed since, and taking it back."""

from __future__ import annotations

from typing import Any, Final

import click
import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.kernel.history import RunChange, TaskChange
from hermes_kanban.surfaces.cli import inputs
from hermes_kanban.surfaces.cli.events import event_line
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command
from hermes_kanban.surfaces.cli.shapes import event_json

EVENT: Final = "event:"
_AGO: Final = " ago"
_MOMENTS: Final = (
    'now, a span back such as -2h or "2h ago", event:N, Unix seconds, or ISO 8601 (without a zone:'
    " this machine's)"
)
# What a change of status brings along goes without saying.
_GOES_WITH_STATUS: Final = frozenset(
    {"block_kind", "block_reason", "blocked_from", "completed_at", "eligible_at"}
)
_SIGNS: Final = {"add": "+", "remove": "-", "release": "released from"}


def moment_of(session: Session, field: str, text: str) -> kb.Moment:
    """The moment that was typed. One in the future is now, and a warning says so."""
    text = text.strip()
    if text.startswith(EVENT):
        number = text.removeprefix(EVENT)
        if not (number.isascii() and number.isdecimal() and len(number) < 19):
            raise kb.InvalidInput(field, _MOMENTS, f"is {text!r}")
        return kb.moment(session.conn, event_id=int(number))
    now = session.now
    try:
        at = _time(field, text, now)
    except kb.InvalidInput:
        raise kb.InvalidInput(field, _MOMENTS, f"is {text!r}") from None
    if at is not None and at > now:
        session.warn(f"{field} is {present.ago(at, now)}: this is the board as it is now")
    return kb.moment(session.conn, at=at)


def _time(field: str, text: str, now: int) -> int | None:
    if text.startswith("-"):
        return now - inputs.seconds_of(field, text[1:])
    if text.endswith(_AGO):
        return now - inputs.seconds_of(field, text.removesuffix(_AGO).replace(" ", ""))
    return inputs.time_of(field, text, now)


def moment_text(when: kb.Moment) -> str:
    """``2031-05-04 09:30:05 (event 17)``."""
    at = when.event_at if when.asked_at is None else when.asked_at
    shown = "the beginning" if at is None else present.moment(at)
    return f"{shown} (event {when.event_id})" if when.event_id else f"{shown} (before any event)"


@command(
    "diff",
    click.Argument(["task"], required=False, metavar="[ID]"),
    click.Option(["--from", "start"], required=True, metavar="TIME", help="Changes after this."),
    click.Option(["--to", "end"], default="now", metavar="TIME", help="Up to this; default: now."),
    examples="""
    hermes-kanban diff --from -2h
    hermes-kanban diff --from 2031-05-04T09:00 --to event:812 t_abc234
    """,
)
def diff_command(session: Session, task: str | None, start: str, end: str) -> None:
    """Show what changed between two moments.

    TIME is "now", a span back (-2h, "2h ago"), event:N, Unix seconds, or ISO 8601, which without a
    zone means this machine's.
    """
    first, last = moment_of(session, "--from", start), moment_of(session, "--to", end)
    found = kb.diff(session.conn, first, last, task)
    if session.as_json:
        shown = msgspec.to_builtins(found) | {"board": [event_json(one) for one in found.board]}
        session.answer("diff", shown, ())
        return
    lines = [f"{moment_text(first)} → {moment_text(last)}"]
    for change in found.tasks:
        lines += ["", *_change_lines(change)]
    if found.board:
        lines += ["", "board", *(f"  {event_line(event)}" for event in found.board)]
    if len(lines) == 1:
        lines.append("nothing changed")
    session.answer("diff", None, [present.shorten(line, session.width) for line in lines])


def _change_lines(change: TaskChange) -> list[str]:
    pairs = []
    if len(change.statuses) > 1 or change.created:
        pairs.append(("status", " → ".join(change.statuses)))
    for column, (before, after) in change.fields.items():
        told = f"{_value(column, before)} → {_value(column, after)}"
        pairs.append((column.replace("_", " "), told))
    pairs += [("link", f"{_SIGNS[one.op]} {one.parent_id}") for one in change.links]
    pairs += [(f"run {one.id}", _run_text(one)) for one in change.runs]
    pairs += [("comment", f"{one.author}: {one.body}") for one in change.comments]
    pairs += [("attached", f"{one.name} ({one.size:,} bytes)") for one in change.attachments]
    title = f"{change.id}  {present.clean(change.title)}{'  (new)' if change.created else ''}"
    return [title, *(f"  {line}" for line in present.fields(pairs))]


def _value(column: str, value: Any) -> str:
    if value is None or value == "":
        return "-"
    if column.endswith("_at") and isinstance(value, int):
        return present.moment(value)
    return str(value)


def _run_text(run: RunChange) -> str:
    parts = [f"opened by {run.by}"] if run.opened else []
    if run.outcome is not None:
        parts.append(run.outcome)
    note = f": {run.note}" if run.note else ""
    return ", ".join(parts) + note


@command(
    "undo",
    click.Argument(["task"], required=False, metavar="[ID]"),
    click.Option(["--dry-run"], is_flag=True, help="Say what would be taken back, and stop."),
    AS_PERSON,
    examples="""
    hermes-kanban undo
    hermes-kanban undo t_abc234 --dry-run
    """,
)
def undo_command(session: Session, task: str | None, dry_run: bool) -> None:
    """Take back your last verb, on a task or on the board.

    Only while it is the last word on its task, and only if it ended no run. Undo once more to do
    it again.
    """
    done = kb.undo(session.conn, task, dry_run=dry_run, **session.actor())
    session.answer("undo", done, [present.shorten(_undone_line(session, done), session.width)])


def _undone_line(session: Session, done: kb.Undone) -> str:
    did = "would take back" if done.event_id is None else "took back"
    about = f"{did} {done.verb} ({present.ago(done.at, session.now)})"
    if done.task_id is None:
        return f"board: {about}"
    told = [
        f"{column.replace('_', ' ')} {_value(column, before)} → {_value(column, after)}"
        for column, (before, after) in done.changes.items()
        if not ("status" in done.changes and column in _GOES_WITH_STATUS)
    ]
    if done.link is not None:
        told.append(f"link {_SIGNS[done.link.op]} {done.link.parent_id}")
    return present.clean(f"{done.task_id} {about}: {', '.join(told) or 'nothing to change back'}")
