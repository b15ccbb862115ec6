"""Whether what was printed is what a page says, where times and names differ from day to day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

ANY: Final = "…"
TASK: Final = re.compile(r"\bt_[a-z0-9]{6,}\b")
# What is different each time, and looks the same.
_KINDS: Final = (
    (
        re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?"),
        r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?",
    ),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), r"\d\d:\d\d:\d\d"),
    (re.compile(r"\b\d{8}T\d{6}Z\b"), r"\d{8}T\d{6}Z"),
    (
        re.compile(r"\b(?:\d+[dhms] )?\d+[dhms] ago\b|\bnow\b"),
        r"(?:(?:\d+[dhms] )?\d+[dhms] ago|now)",
    ),
    (
        re.compile(r"(?<![\w.])(?:\d+[dhms] )?\d+(?:\.\d+)? ?(?:ms|[dhms])\b(?! ago)"),
        r"(?:\d+[dhms] )?\d+(?:\.\d+)? ?(?:ms|[dhms])",
    ),
    (re.compile(r"\s+"), r"\s+"),
    (re.compile(ANY), r".*"),
)
_PART: Final = re.compile("|".join(f"(?:{kind.pattern})" for kind, _ in _KINDS))


class Names:
    """What a page names, and what that is called here: tasks, and the ``words`` given."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words
        self.tasks: dict[str, str] = {}

    def real(self, text: str) -> str:
        """What the page says, with what it is here."""
        text = TASK.sub(lambda found: self.tasks.get(found[0], found[0]), text)
        for said, real in self._words.items():
            text = text.replace(said, real)
        return text

    def matches(self, expected: list[str], printed: list[str]) -> bool:
        """Whether the lines are those; if so, tasks that were not named before are now known."""
        known = self._lines(expected, [line for line in printed if line.strip()], self.tasks)
        if known is None:
            return False
        self.tasks = known
        return True

    def _lines(
        self, expected: list[str], printed: list[str], tasks: dict[str, str]
    ) -> dict[str, str] | None:
        if not expected:
            return None if printed else tasks
        if expected[0].strip() == ANY:
            for start in range(len(printed) + 1):
                if (known := self._lines(expected[1:], printed[start:], tasks)) is not None:
                    return known
            return None
        if not printed or (known := self._line(expected[0], printed[0], tasks)) is None:
            return None
        return self._lines(expected[1:], printed[1:], known)

    def _line(self, expected: str, printed: str, tasks: dict[str, str]) -> dict[str, str] | None:
        fresh: list[str] = []
        pattern, rest = "", expected.strip()
        for part in re.split(f"({TASK.pattern})", rest):
            if TASK.fullmatch(part) and part in fresh:
                pattern += f"(?P=n{fresh.index(part)})"
            elif TASK.fullmatch(part) and part not in tasks:
                pattern += f"(?P<n{len(fresh)}>{TASK.pattern})"
                fresh.append(part)
            else:
                pattern += self._pattern(tasks.get(part, part))
        found = re.fullmatch(pattern, printed.strip())
        if found is None:
            return None
        return tasks | {said: found[f"n{number}"] for number, said in enumerate(fresh)}

    def _pattern(self, text: str) -> str:
        for said, real in self._words.items():
            text = text.replace(said, real)
        pattern, at = "", 0
        for part in _PART.finditer(text):
            pattern += re.escape(text[at : part.start()])
            pattern += next(said for kind, said in _KINDS if kind.fullmatch(part[0]))
            at = part.end()
        return pattern + re.escape(text[at:])
