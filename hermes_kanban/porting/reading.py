"""What every reader takes and gives, and how it turns a foreign status into one of ours."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, cast, get_args

import msgspec

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.foreign import ForeignStatus, ForeignTask

OURS: Final[tuple[str, ...]] = get_args(ForeignStatus)
AT_WORK: Final = "it was at work there: it is ready here, and whoever takes it begins anew"


class Choices(msgspec.Struct, frozen=True):
    """What the one who imports chose for reading: statuses by name, and columns of a table."""

    statuses: Mapping[str, str] = {}
    columns: Mapping[str, str] = {}


class Reading(NamedTuple):
    """A source's own name, its tasks, and what there is to say of it as a whole.

    ``notes`` grow while the tasks are read.
    """

    name: str
    tasks: Iterator[ForeignTask]
    notes: list[str]


@functools.lru_cache(maxsize=1024)
def plain(word: str) -> str:
    """A status as it is compared: case, blanks, dashes and underscores tell nothing."""
    return "".join(part for part in word.lower() if part.isalnum())


def status_of(
    word: str, known: Mapping[str, str], chosen: Mapping[str, str], where: str
) -> ForeignStatus:
    """Our status for a foreign one: as it was chosen, or as ``known`` says. Raises InvalidInput."""
    wanted = {plain(name): ours for name, ours in chosen.items()}.get(plain(word))
    found = wanted or {plain(name): ours for name, ours in known.items()}.get(plain(word))
    if found is None:
        allowed = f"{', '.join(known)}; or say what it means: --status {word!r}=ready"
        raise InvalidInput(where, allowed, f"has the unknown status {word!r}")
    if found not in OURS:
        raise InvalidInput("--status", ", ".join(OURS), f"{word}={found} names no status")
    return cast("ForeignStatus", found)
