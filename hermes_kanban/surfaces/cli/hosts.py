"""``hosts``: which machines dispatch the board, and which of them start nothing for a while."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.kernel.hosts import ID_CHARACTERS
from hermes_kanban.surfaces.cli.groups import Group
from hermes_kanban.surfaces.cli.prose import sentence
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

if TYPE_CHECKING:
    from hermes_kanban.verbs.hosting import HostView

hosts_command = Group(
    "hosts",
    help="List the hosts of the board, and drain one.",
    default="list",
)
_HEADERS = ("HOST", "STATE", "RUNNING", "SEEN", "OFFERS")
_HOST = click.Argument(["host"], metavar="HOST")


@command("list", examples="hermes-kanban hosts list")
def hosts_list(session: Session) -> None:
    """List the hosts of the board, with what each can run."""
    from hermes_kanban.verbs.hosting import hosts_view

    found = hosts_view(session.conn)
    rows = [
        _row(one, called, found.now)
        for one, called in zip(found.hosts, _called(found.hosts), strict=True)
    ]
    lines = present.table(_HEADERS, rows, width=session.width, flexible=4)
    told = [_drained(one, found.now) for one in found.hosts if one.state == "draining"]
    lines += ["", *(line for one in told for line in sentence(session, one, ""))] if told else []
    if not rows:
        lines = ["no gateway has dispatched this board yet; start one: hermes-kanban up"]
    session.answer("hosts", found.hosts, lines)


def _called(hosts: list[HostView]) -> list[str]:
    """What names each: its name, and where several have that, as much of its id as is needed."""
    names = Counter(one.name for one in hosts)
    ids = Counter(one.host_id[:ID_CHARACTERS] for one in hosts)
    called = []
    for one in hosts:
        short = one.host_id[:ID_CHARACTERS]
        known = short if ids[short] == 1 else one.host_id
        called.append(one.name if names[one.name] == 1 else f"{one.name} ({known})")
    return called


def _row(host: HostView, name: str, now: int) -> tuple[str, ...]:
    state: str = host.presence
    if host.state == "draining":
        state = "draining" if state == "live" else f"{state}, drained"
    most = "?" if host.max_in_progress is None else str(host.max_in_progress)
    seen = "-" if host.last_seen_at is None else present.ago(host.last_seen_at, now)
    offers = ", ".join(host.capabilities)
    return (name, state, f"{host.running} of {most}", seen, offers)


def _drained(host: HostView, now: int) -> str:
    """Who wants it to start nothing, since when and why."""
    by = f", as {host.drained_by} asked for" if host.drained_by else ""
    since = "" if host.drained_at is None else f" {present.ago(host.drained_at, now)}"
    why = f": {host.drained_reason}" if host.drained_reason else ""
    return present.clean(f"{host.name} drains{by}{since}{why}")


@command(
    "drain",
    _HOST,
    click.Option(["--reason"], metavar="TEXT", help="Why; others are told."),
    AS_PERSON,
    examples='hermes-kanban hosts drain build-1 --reason "New disk"',
)
def hosts_drain(session: Session, host: str, reason: str | None) -> None:
    """Start nothing new on a host; what runs there goes on."""
    before = kb.drain_host(session.conn, host, reason=reason, **session.actor())
    _tell(session, before, "draining")


@command("resume", _HOST, AS_PERSON, examples="hermes-kanban hosts resume build-1")
def hosts_resume(session: Session, host: str) -> None:
    """Let a host start tasks again."""
    before = kb.resume_host(session.conn, host, **session.actor())
    _tell(session, before, "active")


def _tell(session: Session, before: kb.Host, state: str) -> None:
    from hermes_kanban.verbs.hosting import one_host

    now = one_host(session.conn, before.host_id)
    unchanged = " (unchanged)" if before.state == state else ""
    goes_on = "its run goes on" if now.running == 1 else f"{now.running} of its runs go on"
    running = f"; {goes_on}" if state == "draining" and now.running else ""
    line = f"{now.name} {'drains' if state == 'draining' else 'starts tasks'}{unchanged}{running}"
    changed = before.state != state
    session.answer("host", now, [present.clean(line)], changed=changed)


hosts_command.add(hosts_list, hosts_drain, hosts_resume)
