"""opencode: JSON with comments, in the first of several files that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_kanban.clients.base import SERVER, Client, Place

# In the order in which opencode itself looks for the file that it changes.
_GLOBAL = ("opencode.jsonc", "opencode.json", "config.json")
_PROJECT = (
    "opencode.json",
    "opencode.jsonc",
    ".opencode/opencode.json",
    ".opencode/opencode.jsonc",
)


def _folder(place: Place) -> Path:
    usual = place.folder("XDG_CONFIG_HOME", place.home / ".config") / "opencode"
    return place.folder("OPENCODE_CONFIG_DIR", usual)


def _config(place: Place) -> Path:
    if place.project is not None:
        return _first(place.project, _PROJECT)
    return place.folder("OPENCODE_CONFIG", _first(_folder(place), _GLOBAL))


def _first(folder: Path, names: tuple[str, ...]) -> Path:
    files = [folder / name for name in names]
    return next((file for file in files if file.exists()), files[0])


def _skills(place: Place) -> Path:
    if place.project is not None:
        return place.project / ".opencode" / "skills"
    return _folder(place) / "skills"


def _server(command: list[str]) -> dict[str, Any]:
    return {"type": "local", "command": command, "enabled": True}


CLIENT = Client(
    name="opencode",
    title="opencode",
    programs=("opencode",),
    version=r"^(\d[\w.+-]*)$",
    places=(".opencode/bin", ".local/bin"),
    format="jsonc",
    config=_config,
    entry=("mcp", SERVER),
    server=_server,
    skills=_skills,
)
