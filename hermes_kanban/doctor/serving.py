"""The boards, the gateway that serves them, the page, and where messages go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from hermes_kanban import health, present
from hermes_kanban import kernel as kb
from hermes_kanban.background import boards_here
from hermes_kanban.config import load, load_last_good
from hermes_kanban.doctor.finding import Finding
from hermes_kanban.notify import PLATFORMS
from hermes_kanban.notify.places import DESKTOP, places
from hermes_kanban.page import listens, served_at


def boards(home: Path) -> Iterator[Finding]:
    """Whether each board can be opened."""
    found = kb.list_boards()
    if not found:
        yield Finding.warning(f"no board under {home}", "hermes-kanban up", kb.init_db)
    for slug, board in found:
        if isinstance(board, kb.KanbanError):
            what, _, remedy = str(board).partition("; ")
            yield Finding.fault(f"{slug}: {what}", remedy)
        elif board.paused_at is not None:
            yield Finding.warning(
                f"{slug} was paused by {board.paused_by}: nothing new starts",
                f"hermes-kanban resume --board {slug}",
            )
        else:
            yield Finding.ok(f"{slug}: {board.name}")


def gateway(home: Path) -> Iterator[Finding]:
    """Whether each board is served, and what its gateway complains of."""
    now = int(time.time())
    for paths in boards_here():
        slug, record = paths.slug, health.read(paths, now)
        if record is None and (hosts := health.served_by(paths)):
            started = f"its tasks are started by {_listed(hosts)}"
            if health.died(paths) is None:
                yield Finding.ok(f"{slug}: none of this home; {started}")
            else:
                died = f"{slug}: the gateway of this home has died; {started}"
                yield Finding.warning(died, "hermes-kanban up")
            continue
        if record is None:
            yield Finding.warning(
                f"{slug}: no gateway is running, so no task is started", "hermes-kanban up"
            )
            continue
        here = metadata.version("hermes-kanban")
        if record.version and record.version != here:
            yield Finding.warning(
                f"{slug}: the gateway runs {record.version}, and {here} is installed",
                "hermes-kanban down && hermes-kanban up",
            )
        for reason in record.degraded:
            what, _, remedy = present.clean(reason).partition("; ")
            yield Finding.warning(f"{slug}: {what}", remedy or "hermes-kanban gateway status")
        if not record.degraded:
            up = present.duration(now - record.started_at)
            yield Finding.ok(f"{slug}: {record.state}, pid {record.pid}, up {up}")


def _listed(hosts: list[str]) -> str:
    return ", ".join(hosts[:3]) + (", …" if hosts[3:] else "")


def destinations(home: Path) -> Iterator[Finding]:
    """Whether what is configured for messages can be used, as far as that is known unsent."""
    config = load(home)
    found = [one for one in places(config, commands=False) if one.destination != DESKTOP]
    where = home / "config.yaml"
    for one in found:
        if one.problem:
            # A variable may be set for the gateway, and not here.
            yield Finding.warning(f"{one.destination}: {one.problem}", f"correct it in {where}")
    for platform in PLATFORMS:
        settings = getattr(config.chat, platform)
        if settings is not None and not settings.people:
            yield Finding.warning(
                f"chat.{platform} tells, and listens to nobody",
                f"list those who may answer in chat.{platform}.users in {where}",
            )
    if not any(one.problem for one in found):
        told = ", ".join(one.destination for one in found if not one.open and one.destination)
        yield Finding.ok(f"{told}; try one with: hermes-kanban notify test ID")


def page(home: Path) -> Iterator[Finding]:
    """Whether the web board is to be had, and its port free for it."""
    settings = load_last_good(home).web
    served = served_at()
    if served and listens(served):
        yield Finding.ok(f"served at {served}; a link: hermes-kanban board")
    elif served:
        yield Finding.fault(
            f"the gateway says that it serves {served}, and nothing answers there",
            "hermes-kanban down && hermes-kanban up",
        )
    elif not settings.in_gateway:
        yield Finding.ok("not served by the gateway (web.in_gateway); see: hermes-kanban web")
    elif listens(settings.address):
        yield Finding.fault(
            f"another program listens at {settings.address}",
            f"set web.port in {home / 'config.yaml'} to a free port, or stop that program",
        )
    else:
        yield Finding.ok(f"{settings.address} is free for it")
