"""When a delivery is due: digests, quiet hours, and the options of a subscription that say so.

Options are fixed for the life of a subscription. They are

- ``inherit``: the tasks below are subscribed too, those that come later as well;
- ``digest_seconds``: what comes within that time of the first goes in one message;
- ``quiet``: ``from`` and ``to`` (``"22:00"``) in a ``zone`` (``"Europe/Berlin"``), between which
  nothing is due;
- ``wake``: the profile that gets a task with the hand-over.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from hermes_kanban.kernel import limits
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Subscription

DIGEST_SECONDS_MAX: Final = 86_400
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from"}):
    """Between these times of the day, in that zone, nothing is due; ``to`` may be tomorrow's."""

    start: str
    to: str
    zone: str


class Options(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """How a subscription is delivered; the defaults are those of one without options."""

    inherit: bool = False
    digest_seconds: int | None = None
    quiet: Quiet | None = None
    wake: str | None = None


PLAIN: Final = Options()


def check_options(options: dict[str, Any] | None) -> Options:
    """The options, or InvalidInput."""
    if options is None:
        return PLAIN
    given = {key: value for key, value in options.items() if value is not None}
    try:
        checked = msgspec.convert(given, Options)
    except msgspec.ValidationError as error:
        allowed = "inherit, digest_seconds, quiet {from, to, zone}, wake"
        raise InvalidInput("options", allowed, f"cannot be read ({error})") from None
    limits.whole("options.digest_seconds", checked.digest_seconds, 1, DIGEST_SECONDS_MAX)
    limits.name("options.wake", checked.wake)
    if checked.quiet is not None:
        _check_quiet(checked.quiet)
    return checked


def _check_quiet(quiet: Quiet) -> None:
    for name, value in (("from", quiet.start), ("to", quiet.to)):
        if not _CLOCK.fullmatch(value):
            raise InvalidInput(f"options.quiet.{name}", "a time such as 22:00", f"is {value!r}")
    if quiet.start == quiet.to:
        raise InvalidInput("options.quiet.to", "another time than from", f"is {quiet.to}")
    if _zone(quiet.zone) is None:
        allowed = "a time zone of this machine, such as Europe/Berlin or UTC"
        raise InvalidInput("options.quiet.zone", allowed, f"is {quiet.zone!r}")


def encode_options(options: Options) -> str | None:
    """As they are stored; None for those of a subscription without options."""
    if options == PLAIN:
        return None
    return msgspec.json.encode(msgspec.to_builtins(options), order="sorted").decode()


def options_of(sub: Subscription) -> Options:
    """The options of a subscription; damaged ones, which ``check`` tells of, count for nothing."""
    return PLAIN if sub.options is None else _decoded(msgspec.json.encode(sub.options))


@lru_cache(maxsize=1_024)
def _decoded(encoded: bytes) -> Options:
    try:
        return msgspec.json.decode(encoded, type=Options)
    except msgspec.MsgspecError:
        return PLAIN


def decode_options(encoded: str | None) -> Options:
    """The options of a row."""
    return PLAIN if encoded is None else _decoded(encoded.encode("utf-8", "replace"))


def due_at(options: Options, at: int) -> int:
    """When something is due that could go at ``at``: then, or at the end of the quiet hours."""
    return at if options.quiet is None else _after_quiet(options.quiet, at)


def _after_quiet(quiet: Quiet, at: int) -> int:
    zone = _zone(quiet.zone)
    if zone is None:
        return at
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.to)
    local = datetime.fromtimestamp(at, zone)
    now = local.time().replace(tzinfo=None)
    over_midnight = start > end
    if not (now >= start or now < end if over_midnight else start <= now < end):
        return at
    day = local.date() + timedelta(days=1 if over_midnight and now >= start else 0)
    return _moment(day, end, zone, at)


def _moment(day: date, end: time, zone: ZoneInfo, after: int) -> int:
    """That time of that day. A time that the clock shows twice is the first one still to come;
    one that it skips is as much later as it skips."""
    for fold in (0, 1):
        found = int(datetime.combine(day, end.replace(fold=fold), tzinfo=zone).timestamp())
        if found > after:
            break
    return found


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return None
