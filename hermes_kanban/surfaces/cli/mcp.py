"""The board's tools for an agent, over standard input and output."""

from __future__ import annotations

import os
import re
from typing import Final

import click

from hermes_kanban.surfaces.cli.session import GATEWAYS, Session, command

TASK: Final = "HERMES_KANBAN_TASK"
RUN: Final = "HERMES_KANBAN_RUN_ID"
LOCK: Final = "HERMES_KANBAN_CLAIM_LOCK"
FILE: Final = "HERMES_KANBAN_DB"
HOME: Final = "HERMES_KANBAN_HOME"
PROFILE: Final = "HERMES_PROFILE"
TOKEN: Final = "HERMES_KANBAN_TOKEN"

# What a client leaves in place of a variable that it does not know.
_UNFILLED: Final = re.compile(r"\$\{[^}]*\}")


@command(
    "mcp",
    click.Option(["--task"], metavar="ID", help=f"The task of the worker. Else {TASK}."),
    click.Option(["--run", "run_text"], metavar="N", help=f"Its run. Else {RUN}."),
    click.Option(["--lock", "lock_text"], metavar="LOCK", help=f"Its claim lock. Else {LOCK}."),
    click.Option(["--home"], metavar="FOLDER", help=f"Where the boards are. Else {HOME}."),
    click.Option(["--profile"], metavar="NAME", help=f"The profile that acts. Else {PROFILE}."),
    click.Option(
        ["--remote"],
        metavar="URL,...",
        help=f"Gateways to reach the board by, with the token in {TOKEN}. Else {GATEWAYS}.",
    ),
    examples="""
    hermes-kanban mcp --task t_abc234 --run 7 --lock 5f0c… --board default
    hermes-kanban mcp --profile planner
    hermes-kanban mcp --remote http://one.example:8790,http://two.example:8790
    """,
)
def mcp_command(
    session: Session,
    task: str | None,
    run_text: str | None,
    lock_text: str | None,
    home: str | None,
    profile: str | None,
    remote: str | None,
) -> None:
    """Serve the board's tools to an agent (MCP on stdio).

    For the configuration of MCP clients, under the name board. There are tools only where a task
    or an orchestrating profile is in force: a normal session sees none. A value of the form
    ${NAME}, which clients leave where they do not know a variable, counts as none. Ends when
    standard input ends.

    On a machine without the board, --remote reaches it through gateways and rides out their
    absence: what ends the run waits on this machine until the board has taken it.
    """
    _forget_unfilled()
    if (urls := _filled(remote)) or session.afar:
        _serve_remote(urls)
        return
    board = _filled(session.board)
    if home := _filled(home):
        os.environ[HOME] = home
        os.environ.pop(FILE, None)
    task_id = _filled(task) or os.environ.get(TASK) or None
    run = _filled(run_text) or os.environ.get(RUN) or None
    if task_id is not None and not (run and run.isascii() and run.isdecimal()):
        told = f"is {run!r}" if run else "is not given"
        raise click.UsageError(
            f"{task_id} is in force, but the number of its run (--run or {RUN}) {told}"
        )

    from hermes_kanban.surfaces.mcp.board import BoardToolbox
    from hermes_kanban.surfaces.mcp.inforce import InForce, instructions
    from hermes_kanban.surfaces.mcp.protocol import Protocol
    from hermes_kanban.surfaces.mcp.stdio import serve

    told_of = InForce(
        task_id=task_id,
        run_id=int(run) if task_id and run else None,
        claim_lock=_filled(lock_text) or os.environ.get(LOCK) or None,
        profile=_filled(profile) or os.environ.get(PROFILE) or None,
        board=board,
    )
    toolbox = BoardToolbox(told_of.caller, board=board)
    serve(Protocol(toolbox, lambda: instructions(toolbox.caller)))


def _serve_remote(urls: str | None) -> None:
    from hermes_kanban import handovers
    from hermes_kanban.remote import courier
    from hermes_kanban.remote.access import access
    from hermes_kanban.remote.tools import RemoteToolbox
    from hermes_kanban.surfaces.mcp.protocol import Protocol
    from hermes_kanban.surfaces.mcp.stdio import serve

    given = access(urls)
    courier.start_if_needed(handovers.place(given.state))
    toolbox = RemoteToolbox(given)
    serve(Protocol(toolbox, toolbox.instructions))


def _filled(value: str | None) -> str | None:
    return value if value and not _UNFILLED.fullmatch(value) else None


def _forget_unfilled() -> None:
    """The same for what the environment holds."""
    for name, value in list(os.environ.items()):
        if name.startswith("HERMES_") and _filled(value) is None:
            del os.environ[name]
