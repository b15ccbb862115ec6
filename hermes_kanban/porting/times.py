"""Times as other trackers write them."""

from __future__ import annotations

from datetime import UTC, datetime

from hermes_kanban.model.errors import InvalidInput


def seconds(text: str | float | None, where: str) -> int | None:
    """Unix seconds of ISO 8601, of a date, or of a number, in milliseconds where it is that large.

    Without a zone it is UTC. Raises InvalidInput, with ``where`` it stands.
    """
    if text is None or text == "":
        return None
    try:
        if isinstance(text, (int, float)) or (
            text.strip().replace(".", "", 1).isdecimal() and "-" not in text
        ):
            number = float(text)
        else:
            moment = datetime.fromisoformat(_to_microseconds(text.strip()))
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        return int(number / 1000 if number > 100_000_000_000 else number)
    except (ValueError, OverflowError):
        raise InvalidInput(where, "ISO 8601 or Unix seconds", f"has the time {text!r}") from None


def _to_microseconds(text: str) -> str:
    """Python reads six digits of a second; Go and Rust write nine."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6]}{tail[digits:]}"
