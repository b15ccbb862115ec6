"""Qwen Code: JSON with comments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_kanban.clients.base import SERVER, Client, Place


def _folder(place: Place) -> Path:
    if place.project is not None:
        return place.project / ".qwen"
    return place.folder("QWEN_HOME", place.home / ".qwen")


def _server(command: list[str]) -> dict[str, Any]:
    return {"command": command[0], "args": command[1:], "trust": True}


CLIENT = Client(
    name="qwen",
    title="Qwen Code",
    programs=("qwen",),
    version=r"^(\d[\w.+-]*)$",
    places=(".local/bin",),
    format="jsonc",
    config=lambda place: _folder(place) / "settings.json",
    entry=("mcpServers", SERVER),
    server=_server,
    project_note="Qwen Code asks once whether to approve a project's tool servers",
    skills=lambda place: _folder(place) / "skills",
)
