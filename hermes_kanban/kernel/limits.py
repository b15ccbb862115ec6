"""What a caller may write: sizes, characters and words, checked before anything is written."""

from __future__ import annotations

import functools
import os
import pwd
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hermes_kanban.model.errors import InvalidInput

TITLE_CHARACTERS: Final = 500
BODY_BYTES: Final = 256 * 1024
RESULT_BYTES: Final = 256 * 1024
SUMMARY_BYTES: Final = 16 * 1024
COMMENT_BYTES: Final = 64 * 1024
METADATA_BYTES: Final = 64 * 1024
REASON_BYTES: Final = 8 * 1024
NAME_CHARACTERS: Final = 200
SKILLS: Final = 64
LINKS_PER_RUN: Final = 1_000
COMMENTS_PER_RUN: Final = 200
ATTACHMENTS_PER_RUN: Final = 200
ATTACHMENT_BYTES: Final = 25 * 1024 * 1024
FILE_NAME_BYTES: Final = 255
# What one hand-over may bring: more would take longer to copy than a verb may.
ARTIFACTS: Final = 50
ARTIFACTS_BYTES: Final = 100 * 1024 * 1024
TASKS_PER_RUN: Final = 50
TASK_DEPTH: Final = 5
DELAY_SECONDS: Final = 10 * 366 * 24 * 3600
INTEGER: Final = 2**63 - 1

_SKILL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# An escape follows an even number of backslashes; after an odd one it is text about an escape.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}")
NOTIFIER: Final = "notifier"
# Of the events that tell what happened elsewhere, before a task was imported.
IMPORTER: Final = "importer"
_ACTOR: Final = re.compile(r"system|notifier|importer|(?:person|profile):\S.{0,199}")


def text(field: str, value: str | None, limit_bytes: int) -> str | None:
    """``value`` if it is clean UTF-8 of at most ``limit_bytes``; None stays None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput(field, "text", f"is a {type(value).__name__}")
    if "\x00" in value:
        raise InvalidInput(field, "text without NUL characters", "holds a NUL character")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidInput(field, "valid Unicode", "holds a lone surrogate") from None
    if size > limit_bytes:
        raise InvalidInput(field, f"{limit_bytes:,} bytes at most", f"has {size:,} bytes")
    return value


def required(field: str, value: str | None, limit_bytes: int) -> str:
    """Like ``text``, and it must say something."""
    checked = text(field, value, limit_bytes)
    if checked is None or not checked.strip():
        raise InvalidInput(field, f"text of 1 to {limit_bytes:,} bytes", "is empty")
    return checked


def title(value: str) -> str:
    """A task's title: one line of 1 to 500 characters."""
    checked = required("title", value, TITLE_CHARACTERS * 4)
    if len(checked) > TITLE_CHARACTERS:
        problem = f"has {len(checked)} characters"
        raise InvalidInput("title", f"{TITLE_CHARACTERS} characters at most", problem)
    if "\n" in checked or "\r" in checked:
        raise InvalidInput("title", "one line; put the rest into the body", "holds a line break")
    return checked


def resume(value: bool | None) -> int | None:
    """Whether a task's next run goes on with the last conversation, as its column has it."""
    if value not in (None, True, False):
        raise InvalidInput("resume", "true, false or null", f"is {value!r}")
    return None if value is None else int(value)


def resuming(value: bool | None) -> dict[str, Any]:
    """The change that a verb with a wish for the next run makes; none without one."""
    return {} if value is None else {"resume": resume(value)}


def name(field: str, value: str | None) -> str | None:
    """An assignee, tenant or the like: a short word."""
    if value is None:
        return None
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        allowed = "letters, digits and ._@+- (128 at most, no blank)"
        raise InvalidInput(field, allowed, f"{value!r} is no name")
    return value


def whole(field: str, value: int | None, low: int, high: int = INTEGER) -> int | None:
    """A whole number within bounds; None stays None."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        top = "" if high == INTEGER else f" to {high:,}"
        raise InvalidInput(field, f"a whole number from {low:,}{top}", f"is {value!r}")
    return value


def priority(value: int, field: str = "priority") -> int:
    """A priority; higher runs first."""
    checked = whole(field, value, -1_000_000, 1_000_000)
    return 0 if checked is None else checked


def skills(values: Iterable[str]) -> list[str]:
    """Skill names, each at most once, in the order given."""
    if isinstance(values, str):
        raise InvalidInput("skills", "a list of names", "is one text")
    found = list(dict.fromkeys(values))
    if len(found) > SKILLS:
        raise InvalidInput("skills", f"{SKILLS} at most", f"has {len(found)}")
    for skill in found:
        if not isinstance(skill, str) or not _SKILL.fullmatch(skill):
            allowed = "[a-z0-9][a-z0-9._-]{0,63}"
            raise InvalidInput("skills", allowed, f"holds {skill!r}")
    return found


def metadata(value: dict[str, Any] | None) -> str | None:
    """Metadata as the JSON text that is stored; None stays None."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidInput("metadata", "a JSON object", f"is a {type(value).__name__}")
    try:
        encoded = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidInput("metadata", "a JSON object", f"cannot be encoded ({error})") from None
    if _ESCAPED_NUL.search(encoded):
        raise InvalidInput("metadata", "JSON without NUL characters", "holds a NUL character")
    return text("metadata", encoded, METADATA_BYTES)


def word(field: str, value: str, allowed: Iterable[str]) -> str:
    """One of a closed set of words."""
    choices = tuple(allowed)
    if value not in choices:
        raise InvalidInput(field, ", ".join(choices), f"is {value!r}")
    return value


def actor(value: str | None) -> str:
    """Who acts: ``person:<name>``, ``profile:<name>``, ``system`` or ``notifier``.

    Default this login.
    """
    if value is None:
        return f"person:{login()}"
    if not isinstance(value, str) or not _ACTOR.fullmatch(value):
        raise InvalidInput("actor", "person:<name>, profile:<name> or system", f"is {value!r}")
    return value


def login() -> str:
    """The name of the person at this machine."""
    return os.environ.get("LOGNAME") or _account()


@functools.cache
def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
