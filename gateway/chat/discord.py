"""Discord, by discord.py.

A message carries a nonce that follows from its key, by which Discord recognises a repeat within a
few minutes; later ones are recognised by our own record. Each time a session begins, the channels
are read from where the last reading ended. A command or a press is shown as being worked on at
once, since Discord waits three seconds, and is handed over in its turn.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import ObjectReceiveStream

from gateway.chat.adapter import (
    Adapter,
    Button,
    Context,
    Incoming,
    MissingPackage,
    Pressed,
    keep,
    place_and_thread,
    read_kept,
)
from gateway.chat.sent import Sent
from gateway.chat.shown import escaped, shown
from hermes_kanban import notify
from hermes_kanban.config.chat import DiscordSettings
from hermes_kanban.config.secret import read_secret
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.notify.message import File, Message, Outcome
from hermes_kanban.regular import read_regular
from hermes_kanban.surfaces.slash import Reply

API: Final = "https://discord.com"
API_VERSION: Final = 10
HOW: Final = "Reply to this message"
CHARACTERS: Final = 1_900
BUTTONS: Final = 25
NONCE_CHARACTERS: Final = 25
LONGEST_WAIT_SECONDS: Final = 30.0
"""A shorter rate limit is waited out in the library, a longer one is told."""
LEAVE_SECONDS: Final = 0.4
QUEUE: Final = 1_000
MEANWHILE: Final = 2_000
"""How many messages of a channel are looked through for what was said meanwhile."""

_REFUSED: Final = {
    4004: "the token is refused",
    4014: "the bot needs the Message Content Intent; turn it on in Discord's developer portal",
}
"""What Discord says when it closes a connection that will not do, by its code."""

_COMMAND: Final = {
    "type": 1,
    "name": "kanban",
    "description": "A command for the board, such as: list",
    "options": [
        {
            "type": 3,
            "name": "command",
            "description": "What to do, such as: create Count the words; or: help",
            "required": False,
        }
    ],
}


class _Began(NamedTuple):
    """A session with Discord has begun."""


def adapter(context: Context) -> Adapter:
    """The adapter, not entered yet."""
    try:
        import discord
        from discord import gateway, http
    except ImportError:
        raise MissingPackage("discord", "discord.py") from None
    settings: DiscordSettings = context.settings
    token = read_secret("chat.discord.token", settings.token)
    logging.getLogger("discord").setLevel(logging.ERROR)
    # The library has no setting for where Discord is; one process has one.
    http.Route.BASE = f"{settings.base_url.rstrip('/') or API}/api/v{API_VERSION}"
    return DiscordAdapter(context, discord, gateway.DiscordWebSocket, token)


class DiscordAdapter:
    """One bot."""

    def __init__(self, context: Context, discord: Any, socket: Any, token: str) -> None:
        self._context = context
        self._settings: DiscordSettings = context.settings
        self._desk = context.desk
        self._discord = discord
        self._socket = socket
        self._token = token
        self._sent = Sent(context.keep.with_suffix(".sent"))
        self._read_until = _kept(read_kept(context))
        self._give, self._take = anyio.create_memory_object_stream[Any](QUEUE)
        self._client: Any = None

    async def __aenter__(self) -> Self:
        intents = self._discord.Intents(
            guilds=True, guild_messages=True, dm_messages=True, message_content=True
        )
        client = self._discord.Client(
            intents=intents,
            max_messages=None,
            member_cache_flags=self._discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=self._discord.AllowedMentions.none(),
            max_ratelimit_timeout=LONGEST_WAIT_SECONDS,
        )
        for hear in (self.on_connect, self.on_message, self.on_interaction, self.on_error):
            client.event(hear)
        self._client = client
        try:
            await client.login(self._token)
            if self._settings.base_url:
                _, address, _ = await client.http.get_bot_gateway()
                self._socket.DEFAULT_GATEWAY = type(self._socket.DEFAULT_GATEWAY)(address)
        except self._discord.LoginFailure:
            await self._leave()
            raise ConfigError("chat.discord.token is not one that Discord knows") from None
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
        self._give.close()
        self._take.close()
        with anyio.move_on_after(LEAVE_SECONDS, shield=True), suppress(Exception):
            await self._client.close()

    # Listening

    async def listen(self) -> None:
        """Until the connection is lost for good; a session that can be resumed misses nothing."""
        await self._register_command()
        code = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._work, self._take)
            try:
                await self._client.connect(reconnect=False)
            except self._discord.ConnectionClosed as error:
                code = error.code
            group.cancel_scope.cancel()
        if code in _REFUSED:
            raise ConfigError(f"chat.discord: {_REFUSED[code]}")
        raise ConnectionError("Discord has closed the connection")

    async def _register_command(self) -> None:
        """``/kanban``, once; without it ``!kanban`` still does."""
        try:
            known = await self._client.http.get_global_commands(self._client.application_id)
            if not any(one["name"] == _COMMAND["name"] for one in known):
                await self._client.http.upsert_global_command(self._client.application_id, _COMMAND)
        except self._discord.HTTPException as error:
            self._tell(error)

    async def on_connect(self) -> None:
        """A session begins: what was said meanwhile comes before what is said from now on."""
        await self._queue(_Began())

    async def on_message(self, message: Any) -> None:
        """In its turn."""
        await self._queue(message)

    async def on_interaction(self, interaction: Any) -> None:
        """Say at once that it is seen: in public for a command, to whoever pressed for a press."""
        kinds = self._discord.InteractionType
        if interaction.type not in (kinds.application_command, kinds.component):
            return
        pressed = interaction.type == kinds.component
        try:
            await interaction.response.defer(ephemeral=pressed, thinking=True)
        except self._discord.HTTPException as error:
            self._tell(error)  # Discord has given it up, and says so to the person
            return
        await self._queue(interaction)

    async def on_error(self, event: str, *_args: Any, **_named: Any) -> None:
        """What goes wrong in one of the above."""
        self._context.log.error("chat.fault", platform="discord", exc_info=True)

    async def _queue(self, one: Any) -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # it is leaving
            await self._give.send(one)

    async def _work(self, take: ObjectReceiveStream[Any]) -> None:
        async for one in take:
            if isinstance(one, _Began):
                for place in sorted(self._settings.places):
                    await self._catch_up(place)
            elif isinstance(one, self._discord.Interaction):
                await self._interact(one)
            else:
                await self._said(one)

    async def _said(self, message: Any) -> None:
        place = str(message.channel.id)
        if message.content and not message.author.bot:
            key = f"{place}/{message.id}"
            answered = message.reference.message_id if message.reference else None
            reply = await self._desk.said(
                Incoming(
                    place=place,
                    user=str(message.author.id),
                    text=message.content,
                    key=key,
                    reply_to=f"{place}/{answered}" if answered else None,
                    thread=self._thread(message.channel),
                    names=_names(message.channel),
                )
            )
            if reply is not None:
                await self._answer(message, reply, f"answer {key}")
        if place in self._settings.places and message.id > self._read_until.get(place, 0):
            self._read_until[place] = message.id
            self._keep()

    async def _answer(self, message: Any, reply: Reply, key: str) -> None:
        """As a reply, and once, however often it was handed over."""
        if self._sent.receipt(key) is not None:
            return
        try:
            await message.channel.send(
                reply.text,
                reference=message.to_reference(fail_if_not_exists=False),
                mention_author=False,
                suppress_embeds=True,
                nonce=_nonce(key),
            )
        except self._discord.HTTPException as error:
            if not _is_for_good(error):
                raise
            self._tell(error)  # to say it again would end the same way
        self._sent.end(key, "-")

    async def _interact(self, interaction: Any) -> None:
        place, user = str(interaction.channel_id), str(interaction.user.id)
        key = f"interaction {interaction.id}"
        names = _names(interaction.channel)
        reply: Reply | None
        if interaction.type == self._discord.InteractionType.component:
            token = interaction.data["custom_id"]
            reply = await self._desk.pressed(
                Pressed(place=place, user=user, token=token, key=key, names=names)
            )
        else:
            options = interaction.data.get("options") or [{"value": ""}]
            text = f"/kanban {options[0]['value']}"
            thread = self._thread(interaction.channel)
            reply = await self._desk.said(
                Incoming(place=place, user=user, text=text, key=key, thread=thread, names=names)
            )
        try:
            if reply is None:
                await interaction.delete_original_response()
            else:
                await interaction.edit_original_response(content=reply.text)
        except self._discord.HTTPException as error:
            self._tell(error)  # what it did stands

    async def _catch_up(self, place: str) -> None:
        """Hand over what was said since it last read there; nothing the first time."""
        since = self._read_until.get(place)
        if since is None:
            self._read_until[place] = self._discord.utils.time_snowflake(datetime.now(UTC))
            self._keep()
            return
        try:
            channel = self._client.get_partial_messageable(int(place))
            after = self._discord.Object(since)
            async for message in channel.history(limit=MEANWHILE, after=after, oldest_first=True):
                await self._said(message)
        except self._discord.HTTPException as error:
            if not _is_for_good(error):
                raise
            self._tell(f"{place}: {error}")

    def _keep(self) -> None:
        keep(self._context, msgspec.json.encode(self._read_until).decode())

    # Sending

    async def send(self, address: str, message: Message) -> Outcome:
        """Send the message with its files."""
        key = message.dedup_key
        receipt = self._sent.receipt(key)
        if receipt is not None:
            return notify.delivered(receipt)
        place, thread = place_and_thread(address)
        where = thread or place
        if not (place.isdecimal() and where.isdecimal()):
            return notify.dead(
                f"{address} is not the id of a channel, nor that of one and a thread"
            )
        try:
            sent = await self._post(place, where, message)
        except self._discord.RateLimited as error:
            return notify.retry("Discord asks to wait", error.retry_after)
        except self._discord.HTTPException as error:
            said = f"Discord refuses: {error}"
            return notify.dead(said) if _is_for_good(error) else notify.retry(said)
        receipt = f"{where}/{sent.id}"
        self._sent.end(key, receipt)
        return notify.delivered(receipt)

    async def _post(self, place: str, where: str, message: Message) -> Any:
        channel = self._client.get_partial_messageable(int(where))
        buttons = self._desk.buttons(message, place)[:BUTTONS]
        content = shown(message, "discord", CHARACTERS, how=HOW, buttons=bool(buttons))
        given: dict[str, Any] = {"suppress_embeds": True, "nonce": _nonce(message.dedup_key)}
        if buttons:
            given["view"] = self._view(buttons)
        files = [one for file in message.files if (one := await self._file(file)) is not None]
        try:
            return await channel.send(content, files=files, **given)
        except self._discord.HTTPException as error:
            if not files or not (error.status == 413 or _is_for_good(error)):
                raise
            self._tell(f"without its files: {error}")
        return await channel.send(content, **given)

    async def _file(self, file: File) -> Any:
        try:
            data = await anyio.to_thread.run_sync(read_regular, file.path)
        except OSError as error:
            self._tell(f"{file.name}: {error.strerror}")
            return None
        return self._discord.File(io.BytesIO(data), filename=file.name)

    def _view(self, buttons: Sequence[Button]) -> Any:
        view = self._discord.ui.View(timeout=None)
        for one in buttons:
            view.add_item(self._discord.ui.Button(label=one.label, custom_id=one.token))
        view.stop()  # the library would keep it to call it back; presses come as interactions
        return view

    async def close(self, address: str, receipt: str, text: str) -> None:
        """Edit the message and take its buttons away."""
        await self._edit(receipt, escaped(text, "discord", CHARACTERS))

    async def rewrite(self, address: str, receipt: str, digest: Message) -> None:
        """Edit the digest."""
        await self._edit(receipt, shown(digest, "discord", CHARACTERS, how=HOW, buttons=False))

    async def _edit(self, receipt: str, text: str) -> None:
        channel, _, message_id = receipt.partition("/")
        message = self._client.get_partial_messageable(int(channel)).get_partial_message(
            int(message_id)
        )
        await message.edit(content=text, view=None)

    def _thread(self, channel: Any) -> str | None:
        """The thread, where its channel is one of ours."""
        ours = not self._settings.places.isdisjoint(_names(channel))
        return str(channel.id) if ours else None

    def _tell(self, error: object) -> None:
        self._context.log.warning("chat.unsent", platform="discord", error=str(error))


def _is_for_good(error: Any) -> bool:
    """Whether trying again would end the same way."""
    return error.status in (400, 403, 404)


def _nonce(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:NONCE_CHARACTERS]


def _names(channel: Any) -> tuple[str, ...]:
    """A thread goes by the name of its channel, too."""
    parent = getattr(channel, "parent_id", None)
    return (str(parent),) if parent else ()


def _kept(text: str) -> dict[str, int]:
    try:
        return msgspec.json.decode(text, type=dict[str, int]) if text else {}
    except msgspec.DecodeError:
        return {}
