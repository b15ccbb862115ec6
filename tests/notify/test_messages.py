"""What a message says: what happened, what is asked and by which verbs, the link, the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import messages, outbox, subscriptions
from hermes_kanban.model import InvalidInput
from hermes_kanban.notify.message import Message
from tests.support.boards import ABoard

LIST = "Which one?\n- the red one\n- the blue one"


def subscribe(board: ABoard, **keys: Any) -> int:
    return subscriptions.subscribe(board.conn, **({"destination": "log"} | keys))


def next_message(board: ABoard, sub_id: int) -> Message:
    while outbox.advance_cursors(board.conn):
        pass
    outgoing = outbox.next_outgoing(board.conn, sub_id)
    assert outgoing is not None
    assert outgoing.message is not None, outgoing.problem
    return outgoing.message


def test_a_question_is_asked_with_its_choices_and_its_event(board: ABoard) -> None:
    sub_id, task_id = subscribe(board), board.create("paint")
    kb.block_task(board.conn, task_id, reason=LIST)
    message = next_message(board, sub_id)
    assert message.subject == f"Blocked: paint ({task_id})"
    assert message.said == LIST
    assert message.ask is not None
    assert (message.ask.kind, message.ask.verbs[0]) == ("question", "unblock")
    assert message.ask.choices == ["the red one", "the blue one"]
    assert message.question == message.event.id
    assert f"\nAnswer with: hermes-kanban unblock {task_id} --reason ANSWER" in message.text
    kb.unblock_task(board.conn, task_id, reason="the red one", question=message.question)


def test_a_message_says_when_it_was_written_by_the_boards_clock(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": ["created"]})
    board.create("paint")
    board.clock.advance(7)
    message = next_message(board, sub_id)
    assert message.written_at == board.clock.now()


def test_what_an_agent_asks_is_called_a_question(board: ABoard) -> None:
    sub_id, task_id = subscribe(board), board.create("paint", assignee="painter")
    run = board.claim(task_id, claimer="gateway")
    kb.block_task(
        board.conn, task_id, reason="Which one?", run_id=run.id, claim_lock=run.claim_lock
    )
    assert next_message(board, sub_id).subject == f"Question: paint ({task_id})"


@pytest.mark.parametrize(
    ("destination", "program"),
    [
        ("log", "hermes-kanban"),
        ("matrix:!a:b.example", "!kanban"),
        ("telegram:-100", "/kanban"),
        ("slack:C1", "/kanban"),
        ("discord:1", "/kanban"),
    ],
)
def test_what_can_be_typed_is_what_is_typed_where_it_is_read(
    board: ABoard, destination: str, program: str
) -> None:
    kinds = ["created", "blocked"]
    sub_id = subscribe(board, destination=destination, filter={"kinds": kinds})
    task_id = board.create("paint")
    message = next_message(board, sub_id)
    assert message.text.splitlines()[-1] == f"More: {program} show {task_id}"
    outbox.mark_delivered(board.conn, outbox.list_outbox(board.conn)[-1].id)
    kb.block_task(board.conn, task_id, reason="no hands", kind="capability")
    asks = next_message(board, sub_id).text
    assert f"{program} assign {task_id} PROFILE, then {program} unblock {task_id}" in asks
    assert asks.count("kanban ") == 2


def test_a_long_question_keeps_its_choices(board: ABoard) -> None:
    sub_id, task_id = subscribe(board), board.create("paint")
    kb.block_task(board.conn, task_id, reason="why? " * 500 + "\n\n" + LIST)
    message = next_message(board, sub_id)
    assert message.ask is not None
    assert len(message.ask.choices) == 2
    assert len(message.text) <= 1_500


def test_a_block_that_no_person_lifts_asks_nothing(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": ["blocked"]})
    task_id = board.create()
    kb.block_task(board.conn, task_id, reason="the net", kind="transient", retry_in_seconds=60)
    message = next_message(board, sub_id)
    assert (message.ask, message.question) == (None, None)


def test_a_question_that_is_decided_before_it_is_sent_says_so(board: ABoard) -> None:
    sub_id, task_id = subscribe(board), board.create()
    kb.block_task(board.conn, task_id, reason="how long?")
    kb.unblock_task(board.conn, task_id, reason="30 days", actor="person:mara")
    message = next_message(board, sub_id)
    assert (message.ask, message.question) == (None, None)
    assert message.text.endswith("how long?\nAnswered by mara: 30 days.")


def test_what_became_of_a_host_names_it(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": ["host_drained"]})
    kb.join_host(board.conn, kb.Host(host_id="id-of-rack", name="rack", gateway_pid=1), "boot")
    kb.drain_host(board.conn, "rack", reason="new disk")
    message = next_message(board, sub_id)
    assert (message.subject, message.said) == ("A host starts nothing new: rack", "new disk")


def test_a_late_result_is_asked_about_with_its_run(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": ["fenced"]})
    task_id = board.create(assignee="writer")
    run = board.claim(task_id)
    kb.reclaim_task(board.conn, task_id)
    kb.complete_task(board.conn, task_id, result="late", run_id=run.id, claim_lock=run.claim_lock)
    message = next_message(board, sub_id)
    assert message.ask is not None
    assert (message.ask.kind, message.ask.run_id) == ("late_result", run.id)
    assert message.question is not None
    kb.adopt_result(board.conn, task_id, run_id=run.id, question=message.question)


@pytest.mark.parametrize(
    ("web", "link"),
    [
        ({}, None),
        ({"in_gateway": True, "port": 8123}, "http://127.0.0.1:8123/b/default/t/{id}"),
        ({"public_url": "https://board.example/"}, "https://board.example/b/default/t/{id}"),
        (
            {"public_url": "https://x.example/kanban", "in_gateway": True},
            "https://x.example/kanban/b/default/t/{id}",
        ),
    ],
)
def test_the_link_leads_to_the_task(board: ABoard, web: dict[str, Any], link: str | None) -> None:
    import msgspec

    from hermes_kanban.config.settings import WebSettings

    settings = msgspec.convert(web, WebSettings)
    board.conn.config = msgspec.structs.replace(board.conn.config, web=settings)
    sub_id, task_id = subscribe(board, filter={"kinds": ["created"]}), board.create()
    message = next_message(board, sub_id)
    expected = None if link is None else link.format(id=task_id)
    assert message.link == expected
    assert message.text.endswith(f"\n{expected}") == (link is not None)


def test_the_link_is_never_cut(board: ABoard) -> None:
    import msgspec

    web = msgspec.structs.replace(board.conn.config.web, public_url="https://board.example")
    board.conn.config = msgspec.structs.replace(board.conn.config, web=web)
    sub_id, task_id = subscribe(board), board.create("w" * 500)
    kb.block_task(board.conn, task_id, reason="x" * 8_000)
    message = next_message(board, sub_id)
    assert message.text.endswith(f"\nhttps://board.example/b/default/t/{task_id}")
    assert len(message.subject) <= 200
    assert len(message.text) <= 1_500


def test_the_files_of_the_run_go_along_as_far_as_they_fit(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "FILES_BYTES", 25)
    sub_id, task_id = subscribe(board), board.create(assignee="writer")
    kb.add_attachment(board.conn, task_id, name="not of the run.txt", data=b"no")
    run = board.claim(task_id)
    for name, size in (("a", 10), ("b", 20), ("c", 10), ("d", 5), ("e", 1)):
        kb.add_attachment(
            board.conn,
            task_id,
            name=f"{name}.txt",
            data=name.encode() * size,
            run_id=run.id,
            claim_lock=run.claim_lock,
        )
    kb.complete_task(board.conn, task_id, run_id=run.id, claim_lock=run.claim_lock)
    message = next_message(board, sub_id)
    assert [(one.name, one.size) for one in message.files] == [
        ("a.txt", 10),
        ("c.txt", 10),
        ("d.txt", 5),
    ]
    assert Path(message.files[0].path).read_bytes() == b"a" * 10


def test_secrets_and_control_characters_do_not_leave_the_board(board: ABoard) -> None:
    sub_id, task_id = subscribe(board), board.create("title \x1b[31m red")
    secret = "sk-ant-api03-" + "a1B2" * 20
    kb.block_task(board.conn, task_id, reason=f"is {secret} right? \x1b[0m")
    message = next_message(board, sub_id)
    for text in (message.text, message.subject, message.said):
        assert secret not in text
        assert "\x1b" not in text
    assert "\n" not in message.subject


@pytest.mark.parametrize("destination", ["matrix:!a:b.example", "telegram:-100123", "slack:C0123"])
def test_a_chat_is_a_destination_and_needs_a_place(board: ABoard, destination: str) -> None:
    sub_id = subscribe(board, destination=destination)
    assert subscriptions.get_subscription(board.conn, sub_id).destination == destination
    with pytest.raises(InvalidInput, match="no home is configured"):
        subscribe(board, destination=destination.partition(":")[0])
    with pytest.raises(InvalidInput, match="no place"):
        subscribe(board, destination=f"{destination} and more")
