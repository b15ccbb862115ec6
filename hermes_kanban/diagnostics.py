"""What is the matter with a board: what stops it, what waits for a person, and the way out of each.

Every command is one that works as it stands, but for words in capitals, which are to be filled in.
Whether the installation is sound is the doctor's question, and whether rows are ``check``'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from hermes_kanban import health
from hermes_kanban import kernel as kb
from hermes_kanban.kernel.hosts import live_hosts
from hermes_kanban.suggestions import commands_in

Level = Literal["fault", "asks", "note"]

LOOKED_AT: Final = 200
SHOWN: Final = 20
_TEXT: Final = 300
# Ready tasks that wait for these are as they should be.
_AS_PLANNED: Final = frozenset(
    {
        *("scheduled", "backing_off", "max_in_progress", "profile_cap", "tenant_cap"),
        *("resource", "earlier_process", "folder_in_use", "elsewhere"),
    }
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing: a ``fault`` stops work, an ``asks`` waits for a person, a ``note`` is told.

    ``tasks`` are those that it is about, the first of ``count``. ``commands`` are the ways out.
    """

    code: str
    level: Level
    text: str
    commands: list[str]
    tasks: list[str] = []
    count: int = 0
    since: int | None = None


def diagnose(conn: kb.BoardConnection) -> list[Finding]:
    """Everything that is found, faults first; empty for a board that needs nobody."""
    order = {"fault": 0, "asks": 1, "note": 2}
    found = [*_of_the_board(conn), *_not_started(conn), *_asked(conn), *_deliveries(conn)]
    return sorted(found, key=lambda one: order[one.level])


def _of_the_board(conn: kb.BoardConnection) -> Iterator[Finding]:
    board = kb.get_board(conn)
    if board.paused_at is not None:
        yield Finding(
            code="paused",
            level="fault",
            text=f"the board was paused by {board.paused_by}; nothing starts",
            commands=["hermes-kanban resume"],
            since=board.paused_at,
        )
    gateway = health.read(conn.paths, conn.clock.now())
    if gateway is None and live_hosts(conn):
        return  # others start the tasks of this board
    if gateway is None:
        ready = kb.stats(conn).tasks["ready"]
        waiting = f"{ready} ready {'task waits' if ready == 1 else 'tasks wait'} for one"
        yield Finding(
            code="no_gateway",
            level="fault" if ready else "note",
            text=f"no gateway is running; {waiting if ready else 'nothing waits for one now'}",
            commands=["hermes-kanban up"],
        )
        return
    for text in gateway.degraded:
        commands = ["hermes-kanban gateway status"]
        yield Finding(code="degraded", level="fault", text=text, commands=commands)


def _not_started(conn: kb.BoardConnection) -> Iterator[Finding]:
    """Ready tasks that nothing will start, by what holds them."""
    ready = [task.id for task in kb.list_tasks(conn, status="ready", limit=LOOKED_AT)]
    by_code: dict[str, list[tuple[str, kb.Hold]]] = {}
    for task_id, holds in kb.why_each(conn, ready).items():
        for hold in holds:
            if hold.code not in _AS_PLANNED and hold.code != "paused":
                by_code.setdefault(hold.code, []).append((task_id, hold))
    for code, held in by_code.items():
        first, hold = held[0]
        ways = commands_in(hold.lifted_by)
        more = f"{'at least ' if len(ready) == LOOKED_AT else ''}{len(held) - 1} more"
        others = f", and {more} like it" if len(held) > 1 else ""
        otherwise = "" if ways else f"; lifted by: {hold.lifted_by}"
        yield Finding(
            code=code,
            level="fault",
            text=f"{first} does not start: {hold.text}{otherwise}{others}",
            commands=[*ways, f"hermes-kanban why {first}"],
            tasks=[task_id for task_id, _ in held[:SHOWN]],
            count=len(held),
            since=min((hold.since for _, hold in held if hold.since is not None), default=None),
        )


def _asked(conn: kb.BoardConnection) -> Iterator[Finding]:
    """What waits for a person, oldest first."""
    waiting = kb.attention(conn, limit=SHOWN)
    for item in [*waiting.items, *waiting.late[:SHOWN]]:
        task_id = item.card.id
        yield Finding(
            code=item.kind,
            level="asks",
            text=f"{_ASKS[item.kind]}: {item.text.strip()[:_TEXT] or 'it says nothing'}",
            commands=[one.format(id=task_id, run=item.run_id) for one in _WAYS[item.kind]],
            tasks=[task_id],
            count=1,
            since=item.since,
        )
    if waiting.after is not None:
        more = ["hermes-kanban list --status blocked --status review"]
        yield Finding(
            code="more", level="asks", text="more than these wait for a person", commands=more
        )
    unaccepted = kb.list_tasks(conn, status="triage", limit=LOOKED_AT)
    if unaccepted:
        first = unaccepted[0].id
        yield Finding(
            code="triage",
            level="asks",
            text=f"{_counted(len(unaccepted))} in triage to be accepted",
            commands=[f"hermes-kanban accept {first}", "hermes-kanban list --status triage"],
            tasks=[task.id for task in unaccepted[:SHOWN]],
            count=len(unaccepted),
        )


_ASKS: Final = {
    "question": "it is blocked and asks",
    "review": "it waits for a review",
    "gave_up": "it was given up after its retries",
    "late_result": "a result came too late and waits to be taken over",
}
_WAYS: Final = {
    "question": ("hermes-kanban unblock {id} --reason ANSWER",),
    "review": ("hermes-kanban approve {id}", "hermes-kanban request-changes {id} COMMENT"),
    "gave_up": ("hermes-kanban log {id}", "hermes-kanban unblock {id}"),
    "late_result": (
        "hermes-kanban adopt {id} --run {run}",
        "hermes-kanban dismiss {id} --run {run}",
    ),
}


def _counted(count: int) -> str:
    more = "at least " if count == LOOKED_AT else ""
    return f"{more}{count} {'task waits' if count == 1 else 'tasks wait'}"


def _deliveries(conn: kb.BoardConnection) -> Iterator[Finding]:
    from hermes_kanban.kernel.outbox import list_outbox

    dead = list_outbox(conn, state="dead", limit=SHOWN, newest_first=True)
    if dead:
        yield Finding(
            code="undelivered",
            level="fault",
            text=f"a message could not be delivered: {(dead[0].reason or 'no reason')[:_TEXT]}",
            commands=[
                f"hermes-kanban notify retry {dead[0].id}",
                "hermes-kanban notify outbox --state dead",
            ],
            count=len(dead),
        )
