"""How a chat platform is, in the words of the health record."""

from __future__ import annotations

from typing import Final

CONNECTED: Final = "connected"
CONNECTING: Final = "connecting"
STANDBY: Final = "sends only; another gateway listens"
WELL: Final = (CONNECTED, CONNECTING, STANDBY)
"""The states in which nobody has to do anything; the others say what is wrong."""
