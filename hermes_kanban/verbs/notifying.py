"""Verbs about who hears of what, and what is owed to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import InvalidInput, NotAllowed
from hermes_kanban.verbs.verb import Call, Verb
from hermes_kanban.verbs.views import page_end

Id = Annotated[int, Meta(ge=1, le=2**53)]
After = Annotated[int, Meta(ge=0, le=2**53)]
Limit = Annotated[int, Meta(ge=1, le=1000)]


Words = Annotated[list[str], Meta(max_length=100)]
ARGUMENTS: Final = {
    "filter.kinds": "kinds",
    "filter.assignee": "assignees",
    "filter.tenant": "tenants",
    "filter.tasks": "tasks",
    "options.inherit": "tree",
    "options.wake": "wake",
    "options.digest_seconds": "digest_seconds",
    "options.quiet.from": "quiet",
    "options.quiet.to": "quiet",
    "options.quiet.zone": "zone",
}
"""What the parts of a subscription are called where one is asked for."""


class Subscribe(msgspec.Struct, kw_only=True):
    destination: Annotated[str, Meta(description="needless where an agent is woken")] | None = None
    task_id: Annotated[str, Meta(description="default: the whole board")] | None = None
    tree: Annotated[bool, Meta(description="and every task below it, now and later")] = False
    kinds: Annotated[
        list[str], Meta(description="of events; all, or attention (the default)", max_length=100)
    ] = []
    assignees: Annotated[Words, Meta(description="only tasks of these profiles")] = []
    tenants: Annotated[Words, Meta(description="only tasks of these tenants")] = []
    tasks: Annotated[Words, Meta(description="only these tasks")] = []
    wake: Annotated[str, Meta(description="the profile that gets a task")] | None = None
    digest_seconds: (
        Annotated[
            int,
            Meta(description="what comes within this time goes in one message", ge=1, le=86_400),
        ]
        | None
    ) = None
    quiet: Annotated[str, Meta(description="nothing is due then: 22:00-07:00")] | None = None
    zone: Annotated[str, Meta(description="of the quiet hours, such as Europe/Berlin")] = "UTC"


class Subscriptions(msgspec.Struct, kw_only=True):
    task_id: str | None = None
    inherited: Annotated[bool, Meta(description="those handed down a tree, too")] = False
    ended: Annotated[bool, Meta(description="those that have ended, too")] = False
    owed: Annotated[bool, Meta(description="and how each of them fares")] = False
    after: After = 0
    limit: Limit = 100


class OneSubscription(msgspec.Struct, kw_only=True):
    subscription: Id


class Outbox(msgspec.Struct, kw_only=True):
    subscription: Annotated[Id, Meta(description="and those that it handed down")] | None = None
    state: (
        Annotated[
            Literal["waiting", "delivered", "dead", "dropped"],
            Meta(description="dropped are those that were given up; dead ones are without them"),
        ]
        | None
    ) = None
    order: Literal["oldest", "newest"] = "oldest"
    after: After = 0
    limit: Limit = 100


class OneDelivery(msgspec.Struct, kw_only=True):
    delivery: Id


class Destinations(msgspec.Struct):
    pass


class DropDelivery(OneDelivery, kw_only=True):
    reason: Annotated[str, Meta(description="without one a dead delivery keeps its own")] | None = (
        None
    )
    all: Annotated[bool, Meta(description="and every dead one of its destination")] = False


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription; the secrets of its destination are hidden.

    ``root_id`` is the one to a tree that it was inherited from.
    """

    id: int
    task_id: str | None
    filter: dict[str, Any] | None
    destination: str
    mode: str
    options: dict[str, Any] | None
    root_id: int | None
    created_by: str
    created_at: int
    ended_at: int | None


class SubscriptionPage(msgspec.Struct, frozen=True):
    """Subscriptions, oldest first; ``after`` asks for the next page, None on the last.

    ``owed``, where it was asked for, is of each in their order, with those that it handed down.
    """

    subscriptions: list[SubscriptionView]
    after: int | None
    owed: list[kb.Owing] | None = None


class DeliveryView(kb.Delivery, frozen=True, kw_only=True):
    """A delivery, and what it is about, as far as that is still there."""

    destination: str
    kind: str | None
    task_id: str | None
    title: str | None


class DeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries in the order asked for; ``after`` asks for the next page, None on the last."""

    deliveries: list[DeliveryView]
    after: int | None


class DestinationView(msgspec.Struct, frozen=True, kw_only=True):
    """A destination as ``subscribe`` takes it; where ``open``, an address is to be added.

    ``home`` is the one that a chat's bare name means, ``problem`` why nothing arrives there now.
    """

    destination: str
    open: bool
    home: bool
    problem: str | None


class DestinationList(msgspec.Struct, frozen=True):
    """What is configured, and what needs no configuration; no addresses that are secrets."""

    destinations: list[DestinationView]


class SubscriptionState(msgspec.Struct, frozen=True):
    """A subscription, and what has come of it: ``owed`` counts its deliveries by state."""

    subscription: SubscriptionView
    owed: kb.Owing


class Subscribed(msgspec.Struct, frozen=True):
    """The id of the subscription, new or the live one that says the same."""

    id: int


class Settled(msgspec.Struct, frozen=True):
    """The id, and whether the verb changed anything."""

    id: int
    changed: bool


class Dropped(Settled, frozen=True):
    """``dropped`` says how many were."""

    dropped: int


class Sent(msgspec.Struct, frozen=True):
    """What became of the message."""

    id: int
    outcome: str


def _subscribe(call: Call, asked: Subscribe) -> Subscribed:
    from hermes_kanban.kernel import subscriptions

    scheme = (asked.destination or "").strip().partition(":")[0]
    if call.caller.remote and scheme == "command":
        raise NotAllowed(
            "a command cannot be set up from here",
            "any other destination",
            "set it up on the host: hermes-kanban notify subscribe",
        )
    with told_as(ARGUMENTS):
        sub_id = subscriptions.subscribe(
            call.conn,
            destination=asked.destination,
            task_id=asked.task_id,
            filter=asked_filter(asked.kinds, asked.assignees, asked.tenants, asked.tasks),
            mode=subscriptions.mode_of(asked.destination, asked.wake),
            options=asked_options(
                asked.tree, asked.digest_seconds, asked.quiet, asked.zone, asked.wake
            ),
            actor=call.caller.actor,
        )
    return Subscribed(sub_id)


@contextmanager
def told_as(names: Mapping[str, str]) -> Iterator[None]:
    """A value that is not acceptable is told by the name that the caller knows it by."""
    try:
        yield
    except InvalidInput as refused:
        name = names.get(refused.field, refused.field)
        raise InvalidInput(name, refused.allowed, refused.problem) from None


def asked_filter(
    kinds: list[str], assignees: list[str], tenants: list[str], tasks: list[str]
) -> dict[str, Any] | None:
    """The filter of a subscription; None for the default."""
    wanted = {"kinds": kinds, "assignee": assignees, "tenant": tenants, "tasks": tasks}
    return {key: value for key, value in wanted.items() if value} or None


def asked_options(
    tree: bool, digest_seconds: int | None, quiet: str | None, zone: str, wake: str | None
) -> dict[str, Any] | None:
    """The options of a subscription; None where there are none. ``quiet`` is 22:00-07:00."""
    options: dict[str, Any] = {"digest_seconds": digest_seconds, "wake": wake}
    if tree:
        options["inherit"] = True
    if quiet is not None:
        start, _, end = quiet.partition("-")
        options["quiet"] = {"from": start, "to": end, "zone": zone}
    return {key: value for key, value in options.items() if value is not None} or None


def _subscriptions(call: Call, asked: Subscriptions) -> SubscriptionPage:
    from hermes_kanban.kernel import subscriptions

    with kb.reading(call.conn):
        found = subscriptions.list_subscriptions(
            call.conn,
            live_only=not asked.ended,
            task_id=asked.task_id,
            inherited=asked.inherited or asked.task_id is not None,
            after=asked.after,
            limit=asked.limit,
        )
        owed = _owed(call.conn, found) if asked.owed else None
    return SubscriptionPage([_view(one) for one in found], page_end(found, asked.limit, "id"), owed)


def _owed(conn: kb.BoardConnection, found: list[kb.Subscription]) -> list[kb.Owing]:
    from hermes_kanban.kernel import deliveries

    owed = deliveries.owing_each(conn, (one.id for one in found))
    return [owed[one.id] for one in found]


def _view(one: kb.Subscription) -> SubscriptionView:
    from hermes_kanban.redact import redact

    return SubscriptionView(
        id=one.id,
        task_id=one.task_id,
        filter=one.filter,
        destination=redact(one.destination),
        mode=one.mode,
        options=one.options,
        root_id=one.root_id,
        created_by=one.created_by,
        created_at=one.created_at,
        ended_at=one.ended_at,
    )


def _subscription(call: Call, asked: OneSubscription) -> SubscriptionState:
    from hermes_kanban.kernel import deliveries, subscriptions

    with kb.reading(call.conn):
        one = subscriptions.get_subscription(call.conn, asked.subscription)
        return SubscriptionState(_view(one), deliveries.owing(call.conn, one.id))


def _unsubscribe(call: Call, asked: OneSubscription) -> Settled:
    from hermes_kanban.kernel import subscriptions

    done = subscriptions.unsubscribe(call.conn, asked.subscription, actor=call.caller.actor)
    return Settled(asked.subscription, done)


def _test(call: Call, asked: OneSubscription) -> Sent:
    from hermes_kanban.notify.trial import send_test

    return Sent(asked.subscription, send_test(call.conn, asked.subscription))


def _destinations(call: Call, _asked: Destinations) -> DestinationList:
    from hermes_kanban.config import load_last_good
    from hermes_kanban.notify.places import places
    from hermes_kanban.paths import home

    found = places(load_last_good(home()), commands=not call.caller.remote)
    return DestinationList(
        [
            DestinationView(
                destination=one.destination, open=one.open, home=one.home, problem=one.problem
            )
            for one in found
        ]
    )


def _outbox(call: Call, asked: Outbox) -> DeliveryPage:
    from hermes_kanban.kernel import deliveries, outbox

    with kb.reading(call.conn):
        found = outbox.list_outbox(
            call.conn,
            state=asked.state,
            sub_id=asked.subscription,
            after=asked.after,
            limit=asked.limit,
            newest_first=asked.order == "newest",
        )
        matters = deliveries.matters(call.conn, (one.id for one in found))
    views = [_delivery(one, matters[one.id]) for one in found]
    return DeliveryPage(views, page_end(found, asked.limit, "id"))


def _delivery(one: kb.Delivery, matter: kb.Matter) -> DeliveryView:
    from hermes_kanban.redact import redact

    told = msgspec.structs.asdict(one) | msgspec.structs.asdict(matter)
    return DeliveryView(**told | {"destination": redact(matter.destination)})


def _retry(call: Call, asked: OneDelivery) -> Settled:
    from hermes_kanban.kernel import outbox

    return Settled(asked.delivery, outbox.retry_delivery(call.conn, asked.delivery))


def _drop(call: Call, asked: DropDelivery) -> Dropped:
    from hermes_kanban.kernel import dropping, outbox

    drop = dropping.drop_all if asked.all else outbox.drop_delivery
    dropped = int(drop(call.conn, asked.delivery, asked.reason))
    return Dropped(asked.delivery, dropped > 0, dropped)


NOTIFYING = (
    Verb(
        name="subscriptions",
        request=Subscriptions,
        response=SubscriptionPage,
        function=_subscriptions,
        sentence="Who hears of what.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="subscription",
        request=OneSubscription,
        response=SubscriptionState,
        function=_subscription,
        sentence="A subscription, what it is owed, and how the last of it went.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="subscribe",
        request=Subscribe,
        response=Subscribed,
        function=_subscribe,
        sentence="Send what happens from now on to a destination, or wake an agent by it.",
        idempotent=True,
        about_task=False,
    ),
    Verb(
        name="destinations",
        request=Destinations,
        response=DestinationList,
        function=_destinations,
        sentence="Where messages can be sent: what is configured, and what needs nothing.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="unsubscribe",
        request=OneSubscription,
        response=Settled,
        function=_unsubscribe,
        sentence="End a subscription.",
        idempotent=True,
        about_task=False,
    ),
    Verb(
        name="test_subscription",
        request=OneSubscription,
        response=Sent,
        function=_test,
        sentence="Send a test message to a subscription's destination.",
        about_task=False,
    ),
    Verb(
        name="outbox",
        request=Outbox,
        response=DeliveryPage,
        function=_outbox,
        sentence="What is owed to whom: waiting, delivered, dead with the reason, or dropped.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="retry_delivery",
        request=OneDelivery,
        response=Settled,
        function=_retry,
        sentence="Try a delivery again now.",
        about_task=False,
    ),
    Verb(
        name="drop_delivery",
        request=DropDelivery,
        response=Dropped,
        function=_drop,
        sentence="Give a delivery up, waiting or dead, or all dead ones of its destination.",
        about_task=False,
    ),
)
