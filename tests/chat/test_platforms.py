"""The gateway in chats of platforms that cannot be run here, as far as a stand-in shows it.

See the stand-ins for what they do and do not show.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.subscriptions import list_subscriptions, subscribe
from tests.chat.stand import Seen, Stand, answer_to, wait_for
from tests.chat.stands import STANDS
from tests.support.gateways import Gateways
from tests.support.waiting import wait_until

HUGE = "x" * 100 * 1024
ASKED = "Which *table* is <meant> & why?\n- the first\n- the second"


@pytest.fixture(params=STANDS)
def stand(request: pytest.FixtureRequest, gateways: Gateways) -> Iterator[Stand]:
    """A platform that is configured, and no gateway yet."""
    made: Any = STANDS[request.param]()
    settings = {
        "kanban": {"backoff_base_seconds": 1, "dispatch_interval_seconds": 1},
        "chat": {
            made.platform: made.settings(),
            "people": {"mara": [f"{made.platform}:{made.mara}"]},
        },
    }
    (gateways.home / "config.yaml").write_text(yaml.safe_dump(settings))
    gateways.open()
    yield made
    made.close()


def started(gateways: Gateways, stand: Stand) -> Any:
    """A gateway that listens there."""
    process = gateways.start()
    wait_until(
        lambda: (found := gateways.health()) and found.chat.get(stand.platform) == "connected",
        message=f"not connected: {gateways.health()} {gateways.errors()[-3000:]}",
    )
    return process


def created(stand: Stand) -> str:
    """A task that mara makes there; its id."""
    answer = answer_to(stand, stand.command(stand.mara, "/kanban create Count the words"))
    found = re.search(r"t_\w+", answer)
    assert found, answer
    return found[0]


def asked(gateways: Gateways, stand: Stand, task_id: str, reason: str = ASKED) -> Seen:
    """The message by which the place hears of a question."""
    kb.block_task(gateways.conn, task_id, reason=reason, kind="needs_input")
    first = reason.split("\n", maxsplit=1)[0]
    return sent(gateways, wait_for(stand, lambda one: first in one.text and not one.edited))


def sent(gateways: Gateways, seen: Seen) -> Seen:
    """The message, once the board knows its receipt: nobody answers within a millisecond."""
    known = "SELECT 1 FROM deliveries WHERE receipt LIKE '%/' || ?"
    wait_until(lambda: gateways.conn.execute(known, (seen.id,)).fetchone())
    return seen


def in_review(gateways: Gateways, file: str | None = None) -> str:
    """A task whose run asks for a review, and hands in a file."""
    conn = gateways.conn
    task_id = kb.create_task(conn, title="Count", assignee="someone")
    claimed = kb.claim_task(conn, task_id, claimer="by-hand")
    assert claimed is not None
    if file is not None:
        workspace = conn.paths.workspaces / task_id
        workspace.mkdir(parents=True)
        (workspace / file).write_text("42 words")
    kb.request_review(
        conn,
        task_id,
        summary="Counted",
        artifacts=[] if file is None else [file],
        run_id=claimed.current_run_id,
        claim_lock=claimed.claim_lock,
    )
    return task_id


def test_a_place_hears_of_its_tasks_and_answers_by_buttons_and_in_words(stand, gateways):
    started(gateways, stand)
    conn = gateways.conn
    task_id = created(stand)
    assert kb.get_task(conn, task_id).created_by == "person:mara"
    (sub,) = list_subscriptions(conn)
    assert sub.task_id == task_id
    assert sub.destination == f"{stand.platform}:{stand.place}"

    # A question becomes a message with a button for each choice; one press decides.
    question = asked(gateways, stand, task_id)
    assert "Blocked: Count the words" in question.text
    assert list(question.buttons) == ["the first", "the second"]
    assert "Answered: the second" in answer_to(
        stand, stand.press(stand.mara, question, "the second")
    )
    events = [one for one in kb.list_events(conn, task_id) if one.kind == "unblocked"]
    assert [(one.actor, one.payload["reason"]) for one in events] == [("person:mara", "the second")]
    closed = wait_for(stand, "Answered by mara: the second.")
    assert (closed.id, closed.buttons, closed.edited) == (question.id, {}, True)

    # Whoever comes second, by a button that was still on a screen or in words, is told who was.
    late = answer_to(stand, stand.press(stand.tom, question, "the first"))
    assert "answered by mara" in late
    late = answer_to(stand, stand.say(stand.tom, "the first", to=question))
    assert "answered by mara" in late
    assert kb.get_task(conn, task_id).status == "ready"

    # In words.
    question = asked(gateways, stand, task_id, "In words?")
    assert not question.buttons
    stand.say(stand.tom, "By <Monday> & not later", to=question)
    gateways.wait_for(task_id, "ready")
    last = [one for one in kb.list_events(conn, task_id) if one.kind == "unblocked"][-1]
    assert last.payload["reason"] == "By <Monday> & not later"
    assert last.actor == f"person:{stand.platform}/{stand.tom}"


def test_what_becomes_of_a_task_made_in_a_thread_is_told_and_answered_there(stand, gateways):
    started(gateways, stand)
    conn, thread = gateways.conn, stand.open_thread()
    said = stand.say(stand.mara, "!kanban create Count the words", thread=thread)
    found = re.search(r"t_\w+", answer_to(stand, said))
    assert found
    task_id = found[0]
    (sub,) = list_subscriptions(conn)
    assert sub.destination == f"{stand.platform}:{stand.place}/{thread}"

    question = asked(gateways, stand, task_id)
    assert question.thread == thread
    assert "Answered: the second" in answer_to(
        stand, stand.press(stand.mara, question, "the second")
    )
    closed = wait_for(stand, "Answered by mara: the second.")
    assert (closed.id, closed.thread) == (question.id, thread)

    question = asked(gateways, stand, task_id, "In words?")
    stand.say(stand.tom, "By Monday", to=question)
    gateways.wait_for(task_id, "ready")
    last = [one for one in kb.list_events(conn, task_id) if one.kind == "unblocked"][-1]
    assert last.payload["reason"] == "By Monday"
    wait_for(stand, f"Answered by {stand.platform}/{stand.tom}: By Monday.")

    # What people say there afterwards is among themselves.
    stand.say(stand.tom, "Monday it is.", thread=thread)
    answer_to(stand, stand.say(stand.mara, f"!kanban complete {task_id}", thread=thread))
    assert wait_for(stand, "Done: Count the words").thread == thread
    assert not any("answered by" in one.text for one in stand.seen())


def test_a_review_is_decided_and_its_files_come_along(stand, gateways):
    subscribe(gateways.conn, destination=stand.platform)  # at home
    first = in_review(gateways, "report.txt")
    started(gateways, stand)
    review = sent(gateways, wait_for(stand, "Review wanted"))
    assert list(review.buttons) == ["Approve", "Request changes"]
    wait_for(stand, "report.txt")
    told = answer_to(stand, stand.press(stand.tom, review, "Request changes"))
    assert "what is to change" in told
    stand.say(stand.tom, "Count the numbers, too", to=review)
    gateways.wait_for(first, "ready")
    second = in_review(gateways)
    review = wait_for(stand, second)
    answer_to(stand, stand.press(stand.mara, review, "Approve"))
    assert kb.get_task(gateways.conn, second).status == "done"
    wait_for(stand, "Approved by mara.")


def test_strangers_and_forged_buttons_are_refused_with_one_line(stand, gateways):
    started(gateways, stand)
    conn = gateways.conn
    task_id = created(stand)
    question = asked(gateways, stand, task_id)
    told = answer_to(stand, stand.command(stand.eve, f"/kanban archive {task_id}"))
    assert "I take nothing from you here" in told
    assert "\n" not in told
    again = stand.command(stand.eve, f"/kanban archive {task_id}")
    stand.say(stand.eve, "the first", to=question)
    pressed = answer_to(stand, stand.press(stand.eve, question, "the first"))
    assert "\n" not in pressed
    token = question.buttons["the first"]
    forged = token.replace(".1.", ".0.") if ".1." in token else token[:-1] + "x"
    pressed = answer_to(stand, stand.press(stand.mara, question, "", token=forged))
    assert "not from here" in pressed
    assert "\n" not in pressed
    reply = answer_to(stand, stand.command(stand.mara, f"/kanban show {task_id}"))
    assert "Which *table* is <meant> & why?" in reply
    assert not stand.answers_to(again)
    assert kb.get_task(conn, task_id).status == "blocked"


def test_what_destroys_or_is_100_kb_long_is_refused_with_one_line(stand, gateways):
    """None of these platforms delivers so much at once; whatever does, nothing comes of it."""
    started(gateways, stand)
    conn = gateways.conn
    task_id = created(stand)
    question = asked(gateways, stand, task_id)
    before = kb.newest_event_id(conn)
    for said, answer in (
        (f"/kanban purge {task_id}", "cannot be given in a chat"),
        ("/kanban gc", "cannot be given in a chat"),
        ("/kanban restore board.db", "cannot be given in a chat"),
        ("/kanban creat x", "did you mean 'create'?"),
        ("/kanban create " + HUGE, "at most 32,768 bytes"),
        (f"/kanban comment {task_id} " + HUGE, "at most 32,768 bytes"),
    ):
        reply = answer_to(stand, stand.command(stand.mara, said))
        assert answer in reply
        assert "\n" not in reply
    reply = answer_to(stand, stand.say(stand.mara, HUGE, to=question))
    assert reply == "That is too long: at most 32,768 bytes."
    stand.say(stand.mara, HUGE)  # talk is nobody's business
    stand.say(stand.eve, HUGE, to=question)
    assert "Which" in answer_to(stand, stand.command(stand.mara, f"/kanban show {task_id}"))
    assert kb.newest_event_id(conn) == before
    assert len(kb.list_tasks(conn)) == 1
    assert "x" * 1_000 not in gateways.errors()


def test_what_is_said_while_the_gateway_is_killed_and_away_is_done_once(stand, gateways):
    process = started(gateways, stand)
    conn = gateways.conn
    task_id = created(stand)
    question = asked(gateways, stand, task_id)
    said = []
    for number in range(3):
        # Killed at some point of reading, doing, answering and keeping.
        said.append(stand.say(stand.mara, f"!kanban comment {task_id} number {number}"))
        if number:
            time.sleep(0.02 * number)
        gateways.kill(process)
        if number == 2:
            said.append(stand.say(stand.mara, f"!kanban comment {task_id} number 3"))
            stand.say(stand.tom, "the second", to=question)
        process = started(gateways, stand)
        answer_to(stand, said[-1])
    gateways.wait_for(task_id, "ready")
    wait_for(stand, f"Answered by {stand.platform}/{stand.tom}: the second.")
    comments = [one.body for one in kb.list_comments(conn, task_id)]
    assert comments == [f"number {number}" for number in range(4)]
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_a_platform_that_vanishes_gets_each_message_once(stand, gateways):
    started(gateways, stand)
    task_id = created(stand)
    stand.stop()
    try:
        kb.block_task(gateways.conn, task_id, reason="Still there?", kind="needs_input")
        # A platform that hangs looks like one that is slow; no need to wait for more.
        away = stand.platform != "telegram"
        wait_until(lambda: not away or "out of reach" in str(gateways.health()))
    finally:
        stand.start()
    wait_for(stand, "Still there?")
    assert sum("Still there?" in one.text for one in stand.seen()) == 1


@pytest.mark.parametrize("stand", ["slack", "discord"], indirect=True)
def test_what_is_said_while_a_platform_renews_the_connection_is_done_once(stand, gateways):
    process = started(gateways, stand)
    task_id = created(stand)
    stand.renew()
    said = stand.say(stand.mara, f"!kanban comment {task_id} meanwhile")
    answer_to(stand, said)
    after = stand.say(stand.mara, f"!kanban comment {task_id} afterwards")
    answer_to(stand, after)
    comments = [one.body for one in kb.list_comments(gateways.conn, task_id)]
    assert comments == ["meanwhile", "afterwards"]
    assert len(stand.answers_to(said)) == len(stand.answers_to(after)) == 1
    assert process.poll() is None
    assert "chat.failed" not in gateways.errors()
