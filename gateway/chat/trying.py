"""One message to a chat from a process that has no adapter running: ``notify test``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import anyio

from gateway.chat import answers
from gateway.chat.adapter import Button, Context, Incoming, MissingPackage, Pressed, Reacted
from gateway.chat.platforms import make
from hermes_kanban import notify
from hermes_kanban.config import Config
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.notify.message import Message, Outcome
from hermes_kanban.redact import one_line, redact
from hermes_kanban.surfaces.slash import Reply

TRIAL_SECONDS: Final = 30.0


class _NoDesk:
    """Nobody listens, so there are no buttons."""

    async def said(self, incoming: Incoming) -> Reply | None:
        del incoming
        return None

    async def pressed(self, pressed: Pressed) -> Reply:
        del pressed
        return Reply("", ok=False)

    async def reacted(self, reacted: Reacted) -> Reply | None:
        del reacted
        return None

    def buttons(self, message: Message, place: str) -> Sequence[Button]:
        del message, place
        return []

    def numbered(self, message: Message) -> Sequence[str]:
        return [] if message.ask is None else [way.label for way in answers.ways(message.ask)]


async def send_once(config: Config, destination: str, message: Message, log: Any) -> Outcome:
    """Connect, send, leave; what goes wrong is an outcome with its reason."""
    platform, address = notify.split(destination)
    settings = getattr(config.chat, platform)
    if settings is None:
        return notify.dead(f"chat.{platform} is not configured")
    try:
        with anyio.fail_after(TRIAL_SECONDS), tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / platform
            context = Context(settings=settings, desk=_NoDesk(), keep=kept, log=log)
            async with make(platform, context) as adapter:
                return await adapter.send(address, message)
    except (ConfigError, MissingPackage) as error:
        return notify.dead(str(error))
    except Exception as error:
        return notify.retry(redact(one_line(str(error))) or type(error).__name__)
