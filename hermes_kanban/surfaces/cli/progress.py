"""A bar for what takes a while: on a terminal only, and on standard error, beside the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hermes_kanban.surfaces.cli.session import Session


@contextmanager
def counted(
    session: Session, label: str, total: int | None = None
) -> Iterator[Callable[[int], None]]:
    """While this lasts: a function that is told how far it has come; without a terminal it is mute.

    ``total`` None: how much there will be is not known.
    """
    if session.as_json or not session.at_terminal or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}" + ("" if total is None else f" of {total:,}")),
        TimeElapsedColumn(),
    )
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def stages(session: Session, name: str) -> Iterator[Callable[[str, int, int | None], None]]:
    """Like ``counted``, of ``name``, for work of several stages: each call says which, how far it
    has come, and how much there is of it, if that is known.
    """
    if session.as_json or not session.at_terminal or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda stage, done, total: bar.update(
            task, description=f"{name}: {stage}", completed=done, total=total
        )
