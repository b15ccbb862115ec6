"""Hermes Agent: YAML, of its home or of the profile that is active there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_kanban.clients.base import SERVER, Client, Place


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


def _server(command: list[str]) -> dict[str, Any]:
    return {"command": command[0], "args": command[1:]}


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
