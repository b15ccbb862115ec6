"""Every kind of event of the board."""

from __future__ import annotations

from typing import Final

from hermes_kanban.lifecycle import TABLE
from hermes_kanban.model.event_kinds import EVENTS, PAYLOAD
from hermes_kanban.model.words import BOARD_EVENTS, CLOSING_EVENTS
from hermes_kanban.reference.markdown import Page, code, codes, table


def _body() -> str:
    payload = table(("key", "meaning"), [(code(key), PAYLOAD[key]) for key in sorted(PAYLOAD)])
    return f"{''.join(map(_section, sorted(EVENTS)))}\n## The keys of payloads\n\n{payload}"


def _section(name: str) -> str:
    kind = EVENTS[name]
    verbs = dict.fromkeys(row.verb for row in TABLE if row.event == name)
    told = [kind.meaning]
    if name in BOARD_EVENTS:
        told.append("It is about the board.")
    if name in CLOSING_EVENTS:
        told.append("Where it names a run, it closes it.")
    if verbs:
        told.append(f"Written by {codes(verbs)}.")
    return f"\n## {name}\n\n{' '.join(told)}\n\nPayload: {codes(kind.payload)}\n"


PAGE: Final = Page(
    "board-events.md",
    "Events of the board",
    """\
Every kind of event, what it means and what its payload says. An event has an `id` that rises
with the order of commits, `created_at` in Unix seconds, an `actor`, a `kind`, and where it has
them `task_id` and `run_id`. `task`, `run`, `link` and `board` of a payload are the columns that
the transaction changed, with their new values. `hermes-kanban events` and `tail` show them,
`GET /events` and the live socket tell them ([addresses over HTTP](rest.md)), and subscriptions
ask for them by kind. An event that `check --fix` wrote has `mended` and a `reason` too.""",
    _body,
)
