"""The figures of a board: they are those of its runs, as charts and as tables."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import SampleGateway
from tests.browser.looking import check_access
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import NARROW, Visitor
from tests.support.gateways import shell


def table(page: Page, name: str) -> Locator:
    """The table of a chart, which readers have even where eyes see the chart."""
    return page.get_by_role("region", name=name).get_by_role("table")


def test_the_figures_are_those_of_real_runs(
    gateway: Callable[..., LiveGateway], visit: Visitor
) -> None:
    served = gateway({"quick": shell("echo done"), "bad": shell("exit 3")}, max_retries=0)
    page = visit(served, "/b/default/metrics")
    expect(page.get_by_role("heading", name="Nothing happened in this span")).to_be_visible()
    for title in ("One", "Two"):
        served.wait_for(served.task(title=title, assignee="quick"), "done")
    served.wait_for(served.task(title="Three", assignee="bad"), "blocked")
    ends = table(page, "How runs ended")
    expect(ends.get_by_role("row").nth(1)).to_have_text(re.compile(r"crashed\s*1\s*33 %"))
    expect(ends.get_by_role("row").nth(2)).to_have_text(re.compile(r"completed\s*2\s*67 %"))
    today = table(page, "Throughput").get_by_role("row").last
    expect(today).to_have_text(re.compile(r"\w\s*3\s*2$"))
    cost = table(page, "Cost by profile").get_by_role("row")
    expect(cost.nth(1)).to_contain_text(re.compile(r"quick\s*2\s*0"))
    expect(cost.nth(2)).to_contain_text(re.compile(r"bad\s*1\s*1"))
    expect(table(page, "Cycle time")).to_contain_text(re.compile(r"Creation to done\s*2"))
    expect(page.locator("dl")).to_contain_text("Tokens spent idle")


def test_the_span_stands_in_the_address_and_charts_have_tables(
    sample: SampleGateway, visit: Visitor
) -> None:
    page = visit(sample, sample.board.path("metrics?days=7"))
    days = table(page, "Throughput").get_by_role("row")
    expect(days).to_have_count(8)
    page.get_by_role("button", name="30 days").click()
    expect(days).to_have_count(31)
    expect(page).to_have_url(re.compile("days=30"))
    expect(page.locator("svg rect.column-completed")).to_have_count(30)
    states = table(page, "Time in state").get_by_role("row")
    expect(states.filter(has_text="running")).to_contain_text("min")
    page.get_by_role("button", name="Tables").click()
    expect(page.locator("svg rect.column-completed")).to_have_count(0)
    expect(days.last).to_be_visible()
    check_access(page)


def test_the_figures_have_room_on_a_telephone(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, sample.board.path("metrics?days=90"), size=NARROW, touch=True)
    expect(table(page, "Throughput").get_by_role("row")).to_have_count(91)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_an_empty_board_says_what_would_be_here(web: WebAlone, visit: Visitor) -> None:
    page = visit(web, "/b/default/metrics")
    expect(page.get_by_text('hermes-kanban create "First task"')).to_be_visible()
    web.task(title="First task")
    expect(page.get_by_role("heading", name="Throughput")).to_be_visible()
