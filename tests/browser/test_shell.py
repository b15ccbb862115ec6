"""Around every view: places, boards, the gateway's pill, keys, what this browser keeps, leaving."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from tests.browser.conftest import SampleGateway
from tests.browser.looking import check_access, column, focused, press, shown, until
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import NARROW, WIDE, Visitor
from tests.support.gateways import shell

StartGateway = Callable[..., LiveGateway]
PLACES = {
    "i": "Needs you",
    "h": "Health",
    "p": "Profiles",
    "s": "Settings",
}


def pill(page: Page) -> str:
    """What the gateway's pill says."""
    return str(page.locator("header .pill").inner_text())


def test_every_place_has_a_key_and_a_link(sample: SampleGateway, visit: Visitor) -> None:
    page = shown(visit(sample, sample.board.path()))
    for key, heading in PLACES.items():
        press(page, "g", key)
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        here = page.get_by_role("navigation", name="Views").locator("[aria-current=page]")
        expect(here.filter(visible=True)).to_have_count(1)
    press(page, "g", "b")
    expect(page).to_have_url(re.compile(f"{sample.board.path()}$"))
    press(page, "?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet.get_by_text("Command palette")).to_be_visible()
    press(page, "Escape")
    expect(sheet).to_have_count(0)
    press(page, "/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    # In a text no single key acts.
    page.keyboard.type("gi")
    expect(page).to_have_url(re.compile(r"\?q=gi"))
    press(page, "Escape", "Escape")

    page.reload()
    shown(page)
    press(page, "Tab")
    assert focused(page) == "Skip to the content"
    press(page, "Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_telephone_has_every_place_at_its_foot(sample: SampleGateway, visit: Visitor) -> None:
    page = shown(visit(sample, sample.board.path("health"), size=NARROW, touch=True))
    foot = page.get_by_role("navigation", name="Views")
    for name in ("Profiles", "Settings"):
        foot.get_by_role("button", name="More").tap()
        page.get_by_role("menuitem", name=name).tap()
        expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


@pytest.mark.parametrize("size", [(320, 640), (720, 450)], ids=["narrowest", "double"])
def test_no_view_of_the_shell_loses_anything_when_narrow(
    sample: SampleGateway, visit: Visitor, size: tuple[int, int]
) -> None:
    """720 by 450 is a screen of 1440 by 900 at 200 %."""
    page = visit(sample, sample.board.path("inbox"), size=size)
    for view in ("inbox", "health", "profiles", "settings"):
        page.goto(sample.address + sample.board.path(view))
        shown(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], view
        cut = page.evaluate(
            """() => [...document.querySelectorAll('main *')].filter((one) => {
              const { right, width } = one.getBoundingClientRect()
              const hidden = one.closest('.hidden-words, .inbox-text, .inbox-asked, .boxed')
              return width > 0 && right > innerWidth + 1 && hidden === null
            }).map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert cut == [], view


def test_forced_colours_keep_shapes_and_borders(sample: SampleGateway, visit: Visitor) -> None:
    page = shown(visit(sample, sample.board.path("inbox"), forced_colors="active"))
    chosen = page.locator("[aria-current=true]").first
    expect(chosen).to_be_visible()
    assert (
        page.evaluate(
            """() => {
          const one = document.querySelector('.inbox-item.is-selected')
          return getComputedStyle(one).outlineStyle
        }"""
        )
        == "solid"
    )
    check_access(page)


def test_the_pill_says_what_runs_the_board(gateway: StartGateway, visit: Visitor) -> None:
    visit.forgive("ERR_|WebSocket|Failed to fetch")
    served = gateway()
    page = shown(visit(served, "/b/default/health"))
    until(page, lambda: "Gateway" in pill(page) and re.search(r"0/\d+", pill(page)))
    expect(page.get_by_text(f"pid {served.process.pid}")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    until(page, lambda: "paused" in pill(page))
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    until(page, lambda: "paused" not in pill(page))


def test_health_names_what_is_stuck_and_what_lifts_it(
    gateway: StartGateway, visit: Visitor
) -> None:
    served = gateway(
        {"idle": shell("true") | {"max_in_progress": 0}},
        stuck_ticks=1,
        dispatch_interval_seconds=1,
    )
    stuck = served.task(title="Wait for nobody", assignee="idle")
    page = shown(visit(served, "/b/default/health"))
    region = page.get_by_role("region", name="Stuck")
    expect(region).to_contain_text("Lifted by:")
    until(page, lambda: "Degraded" in pill(page))
    region.get_by_role("button", name=stuck).click()
    expect(page).to_have_url(re.compile(f"task={stuck}"))


def test_a_message_that_nobody_got_is_tried_again_from_there(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="Tell somebody")
    subscriptions.subscribe(web.conn, destination="slack:C0BUILDS", task_id=task_id)
    kb.block_task(web.conn, task_id, reason="Anybody?")
    outbox.advance_cursors(web.conn)
    (owed,) = outbox.list_outbox(web.conn)
    outbox.mark_dead(web.conn, owed.id, reason="404 Not Found")
    page = shown(visit(web, "/b/default/health"))
    messages = page.get_by_role("region", name="Messages")
    expect(messages).to_contain_text("404 Not Found")
    expect(messages).to_contain_text("Slack C0BUILDS")
    messages.get_by_role("button", name="Retry").click()
    expect(messages).to_contain_text("None was given up")
    assert outbox.get_delivery(web.conn, owed.id).state != "dead"


def test_without_a_gateway_it_says_so_and_what_starts_one(web: WebAlone, visit: Visitor) -> None:
    page = shown(visit(web, "/b/default/health"))
    until(page, lambda: pill(page).strip() == "No gateway")
    main = page.get_by_role("main")
    expect(main.get_by_text("hermes-kanban gateway run")).to_be_visible()
    expect(main.get_by_text("Nothing starts until a gateway serves this board")).to_be_visible()


def test_boards_are_switched_and_made(web: WebAlone, visit: Visitor) -> None:
    page = shown(visit(web, "/b/default"))
    # Made elsewhere, while the page is open.
    assert web.post("/boards", {"slug": "second", "name": "The second"}).status == 201
    page.get_by_role("button", name="Board: default").click()
    page.get_by_role("menuitemcheckbox", name="The second").click()
    expect(page).to_have_url(re.compile("/b/second$"))
    page.get_by_role("button", name="Board: The second").click()
    page.get_by_role("menuitem", name="New board…").click()
    page.get_by_role("dialog").get_by_role("textbox").first.fill("third")
    page.get_by_role("button", name="Create board").click()
    expect(page.get_by_role("button", name="Board: third")).to_be_visible()


def test_profiles_say_what_they_do_and_lead_to_their_board(
    sample: SampleGateway, visit: Visitor
) -> None:
    page = shown(visit(sample, sample.board.path("profiles")))
    backend = page.get_by_role("listitem").filter(
        has=page.get_by_role("heading", name="backend", exact=True)
    )
    expect(backend).to_contain_text("1 of 2 running")
    expect(backend).to_contain_text("Services, storage and the public API")
    expect(backend.get_by_text(re.compile(r"^\$\d+\.\d\d$"))).to_be_visible()
    backend.get_by_role("link", name="Board of backend").click()
    expect(page).to_have_url(re.compile(r"\?assignee=backend$"))


def test_what_a_browser_keeps_is_kept_and_told_to_its_tabs(web: WebAlone, visit: Visitor) -> None:
    page = shown(visit(web, "/b/default/settings"))
    second = page.context.new_page()
    second.goto(f"{web.address}/b/default/inbox")
    page.get_by_role("group", name="Theme").get_by_role("button", name="Dark").click()
    page.get_by_role("group", name="Colours").get_by_role("button", name="Hermes").click()
    for one in (page, second):
        expect(one.locator("html")).to_have_attribute("data-theme", "dark")
        expect(one.locator("html")).to_have_attribute("data-skin", "hermes")
    page.get_by_label("Single keys act").uncheck()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    shown(page)
    press(page, "g", "i")
    expect(page.get_by_role("heading", level=1, name="Settings")).to_be_visible()
    press(page, "ControlOrMeta+k")
    expect(page.get_by_role("dialog", name="Command palette")).to_be_visible()


def test_settings_are_those_in_force_and_hold_no_secret(
    sample: SampleGateway, visit: Visitor
) -> None:
    page = shown(visit(sample, sample.board.path("settings")))
    main = page.get_by_role("main")
    expect(main.get_by_text("Set by HERMES_KANBAN_DURABILITY.")).to_be_visible()
    expect(main.get_by_text(str(sample.home / "config.yaml"))).to_be_visible()
    assert sample.token is not None
    assert sample.token not in main.inner_text()


def test_settings_that_are_not_in_force_say_so(gateway: StartGateway, visit: Visitor) -> None:
    served = gateway()
    # A clock that is wrong makes nothing old.
    page = visit.context(served).new_page()
    file = served.home / "config.yaml"
    file.write_text(file.read_text() + "\nbroken: [")
    page.clock.install(time=time.time() - 3_600)
    page.goto(f"{served.address}/b/default/settings")
    alarm = page.get_by_role("main").get_by_role("alert")
    expect(alarm).to_contain_text("The configuration is not in force.")
    expect(page.get_by_text(re.compile(r"read \d+ s ago"))).to_be_visible()


def test_who_logs_out_is_out_in_every_tab(web: WebAlone, visit: Visitor) -> None:
    visit.forgive("WebSocket")
    page = shown(visit(web, "/b/default/settings"))
    second = page.context.new_page()
    second.goto(f"{web.address}/b/default")
    shown(second)
    page.get_by_role("button", name="Log out").click()
    for one in (page, second):
        expect(one.get_by_role("heading", name="Open the board from a terminal")).to_be_visible()
    expect(page.get_by_text("Logged out.")).to_be_visible()
    expect(second.get_by_text("The session is over.")).to_be_visible()
    third = page.context.new_page()
    third.goto(web.login_link())
    for one in (shown(third), second):
        expect(one.get_by_role("heading", name="No tasks on default yet")).to_be_visible()
    web.state = None


def test_paper_gets_the_content_and_no_controls(sample: SampleGateway, visit: Visitor) -> None:
    page = shown(visit(sample, sample.board.path("health"), size=WIDE))
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_have_count(0)
    expect(page.get_by_role("heading", name="Database and disk")).to_be_visible()


def test_a_part_that_cannot_be_loaded_says_so_and_the_rest_goes_on(
    sample: SampleGateway, visit: Visitor
) -> None:
    page = shown(visit(sample, sample.board.path()))
    visit.forgive("GraphView|ERR_FAILED|dynamically imported module")
    page.route("**/GraphView-*.js", lambda route: route.abort())
    press(page, "g", "g")
    expect(page.get_by_role("heading", name="could not be shown")).to_be_visible()
    press(page, "g", "b")
    expect(column(page, "Ready")).to_be_visible()
