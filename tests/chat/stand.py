"""What the tests of the chat platforms need of whatever stands in for one."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from tests.support.waiting import wait_until


class Seen(NamedTuple):
    """A message of the bot as people see it now; ``reply_to`` is what it answers.

    ``thread`` is the thread of the place in which it stands.
    """

    id: str
    text: str
    buttons: dict[str, str]
    reply_to: str | None = None
    edited: bool = False
    thread: str | None = None


class Stand(Protocol):
    """One platform with the bot, mara and tom who are listed, and eve who is not."""

    platform: str
    place: str
    mara: str
    tom: str
    eve: str

    def settings(self) -> dict[str, Any]:
        """The platform's section of the configuration."""

    def command(self, who: str, text: str) -> str:
        """Give a command in the platform's own way; how ``answer_to`` finds the answer."""

    def open_thread(self) -> str:
        """A thread in the place; its id."""

    def say(self, who: str, text: str, *, to: Seen | None = None, thread: str | None = None) -> str:
        """Say something, as a reply to ``to``, or in a thread; its id."""

    def press(self, who: str, message: Seen, label: str, *, token: str = "") -> str:
        """Press a button, or say that one with ``token`` was; how ``answer_to`` finds it."""

    def seen(self) -> list[Seen]:
        """What the bot has said, oldest first."""

    def answers_to(self, key: str) -> list[str]:
        """What was answered to a command, a reply or a press."""

    def refuse(self, code: int, retry_after: int | None = None) -> None:
        """Refuse the next message."""

    def refuse_account(self) -> None:
        """Know the bot's token no longer."""

    def stop(self) -> None:
        """It vanishes: it is gone, or hangs."""

    def start(self) -> None:
        """It is there again, and knows what it knew."""


def wait_for(stand: Stand, wanted: Callable[[Seen], bool] | str) -> Seen:
    """The first message of the bot that is wanted."""
    is_wanted = (lambda one: wanted in one.text) if isinstance(wanted, str) else wanted
    return wait_until(
        lambda: next((one for one in stand.seen() if is_wanted(one)), None),
        message=f"{wanted} was not said, but {[one.text for one in stand.seen()]}",
    )


def answer_to(stand: Stand, key: str) -> str:
    """The answer to what was said, given or pressed."""
    return wait_until(lambda: stand.answers_to(key), message=f"no answer to {key}")[0]


def post(url: str, body: Any) -> Any:
    """One request with JSON, and what it is answered."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
