"""The board itself: what its cards say, what narrows it, and how hands and keys go about on it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from hermes_kanban import kernel as kb
from tests.browser.conftest import SampleGateway, SampleWeb
from tests.browser.looking import card, cards, column, focused, press, shown, until
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import MIDDLE, NARROW, Visitor

StartGateway = Callable[..., LiveGateway]
THIN = "\u2009"


def count(page: Page, name: str) -> Locator:
    """What the head of a column says beside its name."""
    return column(page, name).locator(".column-count")


def ids(page: Page, name: str) -> list[str]:
    """The ids of a column's cards, from top to bottom."""
    found: list[str] = (
        column(page, name)
        .locator("[data-card]")
        .evaluate_all("cards => cards.map(card => card.dataset.card)")
    )
    return found


def test_cards_say_what_is_known_of_their_tasks(sample: SampleGateway, visit: Visitor) -> None:
    page, tasks = shown(visit(sample, sample.board.path())), sample.board.tasks
    expected = {"Triage": 3, "Todo": 9, "Ready": 5, "Running": 4, "Review": 3, "Blocked": 4}
    for name, number in expected.items():
        expect(count(page, name)).to_have_text(str(number))
        expect(cards(page, name)).to_have_count(number)
    rotate = card(page, tasks["rotate"])
    for told in ("priority high", "platform", "backend", "2 of 3 checks", "3 comments"):
        expect(rotate).to_contain_text(told)
    expect(rotate).to_contain_text("attempt 3 of 3")
    expect(rotate).to_contain_text("PASS tests/keys/test_rotation.py")
    elapsed = rotate.get_by_text(re.compile(r"^\d+:\d\d$"))
    before = elapsed.inner_text()
    expect(elapsed).not_to_have_text(before)
    runners = card(page, tasks["runners"])
    expect(runners).to_contain_text(re.compile(r"quiet \d min"))
    expect(runners).to_contain_text("Its process lives.")
    for name, told in {
        "retention": "You answer: The privacy page says 30 days",
        "restore": "Gave up after 2 of 2. You retry or reassign.",
        "replica": "Board retries at",
        "pin": "A run of codex-infra ends",
        "scan": "Board starts it at",
        "importer": "You decide: blocked 3 times",
        "guide": "tasks that it waits for",
        "load": "waits for 1 task",
        "export": "unassigned",
    }.items():
        expect(card(page, tasks[name])).to_contain_text(told)
    # What was finished last is on top; of what waits in the queue the most urgent is.
    assert ids(page, "Done")[0] == tasks["hashes"]
    assert ids(page, "Ready")[:2] == [tasks["retry"], tasks["pin"]]


def test_what_a_card_asks_is_answered_on_it(own_sample: SampleWeb, visit: Visitor) -> None:
    page, tasks = visit(own_sample, own_sample.board.path()), own_sample.board.tasks

    def answer(name: str, button: str, to: str) -> None:
        card(page, tasks[name]).get_by_role("button", name=button).click()
        page.mouse.move(700, 5)
        expect(
            column(page, to).get_by_role("listitem").filter(has_text=tasks[name])
        ).to_be_visible()

    answer("retention", "90 days", "Ready")
    page.locator(f"[data-card={tasks['restore']}]").focus()
    press(page, "1")
    # It says where it went, and keeps the focus, until that goes on.
    left = column(page, "Blocked").get_by_role("listitem").filter(has_text=tasks["restore"])
    expect(left).to_contain_text("moved to Ready")
    assert tasks["restore"] in focused(page)
    press(page, "j")
    until(page, lambda: tasks["restore"] not in focused(page))
    page.locator("#search").focus()
    expect(
        column(page, "Ready").get_by_role("listitem").filter(has_text=tasks["restore"])
    ).to_be_visible()
    answer("sign", "Approve", "Done")
    said = kb.list_events(own_sample.board.story.conn, task_id=tasks["retention"])
    assert any("90 days" in str(event.payload) for event in said if event.kind == "unblocked")
    card(page, tasks["order"]).get_by_role("button", name="Changes…").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Shift Tab goes back.")
    page.get_by_role("button", name="Request changes").click()
    page.mouse.move(700, 5)
    expect(
        column(page, "Ready").get_by_role("listitem").filter(has_text=tasks["order"])
    ).to_be_visible()
    # Where nobody listens nothing can be pressed, and no time goes on.
    visit.forgive("ERR_|WebSocket|Failed to fetch")
    own_sample.process.kill()
    expect(page.get_by_text("Not connected since")).to_be_visible()
    expect(card(page, tasks["runbook"]).get_by_role("button", name="Approve")).to_be_disabled()
    expect(card(page, tasks["rotate"]).locator(".live.is-deaf")).to_be_visible()


def test_filters_stand_in_the_address(sample: SampleGateway, visit: Visitor) -> None:
    page, tasks = shown(visit(sample, sample.board.path())), sample.board.tasks
    press(page, "f")
    page.get_by_role("menuitem", name="Assignee").click()
    page.get_by_role("menuitemcheckbox", name=re.compile("^backend")).click()
    expect(count(page, "Blocked")).to_have_text("2 of 4")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill("expired")
    expect(count(page, "Blocked")).to_have_text("1 of 4")
    expect(page).to_have_url(re.compile(r"assignee=backend.*q=expired"))
    expect(card(page, tasks["retention"])).to_be_visible()
    # Whoever gets the address sees the same.
    address = page.url.removeprefix(sample.address)
    other = shown(visit(sample, address))
    expect(count(other, "Blocked")).to_have_text("1 of 4")
    expect(other.get_by_text("Text has expired")).to_be_visible()
    # It is kept by a name, renamed, chosen and deleted.
    page.get_by_role("button", name="View: Unsaved").click()
    page.get_by_role("menuitem", name="Save this view…").click()
    page.get_by_role("textbox", name="Name").fill("Expired keys")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="View: Expired keys")).to_be_visible()
    page.get_by_role("button", name="Remove: Text has expired").click()
    expect(count(page, "Blocked")).to_have_text("2 of 4")
    page.get_by_role("button", name="View: Unsaved").click()
    page.get_by_role("menuitemradio", name="Expired keys").click()
    expect(page).to_have_url(re.compile(r"q=expired"))
    page.reload()
    page.get_by_role("button", name="View: Expired keys").click()
    page.get_by_role("menuitem", name="Rename Expired keys…").click()
    page.get_by_role("textbox", name="Name").fill("Old keys")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="View: Old keys").click()
    page.get_by_role("menuitem", name="Delete Old keys").click()
    expect(page.get_by_role("button", name="View: Unsaved")).to_be_visible()
    page.get_by_role("searchbox").fill("no such words")
    expect(page.get_by_text("No task matches.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(count(page, "Blocked")).to_have_text("4")
    page.goto(sample.address + sample.board.path() + "?status=ready&priority=2&archived=1")
    expect(page.get_by_role("main").get_by_role("region")).to_have_count(1)
    until(page, lambda: ids(page, "Ready") == [tasks["retry"], tasks["pin"]])


WATCH_SHIFTS = """
window.shifted = 0
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value
}).observe({ type: 'layout-shift', buffered: true })
"""


@pytest.mark.parametrize("lanes", ["", "?lanes=assignee"])
def test_nothing_jumps_while_the_board_is_loaded(
    sample: SampleGateway, visit: Visitor, lanes: str
) -> None:
    context = visit.context(sample)
    context.add_init_script(WATCH_SHIFTS)
    page = context.new_page()
    page.goto(sample.address + sample.board.path() + lanes)
    expect(card(page, sample.board.tasks["rotate"])).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifted") < 0.05


def test_lanes_by_profile_and_tenant(sample: SampleGateway, visit: Visitor) -> None:
    page, tasks = shown(visit(sample, sample.board.path())), sample.board.tasks
    page.get_by_role("group", name="Lanes").get_by_role("button", name="Profile").click()
    backend = page.get_by_role("region", name=re.compile("^backend"))
    expect(backend.get_by_role("button", expanded=True)).to_contain_text("1 of 2 running")
    expect(backend.locator(f"[data-card={tasks['rotate']}]")).to_be_visible()
    expect(backend.locator(f"[data-card={tasks['webhook']}]")).to_have_count(0)
    done = backend.get_by_role("list", name="done tasks of backend").get_by_role("listitem")
    expect(done).to_have_count(3)
    backend.get_by_role("button", name=re.compile(r"^\d+ more$")).click()
    until(page, lambda: done.count() > 3)
    # Keys go down from one lane into the next.
    backend.locator(f"[data-card={tasks['rotate']}]").focus()
    press(page, "j")
    until(page, lambda: tasks["runners"] in focused(page))
    backend.get_by_role("button", name=re.compile("^backend|backend ")).first.click()
    expect(backend.locator("[data-card]")).to_have_count(0)
    page.get_by_role("group", name="Lanes").get_by_role("button", name="Tenant").click()
    billing = page.get_by_role("region", name=re.compile("^billing"))
    expect(billing.locator(f"[data-card={tasks['webhook']}]")).to_be_visible()
    expect(page).to_have_url(re.compile("lanes=tenant"))


def test_keys_go_everywhere(sample: SampleGateway, visit: Visitor) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    page = shown(visit(sample, sample.board.path(), permissions=permissions))
    tasks = sample.board.tasks

    def at(task_id: str) -> None:
        until(page, lambda: task_id in focused(page), message=f"{task_id}: {focused(page)}")

    press(page, "j")
    triage, todo, ready = (ids(page, name) for name in ("Triage", "Todo", "Ready"))
    at(triage[0])
    press(page, "j")
    at(triage[1])
    press(page, "ArrowUp")
    at(triage[0])
    press(page, "l", "ArrowRight")
    at(ready[0])
    press(page, "j", "[")
    at(todo[0])
    press(page, "h", "]", "]")
    at(ready[0])
    expect(page.locator("[data-card][tabindex='0']")).to_have_count(1)
    press(page, "x", "Shift+J", "Shift+J")
    at(ready[2])
    expect(page.locator(".card.is-selected")).to_have_count(3)
    press(page, "Shift+K")
    expect(page.locator(".card.is-selected")).to_have_count(2)
    expect(page.get_by_role("checkbox", name=f"Select {ready[0]}")).to_be_checked()
    press(page, "Escape")
    expect(page.locator(".card.is-selected")).to_have_count(0)
    press(page, "y")
    expect(page.get_by_text("Link copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{sample.address}{sample.board.path()}/t/{ready[1]}"
    press(page, "Enter")
    expect(page).to_have_url(re.compile(f"task={ready[1]}"))
    page.go_back()
    at(ready[1])
    press(page, "Shift+Enter")
    expect(page).to_have_url(re.compile(f"/t/{ready[1]}$"))
    page.go_back()
    page.locator(f"[data-card={tasks['restore']}]").focus()
    press(page, "o")
    expect(page).to_have_url(re.compile(f"task={tasks['restore']}"))
    expect(page.get_by_role("log")).to_be_in_viewport()


def test_nothing_moves_under_a_hand(web: WebAlone, visit: Visitor) -> None:
    first, second = web.task(title="First"), web.task(title="Second")
    page = visit(web, "/b/default")
    expect(column(page, "Ready").locator(".why")).to_have_count(2)
    card(page, second).hover()
    place = card(page, second).bounding_box()
    urgent = web.task(title="Urgent", priority=4)
    new = column(page, "Ready").get_by_role("button", name="1 new")
    expect(new).to_be_visible()
    expect(count(page, "Ready")).to_have_text("3")
    web.post(f"/tasks/{first}/triage", {})
    expect(column(page, "Triage").get_by_text(first)).to_be_visible()
    expect(column(page, "Ready").get_by_text("moved to Triage")).to_be_visible()
    # The new card is asked about, and with it all that are shown.
    with page.expect_response(lambda response: "why" in response.url):
        last = web.task(title="Comes last", priority=-1)
    expect(column(page, "Ready").get_by_text(last)).to_be_visible()
    assert card(page, second).bounding_box() == place
    new.hover()
    expect(new).to_be_visible()
    new.click()
    until(page, lambda: ids(page, "Ready") == [urgent, second, last])
    page.mouse.move(700, 5)
    # The focus keeps its card as well, when that goes elsewhere.
    page.locator(f"[data-card={second}]").focus()
    web.post(f"/tasks/{second}/triage", {})
    expect(column(page, "Ready").get_by_text("moved to Triage")).to_be_visible()
    assert second in focused(page)
    press(page, "j")
    until(page, lambda: last in focused(page))
    page.locator("#search").focus()
    until(page, lambda: ids(page, "Ready") == [urgent, last])


def test_the_focus_comes_back_to_the_card(web: WebAlone, visit: Visitor) -> None:
    opened, beside = web.task(title="Opened"), web.task(title="Beside")
    page = visit(web, "/b/default")
    page.locator(f"[data-card={opened}]").focus()
    press(page, "Enter")
    expect(page).to_have_url(re.compile("task="))
    web.post(f"/tasks/{opened}/triage", {})
    expect(count(page, "Triage")).to_have_text("1")
    page.go_back()
    until(page, lambda: "Opened" in focused(page))
    expect(column(page, "Triage").locator(f"[data-card={opened}]")).to_be_focused()
    press(page, "Enter")
    expect(page).to_have_url(re.compile("task="))
    web.post(f"/tasks/{opened}/archive", {})
    expect(count(page, "Triage")).to_have_text("0")
    page.go_back()
    expect(page.locator(f"[data-card={beside}]")).to_be_focused()


def test_ten_thousand_tasks(crowd: WebAlone, visit: Visitor) -> None:
    page = shown(visit(crowd, "/b/default"))
    expect(count(page, "Done")).to_have_text(f"4{THIN}000")
    expect(count(page, "Ready")).to_have_text(f"2{THIN}500")
    assert 60 < page.locator("[data-card]").count() < 250
    rest = column(page, "Ready").locator(".cards")
    seen: set[str] = set()
    while len(seen) < 300:
        before = len(seen)
        rest.evaluate("list => list.scrollBy(0, 1200)")
        until(page, lambda: not seen.issuperset(ids(page, "Ready")))  # noqa: B023
        seen |= set(ids(page, "Ready"))
        assert len(seen) > before
        assert len(ids(page, "Ready")) < 60
    page.get_by_role("searchbox").fill("duplicate webhook")
    expect(count(page, "Done")).to_have_text(re.compile(f" of 4{THIN}000$"))
    page.get_by_role("group", name="Lanes").get_by_role("button", name="Profile").click()
    expect(page.get_by_role("region", name=re.compile("^backend"))).to_be_visible()


def test_a_board_without_a_task_says_how_to_begin(
    web: WebAlone, gateway: StartGateway, visit: Visitor
) -> None:
    page = visit(web, "/b/default")
    expect(page.get_by_role("heading", name="No tasks on default yet")).to_be_visible()
    expect(page.get_by_text("hermes-kanban gateway run")).to_be_visible()
    task_id = web.task(title="Add /healthz")
    expect(column(page, "Ready").get_by_text(task_id)).to_be_visible()


def test_on_a_telephone_one_column_is_shown(sample: SampleGateway, visit: Visitor) -> None:
    page = shown(visit(sample, sample.board.path(), size=NARROW, touch=True))
    tasks, pager = sample.board.tasks, page.get_by_role("navigation", name="Columns")
    blocked, running = (
        pager.get_by_role("button", name=re.compile(f"^{name}")) for name in ("Blocked", "Running")
    )
    expect(blocked).to_have_attribute("aria-current", "true")
    expect(card(page, tasks["retention"])).to_be_in_viewport()
    running.tap()
    expect(running).to_have_attribute("aria-current", "true")
    expect(card(page, tasks["rotate"])).to_be_in_viewport()
    expect(card(page, tasks["retention"])).not_to_be_in_viewport()
    # A long press selects; then a tap does.
    card(page, tasks["rotate"]).get_by_role("article").dispatch_event("touchstart")
    expect(page.get_by_role("checkbox", name=f"Select {tasks['rotate']}")).to_be_checked()
    card(page, tasks["rotate"]).get_by_role("article").dispatch_event("touchend")
    card(page, tasks["revoke"]).tap()
    expect(page.locator(".card.is-selected")).to_have_count(2)
    page.get_by_role("group", name="Lanes").get_by_role("button", name="Profile").tap()
    expect(page.get_by_role("region", name=re.compile("^backend")).first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_columns_keep_their_size_where_seven_do_not_fit(
    sample: SampleGateway, visit: Visitor
) -> None:
    page = shown(visit(sample, sample.board.path(), size=MIDDLE))
    box = column(page, "Running").bounding_box()
    assert box is not None and round(box["width"]) == 268
    expect(column(page, "Done")).not_to_be_in_viewport()
    press(page, "j", "]", "]", "]", "]", "]", "]")
    expect(column(page, "Done")).to_be_in_viewport()
