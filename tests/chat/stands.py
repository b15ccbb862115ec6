"""What stands in for the platforms that cannot be run here."""

from __future__ import annotations

from typing import Any

from tests.chat.discord_stand import DiscordStand
from tests.chat.slack_stand import SlackStand
from tests.chat.telegram_stand import TelegramStand

STANDS: dict[str, Any] = {
    "telegram": TelegramStand,
    "slack": SlackStand,
    "discord": DiscordStand,
}
