"""A gateway in a Matrix room, seen by the people there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from hermes_kanban import kernel as kb
from tests.chat.synapse_server import Person, Synapse
from tests.support.gateways import Gateways
from tests.support.waiting import wait_until


class Room:
    """One room with a bot, with mara and tom who are listed, and with eve who is not."""

    def __init__(self, synapse: Synapse, number: int, gateways: Gateways) -> None:
        self.gateways = gateways
        people = [synapse.person(f"{name}{number}") for name in ("bot", "mara", "tom", "eve")]
        self.bot, self.mara, self.tom, self.eve = people
        self.alias = f"#ops{number}:kanban.test"
        self.id = self.mara.make_room(self.bot, self.tom, self.eve, alias=f"ops{number}")
        self.tom.join(self.id)
        self.eve.join(self.id)
        self._address = synapse.address

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The ``matrix:`` section for this room."""
        return {
            "homeserver": self._address,
            "user": self.bot.user,
            "access_token": self.bot.token,
            "rooms": [self.alias],
            "users": [self.mara.user, self.tom.user],
            "home": self.alias,
        } | changes

    def configure(self, **changes: Any) -> None:
        """Write config.yaml with the room in it, and nobody who works."""
        settings = {
            "kanban": {"backoff_base_seconds": 1, "dispatch_interval_seconds": 1},
            "chat": {"matrix": self.settings(**changes), "people": self.people()},
        }
        draft = self.gateways.home / "config.yaml.new"
        draft.write_text(yaml.safe_dump(settings))
        draft.replace(self.gateways.home / "config.yaml")

    def people(self) -> dict[str, list[str]]:
        """Mara has a login on the board."""
        return {"mara": [f"matrix:{self.mara.user}"]}

    def start(self, **variables: str) -> Any:
        """Start a gateway and wait until it listens here."""
        process = self.gateways.start(**variables)
        wait_until(
            lambda: (found := self.gateways.health()) and found.chat.get("matrix") == "connected",
            message=f"not connected: {self.gateways.errors()[-3000:]}",
        )
        return process

    def said(self, by: Person | None = None) -> list[dict[str, Any]]:
        """The messages of the bot, or of ``by``, oldest first; edits count as messages."""
        sender = (by or self.bot).user
        return [
            one
            for one in self.mara.hears(self.id)
            if one["sender"] == sender and one["type"] == "m.room.message"
        ]

    def everything_said(self) -> list[dict[str, Any]]:
        """Like ``said``, however much it is."""
        return [
            one
            for one in self.mara.hears_all(self.id)
            if one["sender"] == self.bot.user and one["type"] == "m.room.message"
        ]

    def wait_for(self, wanted: Callable[[str], bool] | str, *, after: str = "") -> dict[str, Any]:
        """The first message of the bot whose text is wanted, after the event ``after``."""
        is_wanted = (lambda text: wanted in text) if isinstance(wanted, str) else wanted

        def look() -> dict[str, Any] | None:
            events = self.mara.hears(self.id)
            ids = [one["event_id"] for one in events]
            begin = ids.index(after) + 1 if after in ids else 0
            for one in events[begin:]:
                body = one["content"].get("body", "")
                if one["sender"] == self.bot.user and is_wanted(body):
                    return one
            return None

        return wait_until(
            look, message=f"{wanted!r} was not said: {self.gateways.errors()[-3000:]}"
        )

    def answer_to(self, event: str) -> dict[str, Any]:
        """The bot's reply to an event."""

        def look() -> dict[str, Any] | None:
            return next((one for one in self.said() if replied(one) == event), None)

        return wait_until(look, message=f"no reply: {self.gateways.errors()[-3000:]}")


def replied(event: dict[str, Any]) -> str | None:
    """The event that it is a reply to."""
    relation = event["content"].get("m.relates_to", {})
    found: str | None = relation.get("m.in_reply_to", {}).get("event_id")
    return found


def text_of(event: dict[str, Any]) -> str:
    """What it says."""
    return str(event["content"]["body"])


@contextlib.contextmanager
def board() -> Iterator[kb.BoardConnection]:
    """The default board."""
    conn = kb.connect()
    try:
        yield conn
    finally:
        conn.close()
