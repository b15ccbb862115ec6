"""The command palette: tasks, places and commands by typing, and never slow."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from hermes_kanban import kernel as kb
from tests.browser.conftest import SampleWeb
from tests.browser.looking import card, press, shown, until
from tests.browser.servers import WebAlone
from tests.browser.visiting import Visitor

SLOWEST_MS = 100
# Tasks of the page's main thread that somebody could feel.
_WATCH = """
window.longest = 0
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration)
}).observe({ type: 'longtask', buffered: false })
"""


def opened(page: Page) -> Locator:
    """The palette, opened by its key."""
    press(page, "ControlOrMeta+k")
    palette = page.get_by_role("dialog", name="Command palette")
    expect(palette.get_by_role("combobox")).to_be_focused()
    return palette


def current(palette: Locator) -> Locator:
    """The line that Enter runs."""
    return palette.get_by_role("option", selected=True)


def test_tasks_and_what_can_be_done_with_them(own_sample: SampleWeb, visit: Visitor) -> None:
    board, tasks = own_sample.board, own_sample.board.tasks
    page = shown(visit(own_sample, board.path()))
    palette = opened(page)
    page.keyboard.type("rotate")
    expect(current(palette)).to_contain_text("Rotate API keys without dropping requests")
    expect(current(palette)).to_contain_text(tasks["rotate"])
    press(page, "Tab")
    actions = palette.get_by_role("group", name=re.compile(f"On {tasks['rotate']}"))
    expect(actions.get_by_role("option", name="Reclaim")).to_be_visible()
    # Its status has no review, so nothing is there to approve.
    expect(actions.get_by_role("option", name="Approve")).to_have_count(0)
    page.keyboard.type("priority")
    press(page, "Enter")
    page.get_by_role("dialog", name="Priority").get_by_role("option").first.click()
    conn = board.story.conn
    before = kb.get_task(conn, tasks["rotate"]).priority
    until(page, lambda: kb.get_task(conn, tasks["rotate"]).priority != 3 or before != 3)

    opened(page)
    page.keyboard.type(tasks["sign"])
    expect(current(palette)).to_contain_text("Sign webhooks")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(f"task={tasks['sign']}"))
    # What is open is what the palette is about.
    palette = opened(page)
    on_it = palette.get_by_role("group", name=re.compile(f"On {tasks['sign']}"))
    on_it.get_by_role("option", name="Approve").click()
    until(page, lambda: kb.get_task(conn, tasks["sign"]).status == "done")


def test_places_commands_and_boards(web: WebAlone, visit: Visitor) -> None:
    page = shown(visit(web, "/b/default"))
    for typed, heading in (("inbox", None), ("prof", "Profiles"), ("heal", "Health")):
        palette = opened(page)
        page.keyboard.type(typed if heading else "needs you")
        press(page, "Enter")
        expect(page.get_by_role("heading", level=1, name=heading or "Needs you")).to_be_visible()
    opened(page)
    page.keyboard.type("dark th")
    press(page, "Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    opened(page)
    page.keyboard.type("pause")
    press(page, "Enter")
    until(page, lambda: kb.get_board(web.conn).paused_at is not None)

    opened(page)
    page.keyboard.type("new board")
    press(page, "Enter")
    form = page.get_by_role("dialog", name="New board")
    form.get_by_role("textbox").first.fill("Not a slug!")
    press(page, "Enter")
    expect(form.get_by_role("alert")).to_contain_text(re.compile("slug|name", re.IGNORECASE))
    form.get_by_role("textbox").first.fill("new-service")
    press(page, "Enter")
    expect(page).to_have_url(re.compile("/b/new-service$"))
    palette = opened(page)
    page.keyboard.type("default")
    expect(current(palette)).to_have_text("Board: default")
    press(page, "Enter")
    expect(page).to_have_url(re.compile("/b/default$"))

    palette = opened(page)
    page.keyboard.type("qqqq")
    expect(current(palette)).to_contain_text("New task “qqqq”")
    press(page, "Enter")
    expect(page.get_by_role("dialog", name="New task").get_by_label("Title")).to_have_value("qqqq")
    press(page, "Escape")
    opened(page)
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_card_with_the_focus_is_what_it_is_about(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="Count the words")
    page = shown(visit(web, "/b/default"))
    one = card(page, task_id)
    expect(one).to_be_visible()
    page.locator(f"[data-card={task_id}]").focus()
    palette = opened(page)
    page.keyboard.type("archive")
    expect(current(palette)).to_contain_text("Archive")
    press(page, "Enter")
    until(page, lambda: kb.get_task(web.conn, task_id).status == "archived")


def test_ten_thousand_tasks_are_found_without_a_hitch(crowd: WebAlone, visit: Visitor) -> None:
    page = shown(visit(crowd, "/b/default"))
    # Loaded once, as it is while a person reads the board.
    opened(page)
    press(page, "Escape")
    page.evaluate(_WATCH)
    palette = opened(page)
    page.keyboard.type("retry-after on 429", delay=15)
    expect(current(palette)).to_contain_text("Retry-After")
    press(page, *["ArrowDown"] * 10)
    longest = page.evaluate("window.longest")
    assert longest <= SLOWEST_MS, f"{longest} ms"
