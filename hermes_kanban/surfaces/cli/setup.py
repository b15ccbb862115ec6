"""``init``, ``boards`` and ``profiles``: what a home holds. For ``setup`` see ``clients.py``."""

from __future__ import annotations

from typing import Any

import click

from hermes_kanban import health, present
from hermes_kanban import kernel as kb
from hermes_kanban.paths import board_paths, home
from hermes_kanban.surfaces.cli import errors
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
    click.Option(["--icon"], metavar="TEXT", help="A sign to know it by."),
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


profiles_command = Group(
    "profiles",
    help="List profiles, and find agents to make them for.",
    default="list",
)


@command("list", examples="hermes-kanban profiles")
def profiles_list(session: Session) -> None:
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


@command(
    "detect",
    click.Option(["--write"], is_flag=True, help="Add the profiles that are missing."),
    examples="""
    hermes-kanban profiles detect
    hermes-kanban profiles detect --write
    """,
)
def profiles_detect(session: Session, write: bool) -> None:
    """Find the agent clients that are installed here.

    Suggests a profile for each that has none; one that is there is never changed. What does not
    say its version in time may be another program of that name, and is suggested nothing.
    """
    import os

    from hermes_kanban.clients import CLIENTS
    from hermes_kanban.clients import detect as looking
    from hermes_kanban.config import load

    profiles = load(home()).profiles
    lines: list[str] = []
    value = []
    for found in looking.detect(CLIENTS, profiles, os.environ):
        name = looking.suggested_name(found, profiles)
        text = looking.suggested_profile(found, os.environ)
        file = home() / "profiles" / f"{name}.yaml"
        missing = found.version is not None and not found.profiles
        written = write and missing and _written(session, name, text)
        told = found.version or "does not say its version"
        lines.append(f"{found.client.name}: {told}, {found.program}")
        if found.profiles:
            lines.append(f"  profile {', '.join(found.profiles)}")
        elif written:
            lines.append(f"  profile {name} written: {file}")
        elif missing:
            lines.append(f"  no profile; suggested as {file}:")
            lines += [f"    {line}" for line in text.splitlines()]
        value.append(
            {
                "client": found.client.name,
                "program": str(found.program),
                "version": found.version,
                "on_path": found.on_path,
                "profiles": found.profiles,
                "suggested": {"name": name, "file": str(file), "text": text} if missing else None,
                "written": written,
            }
        )
    if not value:
        lines.append(f"none of {', '.join(CLIENTS)} is installed here")
    session.answer("clients", value, lines)


def _written(session: Session, name: str, text: str) -> bool:
    from hermes_kanban.clients.detect import write_profile

    try:
        write_profile(home(), name, text)
    except FileExistsError as there:
        session.warn(f"{there.filename} is there already and stays as it is")
        return False
    return True


profiles_command.add(profiles_list, profiles_detect)


def _limit(most: int | None) -> str:
    return "-" if most is None else str(most)


def _profile_json(name: str, profile: Any) -> dict[str, Any]:
    """A profile with the names of its variables only: their values may be secret."""
    shown = {field: getattr(profile, field) for field in type(profile).__struct_fields__}
    return {"name": name} | shown | {"env": sorted(profile.env)}
