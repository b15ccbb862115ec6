"""Claude Code: JSON beside its own state, a file in the project for projects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_kanban.clients.base import SERVER, Client, Place


def _config(place: Place) -> Path:
    if place.project is not None:
        return place.project / ".mcp.json"
    folder = place.folder("CLAUDE_CONFIG_DIR", place.home)
    # What earlier versions left is read in place of the newer file where it is there.
    legacy = place.folder("CLAUDE_CONFIG_DIR", place.home / ".claude") / ".config.json"
    return legacy if legacy.is_file() and legacy.stat().st_size else folder / ".claude.json"


def _skills(place: Place) -> Path:
    if place.project is not None:
        return place.project / ".claude" / "skills"
    return place.folder("CLAUDE_CONFIG_DIR", place.home / ".claude") / "skills"


def _server(command: list[str]) -> dict[str, Any]:
    return {"type": "stdio", "command": command[0], "args": command[1:], "env": {}}


CLIENT = Client(
    name="claude",
    title="Claude Code",
    programs=("claude",),
    version=r"(\d[\w.+-]*) \(Claude Code\)",
    places=(".claude/local", ".local/bin"),
    format="jsonc",
    config=_config,
    entry=("mcpServers", SERVER),
    server=_server,
    skills=_skills,
    project_note="Claude Code asks once whether to trust a project's .mcp.json",
)
