"""What a broken invariant is."""

from __future__ import annotations

import os
from typing import Final


class Violation(Exception):
    """A broken invariant: its number or name, and what was seen."""

    def __init__(self, invariant: str, text: str) -> None:
        self.invariant, self.text = invariant, text
        super().__init__(f"invariant {invariant}: {text}")


TOLERATED: Final = os.environ.get("SIMULATION_TOLERATES", "")
"""Part of the text of violations that are let pass: for faults that a second rule must catch."""


def demand(holds: bool, invariant: str, text: str) -> None:
    """Raise a Violation unless it holds."""
    if not holds and not (TOLERATED and TOLERATED in text):
        raise Violation(invariant, text)
