"""Profiles and agent clients: whether each can be started, log in, and reach the board."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hermes_kanban import health
from hermes_kanban.background import boards_here
from hermes_kanban.clients import CLIENTS, Place, formats
from hermes_kanban.clients import detect as looking
from hermes_kanban.clients.formats import plain
from hermes_kanban.config import Config, Profile, load_last_good
from hermes_kanban.doctor import logins
from hermes_kanban.doctor.finding import Finding
from hermes_kanban.doctor.handshake import Unanswered, tools_of
from hermes_kanban.kernel import hosts
from hermes_kanban.machine import machine
from hermes_kanban.workers.environment import inherited
from hermes_kanban.workers.runtimes import runtime_named
from hermes_kanban.workers.runtimes.base import TOKEN


def profiles(home: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether each profile's program is there for the gateway, and logged in."""
    config = load_last_good(home)
    found = config.profiles
    if not found:
        yield Finding.warning(
            "there is no profile, so no task can be started",
            "hermes-kanban profiles detect --write, or write one under profiles: in"
            f" {home / 'config.yaml'}",
        )
    around = _around_gateway(environ)
    for name, profile in found.items():
        lacks = hosts.missing(profile, config.host.name, machine().host, config.host.offers)
        if lacks:
            yield _not_here(config, name, profile, lacks)
        else:
            yield from _profile(name, profile, around)


def _not_here(config: Config, name: str, profile: Profile, lacks: list[str]) -> Finding:
    """A profile that this host may not run: another one does, where hosts share the board."""
    offers = ", ".join(one for one in lacks if one != hosts.NAMED)
    why = f"this host does not offer {offers}" if offers else f"it names {', '.join(profile.hosts)}"
    if config.kanban.database:
        return Finding.ok(f"{name}: for other hosts; {why}")
    return Finding.warning(
        f"{name}: no host runs it; {why}",
        "add what it requires to host.capabilities, or change hosts and requires of the profile",
    )


def _profile(name: str, profile: Profile, around: Mapping[str, str]) -> Iterator[Finding]:
    runtime = runtime_named(profile.runtime)
    env = inherited(around, runtime.inherits) | profile.env
    program = runtime.program or profile.argv[0]
    if not TOKEN.search(program) and not _can_start(program, env):
        folder = f"PATH under env: of {name} can name its folder"
        yield Finding.fault(
            f"{name}: {program} is not installed, or not on the gateway's PATH",
            folder if runtime.program else f"correct its argv; or {folder}",
        )
        return
    if profile.runtime in logins.LOGINS and (profile.provider is None):
        login = logins.seen(profile.runtime, env)
        if login is None:
            yield Finding.warning(
                f"{name}: no login of {program} is seen, so its runs would fail",
                logins.how(profile.runtime, name),
            )
            return
        yield Finding.ok(f"{name}: {program}, logged in by {login}")
        return
    yield Finding.ok(f"{name}: {program}")


def _can_start(program: str, env: Mapping[str, str]) -> bool:
    # Relative ones are below a workspace that is not there yet.
    if "/" in program and not program.startswith("/"):
        return True
    return shutil.which(program, path=env.get("PATH", "")) is not None


def _around_gateway(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment that the gateway was started with, where it can be seen; else this one."""
    now = int(time.time())
    for paths in boards_here():
        record = health.read(paths, now)
        if record is None or not health.is_here(record):
            continue
        try:
            parts = Path(f"/proc/{record.pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        pairs = (os.fsdecode(part).partition("=") for part in parts if b"=" in part)
        return {name: value for name, _, value in pairs}
    return environ


def tools(home: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the tools that each run is given start, with no more around than a worker has."""
    # As the spawner writes it into a run's configuration.
    command = [sys.executable, "-P", "-m", "hermes_kanban.surfaces.cli.main", "mcp"]
    command += ["--home", str(home)]
    around = inherited(_around_gateway(environ))
    began = time.monotonic()
    try:
        tools_of(command, around, _folder(home))
    except Unanswered as problem:
        yield Finding.fault(
            f"the board's tools do not start: {problem}",
            "install it again: pipx install --force hermes-kanban",
        )
        return
    yield Finding.ok(f"the board's tools answer within {time.monotonic() - began:.1f} s")


def clients(home: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Which agent clients are installed, and whether their own sessions reach the board."""
    found = looking.detect(CLIENTS, load_last_good(home).profiles, environ)
    if not found:
        yield Finding.ok(f"none of {', '.join(CLIENTS)} is installed")
    for one in found:
        name = one.client.name
        if one.version is None:
            yield Finding.warning(
                f"{name}: {one.program} does not say its version",
                f"start it by hand to see why: {one.program} --version",
            )
            continue
        told = f"{name} {one.version}"
        if not one.profiles:
            yield Finding.warning(
                f"{told} has no profile, so no task goes to it",
                "hermes-kanban profiles detect --write",
            )
        yield from _session(told, one, home, environ)


def _session(
    told: str, found: looking.Found, home: Path, environ: Mapping[str, str]
) -> Iterator[Finding]:
    """What its own sessions have of the board, by the entry in its configuration."""
    client = found.client
    file = client.config(Place(environ))
    entry = _entry(found, file)
    setup = f"hermes-kanban setup {client.name}"
    if entry is None:
        yield Finding.ok(f"{told}; its own sessions have no tools of the board ({setup})")
        return
    words = _words(entry)
    if entry.get("enabled") is False:
        yield Finding.ok(f"{told}; the entry in {file} is off, as its runs need it")
        return
    variables = entry.get("env") or entry.get("environment") or {}
    try:
        names = tools_of(words, dict(environ) | variables, _folder(home))
    except Unanswered as problem:
        yield Finding.fault(
            f"{told}: its sessions do not reach the board: {problem}", f"{setup} --replace"
        )
        return
    yield Finding.ok(f"{told}; its own sessions have {len(names)} tools of the board")


def _entry(found: looking.Found, file: Path) -> dict[str, Any] | None:
    client = found.client
    try:
        means = formats.load(client.format, file.read_text("utf-8"))
    except (OSError, ValueError, formats.Unreadable):
        return None
    entry = plain.get(means, client.entry)
    return entry if client.is_ours(entry) else None


def _words(entry: Mapping[str, Any]) -> list[str]:
    command, rest = entry["command"], entry.get("args") or []
    return [str(word) for word in [*([command] if isinstance(command, str) else command), *rest]]


def _folder(home: Path) -> Path:
    return home if home.is_dir() else Path("/")
