"""Every view: it answers at its address, and nothing serious stands in anybody's way there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SampleGateway
from tests.browser.looking import check_access, until
from tests.browser.views import VIEWS
from tests.browser.visiting import NARROW, WIDE, Visitor


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_stands_in_the_way(sample: SampleGateway, visit: Visitor, name: str) -> None:
    page = visit.context(sample, theme="light", size=WIDE).new_page()
    VIEWS[name].open(page, sample.address, sample.board)
    expect(page.get_by_text(re.compile(r"^No (board|view|page|such) "))).to_have_count(0)
    check_access(page)
    light = ground(page)
    page.emulate_media(color_scheme="dark")
    until(page, lambda: ground(page) != light)
    check_access(page)


def ground(page: Page) -> str:
    """The colour behind everything."""
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


@pytest.mark.parametrize("name", [name for name, view in VIEWS.items() if not view.keyboard])
def test_nothing_is_wider_than_a_telephone(
    sample: SampleGateway, visit: Visitor, name: str
) -> None:
    page = visit.context(sample, theme="dark", size=NARROW, touch=True).new_page()
    VIEWS[name].open(page, sample.address, sample.board)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    check_access(page)
