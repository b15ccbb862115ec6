"""What config/hermes-kanban.yaml says of each key; nowhere else is it said what a key means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).parents[2] / "config" / "hermes-kanban.yaml"

_SECTION: Final = re.compile(r"(\w+):")
_KEY: Final = re.compile(r"  (?:# )?(\w+):.*? # (.+)")
_BLOCK: Final = re.compile(r"# Keys of (\S+):")
_IN_BLOCK: Final = re.compile(r"#   ([\w, ]*\w)  +(\S.*)")
_GOES_ON: Final = re.compile(r"#    +(\S.*)")


def shown_settings(text: str | None = None) -> dict[str, str]:
    """What each key means, such as ``kanban.boards`` and ``profiles.NAME.argv``."""
    found: dict[str, str] = {}
    place = ""
    names: list[str] = []
    for line in (FILE.read_text("utf-8") if text is None else text).splitlines():
        if block := _BLOCK.fullmatch(line):
            place, names = block[1], []
        elif one := _IN_BLOCK.fullmatch(line):
            names = [f"{place}.{name}" for name in one[1].split(", ")]
            found |= dict.fromkeys(names, one[2])
        elif more := _GOES_ON.fullmatch(line):
            found |= {name: f"{found[name]} {more[1]}" for name in names}
        elif key := _KEY.fullmatch(line):
            found[f"{place}.{key[1]}"] = key[2]
        elif section := _SECTION.match(line):
            place, names = section[1], []
        else:
            names = []
    return found
