"""The gateway in a room of a real Matrix server."""

from __future__ import annotations

import json
import re
import signal
import time

import anyio
import pytest
import structlog

from gateway.chat.trying import send_once
from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox
from hermes_kanban.kernel.subscriptions import list_subscriptions, subscribe
from hermes_kanban.notify.trial import send_test
from tests.chat.room import Room, replied, text_of
from tests.support.boards import due_deliveries
from tests.support.waiting import wait_until

HUGE = "x" * 100 * 1024
ASKED = "Which table is meant?\n- the first\n- the second"


def created(room: Room) -> str:
    """A task that mara makes in the room; its id."""
    event = room.mara.say(room.id, "!kanban create Count the words")
    answer = text_of(room.answer_to(event))
    found = re.search(r"t_\w+", answer)
    assert found, answer
    return found[0]


def asked(room: Room, task_id: str, reason: str = ASKED) -> dict:
    """The message by which the room hears of a question of that task."""
    kb.block_task(room.gateways.conn, task_id, reason=reason, kind="needs_input")
    newest = kb.list_events(room.gateways.conn, task_id)[-1].id
    assert newest
    return room.wait_for(
        lambda text: "Blocked" in text and reason.split("\n", maxsplit=1)[0] in text
    )


def test_a_room_hears_of_its_tasks_and_answers_there(room):
    room.start()
    conn = room.gateways.conn
    task_id = created(room)
    assert kb.get_task(conn, task_id).created_by == "person:mara"
    (sub,) = list_subscriptions(conn)
    assert (sub.task_id, sub.options) == (task_id, {"inherit": True})

    # A question becomes a message with its choices; a number answers it, and it says who did.
    question = asked(room, task_id)
    assert text_of(question).count("the first") == 1
    assert "1. the first\n2. the second" in text_of(question)
    assert "<li>the first</li>" in question["content"]["formatted_body"]
    told = room.answer_to(room.mara.say(room.id, "2", to=question["event_id"]))
    assert "Answered: the second" in text_of(told)
    events = [one for one in kb.list_events(conn, task_id) if one.kind == "unblocked"]
    assert [(one.actor, one.payload["reason"]) for one in events] == [("person:mara", "the second")]
    edit = room.wait_for("Answered by mara: the second.")
    assert edit["content"]["m.relates_to"]["event_id"] == question["event_id"]

    # Whoever comes second is told who was first, and nothing changes.
    late = room.answer_to(room.tom.say(room.id, "the first", to=question["event_id"]))
    assert "answered by mara" in text_of(late)
    assert kb.get_task(conn, task_id).status == "ready"

    # A reaction answers, too, and so does a reply in words.
    first = asked(room, task_id, "Another?\n- yes\n- no")
    room.tom.react(room.id, first["event_id"], "1️⃣")
    room.gateways.wait_for(task_id, "ready")
    second = asked(room, task_id, "In words?")
    room.mara.say(room.id, "> <@bot> Blocked\n\nBy Monday, please", to=second["event_id"])
    room.gateways.wait_for(task_id, "ready")
    last = [one for one in kb.list_events(conn, task_id) if one.kind == "unblocked"][-1]
    assert last.payload["reason"] == "By Monday, please"


def test_commands_are_answered_in_their_thread_and_strangers_are_not_listened_to(room):
    room.start()
    conn = room.gateways.conn
    task_id = created(room)

    root = room.mara.say(room.id, "What is there?")
    thread = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
    content = {"msgtype": "m.text", "body": "/kanban list", "m.relates_to": thread}
    event = room.mara.send(room.id, "m.room.message", content)
    listed = room.answer_to(event)
    assert task_id in text_of(listed)
    assert "<pre>" in listed["content"]["formatted_body"]
    assert listed["content"]["m.relates_to"]["event_id"] == root

    # Markup of a title stays text.
    event = room.tom.say(room.id, "!kanban create <b>Bold</b> & more")
    made = re.search(r"t_\w+", text_of(room.answer_to(event)))
    assert made
    event = room.tom.say(room.id, f"!kanban show {made[0]}")
    assert (
        "&lt;b&gt;Bold&lt;/b&gt; &amp; more" in room.answer_to(event)["content"]["formatted_body"]
    )

    # Eve is told once; her commands, replies and reactions do nothing.
    question = asked(room, task_id)
    told = room.answer_to(room.eve.say(room.id, f"!kanban archive {task_id}"))
    assert "I take nothing from you here" in text_of(told)
    assert "\n" not in text_of(told)
    room.eve.say(room.id, f"!kanban archive {task_id}")
    room.eve.say(room.id, "the first", to=question["event_id"])
    room.eve.react(room.id, question["event_id"], "1️⃣")

    # Destroying, programs, long texts: one line each. 100 KB is more than the server takes.
    before = kb.newest_event_id(conn)
    for said, to in ((f"!kanban comment {task_id} {HUGE}", None), (HUGE, question["event_id"])):
        with pytest.raises(AssertionError, match="M_TOO_LARGE"):
            room.mara.say(room.id, said, to=to)
    for said, answer in (
        (f"!kanban purge {task_id}", "cannot be given in a chat"),
        ("!kanban notify subscribe command:/bin/true", "only chats can"),
        ("!kanban creat x", "did you mean 'create'?"),
        ("!kanban gc", "cannot be given in a chat"),
        (f"!kanban comment {task_id} " + HUGE[:60_000], "at most 32,768 bytes"),
        ("!kanban create " + HUGE[:60_000], "at most 32,768 bytes"),
    ):
        reply = text_of(room.answer_to(room.mara.say(room.id, said)))
        assert answer in reply
        assert "\n" not in reply
    told = room.answer_to(room.mara.say(room.id, HUGE[:60_000], to=question["event_id"]))
    assert text_of(told) == "That is too long: at most 32,768 bytes."
    assert kb.newest_event_id(conn) == before
    assert kb.get_task(conn, task_id).status == "blocked"
    strangers = [one for one in room.said() if "I take nothing" in text_of(one)]
    assert len(strangers) == 1


def test_nothing_is_lost_or_done_twice_while_the_gateway_is_killed_and_away(room):
    process = room.start()
    conn = room.gateways.conn
    task_id = created(room)
    for number in range(6):
        # Killed at some point of reading, doing, answering and keeping.
        room.mara.say(room.id, f"!kanban comment {task_id} number {number}")
        if number % 2:
            time.sleep(0.02 * number)
        room.gateways.kill(process)
        if number == 3:
            # More than fits in one answer of the server is said while nobody listens.
            for more in range(40):
                room.tom.say(room.id, f"chatter {more}")
            room.mara.say(room.id, f"!kanban comment {task_id} behind the chatter")
            for more in range(70):
                room.tom.say(room.id, f"more {more}")
        process = room.start()
    kb.block_task(conn, task_id, reason="Still there?", kind="needs_input")
    room.wait_for("Still there?")
    room.answer_to(room.mara.say(room.id, f"!kanban comment {task_id} the last"))
    comments = [one.body for one in kb.list_comments(conn, task_id)]
    wanted = [f"number {number}" for number in range(6)]
    wanted.insert(4, "behind the chatter")
    assert comments == [*wanted, "the last"]
    # Every command has one answer, however often it was given.
    answers = [replied(one) for one in room.said() if "comment" in text_of(one)]
    assert len(answers) == len(set(answers)) == 8


def test_a_server_that_vanishes_is_waited_for_and_the_gateway_ends_in_order(room, synapse):
    process = room.start()
    conn = room.gateways.conn
    task_id = created(room)
    synapse.stop()
    try:
        kb.block_task(conn, task_id, reason="Anybody?", kind="needs_input")
        wait_until(
            lambda: (
                (found := room.gateways.health())
                and any("chat.matrix: out of reach" in one for one in found.degraded)
            )
        )
    finally:
        synapse.start()
    room.wait_for("Anybody?")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0  # what it has asked the server for takes 30 seconds


def test_a_server_that_asks_to_wait_is_obeyed_and_holds_up_no_other(room, synapse):
    """429 with ``retry_after_ms``, as the server itself says it to who sends too much."""
    conn = room.gateways.conn
    room.start()
    told = subscribe(conn, destination="matrix", filter={"kinds": ["created"]})
    logged = subscribe(conn, destination="log", filter={"kinds": ["created"]})
    synapse.limit(room.bot, messages_per_second=1, burst_count=1)

    def delivered(sub: int) -> list[int]:
        # The log gets as many as there is time for until the server refuses the first.
        rows = outbox.list_outbox(conn, state="delivered", limit=10_000)
        return [one.event_id for one in rows if one.sub_id == sub]

    def refused() -> list[str]:
        return [one for one in room.gateways.log_lines() if "M_LIMIT_EXCEEDED" in one]

    titles = []
    while not refused():
        titles.append(f"Count {len(titles)}.")
        kb.create_task(conn, title=titles[-1])
        wait_until(lambda: len(delivered(logged)) == len(titles))
    assert len(delivered(told)) < len(titles)
    assert json.loads(refused()[0])["event"] == "notify.retry"
    synapse.limit(room.bot)
    wait_until(lambda: len(delivered(told)) == len(titles))
    heard = [text_of(one) for one in room.everything_said() if "Count" in text_of(one)]
    assert [re.search(r"Count \d+\.", one)[0] for one in heard] == titles


def test_what_becomes_of_a_task_made_in_a_thread_is_told_and_answered_there(room):
    room.start()
    conn = room.gateways.conn
    root = room.mara.say(room.id, "We need to count things.")
    relation = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
    said = room.mara.say(room.id, "!kanban create Count the words", **{"m.relates_to": relation})
    task_id = re.search(r"t_\w+", text_of(room.answer_to(said)))[0]
    (sub,) = list_subscriptions(conn)
    assert sub.destination == f"matrix:{room.alias}/{root}"
    question = asked(room, task_id)
    assert question["content"]["m.relates_to"]["rel_type"] == "m.thread"
    assert question["content"]["m.relates_to"]["event_id"] == root
    to = {"is_falling_back": False, "m.in_reply_to": {"event_id": question["event_id"]}}
    room.tom.say(room.id, "the second", **{"m.relates_to": relation | to})
    room.gateways.wait_for(task_id, "ready")
    closed = room.wait_for("Answered by")
    assert closed["content"]["m.relates_to"]["event_id"] == question["event_id"]
    kb.complete_task(conn, task_id)
    done = room.wait_for("Done: Count the words")
    assert done["content"]["m.relates_to"]["event_id"] == root
    assert text_of(done).endswith(f"More: !kanban show {task_id}")


def test_files_of_a_run_come_along_and_home_is_where_a_bare_name_goes(room):
    conn = room.gateways.conn
    subscribe(conn, destination="matrix")
    (sub,) = list_subscriptions(conn)
    assert sub.destination == f"matrix:{room.alias}"
    task_id = kb.create_task(conn, title="Count", assignee="someone")
    claimed = kb.claim_task(conn, task_id, claimer="by-hand")
    assert claimed is not None
    workspace = conn.paths.workspaces / task_id
    workspace.mkdir(parents=True)
    (workspace / "report.txt").write_text("42 words")
    kb.request_review(
        conn,
        task_id,
        summary="Counted",
        artifacts=["report.txt"],
        run_id=claimed.current_run_id,
        claim_lock=claimed.claim_lock,
    )
    # From the machine itself, while no gateway runs.
    assert send_test(conn, sub.id) == "delivered"
    room.wait_for("This is a test")
    # A repeat has the same transaction id: the server gives back the event that it has.
    outbox.advance_cursors(conn)
    (head,) = due_deliveries(conn)
    outgoing = outbox.next_outgoing(conn, sub.id)
    assert outgoing is not None
    assert outgoing.delivery.id == head.id
    log = structlog.get_logger()
    sent = [
        anyio.run(send_once, conn.config, sub.destination, outgoing.message, log) for _ in range(2)
    ]
    room.start()
    review = room.wait_for("Review wanted")
    assert [one.receipt for one in sent] == [review["event_id"]] * 2
    assert "1. Approve\n2. Request changes" in text_of(review)
    file = room.wait_for("report.txt")
    wait_until(lambda: not due_deliveries(conn))
    for text in ("Review wanted", "report.txt"):
        assert len([one for one in room.said() if text in text_of(one)]) == 1
    assert file["content"]["info"]["size"] == 8
    prompt = room.answer_to(room.mara.say(room.id, "2", to=review["event_id"]))
    assert "what is to change" in text_of(prompt)
    # On the board somebody is faster than in the chat.
    kb.approve_task(conn, task_id, actor="person:tom")
    late = room.answer_to(room.mara.say(room.id, "The second table", to=review["event_id"]))
    assert "approved by tom" in text_of(late)
    assert kb.get_task(conn, task_id).status == "done"
