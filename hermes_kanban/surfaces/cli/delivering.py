"""``deliver``: for the end of a command that ran an agent on a machine without the board."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import click

from hermes_kanban import present
from hermes_kanban.surfaces.cli import inputs
from hermes_kanban.surfaces.cli.errors import CONFLICT, DONE, FAILED
from hermes_kanban.surfaces.cli.session import Session, command

_FOR_EVER: Final = 7 * 86_400


@command(
    "deliver",
    click.Option(["--timeout"], type=inputs.SPAN, metavar="SPAN", help="Wait so long at most."),
    examples="""
    ssh -o SendEnv='HERMES_KANBAN_*' gpu-box 'my-agent; hermes-kanban deliver'
    hermes-kanban deliver --timeout 10m
    """,
)
def deliver_command(session: Session, timeout: int | None) -> int:
    """Wait until what was handed in here is on the board.

    For machines that reach the board through gateways: while none could be reached, what ended a
    run was kept here. Exit code 4 if the board did not take it, 1 if some of it still waits.
    """
    from hermes_kanban import handovers
    from hermes_kanban.remote import courier
    from hermes_kanban.remote.access import STATE, default_state

    state = os.environ.get(STATE)
    folders = {handovers.place(root) for root in (Path(state or default_state()), default_state())}
    until = time.monotonic() + (_FOR_EVER if timeout is None else timeout)

    def tell(what: str) -> None:
        click.echo(present.clean(what), err=True)

    found = [one for folder in sorted(folders) for one in courier.deliver_all(folder, until, tell)]
    outcomes = {one.outcome for one in found}
    session.answer(
        "handed_in",
        [one._asdict() for one in found],
        [f"{one.outcome}: {one.said}" for one in found] or ["nothing waits"],
    )
    if "refused" in outcomes:
        return CONFLICT
    return FAILED if "waiting" in outcomes else DONE
