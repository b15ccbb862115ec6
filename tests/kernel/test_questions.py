"""What a question may be answered with, as its reader is offered it."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.questions import choices
from tests.support.boards import ABoard

LONGEST = "x" * 80


@pytest.mark.parametrize(
    ("reason", "answers"),
    [
        ("How long?\n- 30 days\n- 90 days", ["30 days", "90 days"]),
        ("How long?\n\n* 30 days  \r\n* 90 days\n\n", ["30 days", "90 days"]),
        ("How long?\n1. 30 days\n2. 90 days", ["30 days", "90 days"]),
        ("How long?\n  1) yes\n  2) no", ["yes", "no"]),
        ("- yes\n- no", ["yes", "no"]),
        (f"Which?\n- {LONGEST}\n- short", [LONGEST, "short"]),
        ("Which?\n" + "\n".join(f"- {n}" for n in range(9)), [str(n) for n in range(9)]),
        ("Seen:\n- this\n- that\n\nWhich?\n1. one\n2. two", ["one", "two"]),
        ("Seen:\n- this\n1. one\n2. two", ["one", "two"]),
    ],
)
def test_the_list_at_the_end_is_what_to_choose_from(reason: str, answers: list[str]) -> None:
    assert choices(reason) == answers


@pytest.mark.parametrize(
    "reason",
    [
        None,
        "",
        "How long?",
        "How long?\n- 30 days",
        "- 30 days\n- 90 days\n\nWhich?",
        f"Which?\n- {LONGEST}x\n- short",
        "Which?\n" + "\n".join(f"- {n}" for n in range(10)),
        "Which?\n- same\n- same",
        "Which?\n-this\n-that",
        "Done so far:\n- [x] one\n- [ ] two",
        "Which?\n- 30 days\n  and no more\n- 90 days\n  or so",
        "Which?\n    - code\n    - more code",
        "Which?\n- \x1b[31mred\n- blue",
        "Which?\n- delete\u202egpj.\n- keep",
    ],
)
def test_anything_else_is_answered_in_words(reason: str | None) -> None:
    assert choices(reason) == []


def test_a_question_offers_its_answers_wherever_it_is_shown(board: ABoard) -> None:
    asked, needs_another = board.create(), board.create()
    reason = "How long may it be kept?\n- 30 days\n- 90 days"
    kb.block_task(board.conn, asked, reason=reason, kind="needs_input")
    kb.block_task(board.conn, needs_another, reason=reason, kind="capability")
    by_id = {card.id: card.choices for card in kb.cards(board.conn).cards}
    assert by_id == {asked: ["30 days", "90 days"], needs_another: []}
    items = {item.card.id: item.choices for item in kb.attention(board.conn).items}
    assert items == {asked: ["30 days", "90 days"], needs_another: []}
    kb.unblock_task(board.conn, asked, reason="90 days")
    assert kb.cards(board.conn, kb.Filter(ids=[asked])).cards[0].choices == []


def test_what_a_process_wrote_before_it_failed_is_no_answer(board: ABoard) -> None:
    board.configure(max_retries=0)
    task = board.create()
    board.start(task)
    board.processes.vanish(board.task(task).worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)
    board.conn.execute(
        "UPDATE tasks SET block_reason = :reason, block_kind = 'needs_input' WHERE id = :id",
        {"reason": "gave up:\n- one\n- two", "id": task},
    )
    (card,) = kb.cards(board.conn).cards
    assert (card.state, card.choices) == ("error", [])
