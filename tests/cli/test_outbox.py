"""``notify outbox``: what each message is about, and why it waits."""

from __future__ import annotations

from typing import Any

from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.notify import retry


def test_what_each_is_about_and_what_it_waits_for(cli: Any, board: Any) -> None:
    assert cli("notify", "subscribe", "log", "--kind", "all").code == 0
    first, second = board.task(), board.task()
    outbox.advance_cursors(board.conn)
    one, two = outbox.list_outbox(board.conn)
    outbox.mark(board.conn, one.id, retry("it answered 500 " + "because it could not " * 5))
    lines = cli("notify", "outbox").out.splitlines()
    assert [word for word in lines[0].split() if word] == (
        ["ID", "SUBSCR", "WHAT", "STATE", "TRIES", "NEXT"]
    )
    assert lines[1].split()[:6] == [str(one.id), "1", "created", first, "waiting", "1"]
    assert " ".join(" ".join(lines[2:-1]).split()).startswith("it answered 500 because it could")
    assert lines[-1].split() == (
        [str(two.id), "1", "created", second, "waiting", "0", "after", str(one.id)]
    )
    assert all(len(line) <= 80 for line in lines)


def test_a_subscription_that_is_not_there_has_no_outbox(cli: Any, board: Any) -> None:
    del board
    done = cli("notify", "outbox", "--subscription", "7")
    assert done.code == 3
    assert "no subscription 7; see the ids with: hermes-kanban notify list --all" in done.error


def test_a_page_of_the_outbox_says_that_there_is_more(cli: Any, board: Any) -> None:
    subscriptions.subscribe(board.conn, destination="log", filter={"kinds": ["created"]})
    for title in ("one", "two"):
        board.task(title=title)
    outbox.advance_cursors(board.conn)
    first, second = outbox.list_outbox(board.conn)
    page = cli("notify", "outbox", "--limit", "1")
    assert page.out.endswith(f"more with: --after {first.id}\n")
    assert cli("notify", "outbox", "--limit", "1", "--json").json["next_after"] == first.id
    rest = cli("notify", "outbox", "--after", str(first.id))
    assert f"\n{second.id}" in rest.out
    assert "more with" not in rest.out
    assert cli("notify", "outbox", "--after", str(second.id)).out == "no such deliveries\n"
