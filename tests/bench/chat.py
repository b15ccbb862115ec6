"""From an event on the board to the message in a room of a real Matrix server, and back."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import urllib.parse
from functools import partial
from pathlib import Path
from typing import Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.subscriptions import subscribe
from tests.bench import boards
from tests.bench.measure import Figure, at_most, fresh_home, percentile, plain
from tests.bench.service import await_condition, gateway
from tests.chat.synapse_server import PYTHON, Person, Synapse

EVENTS: Final = 100
ALONE: Final = 50
COMMANDS: Final = 30
OWED: Final = 300
REST_SECONDS: Final = 0.02
_MESSAGES: Final = {"room": {"timeline": {"types": ["m.room.message"], "limit": 1000}}}


def measure() -> list[Figure]:
    assert PYTHON.exists(), "the Matrix server is not installed: make setup"
    with fresh_home() as home, tempfile.TemporaryDirectory(prefix="hk-synapse-") as folder:
        server = Synapse(Path(folder))
        try:
            return _in_a_room(server, home)
        finally:
            server.close()


def _in_a_room(server: Synapse, home: Path) -> list[Figure]:
    bot, mara, tom = (server.person(name) for name in ("bot", "mara", "tom"))
    room = mara.make_room(bot, tom)
    tom.join(room)
    settings = {
        "homeserver": server.address,
        "user": bot.user,
        "access_token": bot.token,
        "rooms": [room],
        "users": [mara.user],
        "home": room,
    }
    boards.configure(home, json.dumps({"chat": {"matrix": settings}}))
    conn = kb.connect()
    ear = _Ear(tom, room)
    alone = [_heard_after(ear, partial(mara.say, room)) for _ in range(ALONE)]
    with gateway():
        await_condition((home / "chat" / "matrix.kept").exists, "it does not listen")
        subscribe(conn, destination="matrix")
        told = [_heard_after(ear, partial(_ask, conn)) for _ in range(EVENTS)]
        answered = [_command(ear, mara, room) for _ in range(COMMANDS)]
        rate = _rate(ear, conn)
    conn.close()
    return [
        at_most("event to message, median", 1_000 * statistics.median(told), 100, "ms"),
        at_most("event to message, 99th percentile", 1_000 * percentile(told, 0.99), 500, "ms"),
        plain("one person to another by the same server", 1_000 * statistics.median(alone), "ms"),
        plain("command to answer, median", 1_000 * statistics.median(answered), "ms"),
        plain("messages to one room", rate, "/s"),
    ]


class _Ear:
    """Somebody in the room who hears everything at once."""

    def __init__(self, person: Person, room: str) -> None:
        self._person = person
        self._room = room
        self._since = self._sync("")["next_batch"]

    def _sync(self, since: str) -> Any:
        asked = {"filter": json.dumps(_MESSAGES)}
        asked |= {"since": since, "timeout": "10000"} if since else {"timeout": "0"}
        return self._person.ask("GET", f"/sync?{urllib.parse.urlencode(asked)}")

    def hears(self, text: str, times: int = 1) -> float:
        """Wait until ``text`` was said so many times; when the last was (``perf_counter``)."""
        deadline = time.monotonic() + 60
        while times > 0:
            assert time.monotonic() < deadline, f"{text!r} was not said"
            answer = self._sync(self._since)
            at = time.perf_counter()
            self._since = answer["next_batch"]
            joined = answer.get("rooms", {}).get("join", {}).get(self._room, {})
            events = joined.get("timeline", {}).get("events", [])
            times -= sum(text in one["content"].get("body", "") for one in events)
        return at


def _heard_after(ear: _Ear, say: Any) -> float:
    time.sleep(REST_SECONDS)
    text = f"number {time.time_ns()}"
    began = time.perf_counter()
    say(text)
    return ear.hears(text) - began


def _ask(conn: kb.BoardConnection, text: str) -> None:
    """A question on the board: counted from before it is committed."""
    kb.block_task(conn, kb.create_task(conn, title="Ask"), reason=text, kind="needs_input")


def _command(ear: _Ear, person: Person, room: str) -> float:
    time.sleep(REST_SECONDS)
    began = time.perf_counter()
    person.say(room, "!kanban stats")
    return ear.hears("in progress 0") - began


def _rate(ear: _Ear, conn: kb.BoardConnection) -> float:
    """Messages a second when many are owed at once."""
    tasks = [kb.create_task(conn, title="Ask") for _ in range(OWED)]
    began = time.perf_counter()
    with kb.batch(conn):
        for task_id in tasks:
            kb.block_task(conn, task_id, reason="all at once", kind="needs_input")
    return OWED / (ear.hears("all at once", OWED) - began)
