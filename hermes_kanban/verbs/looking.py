"""Verbs by which people look at a board: cards, counts, what waits for them, graphs, times."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban import logtail
from hermes_kanban.kernel.hosts import live_hosts
from hermes_kanban.verbs.deciding import Nothing
from hermes_kanban.verbs.verb import Call, Verb
from hermes_kanban.verbs.views import Holds
from hermes_kanban.verbs.working import AboutTask

PageLimit = Annotated[int, Meta(ge=1, le=200)]
Names = Annotated[list[str], Meta(description="any of these; - for nobody", max_length=200)]
Statuses = Annotated[
    list[Literal["triage", "todo", "ready", "running", "review", "blocked", "done", "archived"]],
    Meta(description="any of these; default: all but archived"),
]
Least = Annotated[
    int, Meta(ge=-1_000_000, le=1_000_000, description="this priority or a higher one")
]
Position = Annotated[str, Meta(description="from the last page")]
Second = Annotated[int, Meta(ge=0, le=2**53, description="Unix seconds")]


class Narrowed(msgspec.Struct, kw_only=True):
    """A verb on the tasks that a filter leaves."""

    status: Statuses = []
    assignee: Names = []
    tenant: Names = []
    ids: Annotated[list[str], Meta(description="only these tasks", max_length=200)] = []
    text: Annotated[str, Meta(description="in title or body, or an id")] | None = None
    min_priority: Least | None = None
    needs_you: Annotated[bool, Meta(description="waits for a person's answer")] = False

    def filter(self) -> kb.Filter:
        """The same for the kernel."""
        return kb.Filter(
            status=self.status,
            assignee=self.assignee,
            tenant=self.tenant,
            ids=self.ids,
            text=self.text,
            min_priority=self.min_priority,
            needs_you=self.needs_you,
        )


class Cards(Narrowed, kw_only=True):
    order: Literal["oldest", "newest", "queue", "completed"] = "oldest"
    after: Position | None = None
    limit: PageLimit = 60


class Count(Narrowed, kw_only=True):
    lanes: Literal["assignee", "tenant"] | None = None


class Attention(msgspec.Struct, kw_only=True):
    after: Position | None = None
    limit: PageLimit = 60


class WhyEach(msgspec.Struct, kw_only=True):
    ids: Annotated[list[str], Meta(min_length=1, max_length=200)]


class Tree(AboutTask, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=2000)] = 500


class Trees(msgspec.Struct, kw_only=True):
    limit: PageLimit = 20


class Timeline(msgspec.Struct, kw_only=True):
    start: Second | None = None
    end: Second | None = None
    limit: Annotated[int, Meta(ge=1, le=5000)] = 1000


class Trends(msgspec.Struct, kw_only=True):
    days: Annotated[int, Meta(ge=1, le=92)] = 14
    utc_offset_seconds: Annotated[int, Meta(ge=-54_000, le=54_000)] = 0


class HoldsOfEach(msgspec.Struct, frozen=True):
    """Why each of the tasks does not run now; tasks that are gone are left out."""

    tasks: list[Holds]


class Assignee(msgspec.Struct, frozen=True):
    """Open tasks by status of one assignee, None for nobody; ``profile``: whether there is one."""

    assignee: str | None
    tasks: dict[str, int]
    profile: bool


class Assignees(msgspec.Struct, frozen=True):
    """Who has open tasks."""

    assignees: list[Assignee]


def _cards(call: Call, asked: Cards) -> kb.CardPage:
    page = kb.cards(
        call.conn, asked.filter(), order=asked.order, after=asked.after, limit=asked.limit
    )
    return msgspec.structs.replace(page, cards=with_output(call.conn, page.cards))


def with_output(conn: kb.BoardConnection, cards: list[kb.Card]) -> list[kb.Card]:
    """The cards with what their processes said last."""
    return [card if card.live is None else _saying(conn, card) for card in cards]


def _saying(conn: kb.BoardConnection, card: kb.Card) -> kb.Card:
    live = card.live
    assert live is not None
    found = logtail.last_line(conn.paths.run_dir(live.run_id) / "log")
    if found is None:
        return card
    line, at = found
    live = msgspec.structs.replace(live, last_line=line, last_output_at=at)
    return msgspec.structs.replace(card, live=live)


def _counts(call: Call, asked: Count) -> kb.Counts:
    return kb.counts(call.conn, asked.filter(), lanes=asked.lanes)


def _attention(call: Call, asked: Attention) -> kb.Attention:
    return kb.attention(call.conn, after=asked.after, limit=asked.limit)


def _why_each(call: Call, asked: WhyEach) -> HoldsOfEach:
    with kb.reading(call.conn):
        found = kb.why_each(call.conn, asked.ids)
        tasks = {one: kb.get_task(call.conn, one) for one in found}
    return HoldsOfEach([Holds(one, tasks[one].status, holds) for one, holds in found.items()])


def _tree(call: Call, asked: Tree) -> kb.Tree:
    return kb.tree(call.conn, asked.task_id, limit=asked.limit)


def _trees(call: Call, asked: Trees) -> kb.Trees:
    return kb.trees(call.conn, limit=asked.limit)


def _timeline(call: Call, asked: Timeline) -> kb.Timeline:
    return kb.timeline(call.conn, start=asked.start, end=asked.end, limit=asked.limit)


def _trends(call: Call, asked: Trends) -> kb.Trends:
    return kb.trends(call.conn, days=asked.days, utc_offset_seconds=asked.utc_offset_seconds)


def _assignees(call: Call, _: Nothing) -> Assignees:
    conn = call.conn
    profiles = set(conn.config.profiles).union(*(one.profiles for one in live_hosts(conn)))
    return Assignees(
        [
            Assignee(None if name == "-" else name, tasks, name in profiles)
            for name, tasks in kb.assignees(conn).items()
        ]
    )


LOOKING = (
    Verb(
        name="cards",
        request=Cards,
        response=kb.CardPage,
        function=_cards,
        sentence="The tasks of the board at a glance, narrowed and in order.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="counts",
        request=Count,
        response=kb.Counts,
        function=_counts,
        sentence="How many tasks there are, and how many a filter leaves.",
        changes=False,
        about_task=False,
        told_by_events=True,
    ),
    Verb(
        name="attention",
        request=Attention,
        response=kb.Attention,
        function=_attention,
        sentence="What waits for a person: questions, reviews, what was given up, late results.",
        changes=False,
        about_task=False,
        told_by_events=True,
    ),
    Verb(
        name="why_each",
        request=WhyEach,
        response=HoldsOfEach,
        function=_why_each,
        sentence="Say of several tasks why they do not run, and what lifts each hold.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="tree",
        request=Tree,
        response=kb.Tree,
        function=_tree,
        sentence="The graph of everything that a task waits for and that waits for it.",
        changes=False,
        told_by_events=True,
    ),
    Verb(
        name="trees",
        request=Trees,
        response=kb.Trees,
        function=_trees,
        sentence="The graphs that have open tasks, each by its first task, the largest first.",
        changes=False,
        about_task=False,
        told_by_events=True,
    ),
    Verb(
        name="timeline",
        request=Timeline,
        response=kb.Timeline,
        function=_timeline,
        sentence="Who did what when: the runs of a span of time, by default the last day.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="trends",
        request=Trends,
        response=kb.Trends,
        function=_trends,
        sentence="Throughput, times, reasons and costs of the last days.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="assignees",
        request=Nothing,
        response=Assignees,
        function=_assignees,
        sentence="Open tasks by assignee, and who of them has a profile.",
        changes=False,
        about_task=False,
    ),
)
