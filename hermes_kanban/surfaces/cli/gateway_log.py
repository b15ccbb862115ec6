"""``gateway logs``: what the gateways of this home have said, and what they say as they say it."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.log_events import LEVELS, LOG_EVENTS
from hermes_kanban.log_lines import LogLines, is_told_beside
from hermes_kanban.logtail import LogReader
from hermes_kanban.paths import home
from hermes_kanban.ports import SystemClock
from hermes_kanban.surfaces.cli import inputs
from hermes_kanban.surfaces.cli.interrupts import interruptible
from hermes_kanban.surfaces.cli.session import Session, command

POLL_SECONDS: Final = 0.2
LINES: Final = 100
_BEGINNING: Final = '{"timestamp":'
_TIMES: Final = "a span back such as 30m or 2h30m, Unix seconds, or ISO 8601"


class Entry(NamedTuple):
    """A line of the file: its keys, or its text where it is no line of the log."""

    line: dict[str, Any] | None
    text: str


class Wanted(NamedTuple):
    """Which lines are shown; None and nothing: all."""

    board: str | None
    tasks: Sequence[str]
    profiles: Sequence[str]
    events: Sequence[str]
    level: str | None
    since: int | None
    for_people: bool

    def takes(self, entry: Entry) -> bool:
        """Whether it is one of them; what is no line of the log is only shown with all."""
        line = entry.line
        if line is None:
            return not any(self[:-1])
        return (
            (self.board is None or line.get("board") in (None, self.board))
            and (not self.tasks or _is_about(line, self.tasks))
            and (not self.profiles or line.get("profile") in self.profiles)
            and (not self.events or _is_called(str(line.get("event")), self.events))
            and (self.level is None or _rank(line.get("level")) >= _rank(self.level))
            and (self.since is None or _seconds(line.get("timestamp")) >= self.since)
            and (bool(self.events) or not (self.for_people and is_told_beside(line)))
        )


def _is_about(line: dict[str, Any], tasks: Sequence[str]) -> bool:
    return line.get("task") in tasks or any(one in tasks for one in _listed(line.get("tasks")))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_called(event: str, wanted: Sequence[str]) -> bool:
    """By its name, or by the part before the dot, which stands for all of its kind."""
    return event in wanted or event.partition(".")[0] in wanted


def _rank(level: Any) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _seconds(stamp: Any) -> float:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


class EventName(click.ParamType[str]):
    """A name of LOG_EVENTS, or the part before its dot."""

    name = "event"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        kinds = {name.partition(".")[0] for name in LOG_EVENTS}
        if value in LOG_EVENTS or value in kinds:
            return str(value)
        of_kind = [name for name in LOG_EVENTS if name.startswith(f"{value.partition('.')[0]}.")]
        near = get_close_matches(value, [*LOG_EVENTS, *kinds], n=1)
        hint = (
            f"did you mean {near[0]!r}?"
            if near
            else f"there are {', '.join(of_kind or sorted(kinds))}"
        )
        raise click.BadParameter(f"no event is called {value!r}; {hint}", ctx, param)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in LOG_EVENTS if name.startswith(incomplete)]


@command(
    "logs",
    click.Option(["-f", "--follow"], is_flag=True, help="Go on until interrupted."),
    click.Option(
        ["-n", "--lines"],
        type=click.IntRange(min=0),
        default=LINES,
        show_default=True,
        help="Lines of the past to begin with.",
    ),
    click.Option(["--task", "tasks"], multiple=True, metavar="ID", help="Only about this task."),
    click.Option(["--profile", "profiles"], multiple=True, metavar="NAME", help="Only its runs."),
    click.Option(
        ["--event", "events"],
        multiple=True,
        type=EventName(),
        metavar="NAME",
        help="Only this event, such as worker.failed, or all of worker.",
    ),
    click.Option(["--level"], type=click.Choice(LEVELS), help="Only of this level, and graver."),
    click.Option(["--since"], metavar="TIME", help="Only later: 30m ago, or a time in ISO 8601."),
    examples="""
    hermes-kanban gateway logs -f
    hermes-kanban gateway logs --level warning --since 2h
    hermes-kanban gateway logs --task t_abc234 --event worker
    """,
)
def gateway_logs(
    session: Session,
    follow: bool,
    lines: int,
    tasks: tuple[str, ...],
    profiles: tuple[str, ...],
    events: tuple[str, ...],
    level: str | None,
    since: str | None,
) -> None:
    """Show what the gateway has logged; -f goes on as it comes.

    With --board, what is about another board is left out. What only sums up other lines is left
    out unless --json or --event asks for it. With --json and -f, one object a line.
    """
    after = None if since is None else _since(since)
    wanted = Wanted(session.board, tasks, profiles, events, level, after, not session.as_json)
    file = home() / "gateway.log"
    tell = _teller(session, file)
    with LogReader(file) as reader:
        found = deque(_read(reader, wanted, final=not follow), maxlen=lines)
        if not follow:
            _check_is_there(file)
            if not found and lines:
                session.warn("no line of the log is as asked")
            tell(list(found))
            return
        if not _is_there(file):
            session.warn(f"there is no {file} yet; it comes with: hermes-kanban gateway run")
        for entry in found:
            tell([entry])
        with interruptible() as pause:
            while True:
                for entry in _read(reader, wanted, final=False):
                    tell([entry])
                sys.stdout.flush()
                pause(POLL_SECONDS)


def _since(text: str) -> int:
    now = SystemClock().now()
    back = text.strip().removeprefix("-").removesuffix("ago").replace(" ", "")
    try:
        if back[-1:].isalpha() and back[:1].isdecimal() and "T" not in back and back[-1:] != "Z":
            return now - inputs.seconds_of("--since", back)
        at = inputs.time_of("--since", text, now)
    except kb.InvalidInput:
        raise kb.InvalidInput("--since", _TIMES, f"is {text!r}") from None
    return now if at is None else at


def _is_there(file: Path) -> bool:
    return file.is_file() or file.with_name(f"{file.name}.1").is_file()


def _check_is_there(file: Path) -> None:
    if not _is_there(file):
        hint = (
            "it comes with: hermes-kanban gateway run;"
            " a service's own: journalctl --user -u hermes-kanban"
        )
        raise kb.NotFound("gateway log", file, hint)


def _read(reader: LogReader, wanted: Wanted, *, final: bool) -> Iterator[Entry]:
    return (entry for entry in _entries(reader.lines(final=final)) if wanted.takes(entry))


def _entries(texts: Iterable[str]) -> Iterator[Entry]:
    """Each line; one that a crash cut short ends where the next begins."""
    for text in texts:
        at = text.rfind(_BEGINNING)
        if at > 0 and (line := _decoded(text[at:])) is not None and _decoded(text) is None:
            yield Entry(None, text[:at])
            yield Entry(line, text[at:])
        else:
            yield Entry(_decoded(text), text)


def _decoded(text: str) -> dict[str, Any] | None:
    try:
        line = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return line if isinstance(line.get("event"), str) else None


_decode = msgspec.json.Decoder(dict[str, Any]).decode


def _teller(session: Session, file: Path) -> Callable[[list[Entry]], None]:
    """Answers with entries, as they come."""
    terminal = sys.stdout.isatty()
    shown = LogLines(colour=session.colour, dated=not terminal)

    def tell(entries: list[Entry]) -> None:
        width = session.width if terminal else None
        rows: list[str] = []
        for entry in entries:
            if entry.line is None:
                rows += shown.garbage(entry.text)
            else:
                rows += shown.shown(entry.line, width)
        values = [entry.line or {"text": entry.text} for entry in entries]
        session.answer("log", {"path": str(file), "lines": values}, rows)

    return tell
