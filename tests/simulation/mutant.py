"""What a mutant is: a rule of the kernel, and the text that switches it off."""

from __future__ import annotations

from typing import NamedTuple


class Edit(NamedTuple):
    """Exactly one place of a file below ``hermes_kanban/``."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """One rule switched off.

    ``tolerates`` lets the violations pass that a first line of defence would be told by, so that
    the second line behind it is put to the test.
    """

    name: str
    rule: str
    edits: tuple[Edit, ...]
    tolerates: str = ""


def mutant(
    name: str, rule: str, file: str, old: str, new: str, *more: Edit, tolerates: str = ""
) -> Mutant:
    return Mutant(name, rule, (Edit(file, old, new), *more), tolerates)
