"""``up`` and ``down``: from nothing to a board that works, and its gateway away again."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from hermes_kanban import health, present
from hermes_kanban import kernel as kb
from hermes_kanban.config import load
from hermes_kanban.page import listens
from hermes_kanban.paths import BoardPaths, board_paths, home
from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.session import Session, command
from hermes_kanban.surfaces.cli.web import CODE_SECONDS, in_browser, link_at

if TYPE_CHECKING:
    from hermes_kanban.clients.detect import Found

_PAGE_SECONDS: Final = 10.0


@command(
    "up",
    click.Option(["--open", "opens"], is_flag=True, help="Open the board in a browser, too."),
    examples="""
    hermes-kanban up
    hermes-kanban up --open
    """,
)
def up_command(session: Session, opens: bool) -> int:
    """Set everything up and start the gateway; say what runs.

    Makes the home and the board, a profile for each agent found (only while there is none), and
    starts the gateway in the background, where it outlives this terminal. Does only what is
    missing: say it again to see what runs and get a new link. End it with: hermes-kanban down.
    """
    from hermes_kanban import background, starter

    session.may_write()
    paths = board_paths(session.board)
    running = background.running(paths)
    starter.prepare(paths.home)
    if running is None:
        _need_free_port(paths.home)
    kb.init_db(session.board)
    found, written = _agents(paths.home)
    started = running is None
    gateway = running or _start(paths)
    page = _page(session, paths)
    link = link_at(page) if page else None
    value = {
        "home": str(paths.home),
        "board": paths.slug,
        "gateway": {"started": started} | health.as_json(gateway),
        "agents": [_agent_json(one) for one in found],
        "profiles_written": written,
        "page": link and {"address": page, "url": link, "seconds": CODE_SECONDS},
    }
    lines = [
        ("home", str(paths.home)),
        ("board", paths.slug),
        ("gateway", _gateway_line(gateway, started)),
        *(("agent", _agent_line(one, written)) for one in found),
        *([] if found else [("agents", _no_agents(paths.home, written))]),
        *([("page", link), ("", _PAGE_NOTE)] if link else []),
        ("next", _next(paths.home)),
        ("stop", "hermes-kanban down"),
    ]
    session.answer("up", value, [f"{name:<9}{text}" for name, text in lines])
    if opens and link:
        in_browser(session, link)
    return errors.DONE if page or not load(paths.home).web.in_gateway else errors.FAILED


def _start(paths: BoardPaths) -> health.Health:
    """By the service, where one is installed for this home, else in the background."""
    from hermes_kanban import background, service

    found = service.manager()
    if service.installed(found, paths.home, os.environ):
        try:
            found.start(found.file(os.environ))
        except service.ServiceTrouble:
            return background.start(paths)
        return background.wait(paths)
    return background.start(paths)


_PAGE_NOTE: Final = (
    f"opens once, within {CODE_SECONDS // 60} minutes; another link: hermes-kanban board"
)


def _need_free_port(home: Path) -> None:
    """Before anything is started: what listens there now is somebody else's."""
    settings = load(home).web
    if not settings.in_gateway or not listens(settings.address):
        return
    raise kb.KanbanError(
        f"another program listens at {settings.address}; set web.port in {home / 'config.yaml'} to"
        " a free port, or stop that program"
    )


def _page(session: Session, paths: BoardPaths) -> str | None:
    """Where the gateway serves the board; None, and a warning, where it does not."""
    deadline = time.monotonic() + _PAGE_SECONDS
    while True:
        record = health.read(paths, int(time.time()))
        settings = load(paths.home).web
        if record is None or not settings.in_gateway:
            # One that stands by serves under another's address, or none.
            if settings.in_gateway and listens(settings.address):
                return settings.address
            break
        if record.web:
            return record.web
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if not settings.in_gateway:
        session.warn(
            "the gateway does not serve the page (web.in_gateway: false); see the board with:"
            " hermes-kanban web --open"
        )
    else:
        session.warn("the gateway does not serve the page; see: hermes-kanban doctor")
    return None


def _agents(home: Path) -> tuple[list[Found], list[str]]:
    """The agents that are installed, and the profiles that were written for them."""
    from hermes_kanban.clients import CLIENTS
    from hermes_kanban.clients import detect as looking
    from hermes_kanban.starter import first_profiles

    config = load(home)
    found = [
        one
        for one in looking.detect(CLIENTS, config.profiles, os.environ)
        if one.version is not None
    ]
    suggested = {
        looking.suggested_name(one, config.profiles): looking.suggested_profile(one, os.environ)
        for one in found
    }
    return found, first_profiles(home, config, suggested)


def _agent_line(found: Found, written: list[str]) -> str:
    name = found.client.name
    profiles = found.profiles or ((name,) if name in written else ())
    if not profiles:
        return f"{name} {found.version}; make a profile: hermes-kanban profiles detect --write"
    new = " (new)" if name in written else ""
    return f"{name} {found.version}, profile {', '.join(profiles)}{new}"


def _no_agents(home: Path, written: list[str]) -> str:
    profiles = ", ".join(load(home).profiles)
    told = "new: counts words, for a start" if written else "yours"
    return f"none found; profile {profiles} ({told})"


def _agent_json(found: Found) -> dict[str, Any]:
    return {
        "client": found.client.name,
        "version": found.version,
        "program": str(found.program),
        "profiles": list(found.profiles),
    }


def _gateway_line(gateway: health.Health, started: bool) -> str:
    if started:
        return f"started, pid {gateway.pid}; its log: hermes-kanban gateway logs"
    since = present.duration(int(time.time()) - gateway.started_at)
    return f"runs, pid {gateway.pid}, up {since}, {gateway.in_progress} in progress"


def _next(home: Path) -> str:
    assignee = next(iter(load(home).profiles), "NAME")
    return f'hermes-kanban create "Say hello" --assignee {assignee}'


@command("down", examples="hermes-kanban down")
def down_command(session: Session) -> int:
    """Stop the gateway of this home.

    Workers go on, and nothing new starts. The next gateway takes the workers up again, exit codes
    included.
    """
    from hermes_kanban import background, service

    session.may_write()
    gateways = background.all_running()
    for gateway in gateways.values():
        background.stop(gateway)
    lines = [f"gateway stopped, pid {pid}{_left(one)}" for pid, one in gateways.items()]
    lines = lines or [f"no gateway of {home()} is running"]
    if service.installed(service.manager(), home(), os.environ):
        lines.append("it starts again at the next login; for good: hermes-kanban service remove")
    value = [{"pid": pid, "in_progress": one.in_progress} for pid, one in gateways.items()]
    session.answer("stopped", value, lines)
    return errors.DONE


def _left(gateway: health.Health) -> str:
    count = gateway.in_progress
    return f"; {count} {'worker goes' if count == 1 else 'workers go'} on" if count else ""
