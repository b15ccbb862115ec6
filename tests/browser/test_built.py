"""What is shipped is what the source says: the built page, its types, and its pure logic."""

from __future__ import annotations

from pathlib import Path

from hermes_kanban.surfaces.rest.pages import STATIC
from tests.browser.built import TYPES, build, contents, generate_types, npm


def test_the_page_that_is_shipped_is_what_the_source_builds(tmp_path: Path) -> None:
    built, shipped = tmp_path / "static", contents(STATIC)
    build(built)
    made = contents(built)
    assert made.keys() == shipped.keys(), "run: make web"
    differing = [name for name, content in made.items() if content != shipped[name]]
    assert not differing, "run: make web"


def test_the_types_of_the_api_are_those_of_its_document(tmp_path: Path) -> None:
    fresh = tmp_path / "schema.d.ts"
    generate_types(fresh)
    same = fresh.read_bytes() == TYPES.read_bytes()
    assert same, "run: make web"


def test_the_logic_of_the_page_does_what_its_own_tests_say() -> None:
    npm("test")
