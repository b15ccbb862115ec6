"""What people type: times, spans, long texts, JSON, and ids that a worker may leave out."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import IO, Any, Final

import click

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.surfaces.cli.session import Session

# More than any text that the board takes; the rest of a larger file is not read.
MOST_BYTES: Final = 1024 * 1024

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(r"(?:\d{1,9}[smhdw])+")
_PART: Final = re.compile(r"(\d+)([smhdw])")
_SPANS: Final = "seconds, or a span such as 90s, 30m, 2h30m, 1d"
_TIMES: Final = "now, a span from now such as +30m, Unix seconds, or ISO 8601"


RESUME: Final = click.Option(
    ["--resume/--fresh", "resume"],
    default=None,
    help="The next run goes on with the last conversation, or starts afresh. Default: the profile.",
)


def seconds_of(field: str, text: str) -> int:
    """``90``, ``30m``, ``2h30m`` as seconds."""
    if text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    if not _SPAN.fullmatch(text):
        raise InvalidInput(field, _SPANS, f"is {text!r}")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def time_of(field: str, text: str, now: int) -> int | None:
    """Unix seconds of a moment; None for ``now``. A time without a zone is this machine's."""
    text = text.strip()
    if text == "now":
        return None
    if text.startswith("+"):
        return now + seconds_of(field, text[1:])
    if text.isascii() and text.isdecimal() and len(text) not in (4, 8):  # 2031, 20310504
        return int(text)
    from datetime import datetime

    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(field, _TIMES, f"is {text!r}") from None


class Span(click.ParamType[int]):
    """An option that takes a span of time, in seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        return seconds_of(f"--{param.name if param else 'time'}".replace("_", "-"), value)


SPAN: Final = Span()


def long_text(field: str, value: str | None, *, files: bool = True) -> str | None:
    """``-`` is standard input and ``@file`` a file; anything else is the text itself.

    What was said in a chat is always the text itself: files here are nobody's there.
    """
    if not _context().ensure_object(Session).at_terminal:
        return value
    if value == "-":
        return _decoded(field, _read(sys.stdin.buffer))
    if files and value is not None and value.startswith("@"):
        with open(value[1:], "rb") as stream:
            return _decoded(field, _read(stream))
    return value


def _read(stream: IO[bytes]) -> bytes:
    return stream.read(MOST_BYTES + 1)


def _decoded(field: str, data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise InvalidInput(field, f"{MOST_BYTES:,} bytes at the very most", "is larger")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidInput(field, "UTF-8 text", "is something else") from None


def json_object(field: str, value: str | None) -> dict[str, Any] | None:
    """A JSON object from the command line, a file or standard input."""
    text = long_text(field, value)
    if text is None:
        return None
    import msgspec

    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise InvalidInput(field, 'a JSON object such as {"tests": 12}', "is none") from None


def task_and(session: Session, words: Sequence[str], *rest: str) -> list[str]:
    """``[ID] REST…``: a worker may leave its own task's id out."""
    if len(words) == len(rest) + 1:
        return list(words)
    # Far from the board, a run's token says which task is meant.
    own = session.own_task() or ("" if session.afar else None)
    if own is not None and len(words) == len(rest):
        return [own, *words]
    shape = " ".join(["ID", *rest])
    quotes = "; put text of several words in quotes" if len(words) > len(rest) + 1 else ""
    raise click.UsageError(f"expected {shape}, got {len(words)} words{quotes}", _context())


def task_id(session: Session, given: str | None) -> str:
    """The id, or that of the worker's own task."""
    return task_and(session, [given] if given else [])[0]


def task_ids(session: Session, given: Sequence[str]) -> list[str]:
    """One or more ids; for a worker that names none, its own task's."""
    return list(dict.fromkeys(given)) if given else [task_id(session, None)]


def _context() -> click.Context:
    return click.get_current_context()


ONE: Final = click.Argument(["task"], required=False, metavar="[ID]")
MANY: Final = click.Argument(["tasks"], nargs=-1, metavar="ID...")


def words(metavar: str) -> click.Argument:
    """Positional words that ``task_and`` sorts out."""
    return click.Argument(["words"], nargs=-1, metavar=metavar)
