"""The page of proof is whole: each fault and invariant has its row, each test it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hermes_kanban.kernel import invariants

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "proof.md").read_text("utf-8")
TEST = re.compile(r"`(tests/[\w/.]+\.py)::(\w+)`")
TABLES = {"Faults users met": 40, "Invariants": 30}


def rows(title: str) -> list[list[str]]:
    """The cells of the section's table, below its head."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("title", TABLES)
def test_each_has_its_row_and_no_row_has_an_empty_cell(title: str) -> None:
    found = rows(title)
    assert [row[0] for row in found] == [str(n) for n in range(1, TABLES[title] + 1)]
    assert [row[0] for row in found if len(row) != 4 or not all(row)] == []


@pytest.mark.parametrize("title", TABLES)
def test_each_row_names_a_test_a_reason_or_who_owes_it(title: str) -> None:
    for number, *_, shown_by in rows(title):
        cited = TEST.sub("", shown_by).split()
        assert not cited or re.match(r"(owed|cannot happen): \w+", shown_by), (number, shown_by)


def test_every_test_that_is_named_exists() -> None:
    named = set(TEST.findall(PAGE))
    assert len(named) > 100
    known = {file: functions(ROOT / file) for file in {file for file, _ in named}}
    assert [f"{file}::{name}" for file, name in sorted(named) if name not in known[file]] == []


def test_every_test_of_the_faults_is_named() -> None:
    room = {
        (f"tests/faults/{file.name}", name)
        for file in (ROOT / "tests" / "faults").glob("test_*.py")
        for name in functions(file)
        if name.startswith("test_")
    }
    assert room - set(TEST.findall(PAGE)) == set()


def test_every_checking_function_that_is_named_exists() -> None:
    folder = Path(invariants.__file__).parent
    for number, _, checked_by, _ in rows("Invariants"):
        for module, name in re.findall(r"`(\w+)\.(\w+)`", checked_by):
            assert name in functions(folder / f"{module}.py"), number
