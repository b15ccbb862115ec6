"""Telegram as ``telegram-test-api`` has it, with its gaps closed by telegram/server.cjs.

What it does not show: whether Telegram takes our HTML and our buttons, its limits and rights, and
what it does in groups with topics. The requests and answers are those of its documentation.
"""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
from itertools import count
from pathlib import Path
from typing import Any

from tests.chat.stand import Seen, post
from tests.chat.synapse_server import free_port
from tests.support.waiting import wait_until

FOLDER = Path(sys.prefix) / "telegram"
SERVER = Path(__file__).with_name("telegram") / "server.cjs"
TOKEN = "110201543:a-token-of-the-tests"


class TelegramStand:
    """One server in a process of its own, and a group there."""

    platform = "telegram"
    place = "-1001"
    mara, tom, eve = "11", "12", "13"

    def __init__(self) -> None:
        assert (FOLDER / "node_modules").exists(), "the stand-in is not installed: make setup"
        self._port = free_port()
        self._queries = count(1)
        node = Path(sys.prefix) / "bin" / "node"
        # It ends with its standard input; the program that is started is not the one that serves.
        self._process = subprocess.Popen(
            [str(node), str(SERVER), str(self._port)],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        wait_until(self._answers, message="the stand-in does not start")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _answers(self) -> bool:
        assert self._process.poll() is None, "the stand-in has ended"
        try:
            return bool(post(f"{self.address}/control/shown", {}) == [])
        except (urllib.error.URLError, ConnectionError):
            return False

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate(timeout=20)

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)

    def start(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def settings(self) -> dict[str, Any]:
        return {
            "token": TOKEN,
            "chats": [int(self.place)],
            "users": [int(self.mara), int(self.tom)],
            "home": int(self.place),
            "base_url": self.address,
        }

    def open_thread(self) -> str:
        return "45"

    def say(self, who: str, text: str, *, to: Seen | None = None, thread: str | None = None) -> str:
        message = self._message(who) | {"text": text}
        if thread is not None:
            message |= {"message_thread_id": int(thread), "is_topic_message": True}
        if to is not None:
            message["reply_to_message"] = self._message("666") | {"message_id": int(to.id)}
        return str(post(f"{self.address}/control/say", message)["id"])

    def command(self, who: str, text: str) -> str:
        return self.say(who, text.replace("/kanban", "/kanban@TestNameBot", 1))

    def press(self, who: str, message: Seen, label: str, *, token: str = "") -> str:
        query = {
            "botToken": TOKEN,
            "from": {"id": int(who), "is_bot": False, "first_name": who},
            "message": self._message("666") | {"message_id": int(message.id)},
            "data": token or message.buttons[label],
        }
        post(f"{self.address}/sendCallback", query)
        return f"press {next(self._queries)}"

    def seen(self) -> list[Seen]:
        return [_seen(one) for one in self._history() if "chat_id" in one.get("message", {})]

    def answers_to(self, key: str) -> list[str]:
        kind, _, query = key.partition(" ")
        if kind == "press":
            shown = post(f"{self.address}/control/shown", {})
            return [one["text"] for one in shown if one["id"] == query]
        return [one.text for one in self.seen() if one.reply_to == key]

    def refuse(self, code: int, retry_after: int | None = None) -> None:
        refusal = {"method": "sendMessage", "code": code, "description": "Refused by the test"}
        if retry_after is not None:
            refusal["parameters"] = {"retry_after": retry_after}
        post(f"{self.address}/control/refuse", refusal)

    def refuse_account(self) -> None:
        refusal = {"method": "getMe", "code": 401, "description": "Unauthorized"}
        post(f"{self.address}/control/refuse", refusal)

    def _message(self, who: str) -> dict[str, Any]:
        return {
            "botToken": TOKEN,
            "date": int(time.time()),
            "from": {"id": int(who), "is_bot": who == "666", "first_name": who},
            "chat": {"id": int(self.place), "type": "group", "title": "ops"},
        }

    def _history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = post(f"{self.address}/getUpdatesHistory", {"token": TOKEN})[
            "result"
        ]
        return sorted(found, key=lambda one: one["updateId"])


def _seen(one: dict[str, Any]) -> Seen:
    message = one["message"]
    markup = message.get("reply_markup") or {}
    rows = markup.get("inline_keyboard", [])
    reply = json.loads(message.get("reply_parameters") or "{}")
    text = html.unescape(re.sub(r"<[^>]+>", "", message["text"]))
    buttons = {cell["text"]: cell["callback_data"] for row in rows for cell in row}
    replied = str(reply["message_id"]) if reply else None
    edited, thread = bool(message.get("edited")), message.get("message_thread_id")
    return Seen(str(one["messageId"]), text, buttons, replied, edited, thread)
