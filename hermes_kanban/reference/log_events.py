"""Every event of the gateway's log."""

from __future__ import annotations

from typing import Final

from hermes_kanban.log_events import KEYS, LOG_EVENTS
from hermes_kanban.reference.markdown import Page, code, codes, prose, table


def _body() -> str:
    events = table(
        ("event", "level", "meaning", "keys"),
        [
            (code(name), event.level or "the library's", prose(event.meaning), codes(event.keys))
            for name, event in LOG_EVENTS.items()
        ],
    )
    keys = table(
        ("key", "type", "unit", "meaning"),
        [
            (code(name), key.type, key.unit, prose(key.meaning))
            for name, key in sorted(KEYS.items())
        ],
    )
    return f"## Events\n\n{events}\n## Keys\n\n{keys}"


PAGE: Final = Page(
    "log-events.md",
    "The gateway's log",
    """\
Every event that a gateway logs, with its level and its keys. `hermes-kanban gateway logs` shows
them as lines for people; `<home>/gateway.log` keeps them, an object of JSON a line, and becomes
`gateway.log.1` at 2 MiB. Each line has `timestamp` (ISO 8601, UTC), `level` and `event`, then
the keys below that are known, and `exception` with the trace of an error that nobody foresaw.
Secrets are hidden.""",
    _body,
)
