"""Who hears of the sample board, and how that goes: delivered, dead, and waiting for a chat."""

from __future__ import annotations

from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.notify.message import DELIVERED, Outcome, dead, not_now
from tests.browser.story import Story

_NO_ROOM = not_now("no gateway here is connected to chat.matrix")
_GONE = dead("slack: channel_not_found")
_ARRIVED_UNTIL = 40


def tell_of(story: Story) -> None:
    """Subscriptions of every kind, with what came of them."""

    def subscribe() -> None:
        subscriptions.subscribe(
            story.conn,
            destination="matrix:#atlas:example.org",
            options={
                "digest_seconds": 900,
                "quiet": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"},
            },
            actor="person:mara",
        )
        subscriptions.subscribe(
            story.conn,
            destination="slack:C0BUILDS",
            task_id=story.tasks["plan"],
            filter={"kinds": ["all"]},
            options={"inherit": True},
            actor="person:jonas",
        )
        subscriptions.subscribe(
            story.conn,
            destination="command:/bin/echo on-call",
            filter={"kinds": ["gave_up", "crashed"], "assignee": ["codex-infra", "tester"]},
            actor="person:mara",
        )

    def wake() -> None:
        subscriptions.subscribe(
            story.conn,
            mode="wake",
            task_id=story.tasks["runbook"],
            filter={"kinds": ["archived"]},
            options={"wake": "planner"},
            actor="person:ada",
        )

    story.at(408, subscribe)
    story.at(_ARRIVED_UNTIL, lambda: _settle(story, DELIVERED))
    story.at(0.02, wake)
    story.at(0.01, lambda: _settle(story, _NO_ROOM))


def _settle(story: Story, room: Outcome) -> None:
    """Everything that is owed by now goes as it goes."""
    while outbox.advance_cursors(story.conn):
        pass
    subs = {one.id: one for one in subscriptions.list_subscriptions(story.conn, limit=1_000)}
    for one in outbox.list_outbox(story.conn, state="waiting", limit=1_000):
        sub = subs[one.sub_id]
        platform = sub.destination.partition(":")[0]
        # The channel went when the plan was in the middle.
        is_gone = platform == "slack" and sub.task_id == story.tasks["hashes"]
        outcome = _GONE if is_gone else room if platform == "matrix" else DELIVERED
        outbox.mark(story.conn, one.id, outcome)
