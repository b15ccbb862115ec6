"""A page's side of the live socket, by websockets' own client."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.rest.client import Client
from tests.support.waiting import TIMEOUT_SECONDS


class Page:
    """One open socket; ``hello`` is what it was greeted with."""

    def __init__(self, opened: ClientConnection) -> None:
        self.socket = opened
        self.hello = self.hear()

    def say(self, op: str, **fields: Any) -> None:
        """Ask for something."""
        self.socket.send(json.dumps({"op": op} | fields))

    def hear(self, seconds: float = TIMEOUT_SECONDS) -> Any:
        """The next message."""
        return json.loads(self.socket.recv(timeout=seconds))

    def hear_of(self, kind: str) -> Any:
        """The next message of that type; others are passed over."""
        while (message := self.hear())["type"] != kind:
            pass
        return message

    def subscribe(self, board: str = "default", **fields: Any) -> Any:
        """Follow a board; where its events begin."""
        self.say("subscribe", board=board, **fields)
        while (message := self.hear())["type"] not in ("subscribed", "reset", "gone", "problem"):
            pass
        return message

    def events(self, count: int) -> list[dict[str, Any]]:
        """The next so many events."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            found += self.hear_of("events")["events"]
        return found


@contextmanager
def page(client: Client, name: str = "127.0.0.1", **how: Any) -> Iterator[Page]:
    """A socket that bears the token, unless ``how`` says otherwise; ``name`` is the host's."""
    headers = {"Authorization": f"Bearer {client.token}"} if client.token else {}
    # A client that has not read everything waits in vain for the end of the other side.
    settings: dict[str, Any] = {"additional_headers": headers, "close_timeout": 1}
    # With pings, two of its threads wait for a third at once, which Python before 3.13 may answer
    # with "release unlocked lock" (python/cpython#116372). A silent server is told by `hear`.
    settings |= {"ping_interval": None} | how
    settings["sock"] = socket.create_connection(("127.0.0.1", client.port), TIMEOUT_SECONDS)
    with connect(f"ws://{name}:{client.port}/api/v1/live", **settings) as opened:
        yield Page(opened)
