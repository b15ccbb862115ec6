"""Codex CLI: TOML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_kanban.clients.base import SERVER, Client, Place


def _folder(place: Place) -> Path:
    if place.project is not None:
        return place.project / ".codex"
    return place.folder("CODEX_HOME", place.home / ".codex")


def _server(command: list[str]) -> dict[str, Any]:
    return {
        "command": command[0],
        "args": command[1:],
        "startup_timeout_sec": 60,
        # Else `codex exec`, which can ask nobody, refuses every call.
        "default_tools_approval_mode": "approve",
    }


CLIENT = Client(
    name="codex",
    title="Codex CLI",
    programs=("codex",),
    version=r"codex-cli (\d[\w.+-]*)",
    places=(".local/bin",),
    format="toml",
    config=lambda place: _folder(place) / "config.toml",
    entry=("mcp_servers", SERVER),
    server=_server,
    skills=lambda place: _folder(place) / "skills",
    project_note="Codex reads a project's .codex/config.toml only in folders that it trusts",
)
