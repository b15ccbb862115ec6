"""What the docs generate from the code is what the code says."""

from __future__ import annotations

from pathlib import Path

from hermes_kanban.surfaces import rest_reference, verb_reference
from hermes_kanban.surfaces.lifecycle_table import renewed

ROOT = Path(__file__).parents[2]


def test_the_lifecycle_table_of_the_docs_is_that_of_the_code() -> None:
    document = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert document == renewed(document), "run: python -m hermes_kanban.surfaces.lifecycle_table"


def test_the_page_of_verbs_is_that_of_the_code() -> None:
    document = (ROOT / "docs" / "verbs.md").read_text("utf-8")
    told = "run: python -m hermes_kanban.surfaces.verb_reference"
    assert document == verb_reference.page(), told


def test_the_page_of_http_is_that_of_the_code() -> None:
    document = (ROOT / "docs" / "rest.md").read_text("utf-8")
    told = "run: python -m hermes_kanban.surfaces.rest_reference"
    assert document == rest_reference.renewed(document), told
