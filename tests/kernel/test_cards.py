"""What a board shows of its tasks: filters, orders, pages, and counts that are exact."""

from __future__ import annotations

from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import ABoard


def shown(board: ABoard, wanted: kb.Filter | None = None, **how: Any) -> list[str]:
    return [card.id for card in kb.cards(board.conn, wanted, **how).cards]


def only(board: ABoard, task_id: str) -> kb.Card:
    (card,) = kb.cards(board.conn, kb.Filter(ids=[task_id])).cards
    return card


def all_pages(board: ABoard, wanted: kb.Filter, **how: Any) -> list[str]:
    seen: list[str] = []
    after = None
    while True:
        page = kb.cards(board.conn, wanted, after=after, limit=2, **how)
        seen += [card.id for card in page.cards]
        after = page.after
        if after is None:
            return seen


def test_a_card_tells_what_is_beside_its_task(board: ABoard) -> None:
    parent, other = board.create("first"), board.create("second")
    body = "- [x] one\n- [ ] two\n  * [X] three\n1. [ ] four\n[ ] no item\n- [y] none"
    task = board.create("third", body=body, parents=[parent, other], assignee="coder")
    child = board.create("last", parents=[task])
    kb.complete_task(board.conn, parent)
    kb.add_comment(board.conn, task, "see there")
    kb.add_attachment(board.conn, task, data=b"x", name="x.txt")
    card = only(board, task)
    assert (card.parents.done, card.parents.all, card.open_parents) == (1, 2, 1)
    assert (card.children.done, card.children.all) == (0, 1)
    assert card.checks is not None
    assert (card.checks.done, card.checks.all) == (2, 4)
    assert (card.comments, card.attachments, card.status, card.state) == (1, 1, "todo", "pending")
    assert only(board, child).checks is None


def test_a_card_tells_since_when_it_is_where_it_is(board: ABoard) -> None:
    parent = board.create()
    task = board.create(parents=[parent])
    board.clock.advance(100)
    kb.complete_task(board.conn, parent)
    promoted = board.clock.now()
    board.clock.advance(50)
    kb.edit_task(board.conn, task, title="other words")
    kb.add_comment(board.conn, task, '{"status": "done"}')
    card = only(board, task)
    assert (card.status, card.since) == ("ready", promoted)


def test_a_running_card_has_a_live_line(board: ABoard) -> None:
    board.add_profile("coder")
    task = board.create(assignee="coder", max_retries=3)
    board.claim(task)
    kb.reclaim_task(board.conn, task)
    assert only(board, task).live is None
    second = board.claim(task)
    card = only(board, task)
    assert card.live is not None
    assert (card.live.run_id, card.live.attempt, card.live.started_at) == (
        second.id,
        2,
        board.clock.now(),
    )
    assert (card.state, card.runs, card.attempts, card.last_outcome) == (
        "active",
        2,
        4,
        "reclaimed",
    )


def test_the_words_of_a_session(board: ABoard) -> None:
    board.configure(max_retries=0)
    asked, failed, reviewed, done = (board.create() for _ in range(4))
    kb.block_task(board.conn, asked, reason="which table?", kind="needs_input")
    board.start(failed)
    board.processes.vanish(board.task(failed).worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)
    run = board.claim(reviewed)
    kb.request_review(board.conn, reviewed, run_id=run.id, claim_lock=run.claim_lock)
    kb.complete_task(board.conn, done)
    states = {card.id: card.state for card in kb.cards(board.conn).cards}
    assert states == {
        asked: "needs_you",
        failed: "error",
        reviewed: "needs_you",
        done: "done",
    }
    assert shown(board, kb.Filter(needs_you=True)) == [asked, failed, reviewed]
    assert kb.counts(board.conn).needs_you == 3


def test_costs_add_up(board: ABoard) -> None:
    task = board.create()
    for usage in ('{"input":100,"output":5,"cost_usd":0.5}', '{"input":10}', "{}"):
        run = board.claim(task)
        kb.reclaim_task(board.conn, task)
        board.conn.execute(
            "UPDATE task_runs SET usage = :usage WHERE id = :id", {"usage": usage, "id": run.id}
        )
    card = only(board, task)
    assert (card.cost_usd, card.tokens) == (0.5, 115)
    untold = board.create()
    assert (only(board, untold).cost_usd, only(board, untold).tokens) == (None, None)


def test_filters_leave_what_they_name(board: ABoard) -> None:
    one = board.create("Count the WORDS", assignee="ada", tenant="acme")
    two = board.create("Write", body="about 50% of words_here", assignee="bob")
    three = board.create("Nobody's", tenant="acme")
    assert shown(board, kb.Filter(assignee=["ada", "bob"])) == [one, two]
    assert shown(board, kb.Filter(assignee=["-", "bob"])) == [two, three]
    assert shown(board, kb.Filter(tenant=["acme"], assignee=["-"])) == [three]
    assert shown(board, kb.Filter(text="words")) == [one, two]
    assert shown(board, kb.Filter(text="50%")) == [two]
    assert shown(board, kb.Filter(text="%")) == [two]
    assert shown(board, kb.Filter(text="s_h")) == [two]
    assert shown(board, kb.Filter(text="s!h")) == []
    assert shown(board, kb.Filter(text=f" {two.upper()} ")) == [two]
    assert shown(board, kb.Filter(text="  ")) == [one, two, three]
    assert shown(board, kb.Filter(ids=[three, one, "t_none"])) == [one, three]
    kb.prioritise_task(board.conn, two, 2)
    kb.prioritise_task(board.conn, three, -1)
    assert shown(board, kb.Filter(min_priority=0)) == [one, two]
    assert shown(board, kb.Filter(min_priority=2)) == [two]
    matching = kb.counts(board.conn, kb.Filter(min_priority=0)).matching
    assert sum(matching.values()) == 2
    kb.archive_task(board.conn, one)
    assert shown(board) == [two, three]
    assert shown(board, kb.Filter(status=["archived"])) == [one]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (kb.Filter(status=["doing"]), "status"),
        (kb.Filter(text="x" * 801), "text"),
        (kb.Filter(text="\0"), "text"),
        (kb.Filter(min_priority=1_000_001), "min_priority"),
        (kb.Filter(assignee=["a\0"]), "assignee"),
        (kb.Filter(ids=["t"] * 3 + [f"t_{n}" for n in range(201)]), "ids"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(
    board: ABoard, wanted: kb.Filter, field: str
) -> None:
    for ask in (kb.cards, kb.counts):
        if ask is kb.counts and field == "status":
            continue
        with pytest.raises(kb.InvalidInput) as refused:
            ask(board.conn, wanted)
        assert refused.value.field == field


@pytest.mark.parametrize("after", ["", "x", "1", "1.", ".1", "1.-1", "9" * 19 + ".1", "1.1 "])
def test_a_page_begins_after_one_before(board: ABoard, after: str) -> None:
    with pytest.raises(kb.InvalidInput, match="after"):
        kb.cards(board.conn, after=after)


def test_pages_of_every_order_come_whole_and_once(board: ABoard) -> None:
    priorities = [0, 5, -3, 5, 0, 9, -3]
    made = [board.create(f"n{at}", priority=p) for at, p in enumerate(priorities)]
    everything = kb.Filter()
    assert all_pages(board, everything) == made
    assert all_pages(board, everything, order="newest") == made[::-1]
    by_priority = sorted(range(7), key=lambda at: (-priorities[at], at))
    assert all_pages(board, everything, order="queue") == [made[at] for at in by_priority]
    for at in (3, 0, 6):
        board.clock.advance(10)
        kb.complete_task(board.conn, made[at])
    kb.complete_task(board.conn, made[1])
    done = kb.Filter(status=["done"])
    assert all_pages(board, done, order="completed") == [made[6], made[1], made[0], made[3]]


def test_counts_are_exact_and_by_lane(board: ABoard) -> None:
    for assignee in ("ada", "ada", "bob", None):
        board.create(assignee=assignee)
    kb.complete_task(board.conn, board.create("done words", assignee="ada"))
    found = kb.counts(board.conn, kb.Filter(assignee=["ada"], status=["done"]))
    assert (found.matching["ready"], found.matching["done"]) == (2, 1)
    assert (found.all["ready"], found.all["done"], found.all["archived"]) == (4, 1, 0)
    assert found.cursor == kb.newest_event_id(board.conn)
    lanes = kb.counts(board.conn, lanes="assignee").lanes
    assert [(lane.name, lane.counts) for lane in lanes] == [
        ("ada", {"ready": 2, "done": 1}),
        (None, {"ready": 1}),
        ("bob", {"ready": 1}),
    ]


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, conn: kb.BoardConnection) -> None:
        self._conn = conn
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def execute(self, *given: Any) -> Any:
        self.asked += 1
        return self._conn.execute(*given)


def test_a_page_costs_the_same_number_of_queries_whatever_its_length(board: ABoard) -> None:
    for _ in range(12):
        board.create(parents=[board.create()])
    asked = []
    for limit in (2, 20):
        conn: Any = Counting(board.conn)
        assert len(kb.cards(conn, limit=limit).cards) == limit
        asked.append(conn.asked)
    assert asked[0] == asked[1] <= 10
