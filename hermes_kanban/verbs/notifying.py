"""Verbs about who hears of what, and what is owed to whom."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import NotAllowed
from hermes_kanban.verbs.verb import Call, Verb
from hermes_kanban.verbs.views import page_end

Id = Annotated[int, Meta(ge=1, le=2**53)]
After = Annotated[int, Meta(ge=0, le=2**53)]
Limit = Annotated[int, Meta(ge=1, le=1000)]


class Subscribe(msgspec.Struct, kw_only=True):
    destination: str
    task_id: Annotated[str, Meta(description="default: the whole board")] | None = None
    kinds: Annotated[
        list[str], Meta(description="of events; all, or attention (the default)", max_length=100)
    ] = []
    assignee: str | None = None
    tenant: str | None = None


class Subscriptions(msgspec.Struct, kw_only=True):
    task_id: str | None = None
    ended: Annotated[bool, Meta(description="those that have ended, too")] = False
    after: After = 0
    limit: Limit = 100


class OneSubscription(msgspec.Struct, kw_only=True):
    subscription: Id


class Outbox(msgspec.Struct, kw_only=True):
    state: Literal["waiting", "delivered", "dead"] | None = None
    after: After = 0
    limit: Limit = 100


class OneDelivery(msgspec.Struct, kw_only=True):
    delivery: Id


class DropDelivery(OneDelivery, kw_only=True):
    reason: str = "dropped by a person"


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription; the secrets of its destination are hidden."""

    id: int
    task_id: str | None
    filter: dict[str, Any] | None
    destination: str
    created_by: str
    created_at: int
    ended_at: int | None


class SubscriptionPage(msgspec.Struct, frozen=True):
    """Subscriptions, oldest first; ``after`` asks for the next page, None on the last."""

    subscriptions: list[SubscriptionView]
    after: int | None


class DeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, oldest first; ``after`` asks for the next page, None on the last."""

    deliveries: list[kb.Delivery]
    after: int | None


class Subscribed(msgspec.Struct, frozen=True):
    """The id of the subscription, new or the live one that says the same."""

    id: int


class Settled(msgspec.Struct, frozen=True):
    """The id, and whether the verb changed anything."""

    id: int
    changed: bool


class Sent(msgspec.Struct, frozen=True):
    """What became of the message."""

    id: int
    outcome: str


def _subscribe(call: Call, asked: Subscribe) -> Subscribed:
    from hermes_kanban.kernel import subscriptions

    scheme = asked.destination.strip().partition(":")[0]
    if call.caller.remote and scheme == "command":
        raise NotAllowed(
            "a command cannot be set up from here",
            "any other destination",
            "set it up on the host: hermes-kanban notify subscribe",
        )
    wanted: dict[str, Any] = {
        "kinds": asked.kinds,
        "assignee": asked.assignee,
        "tenant": asked.tenant,
    }
    sub_id = subscriptions.subscribe(
        call.conn,
        destination=asked.destination,
        task_id=asked.task_id,
        filter={key: value for key, value in wanted.items() if value} or None,
        actor=call.caller.actor,
    )
    return Subscribed(sub_id)


def _subscriptions(call: Call, asked: Subscriptions) -> SubscriptionPage:
    from hermes_kanban.kernel import subscriptions

    found = subscriptions.list_subscriptions(
        call.conn,
        live_only=not asked.ended,
        task_id=asked.task_id,
        after=asked.after,
        limit=asked.limit,
    )
    return SubscriptionPage([_view(one) for one in found], page_end(found, asked.limit, "id"))


def _view(one: kb.Subscription) -> SubscriptionView:
    from hermes_kanban.redact import redact

    return SubscriptionView(
        id=one.id,
        task_id=one.task_id,
        filter=one.filter,
        destination=redact(one.destination),
        created_by=one.created_by,
        created_at=one.created_at,
        ended_at=one.ended_at,
    )


def _unsubscribe(call: Call, asked: OneSubscription) -> Settled:
    from hermes_kanban.kernel import subscriptions

    done = subscriptions.unsubscribe(call.conn, asked.subscription, actor=call.caller.actor)
    return Settled(asked.subscription, done)


def _test(call: Call, asked: OneSubscription) -> Sent:
    from hermes_kanban.notify.trial import send_test

    return Sent(asked.subscription, send_test(call.conn, asked.subscription))


def _outbox(call: Call, asked: Outbox) -> DeliveryPage:
    from hermes_kanban.kernel import outbox

    found = outbox.list_outbox(call.conn, state=asked.state, after=asked.after, limit=asked.limit)
    return DeliveryPage(found, page_end(found, asked.limit, "id"))


def _retry(call: Call, asked: OneDelivery) -> Settled:
    from hermes_kanban.kernel import outbox

    return Settled(asked.delivery, outbox.retry_delivery(call.conn, asked.delivery))


def _drop(call: Call, asked: DropDelivery) -> Settled:
    from hermes_kanban.kernel import outbox

    return Settled(asked.delivery, outbox.drop_delivery(call.conn, asked.delivery, asked.reason))


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
        name="subscribe",
        request=Subscribe,
        response=Subscribed,
        function=_subscribe,
        sentence="Send what happens from now on to a destination.",
        idempotent=True,
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
        sentence="What is owed to whom: waiting, delivered, or dead with the reason.",
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
        response=Settled,
        function=_drop,
        sentence="Give a delivery up.",
        about_task=False,
    ),
)
