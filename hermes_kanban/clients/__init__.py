"""The agent clients that a session may orchestrate the board from: one small file a client.

Each says where its client keeps its configuration and skills, and how it wants a tool server
written. What is done with that is in ``plan`` (what would change), ``applying`` and ``ledger``.
"""

from __future__ import annotations

from typing import Final

from hermes_kanban.clients import claude, codex, continue_, gemini, hermes, opencode, qwen
from hermes_kanban.clients.base import Client, ClientTrouble, Place, Taken

__all__ = ["CLIENTS", "Client", "ClientTrouble", "Place", "Taken"]

CLIENTS: Final[dict[str, Client]] = {
    one.name: one
    for one in (
        claude.CLIENT,
        codex.CLIENT,
        gemini.CLIENT,
        opencode.CLIENT,
        qwen.CLIENT,
        continue_.CLIENT,
        hermes.CLIENT,
    )
}
