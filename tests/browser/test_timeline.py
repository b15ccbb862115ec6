"""The timeline: who did what when, told by real runs, walked by keyboard, and live."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import SampleGateway
from tests.browser.looking import check_access, press, until
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import NARROW, Visitor
from tests.support.gateways import shell


def runs(page: Page) -> Locator:
    return page.get_by_role("group", name=re.compile("^Runs by profile")).get_by_role("link")


def run(page: Page, task_id: str) -> Locator:
    """The bars of a task, the last one last."""
    return runs(page).and_(page.get_by_role("link", name=re.compile(f"^{task_id} ")))


def totals(page: Page, name: str) -> Locator:
    term = page.get_by_role("term").filter(has_text=re.compile(f"^{name}$"))
    return page.locator("dl > div").filter(has=term).get_by_role("definition")


def test_it_shows_who_did_what_when(sample: SampleGateway, visit: Visitor) -> None:
    tasks = sample.board.tasks
    page = visit(sample, sample.board.path("timeline"))
    rotate = run(page, tasks["rotate"])
    expect(rotate).to_have_count(3)
    expect(rotate.first).to_have_accessible_name(re.compile("backend · crashed · .* · 13:00 · 96k"))
    expect(rotate.last).to_have_accessible_name(re.compile("backend · running · .* to now"))
    expect(totals(page, "Runs")).to_contain_text("4 live")
    expect(totals(page, "Failed")).to_have_text(re.compile(r"^5 \s*3 retried"))
    expect(totals(page, "Tokens spent idle")).to_have_text("0")
    idle = page.locator("dl > div[title]").filter(has_text="Tokens spent idle")
    expect(idle).to_have_attribute("title", re.compile("gateway, which asks no model"))
    expect(page.get_by_role("img", name=re.compile("At most 4 of 4 at once"))).to_be_visible()
    press(page, "t")
    expect(page.get_by_role("button", name="Table", pressed=True)).to_be_visible()
    row = page.get_by_role("row").filter(has_text=tasks["retention"])
    expect(row).to_contain_text("blocked")
    expect(row).to_contain_text("13:00")
    expect(row).to_contain_text("$0.19")
    check_access(page)


def test_the_keyboard_walks_the_runs_and_opens_one_on_its_task(
    sample: SampleGateway, visit: Visitor
) -> None:
    tasks = sample.board.tasks
    page = visit(sample, sample.board.path("timeline"))
    run(page, tasks["rotate"]).last.focus()
    press(page, "ArrowLeft")
    told = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert told.startswith(tasks["retention"]), told
    press(page, "ArrowDown")
    told = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "codex-infra" in told, told
    run(page, tasks["rotate"]).first.focus()
    press(page, "Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Rotate API keys")
    expect(page).to_have_url(re.compile(r"run=\d+"))
    chosen = dialog.get_by_role("button", name=re.compile(r"^Run \d+"), pressed=True)
    number = re.search(r"run=(\d+)", page.url)
    assert number is not None
    expect(chosen).to_have_text(number[1])
    press(page, "Escape")
    expect(page).not_to_have_url(re.compile("run="))


def test_the_span_stands_in_the_address(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, sample.board.path("timeline"))
    expect(runs(page).first).to_be_visible()
    six = runs(page).count()
    page.get_by_role("button", name="Week").click()
    expect(page).to_have_url(re.compile("span=week"))
    until(page, lambda: runs(page).count() > six + 30)
    page.get_by_role("button", name="1 h", exact=True).click()
    until(page, lambda: 0 < runs(page).count() < six)
    press(page, "[")
    expect(page).to_have_url(re.compile(r"to=\d+"))
    expect(page.get_by_role("button", name="Now")).to_be_enabled()
    page.reload()
    expect(page.get_by_role("button", name="Now")).to_be_enabled()
    expect(page).to_have_url(re.compile(r"span=1h&to=\d+"))
    press(page, "0")
    expect(page).not_to_have_url(re.compile("to="))
    expect(page.get_by_role("button", name="Now")).to_be_disabled()
    page.get_by_role("button", name="Custom").click()
    expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
    page.get_by_label("From", exact=True).fill("2026-01-01T08:00")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(r"from=\d+"))


def test_the_hand_moves_it_through_time(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, sample.board.path("timeline?span=6h"))
    last = run(page, sample.board.tasks["webhook"]).last
    before = last.bounding_box()
    assert before is not None
    page.mouse.move(before["x"] + 20, before["y"] + 10)
    page.mouse.down()
    page.mouse.move(before["x"] + 320, before["y"] + 10, steps=3)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"to=\d+"))
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_run_grows_and_ends_before_ones_eyes(
    gateway: Callable[..., LiveGateway], visit: Visitor, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    served = gateway(
        {"worker": shell(f"while [ ! -e {gate} ]; do sleep 0.05; done"), "bad": shell("exit 3")},
        max_retries=0,
    )
    page = visit(served, "/b/default/timeline?span=1h")
    expect(page.get_by_role("heading", name="No run in this span")).to_be_visible()
    good = served.task(title="Good", assignee="worker")
    bar = run(page, good)
    expect(bar).to_have_accessible_name(re.compile("worker · running"))
    bad = served.task(title="Bad", assignee="bad")
    expect(run(page, bad)).to_have_accessible_name(re.compile("bad · crashed"))
    gate.touch()
    expect(bar).to_have_accessible_name(re.compile("worker · completed"))
    expect(totals(page, "Completed")).to_have_text("1")
    expect(totals(page, "Failed")).to_have_text("1")


def test_on_a_telephone_the_names_stay(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, sample.board.path("timeline"), size=NARROW, touch=True)
    expect(run(page, sample.board.tasks["rotate"]).last).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    name = page.get_by_text("backend", exact=True)
    at = name.bounding_box()
    page.evaluate("document.querySelector('.time-scroll').scrollLeft = 0")
    until(page, lambda: name.bounding_box() == at)


def test_an_empty_board_says_what_would_be_here(web: WebAlone, visit: Visitor) -> None:
    page = visit(web, "/b/default/timeline")
    expect(page.get_by_role("heading", name="No run in this span")).to_be_visible()
    expect(page.get_by_text("hermes-kanban gateway run")).to_be_visible()
    page.get_by_role("button", name="Show the week").click()
    expect(page).to_have_url(re.compile("span=week"))
    expect(totals(page, "Tokens spent idle")).to_have_text("0")
