"""Continue, the ``cn`` command: YAML, its servers in a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_kanban.clients.base import SERVER, Client, Place


def _folder(place: Place) -> Path:
    return place.folder("CONTINUE_GLOBAL_DIR", place.home / ".continue")


def _server(command: list[str]) -> dict[str, Any]:
    return {"name": SERVER, "command": command[0], "args": command[1:]}


CLIENT = Client(
    name="continue",
    title="Continue",
    programs=("cn",),
    version=r"^(\d[\w.+-]*)$",
    places=(".local/bin",),
    format="yaml",
    config=lambda place: _folder(place) / "config.yaml",
    entry=("mcpServers", SERVER),
    server=_server,
    skills=lambda place: _folder(place) / "skills",
    projects=False,
    listed=True,
    base={"name": "Local Agent", "version": "1.0.0", "schema": "v1"},
    new_file_note="from now on cn takes its models from this file: add yours under models:",
)
