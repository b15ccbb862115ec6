"""What an adapter makes of one message and says came of it, and how it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import structlog

from gateway.chat.adapter import Adapter, Button, Context
from gateway.chat.platforms import make
from gateway.chat.shown import parts, shown
from gateway.chat.slack_shapes import rich
from hermes_kanban.config.chat import ChatSettings
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.notify.message import AboutEvent, Ask, Item, Message
from tests.chat.stands import STANDS


class NoDesk:
    """Nothing is said here; a message that asks has two buttons."""

    def buttons(self, message: Message, place: str) -> Sequence[Button]:
        return [Button("Yes & <no>", "t-1"), Button("x" * 60, "t-2")] if message.ask else []


@pytest.fixture(params=STANDS)
def stand(request: pytest.FixtureRequest) -> Any:
    """A platform, and nobody there."""
    made = STANDS[request.param]()
    yield made
    made.close()


@asynccontextmanager
async def entered(stand: Any, folder: Path, **changes: Any) -> AsyncIterator[Adapter]:
    """The platform's adapter, as it is after a start."""
    section = {stand.platform: stand.settings() | changes}
    settings = getattr(msgspec.convert(section, type=ChatSettings), stand.platform)
    desk: Any = NoDesk()
    async with make(
        stand.platform, Context(settings, desk, folder / "kept", structlog.get_logger())
    ) as adapter:
        yield adapter


def message(key: str, text: str = "It is done", **more: Any) -> Message:
    """A message of a board that does not exist."""
    event = AboutEvent(1, "completed", "person:mara", None, 0)
    given: dict[str, Any] = {"dedup_key": key, "text": text, "event": event, "task": None}
    return Message(board="default", subscription=1, **given | more)


@pytest.mark.asyncio
async def test_a_repeat_is_recognised_after_a_restart_and_closing_twice_is_closing_once(
    stand, tmp_path
):
    async with entered(stand, tmp_path) as adapter:
        first = await adapter.send(stand.place, message("a"))
    async with entered(stand, tmp_path) as adapter:
        again = await adapter.send(stand.place, message("a"))
        other = await adapter.send(stand.place, message("b"))
        assert first == again
        assert first.kind == "delivered"
        assert other.receipt != first.receipt
        assert len(stand.seen()) == 2
        for _ in range(2):
            await adapter.close(stand.place, first.receipt, "Answered by <mara> & *co*: 30 days.")
    assert stand.seen()[0].text == "Answered by <mara> & *co*: 30 days."


@pytest.mark.asyncio
@pytest.mark.parametrize("stand", ["slack", "discord"], indirect=True)
async def test_a_message_whose_answer_was_lost_is_found_again(stand, tmp_path):
    """Not on Telegram: it has no key for a message, and a bot cannot look what it has sent."""
    async with entered(stand, tmp_path) as adapter:
        stand.lose_answer = True
        with pytest.raises(aiohttp.ClientError):
            await adapter.send(stand.place, message("a"))
        again = await adapter.send(stand.place, message("a"))
    (seen,) = stand.seen()
    assert again.receipt == f"{stand.place}/{seen.id}"


@pytest.mark.asyncio
async def test_refusals_are_told_apart(stand, tmp_path):
    async with entered(stand, tmp_path) as adapter:
        # discord.py waits by itself for up to half a minute.
        stand.refuse(429, retry_after=31)
        waits = await adapter.send(stand.place, message("a"))
        assert (waits.kind, waits.retry_after) == ("retry", 31.0)
        stand.refuse(503)
        later = await adapter.send(stand.place, message("a"))
        assert (later.kind, later.retry_after) == ("retry", None)
        assert "token" not in later.reason
        stand.refuse(403)
        assert (await adapter.send(stand.place, message("a"))).kind == "dead"
        assert (await adapter.send(stand.place, message("a"))).kind == "delivered"


@pytest.mark.asyncio
async def test_long_and_hostile_texts_arrive_cut_and_harmless(stand, tmp_path):
    hostile = "<script> *b* _i_ `c` ~s~ |p| [l](http://x) @everyone <!channel> <@U1> &amp; \\"
    lines = "\n".join(f"- {number} {hostile}" for number in range(100))
    asks = Ask(kind="question", verbs=["unblock"], choices=["Yes", "No"])
    link = "http://board.example/b/default/t/t_1?a=b&c=d"
    async with entered(stand, tmp_path) as adapter:
        sent = await adapter.send(
            stand.place, message("a", f"Much\n{lines}\n{link}", subject="Much", link=link)
        )
        assert sent.kind == "delivered"
        said = {"subject": f"Blocked: {hostile}", "said": hostile, "link": link}
        await adapter.send(stand.place, message("b", ask=asks, question=1, **said))
    digest, question = stand.seen()
    assert digest.text.strip("*").startswith("Much")
    assert " more\n" in digest.text
    for one in (digest, question):
        assert len(one.text) <= 4_000
        assert link in one.text or stand.platform != "discord"  # elsewhere it is not in the text
    if stand.platform == "discord":
        assert "@everyone" not in digest.text + question.text
    else:
        assert hostile in question.text
    assert list(question.buttons) == ["Yes & <no>", "x" * 60]


@pytest.mark.asyncio
async def test_a_digest_leads_to_each_task_and_is_cut_by_whole_things(stand, tmp_path):
    asks = Ask(kind="question", verbs=["unblock"])
    link = "http://board.example/b/default"
    about = message("x").event
    items = [
        Item(
            event=about,
            task=None,
            subject=f"Blocked: paint <{number}> *x* {'y' * 60} (t_{number})",
            said="Which one,\n*blue* or <red>?",
            ask=asks if number % 2 else None,
            link=f"{link}/t/t_{number}",
        )
        for number in range(50)
    ]
    text = "\n".join(["50 things", *(f"- {one.subject}" for one in items), link])
    async with entered(stand, tmp_path) as adapter:
        given = {"subject": "50 things", "link": link}
        for key, told in (("a", items[:3]), ("b", items)):
            sent = await adapter.send(stand.place, message(key, text, items=told, **given))
            assert sent.kind == "delivered"
    few, many = stand.seen()
    plain = few.text.replace("\\", "").replace("\u200b", "")
    assert all(f"paint <{number}>" in plain for number in range(3))
    assert plain.count("Which one, *blue* or <red>?") == 1
    assert "more" not in plain
    assert len(many.text) <= 4_000
    assert " more" in many.text
    for platform in ("telegram", "slack", "discord"):
        written = shown(
            message("c", text, items=items[:2], **given), platform, 3_000, how="", buttons=False
        )
        assert f"{link}/t/t_0" in written
        assert f"{link}/t/t_1" in written
    cells = rich(parts(message("d", text, items=items[:2], **given), how="", buttons=False))
    assert f"{link}/t/t_1" in str(cells)


@pytest.mark.asyncio
async def test_a_digest_is_rewritten_with_what_is_decided_and_what_is_not(stand, tmp_path):
    about = message("x").event
    open_one = Item(
        event=about,
        task=None,
        subject="Blocked: paint (t_1)",
        said="Which one?",
        ask=Ask(kind="question", verbs=["unblock"]),
        link="http://board.example/b/default/t/t_1",
    )
    decided = Item(
        event=about,
        task=None,
        subject="Blocked: print (t_2)",
        decided="answered by person:mara: 30",
    )
    before = message("a", "2 things", subject="2 things", items=[open_one, open_one])
    now = message("a", "2 things", subject="2 things", items=[open_one, decided])
    async with entered(stand, tmp_path) as adapter:
        sent = await adapter.send(stand.place, before)
        await adapter.rewrite(stand.place, sent.receipt, now)
    (seen,) = stand.seen()
    plain = seen.text.replace("\\", "").replace("\u200b", "")
    assert plain.count("Which one?") == 1
    assert "Answered by mara: 30." in plain
    assert "print (t_2)" in plain


@pytest.mark.asyncio
async def test_a_token_that_is_not_known_is_said_so(stand, tmp_path):
    stand.refuse_account()
    with pytest.raises(ConfigError, match=f"chat.{stand.platform}"):
        async with entered(stand, tmp_path):
            pass


@pytest.mark.asyncio
@pytest.mark.parametrize("stand", ["discord"], indirect=True)
async def test_discord_learns_the_command_once_and_says_which_intent_is_missing(stand, tmp_path):
    stand.intends_too_much = True
    for _ in range(2):
        async with entered(stand, tmp_path) as adapter:
            with pytest.raises(ConfigError, match="Message Content Intent"):
                await adapter.listen()
    assert [one["name"] for one in stand.commands] == ["kanban"]


@pytest.mark.asyncio
@pytest.mark.parametrize("stand", ["slack"], indirect=True)
async def test_slack_says_which_of_its_two_tokens_is_refused(stand, tmp_path):
    async with entered(stand, tmp_path) as adapter:
        stand.refuse_account()
        with pytest.raises(ConfigError, match=r"chat.slack.app_token .* invalid_auth"):
            await adapter.listen()
