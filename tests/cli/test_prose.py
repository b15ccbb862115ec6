"""Lines of text broken to a width in cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_kanban import present
from hermes_kanban.suggestions import commands_in
from hermes_kanban.surfaces.cli.prose import wrap


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two three", ["one two", "  three"]),
        ("  one two three", ["  one", "  two", "  three"]),
        ("https://example.org/long", ["https://example.org/long"]),
        ("see https://example.org/long", ["see", "  https://example.org/long"]),
        ("日本語のタイ", ["日本語の", "  タイ"]),
        ("ab 日本語", ["ab", "  日本語"]),
    ],
)
def test_it_is_broken_between_words(text: str, lines: list[str]) -> None:
    assert wrap(text, 8, hanging="  ") == lines


@given(st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=80))
def test_nothing_is_lost_and_nothing_is_wider(text: str) -> None:
    lines = wrap(text, 20, hanging="  ")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    wide = [line for line in lines if present.cells(line) > 20]
    assert all(len(line.split()) == 1 and line.strip().isascii() for line in wide)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("time, or hermes-kanban schedule t_a now", ["hermes-kanban schedule t_a now"]),
        ('file one: hermes-kanban create "A b" --at +1h', ['hermes-kanban create "A b" --at +1h']),
        ("hermes-kanban unlink a b, then hermes-kanban unblock b", None),
        ("hermes-kanban assign t_a PROFILE (one of b, c)", ["hermes-kanban assign t_a PROFILE"]),
        ("hermes-kanban is gone", ["hermes-kanban is gone"]),
    ],
)
def test_a_command_is_found_in_a_sentence(text: str, commands: list[str] | None) -> None:
    assert commands_in(text) == (
        commands or ["hermes-kanban unlink a b", "hermes-kanban unblock b"]
    )
