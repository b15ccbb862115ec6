"""``log`` and ``tail``: what workers and the board say, as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.redact import redact
from hermes_kanban.surfaces.cli import inputs
from hermes_kanban.surfaces.cli.events import event_line
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command
from hermes_kanban.surfaces.cli.shapes import event_json

POLL_SECONDS: Final = 0.2
TAIL_EVENTS: Final = 10
CHUNK_BYTES: Final = 64 * 1024
HELD_BYTES: Final = 64 * 1024
_KEY_BEGINS: Final = "-----BEGIN "
_KEY_ENDS: Final = "-----END "


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
    run = _run(session, inputs.task_id(session, task), number)
    log = RunLog(session.conn.paths.run_dir(run.id) / "log")
    with log:
        seen = _last(list(log.lines(final=not follow)), lines)
        if not follow:
            _answer_log(session, run, seen)
            return
        _write_lines(session, run, seen)
        for more in _until_the_end(session, run.id, log):
            _write_lines(session, run, more)


def _run(session: Session, task_id: str, number: int | None) -> kb.Run:
    kb.get_task(session.conn, task_id)
    run = (
        kb.latest_run(session.conn, task_id) if number is None else kb.get_run(session.conn, number)
    )
    if run is None:
        raise kb.NotFound("run of", task_id, f"see: hermes-kanban why {task_id}")
    if run.task_id != task_id:
        hint = f"see: hermes-kanban runs {task_id}"
        raise kb.NotFound(f"run {run.id} of task", task_id, hint)
    return run


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


def _until_the_end(session: Session, run_id: int, log: RunLog) -> Iterator[list[str]]:
    while True:
        # Asked before the read: what was written until the end is then surely read.
        over = _is_over(kb.get_run(session.conn, run_id))
        yield list(log.lines(final=over))
        if over:
            return
        time.sleep(POLL_SECONDS)


def _is_over(run: kb.Run) -> bool:
    return run.exited_at is not None if run.worker_pid else run.ended_at is not None


class RunLog:
    """Reads a run's log on and on, over its rotation, as clean lines without secrets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[bytes] | None = None
        self._pending = b""
        self._old_read = False

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def lines(self, *, final: bool) -> Iterator[str]:
        """The lines that came since the last call; with ``final`` the unfinished one too."""
        for data in self._new_data():
            self._pending += data
            yield from self._ready(final=False)
        yield from self._ready(final=final)

    def _new_data(self) -> Iterator[bytes]:
        if not self._old_read:
            self._old_read = True
            yield from self._older()
        while True:
            if self._stream is None and not self._open():
                return
            assert self._stream is not None
            while data := self._stream.read(CHUNK_BYTES):
                yield data
            if not self._was_rotated():
                return
            # What came between the last read and the rotation.
            yield self._stream.read()
            self._stream.close()
            self._stream = None

    def _older(self) -> Iterator[bytes]:
        try:
            with self._path.with_name(f"{self._path.name}.1").open("rb") as stream:
                while data := stream.read(CHUNK_BYTES):
                    yield data
        except FileNotFoundError:
            return

    def _open(self) -> bool:
        try:
            self._stream = self._path.open("rb")
        except FileNotFoundError:
            return False
        return True

    def _was_rotated(self) -> bool:
        import os

        assert self._stream is not None
        try:
            return os.stat(self._path).st_ino != os.fstat(self._stream.fileno()).st_ino
        except FileNotFoundError:
            return False

    def _ready(self, *, final: bool) -> Iterator[str]:
        """Whole lines; a private key is held back until it can be hidden as a whole."""
        end = len(self._pending) if final else self._pending.rfind(b"\n") + 1
        if not final and len(self._pending) - end > HELD_BYTES:
            end = len(self._pending)
        text = self._pending[:end].decode("utf-8", "replace")
        begins = text.rfind(_KEY_BEGINS)
        open_key = begins >= 0 and _KEY_ENDS not in text[begins:]
        if open_key and not final and len(text) - begins < HELD_BYTES:
            held = text[:begins].rfind("\n") + 1
            end = len(text[:held].encode())
            text = text[:held]
        self._pending = self._pending[end:]
        yield from present.clean_text(redact(text)).splitlines()


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
    while True:
        events = kb.list_events(session.conn, after=at)
        for event in events:
            session.answer("event", event_json(event), [event_line(event)])
            at = event.id
        _flush()
        if not events:
            time.sleep(POLL_SECONDS)
