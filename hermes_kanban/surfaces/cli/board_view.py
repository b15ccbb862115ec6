"""The live board: one look at the tasks, and how a terminal shows it."""

from __future__ import annotations

from typing import Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hermes_kanban import kernel as kb
from hermes_kanban import present

COLUMNS: Final = ("triage", "todo", "ready", "running", "review", "blocked", "done")
ALWAYS: Final = ("ready", "running", "done")
CARDS: Final = 12
RECENT_EVENTS: Final = 6
_NEWS: Final = frozenset(
    {
        "claimed",
        "completed",
        "blocked",
        "crashed",
        "timed_out",
        "spawn_failed",
        "protocol_violation",
        "rate_limited",
        "reclaimed",
        "gave_up",
        "review_requested",
        "waiting",
        "cancelled",
    }
)


class Worker(msgspec.Struct, frozen=True):
    """A running task and the run that does it."""

    task: kb.Task
    run: kb.Run | None
    attempt: int


class Look(msgspec.Struct, frozen=True):
    """The board at one moment."""

    board: str
    now: int
    paused: bool
    counts: dict[str, int]
    cards: dict[str, list[kb.Task]]
    workers: list[Worker]
    news: list[kb.Event]


def look(conn: kb.BoardConnection) -> Look:
    """Read what the live board shows; costs its own length, not the board's."""
    counts = kb.stats(conn).tasks
    cards = {
        status: kb.list_tasks(conn, status=status, limit=CARDS)
        for status in COLUMNS
        if counts[status]
    }
    newest = kb.newest_event_id(conn)
    events = kb.list_events(conn, after=max(0, newest - 60))
    return Look(
        board=conn.paths.slug,
        now=conn.clock.now(),
        paused=kb.get_board(conn).paused_at is not None,
        counts=counts,
        cards=cards,
        workers=[_worker(conn, task) for task in cards.get("running", [])],
        news=[event for event in events if event.kind in _NEWS][-RECENT_EVENTS:],
    )


def _worker(conn: kb.BoardConnection, task: kb.Task) -> Worker:
    runs = [run for run in kb.list_runs(conn, task.id) if run.claim_lock is not None]
    return Worker(task, runs[-1] if runs else None, len(runs))


def render(seen: Look, width: int) -> RenderableType:
    """The board for a terminal of ``width`` columns."""
    parts: list[RenderableType] = [_title(seen), _columns(seen, width)]
    if seen.workers:
        parts.append(_workers(seen))
    if seen.news:
        parts.append(Text("\n".join(_news_line(event, width) for event in seen.news), style="dim"))
    return Group(*parts)


def _title(seen: Look) -> Text:
    text = Text(f"{seen.board}  {present.moment(seen.now)}", style="bold")
    if seen.paused:
        text.append("  paused", style="red")
    return text


def _columns(seen: Look, width: int) -> Table:
    shown = [one for one in COLUMNS if seen.counts[one] or one in ALWAYS]
    table = Table(expand=True, box=None, padding=(0, 1, 0, 0), width=width)
    for status in shown:
        colour = present.STATUS_COLOURS[status]
        heading = Text(f"{status} {seen.counts[status]}", style=f"bold {colour}")
        table.add_column(heading, ratio=1, no_wrap=True, overflow="ellipsis")
    cards = [seen.cards.get(status, []) for status in shown]
    for at in range(min(CARDS, max(map(len, cards), default=0))):
        table.add_row(*(_card(column, at) for column in cards))
    return table


def _card(column: list[kb.Task], at: int) -> Text:
    if at >= len(column):
        return Text("")
    task = column[at]
    text = Text(present.clean(task.title))
    if task.consecutive_failures:
        text = Text(f"↻{task.consecutive_failures} ", style="red") + text
    return text


def _workers(seen: Look) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
    for heading in ("task", "worker", "pid", "elapsed", "attempt"):
        table.add_column(heading, style="yellow", header_style="dim", no_wrap=True)
    table.add_column("title", header_style="dim", no_wrap=True, overflow="ellipsis")
    for worker in seen.workers:
        run = worker.run
        table.add_row(
            worker.task.id,
            present.clean((run.profile or run.claimer) if run else "-"),
            str(run.worker_pid or "-") if run else "-",
            present.duration(seen.now - run.started_at) if run else "-",
            str(worker.attempt),
            Text(present.clean(worker.task.title)),
        )
    return table


def _news_line(event: kb.Event, width: int) -> str:
    from hermes_kanban.surfaces.cli.events import event_line

    return present.shorten(event_line(event), width)
