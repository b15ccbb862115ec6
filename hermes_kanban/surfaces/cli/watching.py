"""``watch``: the live board in the terminal."""

from __future__ import annotations

import sys
from typing import Final

import click

from hermes_kanban.surfaces.cli.errors import DONE
from hermes_kanban.surfaces.cli.interrupts import interruptible
from hermes_kanban.surfaces.cli.session import Session, command

REFRESH_SECONDS: Final = 0.5


@command(
    "watch",
    click.Option(["--once"], is_flag=True, help="Show it once and end."),
    examples="hermes-kanban watch",
)
def watch_command(session: Session, once: bool) -> int:
    """Show the live board in the terminal.

    Its columns, the running workers, what was retried. Ctrl-C ends it. Without a terminal,
    and with --json, it is shown once.
    """
    from hermes_kanban.surfaces.cli.board_view import look

    if session.as_json:
        seen = look(session.conn)
        workers = [
            {
                "task_id": one.task.id,
                "title": one.task.title,
                "run_id": one.run.id if one.run else None,
                "host": one.host,
                "worker_pid": one.run.worker_pid if one.run else None,
                "elapsed_seconds": seen.now - one.run.started_at if one.run else None,
                "attempt": one.attempt,
            }
            for one in seen.workers
        ]
        value = {"slug": seen.board, "paused": seen.paused, "tasks": seen.counts}
        session.answer("board", value, (), workers=workers)
    elif once or not sys.stdout.isatty():
        _show_once(session)
    else:
        _show_live(session)
    return DONE


def _show_once(session: Session) -> None:
    from rich.console import Console

    from hermes_kanban.surfaces.cli.board_view import look, render

    console = Console(file=sys.stdout, width=session.width, no_color=not session.colour)
    console.print(render(look(session.conn), session.width))


def _show_live(session: Session) -> None:
    from rich.console import Console
    from rich.live import Live

    from hermes_kanban.surfaces.cli.board_view import look, render

    console = Console(no_color=not session.colour)
    try:
        with (
            interruptible() as pause,
            Live(console=console, auto_refresh=False, screen=True) as live,
        ):
            while True:
                live.update(render(look(session.conn), console.width, console.height), refresh=True)
                pause(REFRESH_SECONDS)
    except KeyboardInterrupt:
        return
