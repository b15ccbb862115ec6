"""How times, durations, statuses and tables are shown to people; every surface of text asks here.

Light on purpose: a list on the command line must not pay for a table library. Whatever people or
agents wrote goes through ``clean`` (one line) or ``clean_text`` on its way to a terminal.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TextIO

COLUMNS_DEFAULT: Final = 80
COLUMNS_LEAST: Final = 40
_GAP: Final = 2
_LEAST_FLEXIBLE: Final = 8

_CODES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}
STATUS_COLOURS: Final = {
    "triage": "magenta",
    "todo": "dim",
    "ready": "cyan",
    "running": "yellow",
    "review": "blue",
    "blocked": "red",
    "done": "green",
    "archived": "dim",
}
OUTCOME_COLOURS: Final = {
    "completed": "green",
    "blocked": "red",
    "review": "blue",
    "crashed": "red",
    "timed_out": "red",
    "spawn_failed": "red",
    "protocol_violation": "red",
    "rate_limited": "yellow",
    "running": "yellow",
}


# What waits for nobody in particular; any other hold is a person's to lift.
_BY_ITSELF: Final = frozenset(
    {
        *("open_parent", "overlooked", "scheduled", "backing_off", "earlier_process"),
        *("folder_in_use", "max_in_progress", "profile_cap", "tenant_cap", "resource"),
        *("blocked_transient", "blocked_dependency", "elsewhere"),
    }
)
MARKS: Final = {"heading": "bold", "command": "cyan", "good": "green", "bad": "red"}


def hold_colour(code: str) -> str:
    """Yellow for a hold that ends by itself, red for one that waits for a person."""
    return "yellow" if code in _BY_ITSELF else "red"


# As the status or outcome that they bring about; the others are nobody's alarm.
EVENT_COLOURS: Final = {
    **dict.fromkeys(("completed", "approved", "adopted"), "green"),
    **dict.fromkeys(("claimed", "spawned", "rate_limited", "waiting"), "yellow"),
    **dict.fromkeys(("created", "promoted", "unblocked", "accepted", "reopened"), "cyan"),
    **dict.fromkeys(("review_requested", "changes_requested"), "blue"),
    **dict.fromkeys(("blocked", "crashed", "timed_out", "spawn_failed", "gave_up"), "red"),
    **dict.fromkeys(("protocol_violation", "reclaimed", "cancelled", "fenced", "host_lost"), "red"),
    "triaged": "magenta",
}


def clean(text: str) -> str:
    """``text`` on one line, without control characters and terminal sequences."""
    if text.isascii() and text.isprintable():
        return text
    from hermes_kanban.redact import one_line  # its patterns take longer to compile than a list

    return one_line(text)


def clean_text(text: str) -> str:
    """``text`` with its lines and tabs, without control characters and terminal sequences."""
    from hermes_kanban.redact import strip_control

    return strip_control(text)


def duration(seconds: float) -> str:
    """The two largest units of a span: ``45s``, ``4m 12s``, ``2h 5m``, ``3d 4h``."""
    whole = max(0, int(seconds))
    units = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
    for at, (name, size) in enumerate(units):
        if whole >= size or size == 1:
            first = f"{whole // size}{name}"
            if size == 1:
                return first
            next_name, next_size = units[at + 1]
            second = whole % size // next_size
            return f"{first} {second}{next_name}" if second else first
    raise AssertionError


def ago(at: int, now: int) -> str:
    """A moment from now's point of view: ``4m ago``, ``in 2h 5m``, ``now``."""
    if at == now:
        return "now"
    return f"{duration(now - at)} ago" if at < now else f"in {duration(at - now)}"


def moment(at: int) -> str:
    """A moment by this machine's clock: ``2031-05-04 09:30:05``."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def moment_and_ago(at: int, now: int) -> str:
    """Both: ``2031-05-04 09:30:05 (4m ago)``."""
    return f"{moment(at)} ({ago(at, now)})"


def wants_colour(stream: TextIO) -> bool:
    """Colours only on a terminal that knows them, and never with ``NO_COLOR`` set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(text: str, colour: str | None, enabled: bool = True) -> str:
    """``text`` in a colour, or as a mark is shown, if colours are wanted."""
    if not enabled or not colour:
        return text
    return f"\x1b[{_CODES[MARKS.get(colour, colour)]}m{text}\x1b[0m"


def columns(stream: TextIO) -> int:
    """The width to write for: the terminal's, else ``COLUMNS``, else 80."""
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        given = os.environ.get("COLUMNS", "")
        found = int(given) if given.isdecimal() else COLUMNS_DEFAULT
    return max(COLUMNS_LEAST, found or COLUMNS_DEFAULT)


def cells(text: str) -> int:
    """How many terminal cells ``text`` takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def shorten(text: str, width: int) -> str:
    """``text`` cut to ``width`` cells, with a mark where something was left out."""
    if cells(text) <= width:
        return text
    kept = text[: width - 1]
    while kept and cells(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def pad(text: str, width: int) -> str:
    """``text`` filled up with blanks to ``width`` cells."""
    return text + " " * (width - cells(text))


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    width: int = COLUMNS_DEFAULT,
    flexible: int = -1,
    colours: Mapping[int, Mapping[str, str]] | None = None,
    colour: bool = False,
) -> list[str]:
    """Lines of a plain table no wider than ``width``; column ``flexible`` gives way.

    ``colours`` maps a column to the colour of each of its values.
    """
    shown = [[clean(cell) for cell in row] for row in rows]
    flexible %= len(headers)
    widths = _widths(headers, shown, width, flexible)
    painters = {at: _painter(mapping) for at, mapping in (colours or {}).items() if colour}
    lines = [paint(_line(headers, widths, {}), "dim", colour)]
    lines += [_line(row, widths, painters) for row in shown]
    return lines


def _widths(headers: Sequence[str], rows: list[list[str]], width: int, flexible: int) -> list[int]:
    natural = [
        max([cells(header), *(cells(row[at]) for row in rows)]) for at, header in enumerate(headers)
    ]
    others = [at for at in range(len(natural)) if at != flexible]
    room = width - _GAP * len(others) - sum(natural[at] for at in others)
    # A table of long names gives way too, the widest column first.
    while room < _LEAST_FLEXIBLE and others:
        widest = max(others, key=lambda at: natural[at])
        if natural[widest] <= _LEAST_FLEXIBLE:
            break
        natural[widest] -= 1
        room += 1
    natural[flexible] = max(1, min(natural[flexible], max(room, 1)))
    return natural


def _painter(mapping: Mapping[str, str]) -> Callable[[str, str], str]:
    return lambda value, padded: paint(padded, mapping.get(value))


def _line(
    row: Sequence[str], widths: list[int], painters: Mapping[int, Callable[[str, str], str]]
) -> str:
    parts = []
    for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
        padded = pad(shorten(cell, width), width)
        parts.append(painters[at](cell, padded) if at in painters else padded)
    return (" " * _GAP).join(parts).rstrip()


def fields(pairs: Iterable[tuple[str, str | None]], *, colour: bool = False) -> list[str]:
    """Aligned ``name  value`` lines; empty values are left out."""
    kept = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in kept), default=0)
    return [
        f"{paint(f'{name:<{width}}', 'dim', colour)}  {clean(value or '')}" for name, value in kept
    ]


def command_lines(command: str, width: int, by: str = "  ") -> list[str]:
    """A command to be copied: broken before its options, as a shell takes it, if it is too wide."""
    lines = [by]
    for word in command.replace(" --", "\n--").split("\n"):
        if lines[-1].strip() and cells(f"{lines[-1]} {word} \\") > width:
            lines[-1] += " \\"
            lines.append(f"{by}  {word}")
        else:
            lines[-1] += word if not lines[-1].strip() else f" {word}"
    return lines


def indent(text: str, by: str = "  ") -> list[str]:
    """The lines of a longer text, each moved to the right."""
    return [f"{by}{line}".rstrip() for line in clean_text(text).splitlines()]
