"""``init``, ``boards`` and ``profiles``: what a home holds."""

from __future__ import annotations

from typing import Any

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.paths import board_paths, home
from hermes_kanban.surfaces.cli import errors, health
from hermes_kanban.surfaces.cli.groups import Group
from hermes_kanban.surfaces.cli.session import Session, command


@command(
    "init",
    examples="""
    hermes-kanban init
    hermes-kanban init --board website
    """,
)
def init_command(session: Session) -> None:
    """Create the board if it is not there."""
    slug = kb.init_db(session.board).slug
    _tell_where(session, slug, session.board)


boards_command = Group(
    "boards",
    help="List and create boards.",
    default="list",
)


@command("list", examples="hermes-kanban boards list")
def boards_list(session: Session) -> None:
    """List the boards of the home."""
    found = kb.list_boards()
    rows = [_board_row(slug, board) for slug, board in found]
    lines = present.table(
        ("BOARD", "NAME", "STATE", "GATEWAY"), rows, width=session.width, flexible=1
    )
    value = [_board_json(slug, board) for slug, board in found]
    session.answer("boards", value, lines if found else [_no_boards()])


def _no_boards() -> str:
    return f"no boards under {home()}; create one with: hermes-kanban init"


def _gateway(slug: str) -> health.Health | None:
    import time

    return health.read(board_paths(slug), int(time.time()))


def _board_row(slug: str, board: kb.Board | kb.KanbanError) -> tuple[str, ...]:
    if isinstance(board, kb.KanbanError):
        return (slug, str(board), "unusable", "-")
    gateway = _gateway(slug)
    name = f"{board.icon} {board.name}" if board.icon else board.name
    state = f"paused by {board.paused_by}" if board.paused_at else "open"
    return (slug, name, state, gateway.state if gateway else "-")


def _board_json(slug: str, board: kb.Board | kb.KanbanError) -> dict[str, Any]:
    if isinstance(board, kb.KanbanError):
        return {"slug": slug, "error": str(board)}
    found = {name: getattr(board, name) for name in kb.Board.__struct_fields__}
    return found | {"gateway": health.as_json(_gateway(slug))}


@command(
    "create",
    click.Argument(["slug"]),
    click.Option(["--name"], metavar="TEXT", help="What people call it. Default: the slug."),
    click.Option(["--icon"], metavar="TEXT"),
    click.Option(["--workdir"], metavar="PATH", help="Where its tasks work, unless they say."),
    examples='hermes-kanban boards create website --name "The web site"',
)
def boards_create(
    session: Session, slug: str, name: str | None, icon: str | None, workdir: str | None
) -> None:
    """Create a board."""
    if not kb.create_board(slug, name=name, icon=icon, default_workdir=workdir):
        raise errors.Conflict(f"there is a board {slug} already; see: hermes-kanban boards list")
    _tell_where(session, slug, slug)


def _tell_where(session: Session, slug: str, board: str | None) -> None:
    conn = kb.connect(board)
    conn.close()
    value = {"slug": slug, "database": conn.location}
    session.answer("board", value, [f"board {slug} at {conn.location}"])


boards_command.add(boards_list, boards_create)


@command("profiles", examples="hermes-kanban profiles")
def profiles_command(session: Session) -> None:
    """List the profiles that tasks may be assigned to."""
    from hermes_kanban.config import load

    found = load(home()).profiles
    rows = [
        (name, profile.runtime, _limit(profile.max_in_progress), profile.description or "")
        for name, profile in found.items()
    ]
    lines = present.table(
        ("PROFILE", "RUNTIME", "AT MOST", "DESCRIPTION"), rows, width=session.width
    )
    value = [_profile_json(name, profile) for name, profile in found.items()]
    none = f"no profiles; add one under profiles: in {home() / 'config.yaml'}"
    session.answer("profiles", value, lines if rows else [none])


def _limit(most: int | None) -> str:
    return "-" if most is None else str(most)


def _profile_json(name: str, profile: Any) -> dict[str, Any]:
    """A profile with the names of its variables only: their values may be secret."""
    shown = {field: getattr(profile, field) for field in type(profile).__struct_fields__}
    return {"name": name} | shown | {"env": sorted(profile.env)}
