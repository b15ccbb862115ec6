"""The reference is what the code says, and the code says all of it in one place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermes_kanban.config.environment import setting_variables
from hermes_kanban.reference.environment import OF_THE_SYSTEM, VARIABLES
from hermes_kanban.reference.pages import PAGES, pages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
# Of Hermes Agent, whose processes we start and whose settings we write.
OF_HERMES = {
    *("HERMES_ACCEPT_HOOKS", "HERMES_MANAGED_DIR", "HERMES_KANBAN_ROOT"),
    *("HERMES_KANBAN_GOAL_MODE", "HERMES_KANBAN_STOP_NUDGE"),
}
# Of any process, handed on and not heeded.
HANDED_ON = {"PATH", "HOME"}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("name", ["index.md", *(page.file for page in PAGES)])
def test_a_page_is_what_the_code_says(made: dict[str, str], name: str) -> None:
    file = FOLDER / name
    written = file.read_text("utf-8") if file.exists() else ""
    assert written == made[name], "docs/reference is stale; run: make reference"


def test_there_are_no_other_pages(made: dict[str, str]) -> None:
    assert {file.name for file in FOLDER.glob("*.md")} == made.keys()


def test_the_pages_are_the_same_whatever_the_environment_says(
    made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_MAX_RETRIES", "7")
    monkeypatch.setenv("HERMES_KANBAN_HOME", "/nowhere")
    monkeypatch.setenv("COLUMNS", "40")
    assert pages() == made


def test_every_link_within_the_reference_leads_somewhere(made: dict[str, str]) -> None:
    for name, text in made.items():
        for file, anchor in re.findall(r"\]\(([\w./-]*)(?:#([\w.-]+))?\)", text):
            there = made.get(file or name)
            if there is None:
                assert (FOLDER / file).resolve().is_file(), f"{name}: {file}"
            elif anchor:
                heads = re.findall(r"^#+ (.+)$", there, re.MULTILINE)
                assert anchor in {head.lower().replace(" ", "-") for head in heads}, (name, anchor)


def test_every_variable_that_the_source_names_is_told() -> None:
    ours, read = set(), set()
    for tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if re.fullmatch(r"HERMES_[A-Z_]+[A-Z]|TRACEPARENT", node.value):
                    ours.add(node.value)
            elif isinstance(node, ast.Call) and _is_environ(node.func):
                read |= _first_literal(node.args)
            elif isinstance(node, ast.Subscript) and _is_environ(node.value):
                read |= _first_literal([node.slice])
    told = VARIABLES.keys() | setting_variables().keys()
    assert ours - told == OF_HERMES
    assert VARIABLES.keys() - ours == set()
    assert read - told - HANDED_ON == OF_THE_SYSTEM.keys()


def _sources() -> Iterator[ast.Module]:
    for file in sorted([*ROOT.glob("gateway/**/*.py"), *ROOT.glob("hermes_kanban/**/*.py")]):
        if {"reference", "selftest", "demo", "node_modules"} & set(file.parts):
            continue
        text = file.read_text("utf-8")
        if re.search(r"environ\b|HERMES_|TRACEPARENT", text):
            yield ast.parse(text)


def _is_environ(node: ast.expr) -> bool:
    """``os.environ``, and its ``get``."""
    if isinstance(node, ast.Attribute) and node.attr == "get":
        node = node.value
    return isinstance(node, ast.Attribute) and node.attr == "environ"


def _first_literal(nodes: list[ast.expr]) -> set[str]:
    return {node.value for node in nodes[:1] if isinstance(node, ast.Constant)}
