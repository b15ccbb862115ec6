"""``notify``: who hears of what, and what is owed to whom."""

from __future__ import annotations

import sys
from typing import Any

import click

from hermes_kanban import kernel as kb
from hermes_kanban import notify, present
from hermes_kanban.model.words import LISTED_STATES
from hermes_kanban.surfaces.cli import inputs, prose
from hermes_kanban.surfaces.cli.groups import Group
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

PAGE = 100
SUBSCRIPTION = click.Argument(["subscription"], type=click.INT, metavar="ID")
DELIVERY = click.Argument(["delivery"], type=click.INT, metavar="ID")
LIMIT = click.Option(
    ["--limit"], type=click.INT, default=PAGE, show_default=True, help="How many at most."
)
AFTER = click.Option(["--after"], type=click.INT, default=0, metavar="ID", help="The next page.")

notify_command = Group("notify", help="Subscribe to what happens, and see what is delivered.")


@command(
    "subscribe",
    click.Argument(["destination"], required=False),
    click.Option(["--task"], metavar="ID", help="Only this task. Default: the whole board."),
    click.Option(["--tree"], is_flag=True, help="With --task: every task below it, too."),
    click.Option(
        ["--kind", "kinds"],
        multiple=True,
        metavar="EVENT",
        help="Only events of this kind; all, or attention (the default). Repeatable.",
    ),
    click.Option(
        ["--assignee", "assignees"],
        multiple=True,
        metavar="PROFILE",
        help="Only tasks of this profile. Repeatable.",
    ),
    click.Option(
        ["--tenant", "tenants"],
        multiple=True,
        metavar="NAME",
        help="Only tasks of this tenant. Repeatable.",
    ),
    click.Option(
        ["--only", "tasks"], multiple=True, metavar="ID", help="Only these tasks. Repeatable."
    ),
    click.Option(
        ["--wake"], metavar="PROFILE", help="Give this profile a task with the hand-over."
    ),
    click.Option(
        ["--digest", "digest"],
        type=inputs.SPAN,
        metavar="SPAN",
        help="Send what comes within this time in one message.",
    ),
    click.Option(["--quiet"], metavar="FROM-TO", help="Nothing is due then: 22:00-07:00."),
    click.Option(["--zone"], metavar="ZONE", default="UTC", help="Of the quiet hours."),
    AS_PERSON,
    examples="""
    hermes-kanban notify subscribe log --kind all
    hermes-kanban notify subscribe "command:/usr/local/bin/tell-me" --task t_abc234 --tree
    hermes-kanban notify subscribe matrix --digest 15m --quiet 22:00-07:00 --zone Europe/Berlin
    hermes-kanban notify subscribe --task t_abc234 --wake planner
    """,
)
def notify_subscribe(
    session: Session,
    destination: str | None,
    task: str | None,
    tree: bool,
    kinds: tuple[str, ...],
    assignees: tuple[str, ...],
    tenants: tuple[str, ...],
    tasks: tuple[str, ...],
    wake: str | None,
    digest: int | None,
    quiet: str | None,
    zone: str,
) -> None:
    """Send what happens from now on to a destination, or wake an agent by it.

    Destinations: log, command:PROGRAM AND ARGUMENTS, webhook:NAME, email:ADDRESS, apprise:NAME,
    desktop, or a chat such as matrix:ROOM; matrix alone is the home in the configuration. With
    --wake none is needed.
    """
    from hermes_kanban.kernel import subscriptions
    from hermes_kanban.verbs.notifying import ARGUMENTS, asked_filter, asked_options, told_as

    flags = {part: _FLAGS.get(name, f"--{name}") for part, name in ARGUMENTS.items()}
    with told_as(flags):
        sub_id = subscriptions.subscribe(
            session.conn,
            destination=destination,
            task_id=task,
            filter=asked_filter(list(kinds), list(assignees), list(tenants), list(tasks)),
            mode=subscriptions.mode_of(destination, wake),
            options=asked_options(tree, digest, quiet, zone, wake),
            **session.actor(),
        )
    _warn_of_what_is_missing(session, destination, wake)
    one = subscriptions.get_subscription(session.conn, sub_id)
    session.answer("subscription", {"id": sub_id}, [f"subscription {sub_id}: {_sentence(one)}"])


_FLAGS = {
    "kinds": "--kind",
    "assignees": "--assignee",
    "tenants": "--tenant",
    "tasks": "--only",
    "digest_seconds": "--digest",
}


def _warn_of_what_is_missing(session: Session, destination: str | None, wake: str | None) -> None:
    """The subscription is made; what it needs to be of use may come later."""
    config = session.conn.config
    if wake is not None and wake not in config.profiles:
        session.warn(f"there is no profile {wake} yet: what it is woken by waits for one")
    platform = (destination or "").strip().partition(":")[0]
    if platform in notify.PLATFORMS and getattr(config.chat, platform) is None:
        session.warn(f"chat.{platform} is not configured yet: what is owed there waits")


@command("destinations", examples="hermes-kanban notify destinations")
def notify_destinations(session: Session) -> None:
    """List where messages can be sent: what is configured, and what needs nothing."""
    from hermes_kanban.config import load
    from hermes_kanban.notify.places import places
    from hermes_kanban.paths import home

    found = places(load(home()), commands=True)
    lines = []
    for one in found:
        lines.append(f"{one.destination}{'…' if one.open else ''}{', home' if one.home else ''}")
        if one.problem:
            lines += prose.wrap(f"  {one.problem}", session.width, hanging="  ")
    session.answer("destinations", found, lines)


@command(
    "list",
    click.Option(["--task"], metavar="ID", help="Only those of this task."),
    click.Option(["--inherited"], is_flag=True, help="Those handed down a tree, too."),
    click.Option(["--all", "everything"], is_flag=True, help="Those that have ended, too."),
    AFTER,
    LIMIT,
    examples="hermes-kanban notify list",
)
def notify_list(
    session: Session,
    task: str | None,
    inherited: bool,
    everything: bool,
    after: int,
    limit: int,
) -> None:
    """List subscriptions."""
    from hermes_kanban.kernel import subscriptions

    found = subscriptions.list_subscriptions(
        session.conn,
        live_only=not everything,
        task_id=task,
        inherited=inherited or task is not None,
        after=after,
        limit=limit,
    )
    rows = [
        (str(one.id), _about(one), _filter(one.filter), _how(one), _state(one), one.destination)
        for one in found
    ]
    headers = ("ID", "ABOUT", "WHAT", "HOW", "STATE", "DESTINATION")
    lines = present.table(headers, rows, width=session.width)
    session.answer("subscriptions", found, lines if rows else ["no subscriptions"])


def _filter(wanted: dict[str, Any] | None) -> str:
    parts = (f"{key}={','.join(map(str, values))}" for key, values in (wanted or {}).items())
    return " ".join(parts) or "-"


def _about(subscription: kb.Subscription) -> str:
    if subscription.task_id is None:
        return "board"
    tree = (subscription.options or {}).get("inherit") and subscription.root_id is None
    return f"{subscription.task_id} and below" if tree else subscription.task_id


def _how(subscription: kb.Subscription) -> str:
    options = subscription.options or {}
    words = [] if subscription.mode == "notify" else [f"wakes {options.get('wake')}"]
    if digest := options.get("digest_seconds"):
        words.append(f"digest {present.duration(digest)}")
    if isinstance(quiet := options.get("quiet"), dict):
        words.append(f"quiet {quiet.get('from')}-{quiet.get('to')} {quiet.get('zone')}")
    return ", ".join(words) or "at once"


def _sentence(one: kb.Subscription) -> str:
    """What is told, of what, how and where."""
    from hermes_kanban.kernel.subscriptions import ATTENTION, WAKE

    attention = one.filter == {"kinds": [ATTENTION]}
    what = "what needs a person or ends a task" if attention else _filter(one.filter)
    of = "the board" if one.task_id is None else _about(one)
    to = "" if one.mode == WAKE else f", to {one.destination}"
    return f"{what}, of {of}, {_how(one)}{to}"


def _state(subscription: kb.Subscription) -> str:
    return "live" if subscription.ended_at is None else "ended"


@command("show", SUBSCRIPTION, examples="hermes-kanban notify show 3")
def notify_show(session: Session, subscription: int) -> None:
    """Show a subscription, what it is owed, and how the last of it went."""
    from hermes_kanban.kernel import deliveries, subscriptions

    with kb.reading(session.conn):
        one = subscriptions.get_subscription(session.conn, subscription)
        owed = deliveries.owing(session.conn, subscription)
    counts = f"{owed.waiting} waiting, {owed.delivered} delivered, {owed.dead} dead"
    told = [
        ("subscription", str(one.id)),
        ("about", _about(one)),
        ("what", _filter(one.filter)),
        ("how", _how(one)),
        ("destination", one.destination),
        ("state", _state(one)),
        ("made", f"{present.moment_and_ago(one.created_at, session.now)} by {one.created_by}"),
        ("deliveries", counts),
    ]
    if owed.next_at is not None:
        tried = f", tried {owed.attempts} times: {owed.reason}" if owed.reason else ""
        told.append(("next", present.moment_and_ago(owed.next_at, session.now) + tried))
    if owed.delivered_at is not None:
        told.append(("last", present.moment_and_ago(owed.delivered_at, session.now)))
    width = max(len(name) for name, _ in told)
    lines = [f"{name:<{width}}  {value}" for name, value in told]
    session.answer("subscription", {"subscription": one, "owed": owed}, lines)


@command("unsubscribe", SUBSCRIPTION, AS_PERSON, examples="hermes-kanban notify unsubscribe 3")
def notify_unsubscribe(session: Session, subscription: int) -> None:
    """End a subscription; with one to a tree end those that it handed down."""
    from hermes_kanban.kernel import subscriptions

    changed = subscriptions.unsubscribe(session.conn, subscription, **session.actor())
    said = f"subscription {subscription} ended{'' if changed else ' (unchanged)'}"
    session.answer("subscription", {"id": subscription, "changed": changed}, [said])


@command("test", SUBSCRIPTION, examples="hermes-kanban notify test 3")
def notify_test(session: Session, subscription: int) -> None:
    """Send a test message to a subscription's destination."""
    from hermes_kanban.notify.trial import send_test

    tell = sys.stderr.write if session.at_terminal else session.write
    outcome = send_test(session.conn, subscription, tell)
    session.answer("test", outcome, [f"subscription {subscription}: {outcome}"])


@command(
    "outbox",
    click.Option(["--state"], type=click.Choice(LISTED_STATES), help="Only these."),
    click.Option(["--subscription"], type=click.INT, metavar="ID", help="Only of this one."),
    AFTER,
    LIMIT,
    examples="hermes-kanban notify outbox --state dead",
)
def notify_outbox(
    session: Session, state: str | None, subscription: int | None, after: int, limit: int
) -> None:
    """List deliveries: waiting, delivered, dead with the reason, or dropped."""
    from hermes_kanban.kernel import deliveries, outbox, subscriptions

    with kb.reading(session.conn):
        if subscription is not None:
            subscriptions.get_subscription(session.conn, subscription)
        found = outbox.list_outbox(
            session.conn, state=state, sub_id=subscription, after=after, limit=limit
        )
        matters = deliveries.matters(session.conn, (one.id for one in found))
    heads: dict[int, int] = {}
    rows = [
        (
            str(one.id),
            str(one.sub_id),
            _matter(matters[one.id]),
            one.state if one.dropped_at is None else "dropped",
            str(one.attempts),
            _next(one, session.now, heads),
        )
        for one in found
    ]
    headers = ("ID", "SUBSCR", "WHAT", "STATE", "TRIES", "NEXT")
    head, *lines = present.table(headers, rows, width=session.width, flexible=2)
    shown = [head]
    for one, line in zip(found, lines, strict=True):
        shown.append(line)
        if one.reason:
            shown += prose.wrap(f"    {present.clean(one.reason)}", session.width, hanging="    ")
    more = found[-1].id if len(found) == limit else None
    if more is not None:
        shown.append(f"more with: --after {more}")
    none = "the outbox is empty" if state is None and not after else "no such deliveries"
    session.answer("deliveries", found, shown if rows else [none], next_after=more)


def _matter(about: kb.Matter) -> str:
    return " ".join(one for one in (about.kind, about.task_id) if one) or "-"


def _next(delivery: kb.Delivery, now: int, heads: dict[int, int]) -> str:
    """When it is due; of a subscription only the oldest that waits is, the head."""
    if delivery.next_attempt_at is None:
        return "-"
    head = heads.setdefault(delivery.sub_id, delivery.id)
    if delivery.id != head and delivery.next_attempt_at <= now:
        return f"after {head}"
    return present.ago(delivery.next_attempt_at, now)


@command("retry", DELIVERY, examples="hermes-kanban notify retry 12")
def notify_retry(session: Session, delivery: int) -> None:
    """Try a delivery again now."""
    from hermes_kanban.kernel import outbox

    changed = outbox.retry_delivery(session.conn, delivery)
    session.answer("delivery", {"id": delivery, "changed": changed}, [f"delivery {delivery} waits"])


@command(
    "drop",
    DELIVERY,
    click.Option(
        ["--reason"], metavar="TEXT", help="Why; without one a dead delivery keeps its own."
    ),
    click.Option(["--all"], is_flag=True, help="And every dead one of its destination."),
    examples="hermes-kanban notify drop 12 --all",
)
def notify_drop(session: Session, delivery: int, reason: str | None, all: bool) -> None:
    """Give a delivery up, whether it waits or is dead; nobody is told of it any more."""
    from hermes_kanban.kernel import dropping, outbox

    if all:
        dropped = dropping.drop_all(session.conn, delivery, reason)
        said = f"{dropped} {'delivery' if dropped == 1 else 'deliveries'} dropped"
    else:
        dropped = int(outbox.drop_delivery(session.conn, delivery, reason))
        said = f"delivery {delivery} is dropped{'' if dropped else ' (unchanged)'}"
    told = {"id": delivery, "changed": dropped > 0, "dropped": dropped}
    session.answer("delivery", told, [said])


notify_command.add(
    notify_subscribe,
    notify_destinations,
    notify_list,
    notify_show,
    notify_unsubscribe,
    notify_test,
    notify_outbox,
    notify_retry,
    notify_drop,
)
