"""The page that computes how far a board goes is what its figures come to."""

from __future__ import annotations

from tests.bench.postgres import far


def test_the_page_is_what_the_figures_come_to() -> None:
    page = far.PAGE.read_text()
    assert far.computed(page, far.facts()) == page, "run: python -m tests.bench.postgres.far"


def test_every_figure_counts() -> None:
    page, known = far.PAGE.read_text(), far.facts()
    for name, value in known.items():
        assert far.computed(page, known | {name: 2 * value + 1}) != page, f"{name} is of no use"
