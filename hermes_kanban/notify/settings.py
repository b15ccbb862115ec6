"""What is configured for destinations, as it is at this moment, and secrets kept out of reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import unquote

from hermes_kanban.config import load_last_good
from hermes_kanban.config.notify import NotifySettings
from hermes_kanban.config.secret import read_secret
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.paths import home
from hermes_kanban.redact import HIDDEN

TELLING_CHARACTERS: Final = 4
_APART: Final = re.compile(r"[/:@?&=#,;\s]+")

__all__ = ["check_name", "current", "hide", "needs", "not_installed", "read_secret"]


def current() -> NotifySettings:
    """The ``notify:`` section; cheap while nothing changed. Raises ConfigError."""
    return load_last_good(home()).notify


def check_name(kind: str, setting: str, name: str, known: Mapping[str, Any]) -> str:
    """A name of ``notify.<setting>``, or InvalidInput with those that there are."""
    if name in known:
        return name
    where = f"{kind}:<name>, with a name of notify.{setting} in the configuration"
    there = ", ".join(sorted(known)) or "none yet"
    if "://" in name or not name:
        # An address may have a secret in it, so it is not repeated.
        address = "has an address in it, which belongs in the configuration"
        problem = address if name else "names none"
        raise InvalidInput("destination", f"{where}; there are: {there}", problem)
    raise InvalidInput("destination", f"{where}; there are: {there}", f"{name!r} is not there")


def needs(package: str, extra: str) -> str:
    """What to do about a package that is not installed; empty if it is. Loads nothing."""
    if find_spec(package) is not None:
        return ""
    return f"{package} is not installed: pip install 'hermes-kanban[{extra}]'"


def not_installed(found: NotifySettings) -> list[str]:
    """A line for each section that is configured and whose package is not there."""
    mail = needs("aiosmtplib", "mail") if found.mail is not None else ""
    apprise = needs("apprise", "apprise") if found.apprise else ""
    sections = {"notify.mail": mail, "notify.apprise": apprise}
    return [f"{section}: {problem}" for section, problem in sections.items() if problem]


def hide(text: str, *secrets: str) -> str:
    """``text`` without the secrets, or any telling part of those that are addresses."""
    parts: set[str] = set()
    for secret in secrets:
        whole = secret.partition("://")[2] or secret
        for one in (secret, whole, *_APART.split(whole)):
            parts |= {one, unquote(one)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= TELLING_CHARACTERS:
            text = text.replace(part, HIDDEN)
    return text
