"""Slack, by slack_sdk in socket mode: the gateway opens the connection, Slack needs no address.

The library's own socket client hides for how long Slack has been out of reach; here the socket is
read directly, so that what was said meanwhile is looked up in the channels each time it is opened.
What is handed over is acknowledged after it was done, or after two of the three seconds that Slack
waits. A message carries its key as metadata, by which a repeat finds what an attempt left behind.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from types import ModuleType, TracebackType
from typing import Any, Final, Self

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import ObjectReceiveStream, ObjectSendStream, TaskGroup

from gateway.chat import slack_shapes as shapes
from gateway.chat.adapter import (
    Adapter,
    Context,
    Incoming,
    MissingPackage,
    Pressed,
    keep,
    place_and_thread,
    read_kept,
)
from gateway.chat.sent import Sent
from gateway.chat.shown import Parts, escaped, parts, shown
from gateway.chat.slack_shapes import Envelope, Said
from hermes_kanban import notify
from hermes_kanban.config.chat import SlackSettings
from hermes_kanban.config.secret import read_secret
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.notify.message import File, Message, Outcome
from hermes_kanban.regular import read_regular
from hermes_kanban.surfaces.slash import Reply

API: Final = "https://slack.com"
HOW: Final = "Reply in the thread of this message"
HOW_IN_THREAD: Final = "Reply here, in this thread"
REQUEST_SECONDS: Final = 15.0
HEARTBEAT_SECONDS: Final = 15.0
ACKNOWLEDGE_SECONDS: Final = 2.0
LEAVE_SECONDS: Final = 0.4
QUEUE: Final = 1_000
PAGE: Final = 200
PAGES: Final = 10
THREADS_SECONDS: Final = 3 * 86_400
"""How old a message may be whose thread is looked at for what was said meanwhile."""
SKEW_SECONDS: Final = 60

_FOR_GOOD: Final = frozenset(
    {
        "channel_not_found",
        "invalid_blocks",
        "is_archived",
        "missing_scope",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_permission",
        "not_in_channel",
        "restricted_action",
        "user_not_found",
    }
)
_ACCOUNT: Final = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)


def adapter(context: Context) -> Adapter:
    """The adapter, not entered yet."""
    try:
        import aiohttp
        from slack_sdk import errors
        from slack_sdk.web import async_client
    except ImportError:
        raise MissingPackage("slack", "slack_sdk and aiohttp") from None
    settings: SlackSettings = context.settings
    return SlackAdapter(
        context,
        aiohttp,
        async_client.AsyncWebClient,
        errors.SlackApiError,
        app_token=read_secret("chat.slack.app_token", settings.app_token),
        bot_token=read_secret("chat.slack.bot_token", settings.bot_token),
    )


class SlackAdapter:
    """One app in one workspace."""

    def __init__(
        self,
        context: Context,
        aiohttp: ModuleType,
        client: Any,
        error: type[Exception],
        *,
        app_token: str,
        bot_token: str,
    ) -> None:
        self._context = context
        self._settings: SlackSettings = context.settings
        self._desk = context.desk
        self._aiohttp: Any = aiohttp
        self._client = client
        self._error = error
        self._app_token, self._bot_token = app_token, bot_token
        self._sent = Sent(context.keep.with_suffix(".sent"))
        self._read_until = shapes.kept(read_kept(context))
        self._http: Any = None
        self._web: Any = None
        self._user = ""

    async def __aenter__(self) -> Self:
        timeout = self._aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        self._http = self._aiohttp.ClientSession(timeout=timeout)
        self._web = self._client(
            self._bot_token,
            base_url=f"{self._settings.base_url.rstrip('/') or API}/api/",
            session=self._http,
            retry_handlers=[],
        )
        try:
            self._user = (await self._web.auth_test())["user_id"]
        except self._error as error:
            await self._leave()
            self._refused_account("bot_token", error)
            raise
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
            await self._http.close()

    def _refused_account(self, setting: str, error: Exception) -> None:
        code = shapes.refusal(error).code
        if code in _ACCOUNT:
            raise ConfigError(f"chat.slack.{setting} is refused by Slack: {code}") from None

    # Listening

    async def listen(self) -> None:
        """Open one socket after the other; Slack closes each now and then, and says so."""
        while True:
            try:
                opened = await self._web.apps_connections_open(app_token=self._app_token)
            except self._error as error:
                self._refused_account("app_token", error)
                raise
            async with (
                self._aiohttp.ClientSession() as http,
                http.ws_connect(opened["url"], heartbeat=HEARTBEAT_SECONDS) as socket,
            ):
                if not await self._converse(socket):
                    raise ConnectionError("Slack has closed the connection")

    async def _converse(self, socket: Any) -> bool:
        """Whether Slack ended it in good order. What is in hand then is done first."""
        give, take = anyio.create_memory_object_stream[Envelope](QUEUE)
        async with anyio.create_task_group() as group, take:
            group.start_soon(self._work, socket, take.clone())
            async with give:
                orderly = await self._read(socket, give, group)
        return orderly

    async def _read(self, socket: Any, give: ObjectSendStream[Envelope], group: TaskGroup) -> bool:
        async for frame in socket:
            if frame.type != self._aiohttp.WSMsgType.TEXT:
                continue
            envelope = shapes.read(frame.data, Envelope)
            if envelope is None:
                continue
            if envelope.type == "disconnect":
                return True
            if envelope.envelope_id:
                group.start_soon(self._acknowledge_in_time, socket, envelope)
                await give.send(envelope)
        return False

    async def _work(self, socket: Any, take: ObjectReceiveStream[Envelope]) -> None:
        async with take:
            for channel in sorted(self._settings.places):
                await self._catch_up(channel)
            async for envelope in take:
                await self._hand_over(envelope)
                await self._acknowledge(socket, envelope)

    async def _acknowledge_in_time(self, socket: Any, envelope: Envelope) -> None:
        await anyio.sleep(ACKNOWLEDGE_SECONDS)
        await self._acknowledge(socket, envelope)

    async def _acknowledge(self, socket: Any, envelope: Envelope) -> None:
        if envelope.acknowledged or socket.closed:
            return
        envelope.acknowledged = True
        with suppress(ConnectionError):  # it hands it over again
            await socket.send_json({"envelope_id": envelope.envelope_id})

    async def _hand_over(self, envelope: Envelope) -> None:
        if envelope.type == "events_api":
            event = shapes.read(envelope.payload, shapes.Event)
            if event is not None and event.event.type == "message":
                await self._said(event.event.channel, event.event)
        elif envelope.type == "slash_commands":
            command = shapes.read(envelope.payload, shapes.Command)
            if command is not None:
                await self._command(command)
        elif envelope.type == "interactive":
            press = shapes.read(envelope.payload, shapes.Press)
            if press is not None and press.type == "block_actions" and press.actions:
                await self._pressed(press)

    async def _said(self, channel: str, said: Said) -> None:
        if said.is_of_a_person() and said.user != self._user:
            key = f"{channel}/{said.ts}"
            thread = said.thread_ts if said.is_in_thread() else None
            reply = await self._desk.said(
                Incoming(
                    place=channel,
                    user=said.user,
                    text=shapes.plain(said.text),
                    key=key,
                    reply_to=None if thread is None else self._answered(f"{channel}/{thread}"),
                    thread=thread,
                )
            )
            if reply is not None:
                await self._answer(channel, said, reply, f"answer {key}")
        if channel in self._settings.places and said.ts > self._read_until.get(channel, ""):
            self._read_until[channel] = said.ts
            self._keep()

    def _answered(self, thread: str) -> str:
        """What is answered there: what we asked last, else the message with which it begins."""
        return self._sent.receipt(_asked_in(thread)) or thread

    async def _answer(self, channel: str, said: Said, reply: Reply, key: str) -> None:
        """In its thread, and once, however often it was handed over."""
        if self._sent.receipt(key) is not None:
            return
        try:
            await self._web.chat_postMessage(
                channel=channel,
                thread_ts=said.thread_ts or said.ts,
                text=reply.text,
                unfurl_links=False,
                unfurl_media=False,
            )
        except self._error as error:
            if shapes.refusal(error).code not in _FOR_GOOD:
                raise
            self._tell(error)  # to say it again would end the same way
        self._sent.end(key, "-")

    async def _command(self, command: shapes.Command) -> None:
        reply = await self._desk.said(
            Incoming(
                place=command.channel_id,
                user=command.user_id,
                text=f"/kanban {shapes.plain(command.text)}",
                key=f"command {command.trigger_id}",
            )
        )
        if reply is not None:
            await self._respond(command.response_url, reply, public=reply.ok)

    async def _pressed(self, press: shapes.Press) -> None:
        action = press.actions[0]
        reply = await self._desk.pressed(
            Pressed(
                place=press.channel.id,
                user=press.user.id,
                token=action.value,
                key=f"press {press.user.id}/{action.action_ts}",
            )
        )
        await self._respond(press.response_url, reply, public=False)

    async def _respond(self, url: str, reply: Reply, *, public: bool) -> None:
        """To a command or a press; what it did stands, whether or not this arrives."""
        body = {
            "text": reply.text,
            "response_type": "in_channel" if public else "ephemeral",
            "replace_original": False,
        }
        try:
            async with self._http.post(url, json=body) as answer:
                if answer.status != 200:
                    self._tell(f"an answer was not taken: {answer.status}")
        except (self._aiohttp.ClientError, TimeoutError) as error:
            self._tell(f"an answer was not taken: {type(error).__name__}")

    # What was said meanwhile

    async def _catch_up(self, channel: str) -> None:
        """Hand over what was said since it last read there; nothing the first time."""
        since = self._read_until.get(channel)
        if since is None:
            self._read_until[channel] = f"{time.time():.6f}"
            self._keep()
            return
        try:
            found = [one async for one in self._meanwhile(channel, since)]
        except self._error as error:
            if shapes.refusal(error).code not in _FOR_GOOD:
                raise
            self._tell(f"{channel}: {shapes.refusal(error).code}")
            return
        for said in sorted(found, key=lambda one: one.ts):
            await self._said(channel, said)

    async def _meanwhile(self, channel: str, since: str) -> AsyncIterator[Said]:
        oldest = f"{float(since) - THREADS_SECONDS:.6f}"
        asked = {"channel": channel, "oldest": oldest}
        async for said in self._pages(self._web.conversations_history, asked):
            if said.ts > since:
                yield said
            if said.latest_reply > since:
                below = {"channel": channel, "ts": said.ts, "oldest": since}
                async for reply in self._pages(self._web.conversations_replies, below):
                    if reply.ts > since and reply.ts != said.ts:
                        yield reply

    async def _pages(self, method: Any, asked: dict[str, Any]) -> AsyncIterator[Said]:
        cursor = None
        for _ in range(PAGES):
            answer = await method(**asked, limit=PAGE, cursor=cursor)
            for one in answer.get("messages") or []:
                if (said := shapes.read(one, Said)) is not None:
                    yield said
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _keep(self) -> None:
        keep(self._context, msgspec.json.encode(self._read_until).decode())

    # Sending

    async def send(self, address: str, message: Message) -> Outcome:
        """Send the message, then its files into its thread, each once."""
        key = message.dedup_key
        try:
            place, thread = place_and_thread(address)
            receipt = self._sent.receipt(key) or await self._found(place, thread, key)
            if receipt is None:
                self._sent.begin(key)
                receipt = await self._post(place, thread, message)
            self._sent.end(key, receipt)
            if thread is not None and message.ask is not None:
                self._sent.end(_asked_in(address), receipt)
            for file in message.files:
                await self._try_file(receipt, thread, file, f"{key} {file.path}")
        except self._error as error:
            refusal = shapes.refusal(error)
            if refusal.code in _FOR_GOOD:
                return notify.dead(f"Slack refuses: {refusal.code}")
            return notify.retry(f"Slack answers {refusal.code}", refusal.retry_after)
        return notify.delivered(receipt)

    async def _post(self, place: str, thread: str | None, message: Message) -> str:
        buttons = self._desk.buttons(message, place)[: shapes.BUTTONS]
        pressable = bool(buttons)
        how = HOW if thread is None else HOW_IN_THREAD
        answer = await self._web.chat_postMessage(
            channel=place,
            thread_ts=thread,
            # Where the blocks cannot be shown, as in the notifications of a phone.
            text=shown(message, "slack", shapes.CHARACTERS, how=how, buttons=pressable),
            blocks=shapes.blocks(parts(message, how=how, buttons=pressable), buttons),
            metadata=shapes.metadata(message.dedup_key),
            unfurl_links=False,
            unfurl_media=False,
        )
        return f"{answer['channel']}/{answer['ts']}"

    async def _found(self, place: str, thread: str | None, key: str) -> str | None:
        """What an earlier attempt that was cut short has left in the channel, or in the thread."""
        begun = self._sent.begun(key)
        if begun is None:
            return None
        asked = {
            "channel": place,
            "oldest": f"{begun - SKEW_SECONDS:.6f}",
            "include_all_metadata": True,
            "limit": PAGE,
        }
        try:
            if thread is None:
                answer = await self._web.conversations_history(**asked)
            else:
                answer = await self._web.conversations_replies(ts=thread, **asked)
        except self._error as error:
            if shapes.refusal(error).code not in _FOR_GOOD:
                raise
            return None  # it may not read there
        for one in answer.get("messages") or []:
            if shapes.key_of(one) == key:
                return f"{place}/{one['ts']}"
        return None

    async def _try_file(self, receipt: str, thread: str | None, file: File, key: str) -> None:
        """A file that cannot be sent is told in the log and holds up no message."""
        if self._sent.receipt(key) is not None:
            return
        channel, _, ts = receipt.partition("/")
        try:
            data = await anyio.to_thread.run_sync(read_regular, file.path)
            await self._web.files_upload_v2(
                channel=channel,
                thread_ts=thread or ts,
                content=data,
                filename=file.name,
                title=file.name,
            )
        except OSError as error:
            self._tell(f"{file.name}: {error.strerror}")
        except self._error as error:
            if shapes.refusal(error).code not in _FOR_GOOD:
                raise
            self._tell(f"{file.name}: {shapes.refusal(error).code}")
        self._sent.end(key, "-")

    async def close(self, address: str, receipt: str, text: str) -> None:
        """Edit the message; its buttons are not among the new blocks."""
        if self._sent.receipt(_asked_in(address)) == receipt:
            self._sent.forget(_asked_in(address))  # what is said there now is other talk
        plain = escaped(text, "slack", shapes.CHARACTERS)
        await self._edit(receipt, plain, Parts("", text, "", None))

    async def rewrite(self, address: str, receipt: str, digest: Message) -> None:
        """Edit the digest."""
        plain = shown(digest, "slack", shapes.CHARACTERS, how=HOW, buttons=False)
        await self._edit(receipt, plain, parts(digest, how=HOW, buttons=False))

    async def _edit(self, receipt: str, plain: str, found: Parts) -> None:
        channel, _, ts = receipt.partition("/")
        await self._web.chat_update(channel=channel, ts=ts, text=plain, blocks=shapes.blocks(found))

    def _tell(self, error: object) -> None:
        self._context.log.warning("chat.unsent", platform="slack", error=str(error))


def _asked_in(thread: str) -> str:
    """Under which key it is written down what was asked last in a thread."""
    return f"asked in {thread}"
