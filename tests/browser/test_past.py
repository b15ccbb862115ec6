"""The board as it was: at a moment, step by step, and what has changed since."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from hermes_kanban import kernel as kb
from tests.browser.conftest import SampleGateway
from tests.browser.looking import check_access, column, press, until
from tests.browser.servers import WebAlone
from tests.browser.visiting import NARROW, Visitor


def ago(sample: SampleGateway, minutes: float, more: str = "") -> str:
    """The address of the board's past."""
    return sample.board.path(f"past?at={sample.board.now - round(minutes * 60)}{more}")


def slider(page: Page) -> Locator:
    found = page.get_by_role("slider", name="Moment")
    expect(found).to_be_enabled()
    return found


def asked(page: Page) -> int:
    """The moment in the address."""
    found = re.search(r"at=(\d+)", page.url)
    return 0 if found is None else int(found[1])


def test_it_shows_the_board_as_it_was(sample: SampleGateway, visit: Visitor) -> None:
    tasks = sample.board.tasks
    page = visit(sample, ago(sample, 148))
    expect(page.get_by_text(re.compile("^As of .*, 2 h ago"))).to_be_visible()
    expect(column(page, "Blocked")).to_contain_text(tasks["rotate"])
    expect(column(page, "Blocked")).to_contain_text("Is the grace window the same for everybody")
    expect(column(page, "Ready")).to_contain_text(tasks["sign"])
    expect(page.get_by_role("main")).not_to_contain_text("Delete expired keys")
    check_access(page)
    column(page, "Blocked").get_by_role("button", name=re.compile(tasks["rotate"])).click()
    panel = page.get_by_role("complementary", name=re.compile("as it was"))
    expect(panel).to_contain_text("backend crashed")
    expect(panel).to_contain_text("backend blocked")
    expect(panel).not_to_contain_text("backend running")
    expect(page).to_have_url(re.compile(f"was={tasks['rotate']}"))
    press(page, "Escape")
    expect(panel).to_have_count(0)
    column(page, "Blocked").get_by_role("button", name=re.compile(tasks["rotate"])).click()
    panel.get_by_role("link", name="As it is now").click()
    expect(page.get_by_role("dialog")).to_contain_text("Rotate API keys")


def test_keys_step_from_event_to_event(sample: SampleGateway, visit: Visitor) -> None:
    tasks = sample.board.tasks
    # A moment between two events: the reviews are asked for 128 and 71 minutes ago.
    page = visit(sample, ago(sample, 127.5))
    expect(column(page, "Review")).to_contain_text(tasks["runbook"])
    start = asked(page)
    slider(page).focus()
    press(page, "ArrowLeft")
    until(page, lambda: asked(page) < start)
    expect(column(page, "Review")).to_contain_text(tasks["runbook"])
    first = asked(page)
    press(page, "ArrowLeft")
    until(page, lambda: asked(page) < first)
    expect(column(page, "Running")).to_contain_text(tasks["runbook"])
    press(page, "]")
    expect(column(page, "Review")).to_contain_text(tasks["runbook"])
    press(page, "PageDown")
    until(page, lambda: asked(page) < start - 3_000)
    press(page, "Home")
    expect(page.get_by_text(re.compile(r", 1[34] d ago"))).to_be_visible()
    press(page, "0")
    expect(page).not_to_have_url(re.compile("at="))
    expect(column(page, "Running")).to_contain_text(tasks["rotate"])


def test_it_tells_what_has_changed_since(sample: SampleGateway, visit: Visitor) -> None:
    tasks = sample.board.tasks
    page = visit(sample, ago(sample, 148))
    expect(column(page, "Blocked")).to_contain_text(tasks["rotate"])
    press(page, "t")
    expect(page).to_have_url(re.compile("view=changes"))
    changes = page.get_by_role("region", name=re.compile("tasks changed since"))
    entry = changes.get_by_role("listitem").filter(
        has=page.get_by_role("link", name=re.compile(tasks["retention"]))
    )
    expect(entry.first).to_contain_text(re.compile("new.*Ready.*Running.*Blocked"))
    expect(entry.first).to_contain_text("backend blocked")
    check_access(page)
    entry.first.get_by_role("link", name=re.compile(tasks["retention"])).click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete expired keys")


def test_the_mouse_goes_back_in_time(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, sample.board.path("past"))
    expect(page.get_by_text("The board as it is now")).to_be_visible()
    box = slider(page).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_text(re.compile(r"^As of .*, [67] d ago"))).to_be_visible()
    expect(column(page, "Todo").get_by_role("listitem")).to_have_count(0)
    until(page, lambda: column(page, "Done").get_by_role("listitem").count() > 20)
    page.get_by_role("button", name="Now").click()
    expect(column(page, "Todo")).to_contain_text(sample.board.tasks["backfill"])


def test_now_goes_on(web: WebAlone, visit: Visitor) -> None:
    page = visit(web, "/b/default/past")
    expect(page.get_by_role("heading", name="This board has no past yet")).to_be_visible()
    task = web.task(title="First task")
    expect(column(page, "Ready")).to_contain_text(task)
    kb.complete_task(web.conn, task, summary="done")
    expect(column(page, "Done")).to_contain_text(task)


def test_it_has_room_on_a_telephone(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, ago(sample, 148), size=NARROW, touch=True)
    page.get_by_role("navigation", name="Columns").get_by_role("button", name="Blocked").tap()
    expect(column(page, "Blocked")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    card = column(page, "Blocked").get_by_role("button").first
    card.tap()
    expect(page.get_by_role("complementary", name=re.compile("as it was"))).to_be_in_viewport()
