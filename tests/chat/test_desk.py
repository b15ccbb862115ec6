"""The desk: who may answer what, by words, buttons and signs, once."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import Any

import msgspec
import pytest
import structlog

from gateway.chat.adapter import Button, Incoming, Pressed, Reacted
from gateway.chat.answers import how_numbered, how_pressed, way_of_sign, way_of_text
from gateway.chat.desk import ChatDesk
from gateway.chat.matrix_shapes import message_content
from gateway.chat.tokens import Choice, Tokens, key_of
from hermes_kanban import kernel as kb
from hermes_kanban.config.chat import ChatSettings
from hermes_kanban.kernel import outbox
from hermes_kanban.kernel.subscriptions import subscribe
from hermes_kanban.notify import delivered
from hermes_kanban.notify.message import AboutEvent, Ask, Item, Message

KEY = b"k" * 32
CHAT = "-100"
MARA, TOM, EVE = "1", "2", "3"


class Chat:
    """A chat of a platform with buttons, and the board behind it."""

    def __init__(self, board: Any, platform: str = "telegram") -> None:
        self.conn = board.conn
        self.platform = platform
        settings = {
            "people": {"mara": [f"{platform}:{MARA}"]},
            "telegram": {"token": "x", "chats": [int(CHAT)], "users": [int(MARA), TOM]},
            "discord": {"token": "x", "channels": [CHAT], "users": [MARA, TOM]},
        }
        self.settings = msgspec.convert(settings, ChatSettings)
        self.desk = self.open_desk()

    def open_desk(self) -> ChatDesk:
        return ChatDesk(
            self.platform,
            chat=lambda: self.settings,
            boards=lambda: {"default": None},
            key=KEY,
            log=structlog.get_logger(),
        )

    def task(self, **settings: Any) -> str:
        return kb.create_task(self.conn, title="Count", assignee="counter", **settings)

    def told(self, receipt: str) -> Message:
        """The newest message that the chat is owed, as it is once it was delivered."""
        while outbox.advance_cursors(self.conn):
            pass
        found = None
        for head in outbox.survey_outbox(self.conn).heads:
            outgoing = outbox.next_outgoing(self.conn, head.delivery.sub_id)
            assert outgoing is not None
            found = outgoing.message
            outbox.mark(self.conn, head.delivery.id, delivered(receipt))
        assert found is not None
        return found

    async def reply(self, text: str, to: str | None, user: str = MARA, key: str = "", **more: Any):
        key = key or f"{text[:20]} {to} {user}"
        incoming = Incoming(place=CHAT, user=user, text=text, key=key, reply_to=to)
        return await self.desk.said(msgspec.structs.replace(incoming, **more))

    async def press(self, button: Button, user: str = MARA, place: str = CHAT):
        key = f"{button.token} {user}"
        return await self.desk.pressed(Pressed(place=place, user=user, token=button.token, key=key))


@pytest.fixture
def chat(board):
    made = Chat(board)
    subscribe(made.conn, destination=f"telegram:{CHAT}")
    return made


pytestmark = pytest.mark.asyncio


@pytest.mark.stores("sqlite", "postgres")
async def test_a_button_answers_once_and_only_where_it_was_shown(chat):
    task = chat.task()
    kb.block_task(chat.conn, task, reason="Which?\n- this\n- that", kind="needs_input")
    message = chat.told("m1")
    this, that = chat.desk.buttons(message, CHAT)
    assert (this.label, that.label) == ("this", "that")
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", one.token) for one in (this, that))

    forged = that.token[:-1] + ("0" if that.token[-1] != "0" else "1")
    for press in (
        chat.press(Button("", forged)),
        chat.press(Button("", "")),
        chat.press(Button("", "é.ü")),
        chat.press(that, place="-200"),
        chat.press(that, user=EVE),
    ):
        refused = await press
        assert not refused.ok
        assert "\n" not in refused.text
    assert kb.get_task(chat.conn, task).status == "blocked"

    answered = await chat.press(that)
    assert answered.ok
    assert "Answered: that" in answered.text
    # The platform hands it over again: the same words. Another person is told who was first.
    assert await chat.press(that) == answered
    late = await chat.press(this, user=TOM)
    assert not late.ok
    assert "answered by mara" in late.text
    assert [
        e.payload["reason"] for e in kb.list_events(chat.conn, task) if e.kind == "unblocked"
    ] == ["that"]


@pytest.mark.stores("sqlite", "postgres")
async def test_of_two_answers_at_the_same_moment_one_counts(board):
    chats = [Chat(board, platform) for platform in ("telegram", "discord")]
    conn = board.conn
    subscribe(conn, destination=f"telegram:{CHAT}")
    task = chats[0].task()
    for at in range(12):
        kb.block_task(conn, task, reason=f"Which {at}?\n- this\n- that", kind="needs_input")
        message = chats[0].told(f"m{at}")
        this, that = (chat.desk.buttons(message, CHAT)[side] for side, chat in enumerate(chats))
        pressed = (chats[0].press(this), chats[1].press(that, user=TOM))
        replies = await asyncio.gather(*(pressed if at % 2 else reversed(pressed)))
        assert sorted(reply.ok for reply in replies) == [False, True]
        (refused,) = (reply for reply in replies if not reply.ok)
        assert "answered by " in refused.text
        kinds = [event.kind for event in kb.list_events(conn, task, limit=500)]
        assert kinds.count("unblocked") == at + 1


async def test_a_review_is_approved_or_sent_back_in_words(chat):
    task = chat.task()
    for receipt in ("m1", "m2"):
        run = kb.claim_task(chat.conn, task)
        kb.request_review(chat.conn, task, summary="Read it", run_id=run.current_run_id)
        message = chat.told(receipt)
        approve, changes = chat.desk.buttons(message, CHAT)
        prompt = await chat.press(changes)
        assert prompt.ok
        assert kb.get_task(chat.conn, task).status == "review"
        if receipt == "m1":
            assert (await chat.reply("May is missing", "m1")).ok
            assert kb.list_comments(chat.conn, task)[-1].body == "May is missing"
            assert kb.get_task(chat.conn, task).status == "ready"
            gone = await chat.press(approve, user=TOM)
            assert "sent back by mara" in gone.text
    reacted = Reacted(place=CHAT, user=TOM, sign="👍🏽", key="r", to="m2")
    assert (await chat.desk.reacted(reacted)).ok
    assert kb.get_task(chat.conn, task).status == "done"
    assert kb.list_events(chat.conn, task)[-1].actor == "person:telegram/2"


async def test_strangers_and_long_texts_get_one_line_and_others_none(chat):
    task = chat.task()
    kb.block_task(chat.conn, task, reason="Which?", kind="needs_input")
    chat.told("m1")
    before = kb.newest_event_id(chat.conn)
    assert (await chat.reply("/kanban list", None, EVE)).text.startswith("I take nothing")
    for silent in (
        chat.reply("this", "m1", EVE),
        chat.reply("/kanban list", None, EVE, key="2"),
        chat.reply("just talking", None),
        chat.reply("a reply to somebody else", "m99"),
        chat.desk.reacted(Reacted(place=CHAT, user=MARA, sign="👍", key="r", to="m1")),
        chat.desk.reacted(Reacted(place=CHAT, user=MARA, sign="👍", key="r", to="m99")),
    ):
        assert await silent is None
    # A listed person in another place is a stranger there.
    assert not (await chat.reply("/kanban list", None, place="-200")).ok
    for text, to in (("x" * 100_000, "m1"), ("/kanban comment t " + "x" * 100_000, None)):
        reply = await chat.reply(text, to)
        assert reply.text == "That is too long: at most 32,768 bytes."
    assert kb.newest_event_id(chat.conn) == before
    assert (await chat.reply("this", "m1")).ok


async def test_a_repeat_is_done_once_also_by_another_gateway(chat):
    task = chat.task()
    first = await chat.reply(f"/kanban comment {task} once", None, key="9")
    chat.desk = chat.open_desk()
    assert await chat.reply(f"/kanban comment {task} once", None, key="9") == first
    assert len(kb.list_comments(chat.conn, task)) == 1


async def test_a_digest_is_answered_task_by_task(chat):
    tasks = [chat.task() for _ in range(2)]
    for task in tasks:
        kb.block_task(chat.conn, task, reason="Which?", kind="needs_input")
    chat.told("m1")
    chat.told("m1")
    reply = await chat.reply("this", "m1")
    assert not reply.ok
    assert all(task in reply.text for task in tasks)
    kb.unblock_task(chat.conn, tasks[0])
    # One is left: now it is clear which is meant.
    assert (await chat.reply("this", "m1", key="again")).ok
    assert kb.get_task(chat.conn, tasks[1]).status == "ready"


async def test_what_is_not_foreseen_is_one_line_without_a_trace(chat, monkeypatch):
    chat.conn.execute("DROP TABLE said")
    reply = await chat.reply("/kanban create x", None)
    assert not reply.ok
    assert "\n" not in reply.text
    assert "Traceback" not in reply.text


@pytest.mark.parametrize(
    ("ask", "texts", "signs"),
    [
        (
            Ask(kind="question", verbs=[], choices=["yes", "no"]),
            {"2": "no", "Yes.": "yes", "3": "3", "ok": "ok", "in 2 days": "in 2 days"},
            {"2️⃣": "no", "3️⃣": None, "👍": None},
        ),
        (
            Ask(kind="review", verbs=[]),
            {"1": "Approve", "LGTM!": "Approve", "no May": "no May", "2": "Request changes"},
            {"✅": "Approve", "👎": "Request changes", "😀": None},
        ),
        (
            Ask(kind="gave_up", verbs=[]),
            {"again": "Try again", "use the other key": "use the other key"},
            {"👍": "Try again", "👎": None},
        ),
        (Ask(kind="triage", verbs=[]), {"ok": "Accept", "hm": None}, {"1️⃣": "Accept"}),
        (
            Ask(kind="late_result", verbs=[], run_id=3),
            {"adopt": "Take over", "2": "Put aside", "hm": None},
            {"👎": "Put aside"},
        ),
    ],
)
async def test_what_words_and_signs_mean(ask, texts, signs):
    def label(way):
        return None if way is None else way.label

    assert {text: label(way_of_text(ask, text)) for text in texts} == texts
    assert {sign: label(way_of_sign(ask, sign)) for sign in signs} == signs


@pytest.mark.parametrize(
    ("ask", "numbered", "pressed"),
    [
        (
            Ask(kind="question", verbs=[], choices=["yes", "no"]),
            "Reply to this message with a number or in words, or react with 1️⃣ 2️⃣",
            "Press a button, or reply here with the answer.",
        ),
        (
            Ask(kind="review", verbs=[]),
            "Reply to this message with 1 to approve, or with what is to change; or react with 1️⃣ 2️⃣",
            "Press a button, or reply here with what is to change.",
        ),
        (
            Ask(kind="gave_up", verbs=[]),
            "Reply to this message with 1 to try again, or with what the next attempt has to know;"
            " or react with 1️⃣",
            "Press a button, or reply here with what the next attempt has to know.",
        ),
        (
            Ask(kind="triage", verbs=[]),
            "Reply to this message with 1 to accept; or react with 1️⃣",
            "Press a button.",
        ),
        (
            Ask(kind="late_result", verbs=[], run_id=3),
            "Reply to this message with a number, or react with 1️⃣ 2️⃣",
            "Press a button.",
        ),
    ],
)
async def test_a_message_says_what_words_will_do(ask, numbered, pressed):
    assert how_numbered(ask) == numbered
    assert how_pressed(ask, "Reply here", buttons=True) == pressed


async def test_a_question_without_choices_wants_words():
    ask = Ask(kind="question", verbs=[])
    assert how_numbered(ask) == "Reply to this message with the answer."
    assert how_pressed(ask, "Reply here", buttons=False) == "Reply here with the answer."


async def test_a_room_reads_who_said_what_and_reaches_each_task_of_a_digest():
    event = AboutEvent(id=7, kind="completed", actor="profile:x", run_id=1, created_at=0)
    told = Message(
        dedup_key="k",
        board="b",
        subscription=1,
        event=event,
        task=None,
        subject="Done: a <b> (t_a)",
        said="All of <i>it</i>",
        text="Done: a <b> (t_a)\nAll of <i>it</i>\nhttps://x.example/t_a",
        link="https://x.example/t_a",
    )
    html = message_content(told, [])["formatted_body"]
    assert html == (
        "<p><b>Done: a &lt;b&gt; (t_a)</b></p><blockquote>All of &lt;i&gt;it&lt;/i&gt;</blockquote>"
        '<p><a href="https://x.example/t_a">open</a></p>'
    )
    asks = Ask(kind="question", verbs=[])
    items = [
        Item(event=event, task=None, subject="Done: a", said="no", link="https://x.example/t_a"),
        Item(event=event, task=None, subject="Blocked: <c>", said="Which?", ask=asks),
    ]
    digest = Message(
        dedup_key="k",
        board="b",
        subscription=1,
        event=event,
        task=None,
        subject="2 things",
        text="2 things\n- Done: a\n- Blocked: <c>\n  Which?\nhttps://x.example",
        link="https://x.example",
        items=items,
    )
    html = message_content(digest, [])["formatted_body"]
    assert html == (
        '<p><b>2 things</b></p><ul><li><a href="https://x.example/t_a">Done: a</a></li>'
        "<li>Blocked: &lt;c&gt;<blockquote>Which?</blockquote></li></ul>"
        '<p><a href="https://x.example">open</a></p>'
    )


async def test_tokens_are_of_one_home_platform_place_and_board(tmp_path):
    key = key_of(tmp_path / "chat" / "key")
    assert key == key_of(tmp_path / "chat" / "key")
    assert (tmp_path / "chat" / "key").stat().st_mode & 0o777 == 0o600
    choice = Choice("default", 2**62, 8)
    token = Tokens(key, "telegram").make(choice, "1")
    assert len(token) <= 64
    assert Tokens(key, "telegram").read(token, "1", ["other", "default"]) == choice
    assert Tokens(key, "telegram").read(token, "2", ["default"]) is None
    assert Tokens(key, "slack").read(token, "1", ["default"]) is None
    assert Tokens(key, "telegram").read(token, "1", ["other"]) is None
    assert Tokens(b"x" * 32, "telegram").read(token, "1", ["default"]) is None


async def test_nothing_of_a_platform_is_loaded_unless_it_is_configured():
    script = (
        "import sys, gateway.runner, hermes_kanban.surfaces.slash\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'nio', 'aiohttp', 'telegram', 'httpx', 'slack_bolt', 'slack_sdk',"
        " 'discord', 'apprise', 'aiosmtplib', 'click'}),"
        " [one for one in sys.modules if one.startswith('gateway.chat.')"
        " and one.rpartition('.')[2] in ('matrix', 'telegram', 'slack', 'discord')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] []"
