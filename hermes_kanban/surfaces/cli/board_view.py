"""The live board: one look at the tasks, and how a terminal shows it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hermes_kanban import health, present
from hermes_kanban import kernel as kb
from hermes_kanban.kernel.hosts import names_of_hosts
from hermes_kanban.kernel.live import host_of

COLUMNS: Final = ("triage", "todo", "ready", "running", "review", "blocked", "done")
ALWAYS: Final = ("ready", "running", "done")
# Of a narrow terminal, where the running ones have a table of their own.
STACKED: Final = ("blocked", "review", "triage", "ready")
COLUMN_WIDTH: Final = 16
NAME: Final = 16
CARDS: Final = 12
WITHOUT_HEIGHT: Final = 30
FEWEST_CARDS: Final = 3
EMPTY: Final = 'no tasks yet; file one with: hermes-kanban create "TITLE" --assignee PROFILE'
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
        "host_drained",
        "host_lost",
        "host_left",
    }
)


class Worker(msgspec.Struct, frozen=True):
    """A running task and the run that does it; ``host`` is the id of the one that it is on."""

    task: kb.Task
    run: kb.Run | None
    host: str | None
    attempt: int


class Look(msgspec.Struct, frozen=True):
    """The board at one moment; ``hosts`` are the names of several by their ids."""

    board: str
    now: int
    paused: bool
    served: bool
    counts: dict[str, int]
    cards: dict[str, list[kb.Task]]
    workers: list[Worker]
    hosts: dict[str, str]
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
        served=health.is_served(conn),
        counts=counts,
        cards=cards,
        workers=[_worker(conn, task) for task in cards.get("running", [])],
        hosts=names_of_hosts(conn),
        news=[event for event in events if event.kind in _NEWS][-RECENT_EVENTS:],
    )


def _worker(conn: kb.BoardConnection, task: kb.Task) -> Worker:
    runs = [run for run in kb.list_runs(conn, task.id) if run.claim_lock is not None]
    run = runs[-1] if runs else None
    return Worker(task, run, None if run is None else host_of(run), len(runs))


def render(seen: Look, width: int, height: int | None = None) -> RenderableType:
    """The board for a terminal of ``width`` columns, cut to ``height`` lines if there is one.

    Beside each other where the columns have room for a title; on narrow terminals below each other.
    """
    shown = [one for one in COLUMNS if seen.counts[one] or one in ALWAYS]
    parts: list[RenderableType] = [_title(seen)]
    news = [_news_line(event, width) for event in seen.news]
    taken = len(parts) + _lines_of(seen.workers, head=2) + _lines_of(news, head=1)
    room = WITHOUT_HEIGHT if height is None else max(FEWEST_CARDS, height - taken - 3)
    if width // len(shown) >= COLUMN_WIDTH:
        parts.append(_columns(seen, shown, width, min(CARDS, room)))
        workers = seen.workers
    else:
        parts += _sections(seen, shown, width, room)
        workers = seen.workers[:room]
    if not any(seen.counts[one] for one in COLUMNS):
        parts.append(Text(EMPTY, style="dim"))
    if workers:
        parts += [Text(""), _workers(workers, seen, width)]
    if news:
        parts += [Text(""), Text("\n".join(news), style="dim", no_wrap=True)]
    return Group(*parts)


def _lines_of(rows: Sequence[object], *, head: int) -> int:
    return len(rows) + head if rows else 0


def _title(seen: Look) -> Text:
    text = Text(f"{seen.board}  {present.moment(seen.now)}", style="bold", no_wrap=True)
    if seen.paused:
        text.append("  paused", style="red")
    if not seen.served:
        text.append("  no gateway is running", style="yellow")
    return text


def _heading(seen: Look, status: str) -> Text:
    return Text(f"{status} {seen.counts[status]}", style=f"bold {present.STATUS_COLOURS[status]}")


def _columns(seen: Look, shown: Sequence[str], width: int, most: int) -> Table:
    table = Table(expand=True, box=None, padding=(0, 1, 0, 0), width=width)
    for status in shown:
        table.add_column(_heading(seen, status), ratio=1, no_wrap=True, overflow="ellipsis")
    columns = [_cards(seen, status, most) for status in shown]
    for row in zip_longest(*columns, fillvalue=Text("")):
        table.add_row(*row)
    return table


def _cards(seen: Look, status: str, most: int) -> list[Text]:
    """The first cards of a column, and how many more there are."""
    cards = [_card(task) for task in seen.cards.get(status, [])[:most]]
    left = seen.counts[status] - len(cards)
    if left > 0 and cards:
        cards = [*cards[: most - 1], Text(f"… {left + len(cards[most - 1 :])} more", style="dim")]
    return cards


def _card(task: kb.Task) -> Text:
    text = Text(present.clean(task.title))
    if task.consecutive_failures:
        text = Text(f"↻{task.consecutive_failures} ", style="red") + text
    return text


def _sections(seen: Look, shown: Sequence[str], width: int, room: int) -> list[RenderableType]:
    """The counts on a line, then what waits for a person or may start, by status."""
    parts: list[RenderableType] = [Text("  ").join(_heading(seen, one) for one in shown)]
    listed = [one for one in STACKED if seen.counts[one]]
    each = max(FEWEST_CARDS, room // max(1, len(listed)) - 2)
    for status in listed:
        parts += [Text(""), _heading(seen, status)]
        cards = _cards(seen, status, each)
        for task, card in zip(seen.cards[status], cards, strict=False):
            told = () if card.style == "dim" else ((f"{task.id}  ", "dim"),)
            parts.append(Text.assemble("  ", *told, card, no_wrap=True, overflow="ellipsis"))
    return parts


def _workers(workers: Sequence[Worker], seen: Look, width: int) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, width=width, expand=True)
    headings = ("running", "worker", *(("host",) if seen.hosts else ()), "elapsed", "attempt")
    for heading in headings:
        table.add_column(heading, style="yellow", header_style="dim", no_wrap=True)
    table.add_column("title", header_style="dim", no_wrap=True, overflow="ellipsis", ratio=1)
    for worker in workers:
        run = worker.run
        table.add_row(
            worker.task.id,
            present.shorten(present.clean((run.profile or run.claimer) if run else "-"), NAME),
            *((_host_name(worker, seen),) if seen.hosts else ()),
            present.duration(seen.now - run.started_at) if run else "-",
            str(worker.attempt),
            Text(present.clean(worker.task.title)),
        )
    return table


def _host_name(worker: Worker, seen: Look) -> str:
    host = worker.host or "-"
    return present.shorten(present.clean(seen.hosts.get(host, host)), NAME)


def _news_line(event: kb.Event, width: int) -> str:
    from hermes_kanban.surfaces.cli.events import event_line

    return event_line(event, width=width)
