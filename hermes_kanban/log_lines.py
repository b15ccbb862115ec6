"""A line of the gateway's log as people read it: when, how grave, what, about what, and the facts.

On a terminal the time is enough, since each day begins with a line of its own; in a pipe every line
has its date, and is one line however long it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from hermes_kanban import present
from hermes_kanban.log_events import EXCEPTION, FRAME, KEYS, LOG_EVENTS

EVENT_WIDTH: Final = 19
_MARKS: Final = {"warning": "!", "error": "!!"}
_COLOURS: Final = {"debug": "dim", "info": "cyan", "warning": "yellow", "error": "red"}
_OUTCOMES: Final = present.OUTCOME_COLOURS
_SUMMARY: Final = "dispatch.tick"
# What no line of its own tells.
_ONLY_THERE: Final = ("clock_shifted", "promoted", "unblocked", "lost")
_GROUP: Final = re.compile(r"\[([^\[\]]*)\]")  # splits into what is always there and what may be
_VALUE: Final = re.compile(r"\{(\w+)(:n)?\}")
_LEAST_TEXT: Final = 24
_DEFAULT_BOARD: Final = "default"


class LogLines:
    """Turns lines of the log into lines for people.

    ``dated`` gives every line its date; without it a line for the day comes before its first.
    """

    def __init__(self, *, colour: bool, dated: bool) -> None:
        self._colour = colour
        self._dated = dated
        self._day = ""

    def shown(self, line: Mapping[str, Any], width: int | None) -> Iterator[str]:
        """The lines for one line of the log; ``width`` is None where nothing is wrapped."""
        at = _moment(line.get("timestamp"))
        if not self._dated and at is not None and (day := f"{at:%A, %d %B %Y}") != self._day:
            self._day = day
            yield self._paint(day, "bold")
        yield from self._line(line, at, width)
        for row in str(line.get(EXCEPTION) or "").splitlines():
            yield self._paint(f"    {present.clean(row) if row.strip() else ''}", "dim")

    def garbage(self, text: str) -> Iterator[str]:
        """What is no line of the log, as it stands there."""
        yield self._paint(present.clean(text), "dim")

    def _line(
        self, line: Mapping[str, Any], at: datetime | None, width: int | None
    ) -> Iterator[str]:
        name, level = present.clean(str(line.get("event", "?"))), str(line.get("level", "info"))
        when = (
            "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} " if self._dated else f"{at:%H:%M:%S} "
        )
        what = f"{_MARKS.get(level, ''):<2} {name:<{EVENT_WIDTH}} "
        subject = _subject(line)
        text = "  ".join(part for part in (subject, facts(line)) if part)
        used = len(when) + len(what)
        first, *rest = [text] if width is None else _wrap(text, max(_LEAST_TEXT, width - used))
        if name == _SUMMARY:
            yield self._paint(f"{when}{what}{first}".rstrip(), "dim")
        else:
            told = self._with_outcome(line, self._with_subject(subject, first))
            named = self._paint(what, _COLOURS.get(level))
            yield f"{self._paint(when, 'dim')}{named}{told}".rstrip()
        for row in rest:
            yield f"{'':<{used}}{row}"

    def _with_subject(self, subject: str, text: str) -> str:
        if not subject or not text.startswith(subject):
            return text
        return f"{self._paint(subject, 'bold')}{text[len(subject) :]}"

    def _with_outcome(self, line: Mapping[str, Any], text: str) -> str:
        """The word for how a run ended, in the colour it has everywhere."""
        outcome = str(line.get("outcome") or "")
        if outcome not in _OUTCOMES:
            return text
        return text.replace(f" {outcome}", f" {self._paint(outcome, _OUTCOMES[outcome])}", 1)

    def _paint(self, text: str, colour: str | None) -> str:
        return present.paint(text, colour, self._colour)


def is_told_beside(line: Mapping[str, Any]) -> bool:
    """Whether it only counts what the lines before it have told one by one."""
    return line.get("event") == _SUMMARY and not any(line.get(key) for key in _ONLY_THERE)


def facts(line: Mapping[str, Any]) -> str:
    """What a line says beside its frame and its subject, in the words of ``LOG_EVENTS``."""
    event = LOG_EVENTS.get(str(line.get("event")))
    if event is None:
        rest = {key: value for key, value in line.items() if key not in (*FRAME, EXCEPTION)}
        return present.clean(", ".join(f"{key} {_value(key, rest[key])}" for key in rest))
    parts = [
        _filled(part, line)
        for at, part in enumerate(_GROUP.split(event.shown))
        if at % 2 == 0 or _has(part, line)
    ]
    return present.clean("".join(parts)).rstrip(",:; ")


def _has(group: str, line: Mapping[str, Any]) -> bool:
    return all(line.get(key) not in (None, "", [], {}) for key, _ in _VALUE.findall(group))


def _filled(text: str, line: Mapping[str, Any]) -> str:
    return _VALUE.sub(lambda found: _one(found[1], bool(found[2]), line), text)


def _one(key: str, counted: bool, line: Mapping[str, Any]) -> str:
    value = line.get(key)
    if value is None:
        return "?"
    return str(len(value)) if counted and isinstance(value, list) else _value(key, value)


def _value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and KEYS.get(key, _NO_KEY).unit == "seconds":
        return present.duration(value) if value >= 1 or not value else f"{value:.2g}s"
    if isinstance(value, list):
        return ", ".join(_value("", one) for one in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_value(str(name), one)}" for name, one in value.items())
    return str(value)


_NO_KEY: Final = KEYS["event_id"]


def _subject(line: Mapping[str, Any]) -> str:
    """The task and its profile; a board other than the default one is named."""
    board, task, profile = (line.get(key) for key in ("board", "task", "profile"))
    other = str(board) if board and board != _DEFAULT_BOARD else ""
    parts = [f"{other}/{task}" if other and task else str(task or other), str(profile or "")]
    return present.clean(" ".join(part for part in parts if part))


def _moment(stamp: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(stamp)).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _wrap(text: str, width: int) -> Iterator[str]:
    """Rows of at most ``width`` cells, broken at blanks where there are any."""
    while present.cells(text) > width:
        end = min(width, len(text))
        while present.cells(text[:end]) > width:
            end -= 1
        blank = text.rfind(" ", 1, end + 1)
        end = blank if blank > 0 else end
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    yield text
