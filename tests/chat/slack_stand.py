"""A server that speaks what Slack documents of its Web API and of socket mode, as far as we use it.

What it does not show: whether Slack takes our blocks and our text, its rights and rates, how long
it keeps what nobody acknowledged (here: while somebody is connected), and what a person sees.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

from tests.chat.local_server import LocalServer
from tests.chat.stand import Seen

BOT = "U0BOT"
ERRORS = {429: "ratelimited", 503: "service_unavailable", 403: "is_archived"}


class SlackStand(LocalServer):
    """One workspace with one channel."""

    platform = "slack"
    place = "C0OPS"
    mara, tom, eve = "U0MARA", "U0TOM", "U0EVE"

    def __init__(self) -> None:
        self._numbers = count(1)
        self._messages: dict[str, dict[str, Any]] = {}
        self._edited: set[str] = set()
        self._unacknowledged: dict[str, dict[str, Any]] = {}
        self._responses: dict[str, list[str]] = {}
        self._uploads: dict[str, str] = {}
        self._refusals: list[tuple[int, int | None]] = []
        self._unknown = False
        self.lose_answer = False
        super().__init__()

    def settings(self) -> dict[str, Any]:
        return {
            "app_token": "xapp-of-the-tests",
            "bot_token": "xoxb-of-the-tests",
            "channels": [self.place],
            "users": [self.mara, self.tom],
            "home": self.place,
            "base_url": self.address,
        }

    # What people do

    def open_thread(self) -> str:
        self.call(self._somebody())  # what is said before the bot first comes is not looked up
        return self.say(self.tom, "We need to count things.")

    def say(self, who: str, text: str, *, to: Seen | None = None, thread: str | None = None) -> str:
        return self.call(self._say(who, text, to, thread))

    def command(self, who: str, text: str) -> str:
        key = f"answer-{next(self._numbers)}"
        payload = {
            "command": "/kanban",
            "text": _escaped(text.removeprefix("/kanban").strip()),
            "channel_id": self.place,
            "user_id": who,
            "trigger_id": key,
            "response_url": f"{self.address}/respond/{key}",
        }
        self.call(self._deliver("slash_commands", payload))
        return key

    def press(self, who: str, message: Seen, label: str, *, token: str = "") -> str:
        key = f"answer-{next(self._numbers)}"
        action = {
            "type": "button",
            "action_id": "kanban-0",
            "value": token or message.buttons[label],
            "action_ts": f"{time.time():.6f}",
        }
        payload = {
            "type": "block_actions",
            "user": {"id": who},
            "channel": {"id": self.place, "name": "ops"},
            "container": {"message_ts": message.id},
            "actions": [action],
            "response_url": f"{self.address}/respond/{key}",
        }
        self.call(self._deliver("interactive", payload))
        return key

    def refuse(self, code: int, retry_after: int | None = None) -> None:
        self._refusals.append((code, retry_after))

    def refuse_account(self) -> None:
        self._unknown = True

    # What they see

    def seen(self) -> list[Seen]:
        ours = [one for one in self._messages.values() if one["user"] == BOT]
        return [_seen(one, one["ts"] in self._edited) for one in ours]

    def answers_to(self, key: str) -> list[str]:
        if key in self._responses:
            return self._responses[key]
        said = self._messages.get(key)
        below = said and said.get("thread_ts", said["ts"])
        return [
            one.text
            for one in self.seen()
            if said and one.reply_to == below and one.id > said["ts"]
        ]

    # The Web API

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/api/{method}", self._api),
            web.get("/socket", self._socket),
            web.post("/respond/{key}", self._respond),
            web.post("/upload/{id}", self._uploaded),
        ]

    async def _api(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        if request.content_type == "application/json":
            asked |= await request.json()
        else:
            asked |= {key: str(value) for key, value in (await request.post()).items()}
        method = request.match_info["method"]
        if self._unknown:
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if method == "chat.postMessage" and self._refusals:
            code, wait = self._refusals.pop(0)
            headers = {} if wait is None else {"Retry-After": str(wait)}
            body = {"ok": False, "error": ERRORS[code]}
            return web.json_response(body, status=200 if code == 403 else code, headers=headers)
        answer = getattr(self, "_" + method.replace(".", "_"))(asked)
        if method == "chat.postMessage" and self.lose_answer:
            self.lose_answer = False
            request.transport.close()
        return web.json_response({"ok": True, **answer})

    def _auth_test(self, _asked: dict[str, Any]) -> dict[str, Any]:
        return {"user_id": BOT, "bot_id": "B0BOT", "team_id": "T0"}

    def _apps_connections_open(self, _asked: dict[str, Any]) -> dict[str, Any]:
        return {"url": f"{self.address.replace('http', 'ws')}/socket"}

    def _chat_postMessage(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert len(asked["text"]) <= 4_000
        message = self._add(BOT, asked["text"], asked.get("thread_ts"))
        message |= {"bot_id": "B0BOT", "blocks": asked.get("blocks") or []}
        message["metadata"] = asked.get("metadata")
        return {"channel": asked["channel"], "ts": message["ts"], "message": message}

    def _chat_update(self, asked: dict[str, Any]) -> dict[str, Any]:
        message = self._messages[asked["ts"]]
        message |= {"text": asked["text"], "blocks": asked["blocks"]}
        self._edited.add(asked["ts"])
        return {"channel": asked["channel"], "ts": asked["ts"], "text": asked["text"]}

    def _conversations_history(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Newest first, without what was said in threads."""
        found = []
        for one in self._after(asked):
            below = [two["ts"] for two in self._messages.values() if _is_below(two, one["ts"])]
            if not _is_below(one, one.get("thread_ts")):
                found.append(one | ({"latest_reply": max(below)} if below else {}))
        for one in found:
            if not asked.get("include_all_metadata"):
                one.pop("metadata", None)
        return {"messages": found[::-1], "has_more": False}

    def _conversations_replies(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Oldest first, the message itself always among them."""
        below = [one for one in self._after(asked) if _is_below(one, asked["ts"])]
        return {"messages": [self._messages[asked["ts"]], *below], "has_more": False}

    def _after(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        return [dict(one) for one in self._messages.values() if one["ts"] > asked["oldest"]]

    def _files_getUploadURLExternal(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = f"F{next(self._numbers)}"
        self._uploads[name] = asked["filename"]
        return {"file_id": name, "upload_url": f"{self.address}/upload/{name}"}

    async def _uploaded(self, request: web.Request) -> web.Response:
        assert await request.read() == b"42 words"
        return web.Response(text="OK - 8")

    def _files_completeUploadExternal(self, asked: dict[str, Any]) -> dict[str, Any]:
        files = json.loads(asked["files"]) if isinstance(asked["files"], str) else asked["files"]
        for one in files:
            name = f"file {self._uploads[one['id']]}"
            self._add(BOT, name, asked["thread_ts"])["bot_id"] = "B0BOT"
        return {"files": files}

    async def _respond(self, request: web.Request) -> web.Response:
        body = await request.json()
        key = request.match_info["key"]
        self._responses.setdefault(key, []).append(_plain(body["text"]))
        return web.Response(text="ok")

    # Socket mode

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self.sockets.add(socket)
        try:
            for envelope in list(self._unacknowledged.values()):
                await socket.send_json(envelope | {"retry_attempt": 1, "retry_reason": "timeout"})
            async for frame in socket:
                if frame.type == WSMsgType.TEXT:
                    self._unacknowledged.pop(json.loads(frame.data)["envelope_id"], None)
        finally:
            self.sockets.discard(socket)
        return socket

    async def _say(self, who: str, text: str, to: Seen | None, thread: str | None) -> str:
        thread = thread if to is None else (to.reply_to or to.id)
        message = self._add(who, _escaped(text), thread)
        event = message | {"type": "message", "channel": self.place, "channel_type": "channel"}
        if self.sockets:
            payload = {"type": "event_callback", "event_id": f"Ev{message['ts']}", "event": event}
            await self._deliver("events_api", payload)
        return str(message["ts"])

    async def _deliver(self, kind: str, payload: dict[str, Any]) -> None:
        """To one of the connections; an event is delivered again until it is acknowledged."""
        name = f"envelope-{next(self._numbers)}"
        envelope = {"envelope_id": name, "type": kind, "payload": payload}
        if kind == "events_api":
            self._unacknowledged[name] = envelope
        else:
            await self._somebody()
        for socket in list(self.sockets)[:1]:
            with suppress(ConnectionError):  # it was killed just now
                await socket.send_json(envelope)

    async def _somebody(self) -> None:
        while not self.sockets:
            await asyncio.sleep(0.005)

    def renew(self) -> None:
        """Ask for a new connection, as Slack does every few hours."""
        self.call(self._renew())

    async def _renew(self) -> None:
        for socket in list(self.sockets):
            self.sockets.discard(socket)
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    def _add(self, who: str, text: str, thread: str | None) -> dict[str, Any]:
        message = {"type": "message", "user": who, "text": text, "ts": f"{time.time():.6f}"}
        while message["ts"] in self._messages:
            message["ts"] = f"{float(message['ts']) + 0.000002:.6f}"
        if thread is not None:
            message["thread_ts"] = thread
        self._messages[message["ts"]] = message
        return message


def _is_below(message: dict[str, Any], ts: str | None) -> bool:
    return ts is not None and message.get("thread_ts") == ts and message["ts"] != ts


def _seen(message: dict[str, Any], edited: bool) -> Seen:
    elements = [
        one
        for block in message.get("blocks", [])
        if block["type"] == "actions"
        for one in block["elements"]
    ]
    buttons = {one["text"]["text"]: one["value"] for one in elements}
    rich = [
        cell
        for block in message.get("blocks", [])
        if block["type"] == "rich_text"
        for element in block["elements"]
        for cell in (*element["elements"], {"text": "\n"})
    ]
    text = "".join(cell["text"] for cell in rich).strip() if rich else _plain(message["text"])
    thread = message.get("thread_ts")
    return Seen(message["ts"], text, buttons, thread, edited, thread)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    text = text.replace("\u200b", "").replace("&lt;", "<").replace("&gt;", ">")
    return text.replace("&amp;", "&")
