"""When a provider will answer again, read from what a client reports as its error.

Only the text of an error that the client itself reports is ever read here, never what an agent
says. The forms below were seen in the wild; each names who writes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

# Beyond the longest window of any plan: a number that was misread.
HORIZON_SECONDS: Final = 35 * 86_400
# Clocks without seconds are cut to the minute, so a reset may seem just over.
JUST_OVER_SECONDS: Final = 120

_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_UNIT: Final = (
    r"(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)"
)
_AMOUNT: Final = re.compile(rf"(\d+(?:\.\d+)?) ?{_UNIT}(?![a-z])", re.IGNORECASE)
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# Claude Code up to 1.0: "Claude AI usage limit reached|1762952400".
_EPOCH: Final = re.compile(r"\|(\d{10})\b")
# OpenAI "Please try again in 1m30s", Gemini "Please retry in 34.07s" and "quota will reset after
# 5h3m2s", Codex "Try again in 5 days 3 hours", Claude Code "resets in 1d 5h".
_IN: Final = re.compile(
    rf"\b(?:again|retry|resets?) (?:in|after) "
    rf"((?:\d+(?:\.\d+)? ?{_UNIT}(?![a-z])(?:,| and)? ?)+)",
    re.IGNORECASE,
)
# A header that a client prints with its error.
_HEADER: Final = re.compile(r"\bretry-after\W{1,4}(\d{1,7})\b", re.IGNORECASE)
# "reset at 2026-11-25T03:00:00Z"
_ISO: Final = re.compile(
    r"\b(?:again|retry|resets?)(?: at| on| after)? "
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
# Claude Code "resets 5pm (Europe/Berlin)", "resets Mon 12:00am", "resets Sep 24 at 3pm (…)";
# Codex "try again at 7:51 PM", "try again at Jul 9th, 2026 1:47 AM".
_CLOCK: Final = re.compile(
    rf"""\b(?:resets?|again)(?:\ at|\ on)?\ +
    (?:(?P<weekday>{"|".join(_DAYS)})[a-z]*,?\ +)?
    (?:(?P<month>{"|".join(_MONTHS)})[a-z]*\ +(?P<day>\d{{1,2}})(?:st|nd|rd|th)?
       (?:,?\ +(?P<year>\d{{4}}))?,?(?:\ at)?)?
    (?:\ *(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?\ *(?P<half>[ap]m)?)?
    (?:\ *\((?P<zone>[A-Za-z0-9_+/-]+)\))?""",
    re.IGNORECASE | re.VERBOSE,
)


def reset_time(text: str, now: int) -> int | None:
    """Unix seconds of the reset that ``text`` names; None if it names none that can be true.

    A clock without a zone is that of this machine.
    """
    for read in (_epoch, _duration, _header, _iso, _clock):
        found = read(text, now)
        if found is not None and now - JUST_OVER_SECONDS <= found <= now + HORIZON_SECONDS:
            return max(found, now)
    return None


def _epoch(text: str, _: int) -> int | None:
    found = _EPOCH.search(text)
    return int(found[1]) if found else None


def _duration(text: str, now: int) -> int | None:
    found = _IN.search(text)
    if found is None:
        return None
    parts = _AMOUNT.findall(found[1])
    return now + math.ceil(sum(float(number) * _unit(unit) for number, unit in parts))


def _unit(name: str) -> float:
    name = name.lower()
    milliseconds = name == "ms" or name.startswith("milli")
    return _UNIT_SECONDS["ms" if milliseconds else name[0]]


def _header(text: str, now: int) -> int | None:
    found = _HEADER.search(text)
    return now + int(found[1]) if found else None


def _iso(text: str, _: int) -> int | None:
    found = _ISO.search(text)
    if found is None:
        return None
    return _seconds(lambda: datetime.fromisoformat((found[1] + (found[2] or "")).upper()))


def _clock(text: str, now: int) -> int | None:
    for found in _CLOCK.finditer(text):
        if not (found["month"] or (found["hour"] and (found["half"] or found["minute"]))):
            continue
        zone = _zone(found["zone"])
        return _seconds(lambda: _moment(found, datetime.fromtimestamp(now, zone)))  # noqa: B023
    return None


def _moment(found: re.Match[str], here: datetime) -> datetime:
    """The next moment on that clock, seen from ``here``."""
    hour = int(found["hour"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    at = here.replace(hour=hour, minute=int(found["minute"] or 0), second=0, microsecond=0)
    if found["month"]:
        month = _MONTHS.index(found["month"].lower()) + 1
        at = at.replace(year=int(found["year"] or here.year), month=month, day=int(found["day"]))
        return at.replace(year=at.year + 1) if not found["year"] and (here - at).days > 180 else at
    if found["weekday"]:
        at += timedelta(days=(_DAYS.index(found["weekday"].lower()) - at.weekday()) % 7)
    over = at < here - timedelta(seconds=JUST_OVER_SECONDS)
    return at + timedelta(days=7 if found["weekday"] else 1) if over else at


def _zone(name: str | None) -> tzinfo | None:
    """The zone of that name; None, which is this machine's, where it is not known here."""
    if name is None:
        return None
    if name.upper() in ("UTC", "GMT"):
        return UTC
    from zoneinfo import ZoneInfo  # slow to import, and rarely needed

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def _seconds(moment: Callable[[], datetime]) -> int | None:
    """Its Unix seconds; None for a date that there is not."""
    try:
        return int(moment().timestamp())
    except (ValueError, OverflowError, OSError):
        return None
