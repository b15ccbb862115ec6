"""The desk of one chat platform: who may say what, and what it does on the board.

Only users and places that the configuration names are listened to. Commands go to ``slash``; a
reply to a message that asks something is its answer, and so is a button or a reaction. What the
platform hands over again is done once. Nothing raises: whatever goes wrong is a line of text.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final, cast

import anyio
import msgspec

from gateway.chat import answers
from gateway.chat.adapter import Button, Incoming, Pressed, Reacted
from gateway.chat.answers import Asked, Way
from gateway.chat.tokens import Choice, Tokens
from hermes_kanban import kernel as kb
from hermes_kanban.config.chat import ChatSettings, PlatformSettings
from hermes_kanban.kernel.said import do_once
from hermes_kanban.model.errors import KanbanError, NotFound
from hermes_kanban.notify import threads
from hermes_kanban.notify.message import Message
from hermes_kanban.store.protocol import GATEWAY_WAIT_SECONDS
from hermes_kanban.surfaces.slash import TEXT_BYTES, Reply, is_slash, plain_reply, slash
from hermes_kanban.surfaces.slash.markup import Platform

STRANGER_SECONDS: Final = 3_600.0
STRANGERS: Final = 1_000
AT_ONCE: Final = 4
LABEL_CHARACTERS: Final = 60
_TOO_LONG: Final = f"That is too long: at most {TEXT_BYTES:,} bytes."
_WORDS_WANTED: Final = "Reply to that message with what is to change."


class ChatDesk:
    """Whom the adapter of one platform hands everything to.

    ``boards`` gives the boards that are served, by slug, as they are connected to; ``chat`` the
    ``chat:`` section as it is now.
    """

    def __init__(
        self,
        platform: str,
        *,
        chat: Callable[[], ChatSettings],
        boards: Callable[[], Mapping[str, str | None]],
        key: bytes,
        log: Any,
    ) -> None:
        self._platform = platform
        self._marks = cast(Platform, platform)
        self._chat = chat
        self._boards = boards
        self._tokens = Tokens(key, platform)
        self._log = log
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def said(self, incoming: Incoming) -> Reply | None:
        """Do what was said, or answer the question that it answers."""
        if not is_slash(incoming.text) and incoming.reply_to is None:
            return None
        return await self._guarded(partial(self._said, incoming))

    async def pressed(self, pressed: Pressed) -> Reply:
        """Answer the question of the button."""
        found = await self._guarded(partial(self._pressed, pressed))
        return found or self._line("Nothing to do.", ok=False)

    async def reacted(self, reacted: Reacted) -> Reply | None:
        """Answer the question of the message, if the reaction says how."""
        return await self._guarded(partial(self._reacted, reacted))

    def buttons(self, message: Message, place: str) -> Sequence[Button]:
        """A button for each way to answer."""
        if message.ask is None or message.question is None:
            return []
        question, board = message.question, message.board
        return [
            Button(_short(way.label), self._tokens.make(Choice(board, question, at), place))
            for at, way in enumerate(answers.ways(message.ask))
        ]

    def numbered(self, message: Message) -> Sequence[str]:
        """The labels of the ways to answer."""
        ask = message.ask
        return [] if ask is None else [_short(way.label) for way in answers.ways(ask)]

    # In a worker thread

    async def _guarded(self, perform: Callable[[], Reply | None]) -> Reply | None:
        try:
            # Left to end by itself when the gateway stops: it is done once, and then answered.
            async with self._limiter:
                reply = await threads.run(perform)
        except KanbanError as error:
            return self._line(str(error), ok=False)
        except Exception:
            self._log.error("chat.fault", platform=self._platform, exc_info=True)
            return self._line("That went wrong here; the gateway's log says more.", ok=False)
        if reply is not None and reply.fault:
            self._log.error("chat.fault", platform=self._platform, exception=reply.fault)
        return reply

    def _said(self, incoming: Incoming) -> Reply | None:
        command = is_slash(incoming.text)
        receipt = None if command else incoming.reply_to
        found = None if receipt is None else self._asked(receipt)
        if not command and found is None:
            return None  # a reply to somebody else
        if not self._may(incoming.place, incoming.names, incoming.user):
            return self._stranger(incoming.place, incoming.user)
        if len(incoming.text.encode(errors="replace")) > TEXT_BYTES:
            return self._line(_TOO_LONG, ok=False)
        if found is None:
            return self._command(incoming)
        board, asked = found
        return self._answer_one(
            board,
            asked,
            incoming.user,
            incoming.key,
            lambda one: answers.way_of_text(one.ask, incoming.text),
        )

    def _command(self, incoming: Incoming) -> Reply:
        chat = self._chat()
        actor = chat.actor(self._platform, incoming.user)
        reply = slash(
            incoming.text,
            board=chat.board or None,
            actor=actor,
            platform=self._marks,
            place=f"{self._platform}:{self._address(incoming)}",
            key=self._key(incoming.key),
        )
        self._log.info("chat.done", platform=self._platform, actor=actor, ok=reply.ok)
        return reply

    def _address(self, incoming: Incoming) -> str:
        """Where it was said, the place as the configuration writes it: the same destination."""
        settings = self._settings()
        places = frozenset() if settings is None else settings.places
        place = next((name for name in incoming.names if name in places), incoming.place)
        return place if incoming.thread is None else f"{place}/{incoming.thread}"

    def _reacted(self, reacted: Reacted) -> Reply | None:
        found = self._asked(reacted.to)
        if found is None:
            return None
        board, asked = found
        ways = [answers.way_of_sign(one.ask, reacted.sign) for one in asked]
        if not any(ways):
            return None
        if not self._may(reacted.place, reacted.names, reacted.user):
            return self._stranger(reacted.place, reacted.user)
        return self._answer_one(
            board,
            asked,
            reacted.user,
            reacted.key,
            lambda one: answers.way_of_sign(one.ask, reacted.sign),
        )

    def _pressed(self, pressed: Pressed) -> Reply | None:
        if not self._may(pressed.place, pressed.names, pressed.user):
            return self._stranger(pressed.place, pressed.user) or self._line(
                "You are not listed here.", ok=False
            )
        boards = list(self._boards())
        places = (pressed.place, *pressed.names)
        read = (self._tokens.read(pressed.token, place, boards) for place in places)
        choice = next((one for one in read if one is not None), None)
        if choice is None:
            return self._line("This button is not from here.", ok=False)
        with closing(self._connect(choice.board)) as conn:
            asked = answers.question(conn, choice.question)
        if asked is None:
            return self._line("What this asked is gone from the board.", ok=False)

        def way(one: Asked) -> Way | None:
            offered = answers.ways(one.ask)
            return offered[choice.way] if choice.way < len(offered) else None

        return self._answer_one(choice.board, [asked], pressed.user, pressed.key, way)

    def _answer_one(
        self,
        board: str,
        asked: Sequence[Asked],
        user: str,
        key: str,
        way_of: Callable[[Asked], Way | None],
    ) -> Reply | None:
        """Answer the one question that is open; None if the message asked nothing."""
        if not asked:
            return None
        actor = self._chat().actor(self._platform, user)
        with closing(self._connect(board)) as conn:

            def perform() -> Reply:
                return self._decide(conn, asked, actor, way_of)

            encoded = do_once(conn, self._key(key), lambda: _encoded(perform()))
        reply = msgspec.json.decode(encoded.answer, type=Reply)
        self._log.info("chat.done", platform=self._platform, actor=actor, ok=reply.ok)
        return reply

    def _decide(
        self,
        conn: kb.BoardConnection,
        asked: Sequence[Asked],
        actor: str,
        way_of: Callable[[Asked], Way | None],
    ) -> Reply:
        # As of this transaction: somebody may have been faster.
        now = [one for old in asked if (one := answers.question(conn, old.question)) is not None]
        if not now:
            return self._line("What this asked is gone from the board.", ok=False)
        waiting = [one for one in now if one.decision is None]
        if len(waiting) > 1:
            ids = ", ".join(one.task_id for one in waiting)
            said = f"This asks about several tasks ({ids}): answer each with /kanban unblock ID,"
            return self._line(f"{said} approve ID or the like.", ok=False)
        if not waiting:
            return self._line(answers.decided(conn, now[-1]), ok=False)
        way = way_of(waiting[0])
        if way is None:
            offered = answers.ways(waiting[0].ask)
            told = ", ".join(f"{at} {one.label}" for at, one in enumerate(offered, 1))
            return self._line(f"Reply with one of these: {told}.", ok=False)
        if way.wants_words:
            return self._line(_WORDS_WANTED)
        try:
            return self._line(answers.answer(conn, waiting[0], way, actor))
        except KanbanError as error:
            return self._line(str(error), ok=False)

    def _asked(self, receipt: str) -> tuple[str, list[Asked]] | None:
        """The board whose message this is, and what it asked."""
        for board in self._boards():
            with closing(self._connect(board)) as conn:
                found = answers.asked_by(conn, self._platform, receipt)
            if found is not None:
                return board, found
        return None

    def _connect(self, slug: str) -> kb.BoardConnection:
        boards = self._boards()
        if slug not in boards:
            raise NotFound("board", slug, "this gateway does not serve it")
        return kb.connect(boards[slug], wait_seconds=GATEWAY_WAIT_SECONDS)

    # Who may

    def _may(self, place: str, names: Sequence[str], user: str) -> bool:
        settings = self._settings()
        if settings is None:
            return False
        return user in settings.people and not settings.places.isdisjoint((place, *names))

    def _settings(self) -> PlatformSettings | None:
        found: PlatformSettings | None = getattr(self._chat(), self._platform)
        return found

    def _stranger(self, place: str, user: str) -> Reply | None:
        """One line an hour for each; nothing else happens."""
        now = time.monotonic()
        last = self._told.get((place, user))
        if last is not None and now - last < STRANGER_SECONDS:
            return None
        self._told[place, user] = now
        self._told.move_to_end((place, user))
        if len(self._told) > STRANGERS:
            self._told.popitem(last=False)
        self._log.warning("chat.stranger", platform=self._platform, user=user, place=place)
        return self._line(
            "I take nothing from you here. Whoever runs the board can list you, and this place, in"
            f" chat.{self._platform}.",
            ok=False,
        )

    def _key(self, key: str) -> str:
        return f"{self._platform}:{key}"

    def _line(self, text: str, ok: bool = True) -> Reply:
        return plain_reply(text, ok, self._marks)


def _encoded(reply: Reply) -> str:
    return msgspec.json.encode(reply).decode()


def _short(label: str) -> str:
    return label if len(label) <= LABEL_CHARACTERS else label[: LABEL_CHARACTERS - 1] + "…"
