"""Which destinations there are: what is configured, and what needs no configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from hermes_kanban.config.notify import NotifySettings
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.notify import PLATFORMS, check_destination, settings

DESKTOP: Final = "desktop"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A destination as a subscription takes it; where ``open``, only its beginning.

    ``home`` is where a chat's bare name goes. ``problem`` is why nothing can be sent there now.
    """

    destination: str
    open: bool = False
    home: bool = False
    problem: str | None = None


def places(config: Any, *, commands: bool) -> list[Place]:
    """Chats and their homes first; ``commands`` are offered to who is on this machine alone."""
    found = [*_chats(config.chat), *_named(config.notify), *_mail(config.notify)]
    found += [_checked(DESKTOP), Place(destination="log")]
    if commands:
        found.append(Place(destination="command:", open=True))
    return found


def _chats(chat: Any) -> Iterator[Place]:
    for platform in PLATFORMS:
        if (of := getattr(chat, platform)) is None:
            continue
        home = None if of.home is None else str(of.home)
        for place in sorted(of.places, key=lambda one: (one != home, one)):
            yield Place(destination=f"{platform}:{place}", home=place == home)
        yield Place(destination=f"{platform}:", open=True)


def _named(notify: NotifySettings) -> Iterator[Place]:
    for name in sorted(notify.webhooks):
        yield _checked(f"webhook:{name}")
    for name in sorted(notify.apprise):
        # Its own check would load what nobody uses yet.
        problem = settings.needs("apprise", "apprise") or None
        yield Place(destination=f"apprise:{name}", problem=problem)


def _mail(notify: NotifySettings) -> Iterator[Place]:
    if notify.mail is None:
        return
    for recipient in notify.mail.recipients:
        if not recipient.startswith("@"):
            yield _checked(f"email:{recipient}")
    problem = settings.needs("aiosmtplib", "mail") or None
    yield Place(destination="email:", open=True, problem=problem)


def _checked(destination: str) -> Place:
    try:
        return Place(destination=check_destination(destination))
    except InvalidInput as refused:
        return Place(destination=destination, problem=refused.problem)
