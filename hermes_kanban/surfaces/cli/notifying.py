"""``notify``: who hears of what, and what is owed to whom."""

from __future__ import annotations

from typing import Any

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.model.words import DELIVERY_STATES
from hermes_kanban.surfaces.cli.groups import Group
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

PAGE = 100
SUBSCRIPTION = click.Argument(["subscription"], type=click.INT, metavar="ID")
DELIVERY = click.Argument(["delivery"], type=click.INT, metavar="ID")
LIMIT = click.Option(["--limit"], type=click.INT, default=PAGE, show_default=True)
AFTER = click.Option(["--after"], type=click.INT, default=0, metavar="ID", help="The next page.")

notify_command = Group("notify", help="Subscribe to what happens, and see what is delivered.")


@command(
    "subscribe",
    click.Argument(["destination"]),
    click.Option(["--task"], metavar="ID", help="Only this task. Default: the whole board."),
    click.Option(
        ["--kind", "kinds"],
        multiple=True,
        metavar="EVENT",
        help="Only events of this kind; all, or attention (the default). Repeatable.",
    ),
    click.Option(["--assignee"], metavar="PROFILE", help="Only tasks of this profile."),
    click.Option(["--tenant"], metavar="NAME", help="Only tasks of this tenant."),
    AS_PERSON,
    examples="""
    hermes-kanban notify subscribe log --kind all
    hermes-kanban notify subscribe "command:/usr/local/bin/tell-me" --task t_abc234
    """,
)
def notify_subscribe(
    session: Session,
    destination: str,
    task: str | None,
    kinds: tuple[str, ...],
    assignee: str | None,
    tenant: str | None,
) -> None:
    """Send what happens from now on to a destination.

    Destinations: log, or command:PROGRAM AND ARGUMENTS.
    """
    from hermes_kanban.kernel import subscriptions

    wanted: dict[str, Any] = {"kinds": list(kinds), "assignee": assignee, "tenant": tenant}
    sub_id = subscriptions.subscribe(
        session.conn,
        destination=destination,
        task_id=task,
        filter={key: value for key, value in wanted.items() if value} or None,
        **session.actor(),
    )
    session.answer("subscription", {"id": sub_id}, [f"subscription {sub_id}"])


@command(
    "list",
    click.Option(["--task"], metavar="ID", help="Only those of this task."),
    click.Option(["--all", "everything"], is_flag=True, help="Those that have ended, too."),
    AFTER,
    LIMIT,
    examples="hermes-kanban notify list",
)
def notify_list(
    session: Session, task: str | None, everything: bool, after: int, limit: int
) -> None:
    """List subscriptions."""
    from hermes_kanban.kernel import subscriptions

    found = subscriptions.list_subscriptions(
        session.conn, live_only=not everything, task_id=task, after=after, limit=limit
    )
    rows = [
        (str(one.id), one.task_id or "board", _filter(one.filter), _state(one), one.destination)
        for one in found
    ]
    headers = ("ID", "ABOUT", "WHAT", "STATE", "DESTINATION")
    lines = present.table(headers, rows, width=session.width)
    session.answer("subscriptions", found, lines if rows else ["no subscriptions"])


def _filter(wanted: dict[str, Any] | None) -> str:
    parts = (f"{key}={','.join(map(str, values))}" for key, values in (wanted or {}).items())
    return " ".join(parts) or "-"


def _state(subscription: kb.Subscription) -> str:
    return "live" if subscription.ended_at is None else "ended"


@command("unsubscribe", SUBSCRIPTION, AS_PERSON, examples="hermes-kanban notify unsubscribe 3")
def notify_unsubscribe(session: Session, subscription: int) -> None:
    """End a subscription."""
    from hermes_kanban.kernel import subscriptions

    changed = subscriptions.unsubscribe(session.conn, subscription, **session.actor())
    said = f"subscription {subscription} ended{'' if changed else ' (unchanged)'}"
    session.answer("subscription", {"id": subscription, "changed": changed}, [said])


@command("test", SUBSCRIPTION, examples="hermes-kanban notify test 3")
def notify_test(session: Session, subscription: int) -> None:
    """Send a test message to a subscription's destination."""
    from hermes_kanban.notify.trial import send_test

    outcome = send_test(session.conn, subscription)
    session.answer("test", outcome, [f"subscription {subscription}: {outcome}"])


@command(
    "outbox",
    click.Option(["--state"], type=click.Choice(DELIVERY_STATES), help="Only these."),
    AFTER,
    LIMIT,
    examples="hermes-kanban notify outbox --state dead",
)
def notify_outbox(session: Session, state: str | None, after: int, limit: int) -> None:
    """List deliveries: waiting, delivered, or dead with the reason."""
    from hermes_kanban.kernel import outbox

    found = outbox.list_outbox(session.conn, state=state, after=after, limit=limit)
    rows = [
        (
            str(one.id),
            str(one.sub_id),
            str(one.event_id),
            one.state,
            str(one.attempts),
            _next(one, session.now),
            one.reason or "",
        )
        for one in found
    ]
    headers = ("ID", "SUBSCR", "EVENT", "STATE", "TRIES", "NEXT", "REASON")
    lines = present.table(headers, rows, width=session.width)
    session.answer("deliveries", found, lines if rows else ["the outbox is empty"])


def _next(delivery: kb.Delivery, now: int) -> str:
    return "-" if delivery.next_attempt_at is None else present.ago(delivery.next_attempt_at, now)


@command("retry", DELIVERY, examples="hermes-kanban notify retry 12")
def notify_retry(session: Session, delivery: int) -> None:
    """Try a delivery again now."""
    from hermes_kanban.kernel import outbox

    changed = outbox.retry_delivery(session.conn, delivery)
    session.answer("delivery", {"id": delivery, "changed": changed}, [f"delivery {delivery} waits"])


@command(
    "drop",
    DELIVERY,
    click.Option(["--reason"], metavar="TEXT", default="dropped by a person"),
    examples="hermes-kanban notify drop 12",
)
def notify_drop(session: Session, delivery: int, reason: str) -> None:
    """Give a delivery up."""
    from hermes_kanban.kernel import outbox

    changed = outbox.drop_delivery(session.conn, delivery, reason)
    session.answer(
        "delivery", {"id": delivery, "changed": changed}, [f"delivery {delivery} is dead"]
    )


notify_command.add(
    notify_subscribe,
    notify_list,
    notify_unsubscribe,
    notify_test,
    notify_outbox,
    notify_retry,
    notify_drop,
)
