"""The page about runtimes says what the code does."""

from __future__ import annotations

from pathlib import Path

from hermes_kanban.workers.runtimes import runtime_named, runtime_names
from hermes_kanban.workers.runtimes.failures import EXIT_CODES, EXIT_STATUSES, TRY_LATER

PAGE = (Path(__file__).parents[2] / "docs" / "runtimes.md").read_text()
ROWS = {"hermes": "| Hermes |", "gemini": "| Gemini CLI |", "qwen": "| Qwen Code |"}


def _row(start: str) -> str:
    return next(line for line in PAGE.splitlines() if line.startswith(start))


def test_every_runtime_and_its_program_is_in_the_table() -> None:
    for name in runtime_names():
        row = _row(f"| `{name}` |")
        assert f"| `{runtime_named(name).program}` |" in row or name == "command"


def test_every_exit_code_that_means_something_is_named() -> None:
    assert EXIT_CODES.keys() == ROWS.keys()
    for name, codes in EXIT_CODES.items():
        for code in codes:
            assert str(code) in _row(ROWS[name]), (name, code)


def test_the_statuses_behind_exit_codes_are_right() -> None:
    for code, status in EXIT_STATUSES["gemini"].items():
        assert code == status % 256
    for code, status in ((145, 401), (173, 429), (247, 503)):
        assert EXIT_STATUSES["gemini"][code] == status
        assert f"{code} is {status}" in _row(ROWS["gemini"])


def test_what_means_try_again_later_is_named() -> None:
    assert sorted(TRY_LATER) == [429, 503, 529]
    assert "HTTP 429, 503 and 529 mean" in PAGE
