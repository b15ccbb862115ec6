"""What a worker is told of what came before: who did what, why it ended, what was left behind."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from hermes_kanban import kernel as kb
from tests.kernel.scenes import fail, hand_in, leave_late_work, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


def _context(board: ABoard, task: str) -> str:
    return kb.build_worker_context(board.conn, task)


def _section(text: str, heading: str) -> str:
    """A section of the page, from its heading to the next."""
    found = re.search(rf"^## {heading}.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, text
    return found[0]


def test_an_attempt_tells_its_run_profile_times_exit_code_and_last_output(board: ABoard) -> None:
    task = board.create(assignee="writer", max_retries=5)
    tail = "reading\nout of words\nthe end"
    fail(board, task, exit_code=3, tail=tail)
    attempts = _section(_context(board, task), "Earlier attempts")
    assert "run 1, profile writer, 2030-03-17 17:46Z to 2030-03-17 17:46Z" in attempts
    assert "ended as crashed, exit code 3" in attempts
    assert re.search(rf"<output (\w+)>\n{tail}\n</output \1>", attempts)


def test_an_attempt_tells_what_it_handed_in(board: ABoard) -> None:
    task = board.create()
    hand_in(board, task, summary="a draft", metadata={"pages": 3})
    kb.request_changes(board.conn, task, comment="shorter")
    attempts = _section(_context(board, task), "Earlier attempts")
    assert "ended as review" in attempts
    assert "a draft" in attempts
    assert '{"pages":3}' in attempts


def test_what_a_person_did_is_not_taken_for_an_attempt_of_an_agent(board: ABoard) -> None:
    task = board.create(assignee="writer")
    kb.block_task(board.conn, task, reason="not before May", actor="person:ada")
    attempts = _section(_context(board, task), "Earlier attempts")
    assert "no agent, by person:ada" in attempts
    assert "not before May" in attempts


def test_a_task_that_never_ran_has_no_history(board: ABoard) -> None:
    text = _context(board, board.create())
    assert "## " not in text


def test_the_newest_attempt_is_told_at_length_and_older_ones_in_short(board: ABoard) -> None:
    task = board.create(max_retries=9)
    for number in range(2):
        output = "\n".join(f"line {line} of attempt {number}" for line in range(150))
        fail(board, task, exit_code=1, tail=output)
    attempts = _section(_context(board, task), "Earlier attempts")
    assert "line 75 of attempt 1" in attempts
    assert "line 75 of attempt 0" not in attempts
    assert "line 149 of attempt 0" in attempts


Step = Callable[[ABoard, str], object]


def _give_up(board: ABoard, task: str) -> None:
    board.configure(max_retries=0)
    fail(board, task, exit_code=1)


def _send_back(board: ABoard, task: str) -> None:
    hand_in(board, task)
    kb.request_changes(board.conn, task, comment="shorter", actor="person:ada")


def _wait(board: ABoard, task: str) -> None:
    kb.wait_for(board.conn, task, [board.create("first")], **proof(board.claim(task)))


STEPS: dict[str, tuple[Step, str]] = {
    "assigned": (
        lambda b, t: kb.assign_task(b.conn, t, "reader", actor="person:ada"),
        "given to reader by person:ada",
    ),
    "unassigned": (
        lambda b, t: kb.assign_task(b.conn, t, None, actor="person:ada"),
        "given to nobody by person:ada",
    ),
    "claimed": (lambda b, t: b.claim(t), "run 1 began, profile writer"),
    "review asked for": (hand_in, "review asked for by"),
    "changes requested": (_send_back, "changes requested by person:ada"),
    "approved": (
        lambda b, t: (hand_in(b, t), kb.approve_task(b.conn, t, actor="person:ada")),
        "approved by person:ada",
    ),
    "blocked": (
        lambda b, t: kb.block_task(b.conn, t, reason="gpu", kind="capability", actor="person:ada"),
        "blocked (capability) by person:ada in run 1",
    ),
    "unblocked": (
        lambda b, t: (kb.block_task(b.conn, t, reason="?"), kb.unblock_task(b.conn, t)),
        "unblocked by person:tester",
    ),
    "given up": (_give_up, "given up after too many failures by system"),
    "in triage": (
        lambda b, t: kb.triage_task(b.conn, t, reason="a second look", actor="person:ada"),
        "put into triage by person:ada",
    ),
    "accepted": (
        lambda b, t: (kb.triage_task(b.conn, t), kb.accept_task(b.conn, t, actor="person:ada")),
        "accepted by person:ada",
    ),
    "reopened": (
        lambda b, t: (kb.complete_task(b.conn, t), kb.reopen_task(b.conn, t, actor="person:ada")),
        "reopened by person:ada",
    ),
    "archived": (
        lambda b, t: kb.archive_task(b.conn, t, actor="person:ada"),
        "archived by person:ada",
    ),
    "put aside": (
        lambda b, t: kb.dismiss_result(
            b.conn, t, run_id=leave_late_work(b, t).id, actor="person:ada"
        ),
        "a late result put aside by person:ada",
    ),
    "waiting": (_wait, "waits for t_"),
    "undone": (
        lambda b, t: (kb.block_task(b.conn, t, reason="?"), kb.undo(b.conn, t)),
        "a verb undone by person:tester",
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_the_history_tells_who_decided_what(board: ABoard, step: str) -> None:
    act, told = STEPS[step]
    task = board.create(assignee="writer")
    act(board, task)
    assert told in _section(_context(board, task), "History")


def test_a_late_result_that_was_adopted_is_in_the_history(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    kb.complete_task(board.conn, task, result="late", **proof(run))
    kb.adopt_result(board.conn, task, run_id=run.id, actor="person:ada")
    text = _context(board, task)
    assert "a late result adopted by person:ada" in _section(text, "History")
    assert re.search(r"<earlier_result (\w+)>\nlate\n</earlier_result \1>", text)


def test_why_a_task_went_to_triage_is_told(board: ABoard) -> None:
    task = board.create()
    kb.triage_task(board.conn, task, reason="it needs a second look")
    assert "it needs a second look" in _section(_context(board, task), "History")


def test_older_history_than_is_shown_is_mentioned(board: ABoard) -> None:
    task = board.create()
    with kb.batch(board.conn):
        for number in range(51):
            kb.assign_task(board.conn, task, f"profile-{number}.")
    text = _context(board, task)
    assert "given to profile-50." in text
    assert "given to profile-0." not in text
    assert "older history was left out" in text


def test_history_goes_before_attempts_and_after_comments(board: ABoard) -> None:
    task = board.create(body="b" * (60 * 1024), max_retries=9)
    for number in range(45):
        kb.assign_task(board.conn, task, f"profile-{number:_>100}")
    fail(board, task, exit_code=1, tail="an attempt to remember")
    kb.add_comment(board.conn, task, "the only comment")
    text = _context(board, task)
    assert "the only comment" not in text
    assert "older history was left out" in text
    assert "_44 by" in text
    assert "an attempt to remember" in text
    assert "attempts were left out" not in text


def _attach(board: ABoard, task: str, name: str, data: bytes = b"words") -> int:
    return kb.add_attachment(board.conn, task, data=data, name=name).id


def test_attachments_of_the_task_and_of_its_parents_are_listed(board: ABoard) -> None:
    parent, beside = board.create("inventory"), board.create("beside")
    task = board.create(parents=[parent])
    own = _attach(board, task, "brief.md", b"x" * 2_000)
    theirs = _attach(board, parent, "count.csv")
    _attach(board, beside, "not-for-you.txt")
    kb.complete_task(board.conn, parent)
    text = _context(board, task)
    assert f"{own}  brief.md  2,000 bytes  text/markdown" in _section(text, "Attachments")
    assert f"{theirs}  count.csv  5 bytes  text/csv" in _section(text, f"Parent {parent}")
    assert "not-for-you" not in text


def test_attachments_of_others_take_no_room(board: ABoard) -> None:
    other, task = board.create("other"), board.create()
    board.create(parents=[other])
    with kb.batch(board.conn):
        for number in range(101):
            _attach(board, other, f"file-{number}.txt", f"{number}".encode())
    _attach(board, task, "mine.txt")
    text = _context(board, task)
    assert "mine.txt" in text
    assert "further attachments were left out" not in text


def test_more_attachments_than_are_listed_are_mentioned(board: ABoard) -> None:
    task = board.create()
    with kb.batch(board.conn):
        for number in range(101):
            _attach(board, task, f"file-{number}.txt", f"{number}".encode())
    text = _context(board, task)
    assert "file-99.txt" in text
    assert "file-100.txt" not in text
    assert "further attachments were left out" in text


def test_a_parent_says_who_finished_it(board: ABoard) -> None:
    by_agent, by_person = board.create(assignee="counter"), board.create(assignee="counter")
    task = board.create(parents=[by_agent, by_person])
    kb.complete_task(board.conn, by_agent, **proof(board.claim(by_agent)))
    kb.complete_task(board.conn, by_person, actor="person:ada")
    text = _context(board, task)
    assert f"## Parent {by_agent} (done, by counter in run 1)" in text
    assert f"## Parent {by_person} (done, by person:ada in run 2)" in text


def test_a_comment_says_which_run_wrote_it(board: ABoard) -> None:
    task = board.create(assignee="writer")
    run = board.claim(task)
    kb.add_comment(board.conn, task, "half way", **proof(run))
    author = board.conn.execute("SELECT author FROM task_comments").fetchone()[0]
    assert f"- {author} in run {run.id} at 2030-03-17 17:46Z:" in _context(board, task)
