"""Gemini CLI: JSON with comments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_kanban.clients.base import SERVER, Client, Place


def _folder(place: Place) -> Path:
    root = place.project or place.folder("GEMINI_CLI_HOME", place.home)
    return root / ".gemini"


def _server(command: list[str]) -> dict[str, Any]:
    return {"command": command[0], "args": command[1:], "trust": True}


CLIENT = Client(
    name="gemini",
    title="Gemini CLI",
    programs=("gemini",),
    version=r"^(\d[\w.+-]*)$",
    places=(".local/bin",),
    format="jsonc",
    config=lambda place: _folder(place) / "settings.json",
    entry=("mcpServers", SERVER),
    server=_server,
    note="Gemini CLI starts tool servers only in folders that it trusts",
    # It has no option for a run's own tools.
    serves_workers=True,
    skills=lambda place: _folder(place) / "skills",
)
