"""The board as the terminal shows it while the plan runs: columns, workers, what was retried."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.demo.news import Retry
from hermes_kanban.redact import redact
from hermes_kanban.surfaces.cli.board_view import Look, look, render

TAIL_BYTES: Final = 4096
SHOWN_RETRIES: Final = 3
# The board's title and headings, the headings of what is below, and a line to spare.
_FRAME_LINES: Final = 6


def board(
    conn: kb.BoardConnection, retries: list[Retry], width: int, height: int
) -> RenderableType:
    """The whole view, in at most ``height`` lines."""
    seen = look(conn)
    below = len(seen.workers) + min(len(retries), SHOWN_RETRIES)
    cards = max(1, height - _FRAME_LINES - below)
    short = {status: found[:cards] for status, found in seen.cards.items()}
    columns = msgspec.structs.replace(seen, cards=short, workers=[], news=[])
    parts: list[RenderableType] = [render(columns, width)]
    if seen.workers:
        parts += [Text("running", style="dim"), _workers(conn, seen)]
    if retries:
        parts += [Text("retried", style="dim"), *map(_retry, retries[-SHOWN_RETRIES:])]
    return Group(*parts)


def _workers(conn: kb.BoardConnection, seen: Look) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2), expand=True)
    table.add_column(style="yellow", no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(style="dim", no_wrap=True, overflow="ellipsis", ratio=1)
    for worker in seen.workers:
        run = worker.run
        again = f" (attempt {worker.attempt})" if worker.attempt > 1 else ""
        table.add_row(
            Text(present.clean(worker.task.title) + again),
            present.duration(seen.now - run.started_at) if run else "-",
            Text(last_line(conn.paths.run_dir(run.id) / "log") if run else ""),
        )
    return table


def _retry(retry: Retry) -> Text:
    style = "green" if retry.is_made_up else "red"
    return Text(f"  ↻ {retry.line()}", style=style, no_wrap=True, overflow="ellipsis")


def last_line(log: Path) -> str:
    """The last line that a worker has written, fit for a terminal."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return ""
    said = [line for line in lines if line.strip()]
    return present.clean(redact(said[-1])) if said else ""
