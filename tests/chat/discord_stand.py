"""A server that speaks what Discord documents of its API and its gateway, as far as we use it.

What it does not show: whether Discord takes our text and our components, its rights and rates,
sessions that are resumed, what threads may do, and what a person sees.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

from tests.chat.local_server import LocalServer
from tests.chat.stand import Seen

BOT, GUILD, THREAD = "100", "400", "350"
EPOCH_MILLISECONDS = 1_420_070_400_000
NAMES = {BOT: "kanban", "201": "mara", "202": "tom", "203": "eve"}
DISPATCH, HEARTBEAT, IDENTIFY, RESUME = 0, 1, 2, 6
RECONNECT, INVALID_SESSION, HELLO, ACKNOWLEDGED = 7, 9, 10, 11


class DiscordStand(LocalServer):
    """One bot in one channel."""

    platform = "discord"
    place = "300"
    mara, tom, eve = "201", "202", "203"

    def __init__(self) -> None:
        self._numbers = count(1)
        self._sequence = count(1)
        self._messages: dict[str, dict[str, Any]] = {}
        self._by_nonce: dict[str, str] = {}
        self._responses: dict[str, str] = {}
        self._refusals: list[tuple[int, int | None]] = []
        self.commands: list[dict[str, Any]] = []
        self._unknown = False
        self.intends_too_much = False
        self.lose_answer = False
        super().__init__()

    def settings(self) -> dict[str, Any]:
        return {
            "token": "a-token-of-the-tests",
            "channels": [int(self.place)],
            "users": [int(self.mara), int(self.tom)],
            "home": int(self.place),
            "base_url": self.address,
        }

    # What people do

    def open_thread(self) -> str:
        return THREAD

    def say(self, who: str, text: str, *, to: Seen | None = None, thread: str | None = None) -> str:
        message = self._add(who, text, to and to.id, thread or (to and to.thread))
        event = message | {"guild_id": GUILD, "member": _member()}
        # What is said in a thread meanwhile is not looked up.
        self.call(self._dispatch("MESSAGE_CREATE", event, wait=thread is not None))
        return str(message["id"])

    def command(self, who: str, text: str) -> str:
        text = text.removeprefix("/kanban").strip()
        option = {"type": 3, "name": "command", "value": text}
        data = {"id": "1", "type": 1, "name": "kanban", "options": [option]}
        return self._interact(who, 2, {"data": data})

    def press(self, who: str, message: Seen, label: str, *, token: str = "") -> str:
        data = {"component_type": 2, "custom_id": token or message.buttons[label]}
        return self._interact(who, 3, {"data": data, "message": self._messages[message.id]})

    def _interact(self, who: str, kind: int, more: dict[str, Any]) -> str:
        key = f"interaction-{next(self._numbers)}"
        channel = more.get("message", {}).get("channel_id", self.place)
        interaction = {
            "id": self._id(),
            "application_id": BOT,
            "type": kind,
            "token": key,
            "version": 1,
            "channel_id": channel,
            "channel": _thread() if channel == THREAD else _channel(),
            "guild_id": GUILD,
            "member": _member() | {"user": _user(who), "permissions": "0"},
            "entitlements": [],
            "attachment_size_limit": 10_485_760,
        }
        self.call(self._dispatch("INTERACTION_CREATE", interaction | more, wait=True))
        return key

    def refuse(self, code: int, retry_after: int | None = None) -> None:
        self._refusals.append((code, retry_after))

    def refuse_account(self) -> None:
        self._unknown = True

    # What they see

    def seen(self) -> list[Seen]:
        ours = [one for one in self._messages.values() if one["author"]["id"] == BOT]
        return [_seen(one) for one in ours]

    def answers_to(self, key: str) -> list[str]:
        if key.startswith("interaction"):
            return [_plain(self._responses[key])] if key in self._responses else []
        return [one.text for one in self.seen() if one.reply_to == key]

    # The API

    def routes(self) -> list[web.RouteDef]:
        api = "/api/v10"
        channel = api + "/channels/{channel}/messages"
        return [
            web.get(f"{api}/users/@me", self._answer(lambda: _user(BOT) | {"bot": True})),
            web.get(f"{api}/oauth2/applications/@me", self._answer(_application)),
            web.get(f"{api}/gateway/bot", self._answer(self._where)),
            web.get(f"{api}/applications/{BOT}/commands", self._answer(lambda: self.commands)),
            web.post(f"{api}/applications/{BOT}/commands", self._register),
            web.post(channel, self._post),
            web.get(channel, self._history),
            web.patch(channel + "/{id}", self._edit),
            web.post(api + "/interactions/{id}/{token}/callback", self._deferred),
            web.patch(api + "/webhooks/{app}/{token}/messages/@original", self._respond),
            web.delete(api + "/webhooks/{app}/{token}/messages/@original", self._withdraw),
            web.get("/socket/", self._socket),
        ]

    def _answer(self, value: Any) -> Any:
        async def handler(_request: web.Request) -> web.Response:
            if self._unknown:
                return _json({"message": "401: Unauthorized", "code": 0}, status=401)
            return _json(value())

        return handler

    def _where(self) -> dict[str, Any]:
        url = f"{self.address.replace('http', 'ws')}/socket/"
        limit = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1}
        return {"url": url, "shards": 1, "session_start_limit": limit}

    async def _register(self, request: web.Request) -> web.Response:
        self.commands.append(await request.json())
        return _json(self.commands[-1])

    async def _post(self, request: web.Request) -> web.Response:
        body, files = await _read(request)
        if self._refusals:
            code, wait = self._refusals.pop(0)
            said: dict[str, Any] = {"message": "Refused by the test", "code": 0}
            if wait is not None:
                said |= {"retry_after": wait, "global": False}
            return _json(said, status=code, headers={"Via": "1.1 test"})
        assert 0 < len(body["content"]) <= 2_000
        assert len(str(body["nonce"])) <= 25
        known = self._by_nonce.get(str(body["nonce"])) if body.get("enforce_nonce") else None
        if known is None:
            text = "\n".join([body["content"], *(f"file {name}" for name in files)])
            reference = (body.get("message_reference") or {}).get("message_id")
            channel = request.match_info["channel"]
            thread = channel if channel == THREAD else None
            message = self._add(BOT, text, reference and str(reference), thread)
            message["components"] = body.get("components") or []
            known = self._by_nonce[str(body["nonce"])] = message["id"]
        if self.lose_answer:
            self.lose_answer = False
            assert request.transport
            request.transport.close()
        return _json(self._messages[known])

    async def _edit(self, request: web.Request) -> web.Response:
        body = await request.json()
        message = self._messages[request.match_info["id"]]
        message["content"] = body["content"]
        message["components"] = body["components"]
        message["edited_timestamp"] = message["timestamp"]
        return _json(message)

    async def _history(self, request: web.Request) -> web.Response:
        """Newest first, of the oldest after that one."""
        after, limit = int(request.query.get("after", 0)), int(request.query["limit"])
        channel = request.match_info["channel"]
        found = [
            one
            for one in self._messages.values()
            if int(one["id"]) > after and one["channel_id"] == channel
        ]
        return _json(found[:limit][::-1])

    async def _deferred(self, request: web.Request) -> web.Response:
        assert (await request.json())["type"] == 5
        made = {"id": request.match_info["id"], "type": 2}
        return _json({"interaction": made})

    async def _respond(self, request: web.Request) -> web.Response:
        body, _ = await _read(request)
        self._responses[request.match_info["token"]] = body["content"]
        return _json(_message(self._id(), BOT, body["content"]))

    async def _withdraw(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    # The gateway

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": 41_250}})
        try:
            async for frame in socket:
                if frame.type != WSMsgType.TEXT:
                    continue
                told = json.loads(frame.data)
                if told["op"] == HEARTBEAT:
                    await socket.send_json({"op": ACKNOWLEDGED})
                elif told["op"] == RESUME:
                    await socket.send_json({"op": INVALID_SESSION, "d": False})
                elif told["op"] == IDENTIFY and self.intends_too_much:
                    await socket.close(code=4014, message=b"Disallowed intent(s).")
                elif told["op"] == IDENTIFY:
                    await socket.send_json(self._event("READY", self._ready()))
                    await socket.send_json(self._event("GUILD_CREATE", _guild()))
                    self.sockets.add(socket)
        finally:
            self.sockets.discard(socket)
        return socket

    def renew(self) -> None:
        """Ask for a new connection, and know nothing of the session when it is resumed."""
        self.call(self._renew())

    async def _renew(self) -> None:
        for socket in list(self.sockets):
            self.sockets.discard(socket)
            await socket.send_json({"op": RECONNECT, "d": None})

    def _ready(self) -> dict[str, Any]:
        return {
            "v": 10,
            "user": _user(BOT) | {"bot": True},
            "guilds": [{"id": GUILD, "unavailable": True}],
            "session_id": "s",
            "resume_gateway_url": self._where()["url"],
            "application": {"id": BOT, "flags": 0},
        }

    def _event(self, name: str, data: Any) -> dict[str, Any]:
        return {"op": DISPATCH, "t": name, "s": next(self._sequence), "d": data}

    async def _dispatch(self, name: str, data: Any, wait: bool = False) -> None:
        while wait and not self.sockets:
            await asyncio.sleep(0.005)
        for socket in list(self.sockets):
            with suppress(ConnectionError):  # it was killed just now
                await socket.send_json(self._event(name, data))

    def _add(
        self, who: str, text: str, reply_to: str | None, thread: str | None = None
    ) -> dict[str, Any]:
        message = _message(self._id(), who, text)
        message["channel_id"] = thread or self.place
        if reply_to is not None:
            place = message["channel_id"]
            message["message_reference"] = {"message_id": reply_to, "channel_id": place}
            message["type"] = 19
        self._messages[message["id"]] = message
        return message

    def _id(self) -> str:
        milliseconds = time.time_ns() // 1_000_000 - EPOCH_MILLISECONDS
        return str((milliseconds << 22) + next(self._numbers))


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Without a charset, which Discord does not name."""
    body = json.dumps(value).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


async def _read(request: web.Request) -> tuple[dict[str, Any], list[str]]:
    """The body, and the names of the files that came with it."""
    if request.content_type == "application/json":
        return await request.json(), []
    form = await request.post()
    files = [value.filename for value in form.values() if isinstance(value, web.FileField)]
    return json.loads(str(form["payload_json"])), files


def _user(who: str) -> dict[str, Any]:
    return {"id": who, "username": NAMES[who], "discriminator": "0", "avatar": None}


def _member() -> dict[str, Any]:
    return {"roles": [], "joined_at": datetime.now(UTC).isoformat(), "flags": 0}


def _channel() -> dict[str, Any]:
    return {"id": DiscordStand.place, "type": 0, "name": "ops", "position": 0}


def _thread() -> dict[str, Any]:
    """A thread of the channel."""
    until = {"archived": False, "auto_archive_duration": 1440, "locked": False}
    until["archive_timestamp"] = datetime.now(UTC).isoformat()
    counts = {"message_count": 0, "member_count": 1, "rate_limit_per_user": 0, "flags": 0}
    parent = {"guild_id": GUILD, "parent_id": DiscordStand.place, "owner_id": "201"}
    named = {"id": THREAD, "type": 11, "name": "counting", "last_message_id": None}
    return {**named, **parent, **counts, "thread_metadata": until}


def _guild() -> dict[str, Any]:
    channels = [_channel() | {"permission_overwrites": []}]
    roles: list[Any] = []
    rooms = {"channels": channels, "threads": [_thread()]}
    return {"id": GUILD, "name": "ops", **rooms, "roles": roles, "member_count": 4}


def _application() -> dict[str, Any]:
    return {
        "id": BOT,
        "name": "kanban",
        "description": "",
        "icon": None,
        "bot_public": False,
        "bot_require_code_grant": False,
        "owner": _user("201"),
        "verify_key": "",
        "flags": 0,
    }


def _message(message_id: str, who: str, text: str) -> dict[str, Any]:
    return {
        "id": message_id,
        "channel_id": DiscordStand.place,
        "author": _user(who) | {"bot": who == BOT},
        "content": text,
        "timestamp": datetime.now(UTC).isoformat(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "type": 0,
        "flags": 0,
    }


def _seen(message: dict[str, Any]) -> Seen:
    cells = [one for row in message["components"] for one in row["components"]]
    buttons = {one["label"]: one["custom_id"] for one in cells}
    reply_to = message.get("message_reference", {}).get("message_id")
    edited = message["edited_timestamp"] is not None
    thread = THREAD if message["channel_id"] == THREAD else None
    return Seen(message["id"], _plain(message["content"]), buttons, reply_to, edited, thread)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
