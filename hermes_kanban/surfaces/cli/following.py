"""``log`` and ``tail``: what workers and the board say, as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.hosts import log_file
from hermes_kanban.logtail import LogReader
from hermes_kanban.surfaces.cli import inputs
from hermes_kanban.surfaces.cli.events import event_line
from hermes_kanban.surfaces.cli.interrupts import interruptible
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command
from hermes_kanban.surfaces.cli.shapes import event_json

POLL_SECONDS: Final = 0.2
CHAT_LINES: Final = 20
TAIL_EVENTS: Final = 10


@command(
    "log",
    inputs.ONE,
    click.Option(["--run", "number"], type=click.INT, metavar="N", help="Default: the newest."),
    click.Option(["-f", "--follow"], is_flag=True, help="Go on until the run ends."),
    click.Option(["-n", "--lines"], type=click.IntRange(min=0), help="Only the last lines."),
    AS_PERSON,
    examples="""
    hermes-kanban log t_abc234 -f
    hermes-kanban log t_abc234 --run 17
    """,
)
def log_command(
    session: Session, task: str | None, number: int | None, follow: bool, lines: int | None
) -> None:
    """Show the output of a task's newest run; secrets are hidden."""
    run = kb.find_run(session.conn, inputs.task_id(session, task), number)
    if lines is None and not session.at_terminal:
        lines = CHAT_LINES
    log = LogReader(log_file(session.conn, run))
    with log:
        seen = _last(list(log.lines(final=not follow)), lines)
        if not follow:
            _answer_log(session, run, seen)
            return
        _write_lines(session, run, seen)
        for more in _until_the_end(session, run.id, log):
            _write_lines(session, run, more)


def _last(lines: list[str], count: int | None) -> list[str]:
    return lines if count is None else lines[len(lines) - min(count, len(lines)) :]


def _answer_log(session: Session, run: kb.Run, lines: list[str]) -> None:
    if not lines:
        session.warn(f"run {run.id} has said nothing")
    value = {"task_id": run.task_id, "run_id": run.id, "lines": lines}
    session.answer("log", value, lines)


def _write_lines(session: Session, run: kb.Run, lines: list[str]) -> None:
    for line in lines:
        value = {"task_id": run.task_id, "run_id": run.id, "lines": [line]}
        session.answer("log", value, [line])
    _flush()


def _flush() -> None:
    import sys

    sys.stdout.flush()


def _until_the_end(session: Session, run_id: int, log: LogReader) -> Iterator[list[str]]:
    with interruptible() as pause:
        while True:
            # Asked before the read: what was written until the end is then surely read.
            over = _is_over(kb.get_run(session.conn, run_id))
            yield list(log.lines(final=over))
            if over:
                return
            pause(POLL_SECONDS)


def _is_over(run: kb.Run) -> bool:
    return run.exited_at is not None if run.worker_pid else run.ended_at is not None


@command(
    "tail",
    click.Option(
        ["-n", "--lines"],
        type=click.IntRange(min=0),
        default=TAIL_EVENTS,
        show_default=True,
        help="Events of the past to begin with.",
    ),
    click.Option(["--after"], type=click.INT, metavar="EVENT", help="Begin after this one."),
    examples="""
    hermes-kanban tail
    hermes-kanban tail --after 1200 --json
    """,
)
def tail_command(session: Session, lines: int, after: int | None) -> None:
    """Follow the board's events until interrupted.

    With --json, one object a line.
    """
    at = max(0, kb.newest_event_id(session.conn) - lines) if after is None else after
    with interruptible() as pause:
        while True:
            events = kb.list_events(session.conn, after=at)
            for event in events:
                session.answer(
                    "event", event_json(event), [event_line(event, colour=session.colour)]
                )
                at = event.id
            _flush()
            pause(0 if events else POLL_SECONDS)
