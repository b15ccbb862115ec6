"""What one check found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

State = Literal["ok", "warning", "fault", "mended"]


class Finding(NamedTuple):
    """``state`` and one sentence; ``remedy`` is what to do, empty where nothing is needed.

    ``mend`` does that where it is safe for anybody.
    """

    state: State
    text: str
    remedy: str = ""
    mend: Callable[[], object] | None = None
    check: str = ""

    @classmethod
    def ok(cls, text: str) -> Finding:
        """All is well."""
        return cls("ok", text)

    @classmethod
    def warning(cls, text: str, remedy: str, mend: Callable[[], object] | None = None) -> Finding:
        """The board works, perhaps not as wished."""
        return cls("warning", text, remedy, mend)

    @classmethod
    def fault(
        cls, text: str, remedy: str = "", mend: Callable[[], object] | None = None
    ) -> Finding:
        """Something cannot work like this."""
        return cls("fault", text, remedy, mend)
