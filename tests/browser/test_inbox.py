"""What needs a person: answered in place, by keys and by buttons, and told to whoever listens."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from hermes_kanban import kernel as kb
from tests.browser.conftest import SampleWeb
from tests.browser.looking import check_access, press, shown, until
from tests.browser.servers import WebAlone
from tests.browser.visiting import NARROW, Visitor

QUESTION = "30 or 90 days?\n\n- 30 days\n- 90 days\n"


def items(page: Page) -> Locator:
    """What waits, in its order."""
    return (
        page.get_by_role("list", name="Needs you")
        .get_by_role("listitem")
        .filter(has=page.locator("b"))
    )


def item(page: Page, task_id: str) -> Locator:
    """What waits about one task."""
    return items(page).filter(has_text=task_id)


def selected(page: Page) -> Locator:
    """The item that keys answer."""
    return page.get_by_role("list", name="Needs you").locator("[aria-current=true]")


def blocked(web: WebAlone, title: str, reason: str = QUESTION) -> str:
    """A task whose worker asks."""
    task_id = web.task(title=title, assignee="backend")
    assert kb.block_task(web.conn, task_id, reason=reason, actor="profile:backend")
    return task_id


def test_everything_is_answered_in_place(own_sample: SampleWeb, visit: Visitor) -> None:
    board, tasks, conn = own_sample.board, own_sample.board.tasks, own_sample.board.story.conn
    page = shown(visit(own_sample, board.path("inbox")))

    def becomes(name: str, status: str) -> None:
        until(page, lambda: kb.get_task(conn, tasks[name]).status == status)

    oldest_first = ["restore", "publish", "runbook", "order", "audit", "sign", "retention"]
    expect(items(page)).to_have_text([re.compile(tasks[name]) for name in oldest_first])
    expect(page.get_by_text("7, oldest")).to_be_visible()
    expect(page.get_by_role("link", name="Needs you")).to_contain_text("7")

    item(page, tasks["restore"]).get_by_role("button", name="Retry").click()
    expect(item(page, tasks["restore"])).to_have_count(0)
    becomes("restore", "ready")
    # The next one takes its place.
    expect(selected(page)).to_contain_text(tasks["publish"])

    item(page, tasks["publish"]).get_by_role("button", name="Assign…").click()
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    page.keyboard.type("back")
    press(page, "Enter")
    expect(page.get_by_text("assigned to backend")).to_be_visible()
    expect(item(page, tasks["publish"])).to_contain_text("backend lacks a capability")
    item(page, tasks["publish"]).get_by_role("button", name="Unblock").click()
    expect(item(page, tasks["publish"])).to_have_count(0)

    item(page, tasks["sign"]).get_by_role("button", name="Changes…").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Allow for a skew of 5 s")
    page.get_by_role("dialog").get_by_role("button", name="Request changes").click()
    expect(item(page, tasks["sign"])).to_have_count(0)
    becomes("sign", "ready")

    late = item(page, tasks["audit"])
    expect(late).to_contain_text("nothing changes unless you adopt")
    late.get_by_role("button", name="Dismiss").click()
    expect(late).to_have_count(0)
    item(page, tasks["order"]).get_by_role("button", name="Approve").click()
    expect(item(page, tasks["order"])).to_have_count(0)
    becomes("order", "done")
    check_access(page)

    page.get_by_role("button", name="Answered").click()
    answered = page.get_by_role("list", name="Answered").get_by_role("listitem")
    expect(answered.nth(0)).to_contain_text(f"approved{tasks['order']}")
    expect(answered.nth(1)).to_contain_text("dismissed the late result")
    expect(answered.nth(1)).to_contain_text("Audit events for create, rotate and revoke")
    changes = answered.filter(has_text="Allow for a skew of 5 s")
    expect(changes).to_contain_text("Sign webhooks with secrets that rotate")
    expect(changes).to_contain_text("HMAC-SHA256")
    expect(answered.filter(has_text="mara")).to_contain_text("Per tenant")
    check_access(page)


def test_keys_alone_answer_open_and_take_back(web: WebAlone, visit: Visitor) -> None:
    first, second, third = (blocked(web, f"Keep keys {word}") for word in ("a", "b", "c"))
    page = shown(visit(web, "/b/default"))
    press(page, "g", "i")
    expect(items(page)).to_have_count(3)
    press(page, "j")
    expect(item(page, second)).to_be_focused()
    press(page, "2")
    expect(item(page, second)).to_have_count(0)
    until(page, lambda: kb.get_task(web.conn, second).status == "ready")
    assert kb.list_events(web.conn, second)[-1].payload["reason"] == "90 days"
    # The list closes up, and the next is at hand.
    expect(item(page, third)).to_be_focused()

    press(page, "z")
    expect(item(page, second)).to_have_count(1)
    expect(item(page, third)).to_be_focused()
    press(page, "k", "k")
    expect(item(page, first)).to_be_focused()

    press(page, "r")
    expect(page.get_by_role("dialog", name="Reply").get_by_role("textbox")).to_be_focused()
    page.keyboard.type("Whatever the contract says")
    press(page, "ControlOrMeta+Enter")
    expect(item(page, first)).to_have_count(0)
    until(page, lambda: kb.get_task(web.conn, first).status == "ready")
    assert kb.list_events(web.conn, first)[-1].payload["reason"] == "Whatever the contract says"

    press(page, "Enter")
    expect(page.get_by_role("dialog").get_by_text("Keep keys").first).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_role("dialog", name="Keep keys")).to_have_count(0)
    expect(items(page)).to_have_count(2)
    expect(selected(page)).to_be_focused()


def test_a_second_press_answers_nothing_that_slid_under_it(web: WebAlone, visit: Visitor) -> None:
    first, second = (blocked(web, f"Keep keys {word}") for word in ("a", "b"))
    page = shown(visit(web, "/b/default/inbox"))
    box = item(page, first).get_by_role("button", name="30 days").bounding_box()
    assert box is not None
    x, y = box["x"] + 5, box["y"] + 5
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.up()
    expect(item(page, first)).to_have_count(0)
    page.mouse.down()
    page.mouse.up()
    expect(item(page, second)).to_have_count(1)
    until(page, lambda: kb.get_task(web.conn, first).status == "ready")
    # With the pointer moved it is meant.
    assert kb.get_task(web.conn, second).status == "blocked"
    page.mouse.move(x + 20, y)
    page.mouse.down()
    page.mouse.up()
    until(page, lambda: kb.get_task(web.conn, second).status == "ready")


def test_a_key_answers_nothing_that_took_its_place(web: WebAlone, visit: Visitor) -> None:
    first, second = (blocked(web, f"Keep keys {word}") for word in ("a", "b"))
    page = shown(visit(web, "/b/default/inbox"))
    item(page, first).focus()
    web.post(f"/tasks/{first}/unblock", {"reason": "By somebody else"})
    expect(item(page, second)).to_be_focused()
    press(page, "1")
    expect(page.get_by_text("Nothing answered.").first).to_be_visible()
    assert kb.get_task(web.conn, second).status == "blocked"

    def pressed_again() -> bool:
        press(page, "1")
        return kb.get_task(web.conn, second).status == "ready"

    # A moment later it is meant.
    until(page, pressed_again)


def test_what_comes_is_said_and_moves_nothing(web: WebAlone, visit: Visitor) -> None:
    page = shown(visit(web, "/b/default/inbox"))
    expect(page.get_by_role("heading", name="Nothing needs you")).to_be_visible()
    check_access(page)
    first = blocked(web, "Delete expired keys")
    expect(item(page, first)).to_be_visible()
    said = page.get_by_role("status", name="Announcements")
    expect(said).to_have_text("backend asks: Delete expired keys.")
    item(page, first).focus()
    second = blocked(web, "Publish the SDK")
    expect(items(page)).to_have_count(2)
    expect(item(page, first)).to_be_focused()
    # Somebody else answers what is selected: the focus goes to what is left.
    web.post(f"/tasks/{first}/unblock", {"reason": "30 days"})
    expect(item(page, first)).to_have_count(0)
    expect(item(page, second)).to_be_focused()
    # At most a sentence in five seconds.
    expect(said).to_have_text("backend asks: Delete expired keys.")
    expect(said).to_have_text("backend asks: Publish the SDK.", timeout=15_000)


def test_a_refusal_brings_the_item_back_with_the_reason(web: WebAlone, visit: Visitor) -> None:
    task_id = blocked(web, "Delete expired keys")
    page = shown(visit(web, "/b/default/inbox"))
    # What the page knows is old by the time its answer arrives.
    page.route("**/bulk", lambda route: (kb.archive_task(web.conn, task_id), route.continue_()))
    item(page, task_id).get_by_role("button", name="30 days").click()
    expect(page.get_by_text("Not unblocked.").first).to_be_visible()


def test_a_telephone_answers_too(own_sample: SampleWeb, visit: Visitor) -> None:
    tasks = own_sample.board.tasks
    page = visit(own_sample, own_sample.board.path(), size=NARROW, touch=True)
    page.get_by_role("navigation").get_by_role("link", name="Inbox").tap()
    asked = item(shown(page), tasks["retention"])
    answer = asked.get_by_role("button", name="Make it a setting")
    box = answer.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    answer.tap()
    expect(asked).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_a_long_inbox_is_rendered_as_it_is_read(web: WebAlone, visit: Visitor) -> None:
    asked = [blocked(web, f"Question {at}") for at in range(130)]
    page = shown(visit(web, "/b/default/inbox"))
    expect(page.get_by_text("130, oldest")).to_be_visible()
    assert items(page).count() < len(asked)

    for _ in asked[1:70]:
        press(page, "j")
    expect(selected(page)).to_contain_text(asked[69])
    expect(selected(page)).to_be_in_viewport()
    expect(items(page).nth(100)).to_be_attached()

    def reaches_the_end() -> bool:
        items(page).last.scroll_into_view_if_needed()
        return items(page).count() == len(asked)

    assert until(page, reaches_the_end)
    expect(items(page).last).to_contain_text(asked[-1])
