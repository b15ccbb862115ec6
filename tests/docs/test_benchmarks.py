"""The page of figures: whole, renewable, and with a plot that can be drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.bench.__main__ import END, START, SUITES, _write
from tests.bench.measure import Bar, Section, Table, at_least, markdown
from tests.bench.peers.side import KINDS
from tests.bench.peers.venvs import version
from tests.bench.plot import draw
from tests.support.costs import VERBS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"sqlite": DOCS / "benchmarks.md", "postgres": DOCS / "benchmarks-postgres.md"}


@pytest.mark.parametrize("suite", PAGES)
def test_the_page_shows_a_whole_run(suite: str) -> None:
    figures = PAGES[suite].read_text().partition(START)[2].partition(END)[0]
    for title in SUITES[suite].values():
        assert f"### {title}\n" in figures
    for kind in KINDS[suite].values():
        shown = f"{kind.title} {version(kind.package)}" if kind.package else kind.title
        assert figures.count(f"| {shown} |") >= 2
    for verb in VERBS:
        assert f"| {verb} |" in figures
    assert "FAILED" not in figures
    assert "INCOMPLETE" not in figures


def test_renewing_leaves_the_prose_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{START}\nold\n{END}\n\nafter\n")
    _write(page, "new\n")
    assert page.read_text() == f"before\n\n{START}\nnew\n{END}\n\nafter\n"


def test_a_section_is_written_as_tables() -> None:
    section = Section([at_least("speed", 0.5, 0.8)], [Table(("a", "b"), [("1", "2")])])
    assert markdown("Title", section) == (
        "### Title\n\n"
        "| measured | figure | asked | met |\n| --- | --- | --- | --- |\n"
        "| speed | 0.5 × | ≥ 0.8 × | NO |\n\n"
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    )


@pytest.mark.parametrize("ratio", [0.004, 0.5, 1.0, 7.0, 900.0])
def test_bars_of_any_length_stay_on_the_plot(ratio: float) -> None:
    svg = ET.fromstring(draw([Bar("put", "a & b", ratio, True), Bar("put", "c", 1.0, None)]))
    width = float(svg.attrib["width"])
    bars = [part for part in svg if part.tag.endswith("rect")][1:]
    assert len(bars) == 4  # two of the legend
    for bar in bars:
        assert float(bar.attrib["x"]) >= 0
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width
