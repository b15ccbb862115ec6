"""Matrix, by matrix-nio.

A message's transaction id follows from its ``dedup_key``, so the server recognises a repeat. How
far the room was read is kept after what was read has been handed over; the desk knows what it has
done already. Rooms with encryption are refused: nothing is ever sent there in the clear.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import anyio

from gateway.chat.adapter import (
    Adapter,
    Context,
    Incoming,
    MissingPackage,
    Reacted,
    keep,
    read_kept,
)
from gateway.chat.matrix_shapes import (
    in_thread,
    message_content,
    room_and_thread,
    text_content,
    without_quote,
)
from hermes_kanban import notify
from hermes_kanban.config.chat import MatrixSettings
from hermes_kanban.config.secret import read_secret
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.notify.message import File, Message, Outcome
from hermes_kanban.regular import read_regular
from hermes_kanban.surfaces.slash import Reply
from hermes_kanban.surfaces.slash.markup import style

SYNC_MILLISECONDS: Final = 30_000
REQUEST_SECONDS: Final = 20.0
LEAVE_SECONDS: Final = 0.4
TYPING_MILLISECONDS: Final = 10_000
TYPING_AFTER_SECONDS: Final = 0.3
PAGE: Final = 100
PAGES: Final = 50

TRY_ROOMS_SECONDS: Final = 60.0
"""How long until a room that could not be joined is tried again, unless an invitation comes."""

_REFUSED: Final = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")
_GONE_FOR_GOOD: Final = ("M_FORBIDDEN", "M_NOT_FOUND", "M_INVALID_PARAM", "M_TOO_LARGE")
_TYPES: Final = ["m.room.message", "m.reaction", "m.room.encryption"]


def adapter(context: Context) -> Adapter:
    """The adapter, not entered yet."""
    try:
        import nio
    except ImportError:
        raise MissingPackage("matrix", "matrix-nio") from None
    settings: MatrixSettings = context.settings
    token = read_secret("chat.matrix.access_token", settings.access_token)
    return MatrixAdapter(context, nio, token)


class MatrixError(Exception):
    """The server refused; ``code`` is its own word for why."""

    def __init__(self, what: str, response: Any) -> None:
        self.code = str(getattr(response, "status_code", None) or "")
        said = str(getattr(response, "message", None) or response)
        if said == "unknown error" and not self.code:
            said = "what answers is no Matrix server"
        milliseconds = getattr(response, "retry_after_ms", None)
        self.retry_after = milliseconds / 1000 if milliseconds else None
        self.said = said + (f" ({self.code})" if self.code else "")
        super().__init__(f"{what}: {self.said}")

    @property
    def is_about_the_room(self) -> bool:
        """Whether it says nothing of the server itself, or of the account."""
        return self.code.startswith("M_") and self.code not in ("M_LIMIT_EXCEEDED", *_REFUSED)


class MatrixAdapter:
    """One account of a Matrix server."""

    def __init__(self, context: Context, nio: Any, token: str) -> None:
        self._context = context
        self._settings: MatrixSettings = context.settings
        self._desk = context.desk
        self._nio = nio
        self._token = token
        self._client: Any = None
        self._pending: dict[str, str] = {}
        self._tried_at = 0.0
        self._rooms: dict[str, str] = {}
        self._encrypted: dict[str, bool] = {}

    async def __aenter__(self) -> Self:
        nio = self._nio
        config = nio.AsyncClientConfig(
            max_limit_exceeded=0,
            max_timeouts=0,
            request_timeout=REQUEST_SECONDS,
            store_sync_tokens=False,
            encryption_enabled=False,
        )
        client = nio.AsyncClient(self._settings.homeserver, self._settings.user, config=config)
        client.access_token = self._token
        client.user_id = self._settings.user
        self._client = client
        try:
            known = await self._asked("whoami", client.whoami(), nio.WhoamiResponse)
            self._must_be_ours(known.user_id)
            client.device_id = known.device_id
            self._pending = dict.fromkeys(sorted(self._settings.places), "")
            await self._join_pending()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._leave()

    async def _leave(self) -> None:
        with anyio.move_on_after(LEAVE_SECONDS, shield=True):
            await self._client.close()

    # Listening

    async def listen(self) -> None:
        """Read from where the last reading ended; what was said meanwhile is read first."""
        since = read_kept(self._context) or None
        first = since is None
        while True:
            timeout = 0 if first else SYNC_MILLISECONDS
            answer = await self._asked(
                "sync",
                self._client.sync(timeout=timeout, since=since, sync_filter=_filter()),
                self._nio.SyncResponse,
            )
            if answer.rooms.invite or anyio.current_time() - self._tried_at > TRY_ROOMS_SECONDS:
                await self._join_pending()
            if not first:  # what was said before it first came was not said to it
                for room_id, room in answer.rooms.join.items():
                    await self._read_room(room_id, room.timeline, since)
            first = False
            if answer.next_batch != since:
                since = answer.next_batch
                keep(self._context, since)

    async def _read_room(self, room_id: str, timeline: Any, since: str | None) -> None:
        events = list(timeline.events)
        if timeline.limited and since is not None:
            events = [*await self._gap(room_id, timeline.prev_batch, since), *events]
        for event in events:
            await self._hand_over(room_id, event.source)

    async def _gap(self, room_id: str, start: str, since: str) -> list[Any]:
        """What lies between the last reading and this one, oldest first."""
        found: list[Any] = []
        at: str | None = start
        for _ in range(PAGES):
            answer = await self._asked(
                "messages",
                self._client.room_messages(
                    room_id, start=at, end=since, limit=PAGE, message_filter={"types": _TYPES}
                ),
                self._nio.RoomMessagesResponse,
            )
            found += answer.chunk
            at = answer.end
            if not at or not answer.chunk:
                break
        return found[::-1]

    async def _hand_over(self, room_id: str, source: dict[str, Any]) -> None:
        """Anybody in the room may have made the event, of whatever shape."""
        content, sender, key = (source.get(name) for name in ("content", "sender", "event_id"))
        if source.get("type") == "m.room.encryption":
            self._encrypted[room_id] = True
        if not (isinstance(content, dict) and isinstance(sender, str) and isinstance(key, str)):
            return
        if sender == self._settings.user:
            return
        relation = content.get("m.relates_to")
        relation = relation if isinstance(relation, dict) else {}
        event = _Event(room_id, sender, key, content, relation)
        if source.get("type") == "m.reaction":
            await self._reacted(event)
        elif content.get("msgtype") == "m.text" and relation.get("rel_type") != "m.replace":
            await self._said(event)

    async def _said(self, event: _Event) -> None:
        reply_to, body = event.reply_to(), str(event.content.get("body", ""))
        incoming = Incoming(
            place=event.room_id,
            user=event.sender,
            text=without_quote(body) if reply_to else body,
            key=event.key,
            reply_to=reply_to,
            thread=event.thread(),
            names=self._names(event.room_id),
        )
        async with self._typing(event.room_id, incoming.text):
            reply = await self._desk.said(incoming)
        await self._reply(event, event.key, reply)

    async def _reacted(self, event: _Event) -> None:
        to, sign = event.relation.get("event_id"), event.relation.get("key")
        if not isinstance(to, str) or not isinstance(sign, str):
            return
        reacted = Reacted(
            place=event.room_id,
            user=event.sender,
            sign=sign,
            key=event.key,
            to=to,
            names=self._names(event.room_id),
        )
        await self._reply(event, to, await self._desk.reacted(reacted))

    async def _reply(self, event: _Event, to: str, reply: Reply | None) -> None:
        if reply is None:
            return
        content = text_content(reply.text, reply.html)
        content["m.relates_to"] = in_thread(event.thread()) | {"m.in_reply_to": {"event_id": to}}
        try:
            await self._put(event.room_id, content, f"reply {to} {reply.text}")
        except MatrixError as error:
            if error.code not in _GONE_FOR_GOOD:
                raise
            self._tell(error)  # to say it again would end the same way

    @asynccontextmanager
    async def _typing(self, room_id: str, body: str) -> AsyncIterator[None]:
        """Shows that somebody is at it, where a command takes its time; no matter if that fails."""
        from hermes_kanban.surfaces.slash import is_slash

        if not is_slash(body):
            yield
            return
        async with anyio.create_task_group() as group:
            group.start_soon(self._show_typing, room_id)
            yield
            group.cancel_scope.cancel()

    async def _show_typing(self, room_id: str) -> None:
        await anyio.sleep(TYPING_AFTER_SECONDS)
        with suppress(Exception):
            await self._client.room_typing(room_id, True, TYPING_MILLISECONDS)

    # Sending

    async def send(self, address: str, message: Message) -> Outcome:
        """Send the message, then its files, each under a key of its own."""
        try:
            room, thread = room_and_thread(address)
            room_id = await self._room(room)
            if await self._is_encrypted(room_id):
                return notify.dead(f"{room} is encrypted; the gateway speaks only in the clear")
            content = message_content(message, self._desk.numbered(message))
            if thread is not None:
                relation = in_thread(thread) | {"m.in_reply_to": {"event_id": thread}}
                content["m.relates_to"] = relation
            receipt = await self._put(room_id, content, message.dedup_key)
            relation = in_thread(thread) | {"m.in_reply_to": {"event_id": receipt}}
            for file in message.files:
                await self._try_file(room_id, relation, file, f"{message.dedup_key} {file.path}")
        except MatrixError as error:
            if error.code in _GONE_FOR_GOOD:
                return notify.dead(str(error))
            return notify.retry(str(error), error.retry_after)
        return notify.delivered(receipt)

    async def close(self, address: str, receipt: str, text: str) -> None:
        """Edit the message."""
        await self._edit(address, receipt, text_content(text, style("matrix").escape(text)))

    async def rewrite(self, address: str, receipt: str, digest: Message) -> None:
        """Edit the digest."""
        await self._edit(address, receipt, message_content(digest, ()))

    async def _edit(self, address: str, receipt: str, content: dict[str, Any]) -> None:
        room_id = await self._room(room_and_thread(address)[0])
        edit = {**content, "body": f"* {content['body']}", "m.new_content": content}
        edit["m.relates_to"] = {"rel_type": "m.replace", "event_id": receipt}
        await self._put(room_id, edit, f"close {receipt} {content['body']}")

    async def _try_file(self, room_id: str, relation: dict[str, Any], file: File, key: str) -> None:
        """A file that cannot be sent is told in the log and holds up no message."""
        try:
            await self._send_file(room_id, relation, file, key)
        except OSError as error:
            self._tell(f"{file.name}: {error.strerror}")
        except MatrixError as error:
            if error.code not in _GONE_FOR_GOOD:
                raise
            self._tell(f"{file.name}: {error}")

    def _tell(self, error: object) -> None:
        self._context.log.warning("chat.unsent", platform="matrix", error=str(error))

    async def _send_file(
        self, room_id: str, relation: dict[str, Any], file: File, key: str
    ) -> None:
        path = Path(file.path)
        data = await anyio.to_thread.run_sync(read_regular, path)

        def provide(_429: int, _timeouts: int) -> bytes:
            return data

        answer, _ = await self._client.upload(
            provide, content_type=file.media_type, filename=file.name, filesize=len(data)
        )
        if not isinstance(answer, self._nio.UploadResponse):
            raise MatrixError("upload", answer)
        media = file.media_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        content = {
            "msgtype": "m.image" if media.startswith("image/") else "m.file",
            "body": file.name,
            "filename": file.name,
            "url": answer.content_uri,
            "info": {"size": len(data), "mimetype": media},
            "m.relates_to": relation,
        }
        await self._put(room_id, content, key)

    async def _put(self, room_id: str, content: dict[str, Any], key: str) -> str:
        """Send under a transaction id that follows from ``key``; the event's id."""
        transaction = hashlib.sha256(key.encode()).hexdigest()[:40]
        answer = await self._asked(
            "send",
            self._client.room_send(room_id, "m.room.message", content, tx_id=transaction),
            self._nio.RoomSendResponse,
        )
        return str(answer.event_id)

    # Rooms

    async def _room(self, address: str) -> str:
        """The id of a room by its id or alias; it is joined where that is allowed."""
        return self._rooms.get(address) or await self._join(address)

    async def _join(self, name: str) -> str:
        answer = await self._asked(f"join {name}", self._client.join(name), self._nio.JoinResponse)
        self._rooms[name] = answer.room_id
        return str(answer.room_id)

    async def _join_pending(self) -> None:
        """Join what is configured; a room that cannot be joined yet holds up no other."""
        self._tried_at = anyio.current_time()
        for name, told in list(self._pending.items()):
            try:
                await self._join(name)
            except (MatrixError, TimeoutError) as error:
                if not isinstance(error, TimeoutError) and not error.is_about_the_room:
                    raise
                if (why := self._why_not(error)) != told:
                    self._tell(f"{name} {why}")
                    self._pending[name] = why
            else:
                del self._pending[name]
        self._context.troubled(", ".join(f"{name} {why}" for name, why in self._pending.items()))

    def _why_not(self, error: MatrixError | TimeoutError) -> str:
        """Why a room cannot be joined, and what to do."""
        if isinstance(error, TimeoutError):
            return "cannot be joined: no answer in time"
        if error.code == "M_FORBIDDEN":
            return f"cannot be joined: invite {self._settings.user} there"
        return f"cannot be joined: {error.said}"

    def _must_be_ours(self, user: str) -> None:
        if user != self._settings.user:
            raise ConfigError(f"chat.matrix.access_token is of {user}, not of chat.matrix.user")

    def _names(self, room_id: str) -> tuple[str, ...]:
        return tuple(name for name, found in self._rooms.items() if found == room_id)

    async def _is_encrypted(self, room_id: str) -> bool:
        """Looked up once a room; turning it on later is heard, and nobody can turn it off."""
        if room_id not in self._encrypted:
            answer = await self._client.room_get_state_event(room_id, "m.room.encryption")
            self._encrypted[room_id] = isinstance(
                answer, self._nio.RoomGetStateEventResponse
            ) and "algorithm" in (answer.content or {})
        return self._encrypted[room_id]

    async def _asked(self, what: str, call: Any, wanted: type[Any]) -> Any:
        answer = await call
        if isinstance(answer, wanted):
            return answer
        error = MatrixError(what, answer)
        if error.code in _REFUSED:
            raise ConfigError(
                f"chat.matrix.access_token is refused: {error.said}; log in anew, and put the"
                " token of that there"
            )
        raise error


class _Event(NamedTuple):
    """Something that somebody sent; ``relation`` is what it refers to."""

    room_id: str
    sender: str
    key: str
    content: dict[str, Any]
    relation: dict[str, Any]

    def reply_to(self) -> str | None:
        """The event that it answers."""
        replied = self.relation.get("m.in_reply_to")
        found = replied.get("event_id") if isinstance(replied, dict) else None
        root = self.thread()
        if root is not None and (self.relation.get("is_falling_back") or found is None):
            # For clients that know no threads it seems to answer the newest message there.
            found = root
        return found if isinstance(found, str) else None

    def thread(self) -> str | None:
        """The event with which the thread begins in which it stands."""
        root = self.relation.get("event_id")
        is_in_thread = self.relation.get("rel_type") == "m.thread" and isinstance(root, str)
        return root if is_in_thread else None


def _filter() -> dict[str, Any]:
    """Messages and reactions of rooms that it is in, and nothing else."""
    return {
        "presence": {"types": []},
        "account_data": {"types": []},
        "room": {
            "account_data": {"types": []},
            "ephemeral": {"types": []},
            "state": {"types": [], "lazy_load_members": True},
            "timeline": {"types": _TYPES, "limit": PAGE},
        },
    }
