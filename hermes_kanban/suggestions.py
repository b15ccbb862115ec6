"""The commands that a sentence suggests."""

from __future__ import annotations

import re
from typing import Final

# Up to what ends a command within a sentence.
COMMAND: Final = re.compile(r"hermes-kanban(?: (?:\"[^\"]*\"|[^\s,;()\"]+))+")


def commands_in(text: str) -> list[str]:
    """Each command in ``text``, as it is to be given."""
    return COMMAND.findall(text)
