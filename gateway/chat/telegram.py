"""Telegram, by python-telegram-bot and long polling.

The Bot API has no key by which it would recognise a repeat and no way to look what was sent, so
what was sent is written down here right after the answer: a message is doubled only when the
gateway or the connection dies between Telegram taking it and that note. What was handed over is
written down too, until Telegram has forgotten it.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

import anyio
import anyio.to_thread
import msgspec

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
from hermes_kanban.config.chat import TelegramSettings
from hermes_kanban.config.secret import read_secret
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.notify.message import File, Message, Outcome
from hermes_kanban.regular import read_regular
from hermes_kanban.surfaces.slash import Reply

API: Final = "https://api.telegram.org"
CHARACTERS: Final = 3_900
POPUP_CHARACTERS: Final = 200
BUTTONS: Final = 50
ROW_CHARACTERS: Final = 28
POLL_SECONDS: Final = 25
PAUSE_SECONDS: Final = 0.5
REQUEST_SECONDS: Final = 15.0
FILE_SECONDS: Final = 25.0
LEAVE_SECONDS: Final = 0.4
HOW: Final = "Reply to this message"

_UNKNOWN: Final = "chat.telegram.token is not one that Telegram knows"
_NAMED: Final = re.compile(r"\s*([/!]kanban)@(\w+)", re.IGNORECASE)


def adapter(context: Context) -> Adapter:
    """The adapter, not entered yet."""
    try:
        import telegram
        from telegram import error, request
    except ImportError:
        raise MissingPackage("telegram", "python-telegram-bot") from None
    del error, request
    settings: TelegramSettings = context.settings
    token = read_secret("chat.telegram.token", settings.token)
    # At its level INFO it writes every address, and the token is part of each.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return TelegramAdapter(context, telegram, token)


class TelegramAdapter:
    """One bot."""

    def __init__(self, context: Context, telegram: Any, token: str) -> None:
        self._context = context
        self._desk = context.desk
        self._telegram = telegram
        self._errors = telegram.error
        self._token = token
        self._sent = Sent(context.keep.with_suffix(".sent"))
        self._bot: Any = None

    async def __aenter__(self) -> Self:
        base = self._context.settings.base_url.rstrip("/") or API
        request = self._telegram.request.HTTPXRequest
        self._bot = self._telegram.Bot(
            self._token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=request(
                connection_pool_size=8,
                read_timeout=REQUEST_SECONDS,
                write_timeout=REQUEST_SECONDS,
                media_write_timeout=FILE_SECONDS,
            ),
            get_updates_request=request(connection_pool_size=1),
        )
        try:
            await self._bot.initialize()
        except self._errors.InvalidToken:
            await self._leave()
            raise ConfigError(_UNKNOWN) from None
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
        with anyio.move_on_after(LEAVE_SECONDS, shield=True), suppress(Exception):
            await self._bot.shutdown()

    # Listening

    async def listen(self) -> None:
        """Take updates in order; Telegram keeps for a day what nobody took.

        An update counts as taken when the next ones are asked for. Where it is asked from is
        never kept over a restart: after a quiet week Telegram may begin to count anew.
        """
        done = _read_ids(read_kept(self._context))
        offset: int | None = None
        while True:
            began = anyio.current_time()
            updates = await self._updates(offset)
            done &= {one.update_id for one in updates}  # it has forgotten the others
            for update in updates:
                if update.update_id not in done:
                    await self._hand_over(update)
                    done.add(update.update_id)
                    keep(self._context, msgspec.json.encode(sorted(done)).decode())
            offset = updates[-1].update_id + 1 if updates else None
            if not updates and anyio.current_time() - began < PAUSE_SECONDS:
                await anyio.sleep(PAUSE_SECONDS)  # a server that does not wait is not hammered

    async def _updates(self, offset: int | None) -> Sequence[Any]:
        try:
            found: Sequence[Any] = await self._bot.get_updates(
                offset=offset,
                timeout=POLL_SECONDS,
                allowed_updates=["message", "callback_query"],
                read_timeout=REQUEST_SECONDS,
            )
        except self._errors.InvalidToken:
            raise ConfigError(_UNKNOWN) from None
        return found

    async def _hand_over(self, update: Any) -> None:
        if update.callback_query is not None:
            await self._pressed(update.callback_query)
        elif update.message is not None and update.message.text:
            await self._said(update.message)

    async def _said(self, message: Any) -> None:
        user, chat = message.from_user, message.chat
        text = self._to_us(message.text)
        if user is None or user.is_bot or text is None:
            return
        answered = message.reply_to_message
        reply = await self._desk.said(
            Incoming(
                place=str(chat.id),
                user=str(user.id),
                text=text,
                key=f"{chat.id}/{message.message_id}",
                reply_to=None if answered is None else f"{chat.id}/{answered.message_id}",
                thread=str(message.message_thread_id) if message.is_topic_message else None,
                names=_names(chat),
            )
        )
        if reply is not None:
            await self._reply(message, reply)

    def _to_us(self, text: str) -> str | None:
        """The text without our name after the command; None where it names another bot."""
        named = _NAMED.match(text)
        if named is None:
            return text
        ours = named[2].lower() == self._bot.username.lower()
        return named[1] + text[named.end() :] if ours else None

    async def _reply(self, message: Any, reply: Reply) -> None:
        try:
            await self._bot.send_message(
                message.chat.id,
                reply.text,
                parse_mode="HTML",
                message_thread_id=message.message_thread_id if message.is_topic_message else None,
                reply_parameters=self._telegram.ReplyParameters(
                    message.message_id, allow_sending_without_reply=True
                ),
                link_preview_options=self._without_preview(),
            )
        except (self._errors.BadRequest, self._errors.Forbidden) as error:
            self._tell(error)  # to say it again would end the same way

    async def _pressed(self, query: Any) -> None:
        if query.message is None or not query.data:
            return
        chat = query.message.chat
        reply = await self._desk.pressed(
            Pressed(
                place=str(chat.id),
                user=str(query.from_user.id),
                token=query.data,
                key=f"press {query.id}",
                names=_names(chat),
            )
        )
        text = html.unescape(reply.text)
        if len(text) > POPUP_CHARACTERS:
            text = text[: POPUP_CHARACTERS - 1] + "…"
        try:
            await self._bot.answer_callback_query(query.id, text, show_alert=not reply.ok)
        except self._errors.BadRequest as error:
            self._tell(error)  # nobody waits for it any more

    # Sending

    async def send(self, address: str, message: Message) -> Outcome:
        """Send the message, then its files, each once by our own record."""
        key = message.dedup_key
        place, thread = place_and_thread(address)
        if thread is not None and not thread.isdecimal():
            return notify.dead(f"{thread} is not the id of a topic")
        topic = None if thread is None else int(thread)
        try:
            receipt = self._sent.receipt(key)
            if receipt is None:
                receipt = await self._send_text(place, topic, message)
                self._sent.end(key, receipt)
            for file in message.files:
                await self._try_file(receipt, topic, file, f"{key} {file.path}")
        except self._errors.RetryAfter as error:
            return notify.retry("Telegram asks to wait", _seconds(error.retry_after))
        except self._errors.ChatMigrated as error:
            return notify.dead(f"the chat is {error.new_chat_id} now: list and subscribe that")
        except (self._errors.BadRequest, self._errors.Forbidden) as error:
            return notify.dead(self._clean(error))
        except self._errors.TelegramError as error:
            return notify.retry(self._clean(error))
        return notify.delivered(receipt)

    async def _send_text(self, place: str, topic: int | None, message: Message) -> str:
        buttons = self._desk.buttons(message, place)[:BUTTONS]
        sent = await self._bot.send_message(
            place,
            shown(message, "telegram", CHARACTERS, how=HOW, buttons=bool(buttons)),
            parse_mode="HTML",
            message_thread_id=topic,
            reply_markup=self._keyboard(buttons),
            link_preview_options=self._without_preview(),
        )
        return f"{sent.chat.id}/{sent.message_id}"

    def _keyboard(self, buttons: Sequence[Button]) -> Any:
        """All in one row where they are short, else one below the other."""
        if not buttons:
            return None
        made = [
            self._telegram.InlineKeyboardButton(one.label, callback_data=one.token)
            for one in buttons
        ]
        in_a_row = sum(len(one.label) for one in buttons) <= ROW_CHARACTERS and len(made) <= 3
        rows = [made] if in_a_row else [[one] for one in made]
        return self._telegram.InlineKeyboardMarkup(rows)

    async def _try_file(self, receipt: str, topic: int | None, file: File, key: str) -> None:
        """A file that cannot be sent is told in the log and holds up no message."""
        if self._sent.receipt(key) is not None:
            return
        chat, _, message_id = receipt.partition("/")
        try:
            data = await anyio.to_thread.run_sync(read_regular, file.path)
            await self._bot.send_document(
                chat,
                data,
                filename=file.name,
                message_thread_id=topic,
                reply_parameters=self._telegram.ReplyParameters(
                    int(message_id), allow_sending_without_reply=True
                ),
            )
        except OSError as error:
            self._context.log.warning(
                "chat.unsent", platform="telegram", error=f"{file.name}: {error.strerror}"
            )
        except (self._errors.BadRequest, self._errors.Forbidden) as error:
            self._tell(error)
        self._sent.end(key, "-")

    async def close(self, address: str, receipt: str, text: str) -> None:
        """Edit the message; without a keyboard in the edit its buttons go."""
        await self._edit(receipt, escaped(text, "telegram", CHARACTERS))

    async def rewrite(self, address: str, receipt: str, digest: Message) -> None:
        """Edit the digest."""
        await self._edit(receipt, shown(digest, "telegram", CHARACTERS, how=HOW, buttons=False))

    async def _edit(self, receipt: str, text: str) -> None:
        chat, _, message_id = receipt.partition("/")
        try:
            await self._bot.edit_message_text(
                text,
                chat_id=chat,
                message_id=int(message_id),
                parse_mode="HTML",
                link_preview_options=self._without_preview(),
            )
        except self._errors.BadRequest as error:
            if "not modified" not in str(error):
                raise

    def _without_preview(self) -> Any:
        return self._telegram.LinkPreviewOptions(is_disabled=True)

    def _tell(self, error: Exception) -> None:
        self._context.log.warning("chat.unsent", platform="telegram", error=self._clean(error))

    def _clean(self, error: Exception) -> str:
        return (str(error) or type(error).__name__).replace(self._token, "***")


def _names(chat: Any) -> tuple[str, ...]:
    return (f"@{chat.username}",) if chat.username else ()


def _seconds(wait: float | timedelta) -> float:
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def _read_ids(kept: str) -> set[int]:
    try:
        return msgspec.json.decode(kept, type=set[int]) if kept else set()
    except msgspec.DecodeError:
        return set()
