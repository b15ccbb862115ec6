"""Destinations in a chat: ``matrix:<room>``, ``telegram:<chat>``, ``slack:``, ``discord:``.

They are sent by the adapter of that platform, which a gateway runs. A bare scheme is the platform's
home, which the configuration names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.notify import PLATFORMS

ADDRESS_CHARACTERS: Final = 255


def homes(config: Any) -> dict[str, str]:
    """The home of each platform that has one, from ``chat.<platform>.home``."""
    chat = getattr(config, "chat", None)
    found = {name: getattr(getattr(chat, name, None), "home", None) for name in PLATFORMS}
    return {name: str(home) for name, home in found.items() if home}


def check(platform: str, address: str, homes: Mapping[str, str]) -> str:
    """The address as it is stored, or InvalidInput; without one, that of the platform's home."""
    address = address or homes.get(platform, "")
    allowed = f"{platform}:<where>, or {platform} alone with a home in chat.{platform}.home"
    if not address:
        raise InvalidInput("destination", allowed, "names no place, and no home is configured")
    if len(address) > ADDRESS_CHARACTERS or not address.isprintable() or " " in address:
        raise InvalidInput("destination", allowed, f"{address!r} is no place")
    return address
