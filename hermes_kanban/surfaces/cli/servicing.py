"""``service``: the gateway as a service of systemd or launchd."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from hermes_kanban.paths import home
from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.groups import Group
from hermes_kanban.surfaces.cli.session import Session, command

if TYPE_CHECKING:
    from hermes_kanban.service import Manager

service_command = Group(
    "service",
    help="Run the gateway as a service.\n\nOf systemd or launchd: it starts at every login, and"
    " again when it fails.",
)


@command(
    "install",
    click.Option(["--dry-run"], is_flag=True, help="Only print what would be written, and where."),
    click.Option(
        ["--for", "kind"],
        type=click.Choice(["systemd", "launchd"]),
        help="With --dry-run: as that manager has it. Default: this system's.",
    ),
    examples="""
    hermes-kanban service install
    hermes-kanban service install --dry-run
    """,
)
def service_install(session: Session, dry_run: bool, kind: str | None) -> int:
    """Install the service of this home, and start it.

    A unit of systemd's user manager, or an agent of launchd. A gateway that runs in the background
    gives way to it; its workers go on. Say it again after an upgrade or a change of PATH.
    """
    from hermes_kanban.service import manager, wanted
    from hermes_kanban.starter import prepare
    from hermes_kanban.store.files import make_folder, replace_file

    if kind is not None and not dry_run:
        raise click.UsageError("--for only prints, so it needs --dry-run")
    found = manager(kind)
    file = found.file(os.environ)
    service, left = wanted(home(), os.environ)
    text = found.text(service)
    value = {"manager": found.title, "file": str(file), "text": text, "written": not dry_run}
    if dry_run:
        session.answer("service", value, [f"# {file}", text.rstrip("\n")])
        return errors.DONE
    session.may_write()
    _need(found)
    for name in left:
        session.warn(
            f"{name} is not handed on to the service; put it into {home() / 'config.yaml'}, a"
            " key under env: of the profile that needs it"
        )
    prepare(home())
    make_folder(file.parent)
    replace_file(file, text.encode())
    _stop_others()
    found.enable(file)
    lines = [f"written: {file}", f"{found.title} runs the gateway, now and at every login"]
    if found.title == "systemd":
        lines.append("to let it run while you are logged out: loginctl enable-linger")
    session.answer("service", value, [*lines, "see: hermes-kanban service status"])
    return errors.DONE


def _need(found: Manager) -> None:
    """Before anything is written: whether the manager answers at all."""
    from hermes_kanban.service import ServiceTrouble

    try:
        found.check()
    except ServiceTrouble as problem:
        raise ServiceTrouble(
            f"{problem}; the file for it: hermes-kanban service install --dry-run"
        ) from None


def _stop_others() -> None:
    from hermes_kanban.background import all_running, stop

    for gateway in all_running().values():
        stop(gateway)


@command("status", examples="hermes-kanban service status")
def service_status(session: Session) -> int:
    """Say whether the service is installed, and runs.

    Exit code 1 if it does not.
    """
    from hermes_kanban.service import installed_home, manager

    found = manager()
    file = found.file(os.environ)
    served = installed_home(found)
    if served is None:
        text = "no service is installed; install it with: hermes-kanban service install"
        session.answer("service", {"installed": False, "file": str(file)}, [text])
        return errors.FAILED
    status = found.status()
    value = {
        "installed": True,
        "file": str(file),
        "home": served,
        "state": status.state,
        "pid": status.pid,
    }
    pid = f", pid {status.pid}" if status.pid else ""
    session.answer("service", value, [f"{status.state}{pid}", f"home {served}", f"file {file}"])
    return errors.DONE if status.pid else errors.FAILED


@command("remove", examples="hermes-kanban service remove")
def service_remove(session: Session) -> None:
    """Stop the service and remove its file; workers go on."""
    from hermes_kanban.service import ServiceTrouble, installed_home, manager

    session.may_write()
    found = manager()
    file = found.file(os.environ)
    removed = installed_home(found) is not None
    if removed:
        try:
            found.disable(file)
        except ServiceTrouble as problem:
            # Without its manager it does not run either.
            session.warn(str(problem))
        file.unlink()
        found.forget()
    text = f"removed: {file}" if removed else "no service was installed"
    session.answer("service", {"installed": False, "removed": removed, "file": str(file)}, [text])


service_command.add(service_install, service_status, service_remove)
