"""What an agent's machine was told of the board: where gateways are, and the token of its run."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from hermes_kanban.model.errors import InvalidInput

URL: Final = "HERMES_KANBAN_URL"
TOKEN: Final = "HERMES_KANBAN_TOKEN"
STATE: Final = "HERMES_KANBAN_STATE"
RUN: Final = "HERMES_KANBAN_RUN_ID"
MCP_PATH: Final = "/mcp"


class Access(msgspec.Struct, frozen=True):
    """Addresses of gateways of one board, the first one first, and a run's token.

    ``state`` is the folder in which a hand-over waits while none of them can be reached, under the
    name ``name``.
    """

    addresses: tuple[str, ...]
    token: str
    state: Path
    name: str


def access(urls: str | None = None) -> Access:
    """The access that ``urls``, several parted by commas, or else the environment gives.

    Raises InvalidInput for what is no address, and without a token.
    """
    addresses = tuple(_address(one) for one in _parts(urls or os.environ.get(URL, "")))
    if not addresses:
        raise InvalidInput(URL, "addresses such as http://board.example:8790/mcp", "is not set")
    token = os.environ.get(TOKEN, "").strip()
    if not token or not token.isascii() or any(one.isspace() for one in token):
        problem = "is not set" if not token else "is no token"
        raise InvalidInput(TOKEN, "the token of a run, as its worker is told it", problem)
    given = os.environ.get(STATE, "")
    run = os.environ.get(RUN, "")
    name = run if given and run.isdecimal() else hashlib.sha256(token.encode()).hexdigest()[:32]
    return Access(addresses, token, Path(given) if given else default_state(), name)


def default_state() -> Path:
    """Where this user's programs keep such things."""
    if folder := os.environ.get("XDG_STATE_HOME"):
        return Path(folder) / "hermes-kanban"
    return Path.home() / ".local" / "state" / "hermes-kanban"


def _parts(urls: str) -> list[str]:
    return list(dict.fromkeys(one.strip() for one in urls.split(",") if one.strip()))


def _address(url: str) -> str:
    """The whole address of a gateway's tools; one without a path is given theirs."""
    allowed = "http:// or https://, a host, and perhaps a port and a path"
    try:
        found = urlsplit(url)
        usable = found.scheme in ("http", "https") and found.hostname and (found.port or 80) > 0
    except ValueError:
        usable = False
    if not usable or found.username or found.query or found.fragment:
        # Not quoted: somebody may have put a secret into it.
        raise InvalidInput(f"--remote or {URL}", allowed, "holds something else")
    path = found.path.rstrip("/") or MCP_PATH
    return f"{found.scheme}://{found.netloc}{path}"
