"""What people are told of notifications: where they can go, how they fare, what they are about."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from hermes_kanban.kernel import outbox
from hermes_kanban.notify.message import DELIVERED, dead, retry
from hermes_kanban.paths import home
from hermes_kanban.verbs import person
from tests.verbs.conftest import Verbs

CONFIGURATION: dict[str, Any] = {
    "notify": {
        "webhooks": {
            "ops": {"url": "https://hooks.example.org/kanban", "secret": "0123456789abcdef"},
            "later": {"url": "https://hooks.example.org/later", "secret": "env:NOT_SET_HERE"},
        },
        "mail": {"host": "mail.example.org", "sender": "kanban@example.org",
                 "recipients": ["ops@example.org", "@example.com"]},
    },
    "chat": {
        "matrix": {"homeserver": "https://matrix.example.org", "user": "@kanban:example.org",
                   "access_token": "very-secret-token", "home": "#ops:example.org",
                   "rooms": ["#all:example.org"]},
    },
}  # fmt: skip


def told(verbs: Verbs, *, remote: bool) -> list[Any]:
    found: list[Any] = verbs.call(
        person("person:ada", remote=remote), "destinations"
    ).result.destinations
    return found


def heard(verbs: Verbs) -> list[int]:
    """What is owed by now, oldest first."""
    while outbox.advance_cursors(verbs.conn):
        pass
    return [one.id for one in outbox.list_outbox(verbs.conn)]


def test_there_is_what_is_configured_and_what_needs_nothing(verbs: Verbs) -> None:
    assert [one.destination for one in told(verbs, remote=True)] == ["desktop", "log"]
    (home() / "config.yaml").write_text(yaml.safe_dump(CONFIGURATION), "utf-8")
    found = told(verbs, remote=True)
    assert [(one.destination, one.open, one.home) for one in found] == [
        ("matrix:#ops:example.org", False, True),
        ("matrix:#all:example.org", False, False),
        ("matrix:", True, False),
        ("webhook:later", False, False),
        ("webhook:ops", False, False),
        ("email:ops@example.org", False, False),
        ("email:", True, False),
        ("desktop", False, False),
        ("log", False, False),
    ]
    by_name = {one.destination: one for one in found}
    assert "NOT_SET_HERE" in by_name["webhook:later"].problem
    assert by_name["webhook:ops"].problem is None
    said = msgspec.json.encode(found).decode()
    assert not any(one in said for one in ("0123456789abcdef", "hooks.example", "very-secret"))
    verbs.person("subscribe", destination="matrix:#all:example.org")


def test_a_command_is_offered_on_this_machine_alone(verbs: Verbs) -> None:
    assert "command:" in [one.destination for one in told(verbs, remote=False)]
    assert "command:" not in [one.destination for one in told(verbs, remote=True)]


def test_how_each_fares_is_told_with_what_it_handed_down(verbs: Verbs) -> None:
    top = verbs.task()
    child = verbs.person("create", title="child", parents=[top]).id
    tree = verbs.person(
        "subscribe", destination="log", task_id=top, tree=True, kinds=["commented"]
    ).id
    board = verbs.person("subscribe", destination="log", kinds=["paused"]).id
    for task in (top, child, child):
        verbs.person("comment", task_id=task, body="hello")
    first, second, third = heard(verbs)
    outbox.mark(verbs.conn, first, DELIVERED)
    outbox.mark(verbs.conn, second, dead("no such room"))
    outbox.mark(verbs.conn, third, retry("nobody listens"))
    page = verbs.person("subscriptions", owed=True)
    assert [one.id for one in page.subscriptions] == [tree, board]
    of_tree, of_board = page.owed
    assert (of_tree.waiting, of_tree.delivered, of_tree.dead) == (1, 1, 1)
    assert (of_tree.attempts, of_tree.reason) == (1, "nobody listens")
    assert of_tree.delivered_at == verbs.conn.clock.now()
    assert of_tree.next_at > verbs.conn.clock.now()
    assert (of_board.waiting, of_board.delivered, of_board.dead, of_board.next_at) == (
        0,
        0,
        0,
        None,
    )
    assert verbs.person("subscriptions").owed is None
    handed = verbs.person("subscriptions", task_id=child, owed=True).owed
    assert [(one.waiting, one.delivered, one.dead) for one in handed] == [(1, 0, 1)]


def test_the_outbox_says_what_is_about_what_and_turns_its_pages_both_ways(verbs: Verbs) -> None:
    top = verbs.task()
    tree = verbs.person("subscribe", destination="log", task_id=top, tree=True, kinds=["all"]).id
    verbs.person(
        "subscribe", destination="command:/bin/true --token abcdefgh1234", kinds=["paused"]
    )
    child = verbs.person("create", title="the child", parents=[top]).id
    verbs.person("comment", task_id=top, body="hello")
    verbs.person("pause")
    owed = heard(verbs)
    rows = verbs.person("outbox").deliveries
    assert [one.id for one in rows] == owed
    about = {(one.kind, one.task_id, one.title) for one in rows}
    assert {("commented", top, "a task"), ("created", child, "the child")} <= about
    (of_board,) = [one for one in rows if one.kind == "paused"]
    assert (of_board.task_id, of_board.title) == (None, None)
    assert "abcdefgh1234" not in of_board.destination
    assert of_board.destination.startswith("command:/bin/true")
    found: list[int] = []
    after: int | None = 0
    while after is not None:
        page = verbs.person("outbox", order="newest", limit=2, after=after)
        found += [one.id for one in page.deliveries]
        after = page.after
    assert found == owed[::-1]
    of_tree = verbs.person("outbox", subscription=tree).deliveries
    assert {one.task_id for one in of_tree} == {top, child}
    assert [one.id for one in of_tree] == [one.id for one in rows if one.kind != "paused"]
