"""Hermes Agent: YAML, of its home or of the profile that is active there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_kanban.clients.base import SERVER, Client, ClientTrouble, Place
from hermes_kanban.workers.runtimes.hermes_state import profile_folder


def _folder(place: Place) -> Path:
    home = place.folder("HERMES_HOME", place.home / ".hermes")
    if place.environ.get("HERMES_HOME", "").strip():
        return home
    # `hermes profile use` leaves its choice here; without -p that profile's folder is the home.
    try:
        active = (home / "active_profile").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return home
    profile = home / "profiles" / active
    return profile if active and active != "default" and profile.is_dir() else home


def for_worker(place: Place, name: str) -> tuple[Client, Place]:
    """What the runs of a Hermes profile need in it: an entry, which is off, and the skill.

    Without any entry Hermes looks for no tools at all; each run brings its own. Raises
    ClientTrouble if Hermes has no such profile.
    """
    root = place.folder("HERMES_HOME", place.home / ".hermes")
    folder = profile_folder(root, name)
    if not folder.is_dir():
        raise ClientTrouble(
            f"Hermes has no profile {name} ({folder}); 'hermes profile create {name}' makes it"
        )
    client = CLIENT._replace(
        name=f"{CLIENT.name}-worker",
        title=f"the Hermes profile {name}",
        server=lambda command: _server(command) | {"enabled": False},
        any_entry=True,
        wishes=(),
    )
    return client, place._replace(environ={**place.environ, "HERMES_HOME": str(folder)})


def _server(command: list[str]) -> dict[str, Any]:
    # Said, since an entry for workers may stand there that is off.
    return {"command": command[0], "args": command[1:], "enabled": True}


CLIENT = Client(
    name="hermes",
    title="Hermes Agent",
    programs=("hermes",),
    version=r"Hermes Agent v?(\d[\w.+-]*)",
    places=(".local/bin", ".hermes/hermes-agent/venv/bin"),
    format="yaml",
    config=lambda place: _folder(place) / "config.yaml",
    entry=("mcp_servers", SERVER),
    server=_server,
    skills=lambda place: _folder(place) / "skills",
    projects=False,
    # Hermes waits 1.5 s for tools by default, too short on a busy machine.
    wishes=((("mcp_discovery_timeout",), 60),),
)
