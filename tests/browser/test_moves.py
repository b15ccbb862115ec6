"""Changing the board by hand: dragging, keys, menus, many at once, new tasks; and being refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import CDPSession, Locator, Page, Route, expect

from hermes_kanban import kernel as kb
from tests.browser.conftest import SampleWeb
from tests.browser.looking import card, cards, check_access, column, press, until
from tests.browser.network import Network
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import MIDDLE, NARROW, Visitor
from tests.support.gateways import shell

StartGateway = Callable[..., LiveGateway]
BOARD: Final = "/b/default"
LOST: Final = "ERR_|WebSocket|Failed to fetch"
GRIP: Final = 12
# To the right of the box that selects.
HANDLE: Final = 60
WORK: Final = "exec sleep 600"


def in_column(page: Page, task_id: str, name: str) -> Locator:
    """The card of the task in the column of that name."""
    return column(page, name).get_by_role("listitem").filter(has_text=task_id)


def stands_in(page: Page, task_id: str, name: str) -> None:
    """The card is in that column, and in no other."""
    expect(in_column(page, task_id, name)).to_be_visible()
    expect(card(page, task_id)).to_have_count(1)


def told(page: Page, text: str) -> Locator:
    """A toast that holds these words, when it is shown."""
    # By class: one that says what was not done is told as an alert, and hidden until it is entered.
    found = page.locator(".toast").filter(has_text=text)
    expect(found).to_be_visible()
    return found


def focus(page: Page, task_id: str) -> Locator:
    """The card's own element, which has the focus now."""
    found = page.locator(f'[data-card="{task_id}"]')
    found.focus()
    return found


def status(web: WebAlone | LiveGateway, task_id: str) -> str:
    """Where the task is, as the server has it."""
    found: str = web.get(f"/tasks/{task_id}").json["task"]["status"]
    return found


def lift(page: Page, task_id: str, name: str) -> None:
    """Take the card with the mouse, and hold it over the column of that name."""
    start, target = card(page, task_id).bounding_box(), column(page, name).bounding_box()
    assert start is not None
    assert target is not None
    page.mouse.move(start["x"] + HANDLE, start["y"] + GRIP)
    page.mouse.down()
    page.mouse.move(start["x"] + HANDLE + GRIP, start["y"] + 2 * GRIP)
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] + 200, steps=4)


def drag(page: Page, task_id: str, name: str) -> None:
    """Take the card with the mouse and let it go over the column of that name."""
    lift(page, task_id, name)
    page.mouse.up()


@pytest.fixture
def held_requests(visit: Visitor) -> Iterator[Callable[[Page], list[Route]]]:
    """Holds back what a page changes, as a slow server would; the test lets it go on."""
    held: list[Route] = []

    def hold(page: Page) -> list[Route]:
        page.route("**/bulk", lambda route: held.append(route))  # noqa: PLW0108
        return held

    yield hold


def test_a_card_is_dragged_and_the_drag_is_taken_back(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="Count the words")
    page = visit(web, BOARD)
    stands_in(page, task_id, "Ready")
    lift(page, task_id, "Done")
    # Its place stays, empty.
    expect(in_column(page, task_id, "Ready").get_by_text("Count the words")).to_be_hidden()
    page.mouse.up()
    stands_in(page, task_id, "Done")
    told(page, f"{task_id} moved to Done.")
    assert status(web, task_id) == "done"
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    press(page, "z")
    stands_in(page, task_id, "Ready")
    told(page, f"Taken back: complete. {task_id}: ready again.").get_by_role(
        "button", name="Redo"
    ).click()
    stands_in(page, task_id, "Done")
    assert until(page, lambda: status(web, task_id) == "done")


def test_a_column_that_may_not_be_says_why_and_the_card_returns(
    web: WebAlone, visit: Visitor
) -> None:
    parent = web.task(title="First this")
    child = web.task(title="Then that", parents=[parent])
    page = visit(web, BOARD)
    stands_in(page, child, "Todo")
    lift(page, child, "Ready")
    expect(column(page, "Ready")).to_contain_text(f"{parent} is open")
    expect(column(page, "Running")).to_contain_text("nly the dispatcher starts a task")
    expect(column(page, "Triage").get_by_text("is open")).to_have_count(0)
    page.mouse.up()
    stands_in(page, child, "Todo")
    refused = told(page, f"Not moved. {parent} is open, and {child} waits for it.")
    assert status(web, child) == "todo"
    refused.get_by_text(f"Open {parent}").click()
    page.wait_for_url(f"**task={parent}")


def test_escape_puts_a_dragged_card_back(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task()
    page = visit(web, BOARD)
    lift(page, task_id, "Done")
    press(page, "Escape")
    page.mouse.up()
    stands_in(page, task_id, "Ready")
    assert status(web, task_id) == "ready"


def test_a_card_is_lifted_moved_and_dropped_by_keys(web: WebAlone, visit: Visitor) -> None:
    first, task_id = web.task(title="First"), web.task(title="Second")
    page = visit(web, BOARD)
    stands_in(page, first, "Ready")
    focus(page, task_id)
    said = page.get_by_role("status", name="What is dragged")
    press(page, " ")
    expect(said).to_have_text(f"{task_id} lifted. Ready, 2 of 2.")
    press(page, "ArrowRight")
    expect(said).to_contain_text("Running: not possible, only the dispatcher starts a task")
    press(page, "Escape")
    expect(said).to_have_text(f"{task_id} stays where it was.")
    press(page, " ", "ArrowRight", "ArrowRight", "ArrowRight")
    expect(said).to_have_text("Blocked, 1 of 1. Needs a reason.")
    press(page, " ")
    expect(page.get_by_role("dialog", name=f"Move {task_id} to Blocked")).to_be_visible()
    page.keyboard.type("Which words?")
    press(page, "Control+Enter")
    stands_in(page, task_id, "Blocked")
    expect(in_column(page, task_id, "Blocked")).to_contain_text("Which words?")
    expect(page.locator(f'[data-card="{task_id}"]')).to_be_focused()


def test_what_is_typed_before_the_next_frame_is_in_the_field(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task()
    page = visit(web, BOARD)
    stands_in(page, task_id, "Ready")
    focus(page, task_id)
    page.evaluate("window.requestAnimationFrame = () => 0")
    press(page, "b")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("Which words?")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_value("Which words?")


def test_a_move_is_seen_at_once_and_rolled_back_when_another_was_first(
    web: WebAlone, visit: Visitor, held_requests: Callable[[Page], list[Route]]
) -> None:
    task_id = web.task()
    ada, mara = visit(web, BOARD), visit(web, BOARD, theme="dark")
    held = held_requests(ada)
    stands_in(mara, task_id, "Ready")
    focus(ada, task_id)
    press(ada, "b")
    ada.get_by_role("dialog").get_by_role("textbox").fill("Which words?")
    press(ada, "Control+Enter")
    # Nothing has reached the server.
    stands_in(ada, task_id, "Blocked")
    assert until(ada, lambda: held)
    expect(card(ada, task_id).get_by_label("Not confirmed yet")).to_be_visible()
    assert status(web, task_id) == "ready"
    drag(mara, task_id, "Done")
    stands_in(mara, task_id, "Done")
    stands_in(ada, task_id, "Blocked")
    held[0].continue_()
    told(ada, "Not blocked. Cannot block a task that is done")
    stands_in(ada, task_id, "Done")
    stands_in(mara, task_id, "Done")
    assert status(web, task_id) == "done"


def test_several_are_moved_and_each_refusal_is_named(web: WebAlone, visit: Visitor) -> None:
    first, second = web.task(title="First"), web.task(title="Second")
    over = web.task(title="Over")
    kb.complete_task(web.conn, over)
    page = visit(web, BOARD)
    stands_in(page, over, "Done")
    for task_id in (first, second, over):
        focus(page, task_id)
        press(page, "x")
    bar = page.get_by_role("region", name="Selection")
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Move").click()
    page.get_by_role("combobox").fill("tri")
    option = page.get_by_role("option", name="Triage")
    expect(option).to_contain_text("2 of 3")
    press(page, "Enter")
    toast = told(page, "2 moved to Triage, 1 refused.")
    toast.get_by_role("button", name="Show").click()
    expect(toast).to_contain_text(f"{over} stays done")
    for task_id in (first, second):
        stands_in(page, task_id, "Triage")
    stands_in(page, over, "Done")
    toast.get_by_role("button", name="Undo").click()
    for task_id in (first, second):
        stands_in(page, task_id, "Ready")
    told(page, "2 tasks are as before.")
    press(page, "Escape")
    expect(bar).to_have_count(0)


def test_selected_cards_are_dragged_together(web: WebAlone, visit: Visitor) -> None:
    ids = [web.task(title=f"Task {number}") for number in range(3)]
    page = visit(web, BOARD)
    focus(page, ids[0])
    press(page, "x", "Shift+J", "Shift+J")
    drag(page, ids[1], "Triage")
    expect(cards(page, "Triage")).to_have_count(3)
    assert [status(web, task_id) for task_id in ids] == ["triage"] * 3
    press(page, "z")
    expect(cards(page, "Ready")).to_have_count(3)


def test_every_menu_has_a_key(own_sample: SampleWeb, visit: Visitor) -> None:
    page = visit(own_sample, own_sample.board.path())
    task_id = own_sample.board.tasks["pin"]
    api = f"/boards/{own_sample.board.slug}/tasks/{task_id}"

    def task() -> Any:
        return own_sample.get(api).json["task"]

    focus(page, task_id)
    press(page, "a")
    expect(page.get_by_role("dialog", name=f"Assign {task_id}")).to_be_visible()
    check_access(page)
    page.keyboard.type("doc")
    press(page, "Enter")
    told(page, f"{task_id} assigned to docs.")
    assert task()["assignee"] == "docs"
    press(page, "p")
    page.get_by_role("combobox").fill("urg")
    press(page, "Enter")
    told(page, f"{task_id} set to priority urgent.")
    assert task()["priority"] == 4
    press(page, "r")
    page.get_by_role("dialog").get_by_role("textbox").fill("Alpine is smaller.")
    press(page, "Control+Enter")
    until(page, lambda: "Alpine" in str(own_sample.get(api).json["comments"]))
    press(page, "b")
    form = page.get_by_role("dialog", name=f"Block {task_id}")
    form.get_by_role("button", name="Another agent").click()
    form.get_by_role("textbox").fill("Nobody has the keys.")
    check_access(page)
    press(page, "Control+Enter")
    stands_in(page, task_id, "Blocked")
    assert task()["block_kind"] == "capability"
    expect(page.locator(f'[data-card="{task_id}"]')).to_be_focused()
    press(page, "u")
    page.get_by_role("dialog").get_by_role("textbox").fill("They are in the vault.")
    press(page, "Control+Enter")
    stands_in(page, task_id, "Ready")
    expect(page.locator(f'[data-card="{task_id}"]')).to_be_focused()
    press(page, "e")
    expect(card(page, task_id)).to_have_count(0)
    until(page, lambda: task()["status"] == "archived")
    press(page, "z")
    stands_in(page, task_id, "Ready")


def test_the_focus_goes_with_what_is_taken_back(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="There and back")
    page = visit(web, BOARD)
    focus(page, task_id)
    press(page, "b")
    page.get_by_role("dialog").get_by_role("textbox").fill("Where to?")
    press(page, "Control+Enter")
    stands_in(page, task_id, "Blocked")
    expect(page.locator(f'[data-card="{task_id}"]')).to_be_focused()
    press(page, "z")
    stands_in(page, task_id, "Ready")
    expect(page.locator(f'[data-card="{task_id}"]')).to_be_focused()
    # What it led to goes on without a hand.
    kb.claim_task(web.conn, task_id)
    stands_in(page, task_id, "Running")
    expect(page.locator(f'[data-card="{task_id}"]')).to_be_focused()


def test_work_is_stopped_only_by_who_says_so(gateway: StartGateway, visit: Visitor) -> None:
    served = gateway({"slow": shell(WORK)}, max_retries=3)
    task_id = served.task(title="Take your time", assignee="slow")
    page = visit(served, BOARD)
    stands_in(page, task_id, "Running")
    run = served.get(f"/tasks/{task_id}/runs").json["runs"][0]["id"]
    for key in ("Shift+R", "e"):
        focus(page, task_id)
        press(page, key)
        asked = page.get_by_role("alertdialog", name=f"Stop the worker of {task_id}?")
        expect(asked).to_contain_text(f"{task_id} · slow · running 0:0")
        expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
        press(page, "Enter")
        expect(asked).to_have_count(0)
    assert status(served, task_id) == "running"
    focus(page, task_id)
    press(page, "Shift+R")
    page.get_by_role("button", name="Stop and try again").click()
    until(page, lambda: served.get(f"/tasks/{task_id}/runs").json["runs"][0]["outcome"])
    ended = served.get(f"/tasks/{task_id}/runs").json["runs"][0]
    assert (ended["id"], ended["outcome"]) == (run, "reclaimed")


def test_tasks_are_written_in_their_columns(web: WebAlone, visit: Visitor) -> None:
    web.task(title="Here before")
    page = visit(web, BOARD)

    def write(name: str, *texts: str) -> None:
        column(page, name).get_by_role("button", name=f"New task in {name}").click()
        for text in texts:
            page.keyboard.type(text)
            press(page, "Enter")

    write("Triage", "An idea")
    expect(cards(page, "Triage")).to_have_count(1)
    write("Blocked", "Publish it", "Where to?")
    expect(cards(page, "Blocked")).to_contain_text(["Where to?"])
    write("Done", "Did this by hand")
    expect(cards(page, "Done")).to_have_count(1)
    write("Todo", "Nothing before it")
    told(page, "created, in Ready: it waits for no parent.")
    write("Running")
    expect(column(page, "Running")).to_contain_text("Nothing is created in Running.")
    press(page, "Escape")
    expect(column(page, "Running")).not_to_contain_text("Nothing is created")
    here = web.get("/cards?status=ready").json["cards"][0]["id"]
    focus(page, here)
    press(page, "c")
    page.keyboard.type("One")
    press(page, "Enter")
    page.keyboard.type("Two")
    press(page, "Enter")
    expect(cards(page, "Ready")).to_have_count(4)
    press(page, "Escape")
    expect(page.get_by_role("form", name="New task in Ready")).to_have_count(0)
    expect(page.locator(f'[data-card="{here}"]')).to_be_focused()
    press(page, "z")
    expect(cards(page, "Ready")).to_have_count(3)


def test_the_whole_form_keeps_its_draft_and_says_what_is_wrong(
    own_sample: SampleWeb, visit: Visitor
) -> None:
    page = visit(own_sample, own_sample.board.path())
    new = page.get_by_role("banner").get_by_role("button", name="New task")
    form = page.get_by_role("dialog", name="New task")
    new.click()
    form.get_by_label("Title").fill("Sign the release")
    form.get_by_role("textbox", name="Body").fill("With **both** keys.")
    press(page, "Escape")
    expect(form).to_have_count(0)
    new.click()
    expect(form.get_by_label("Title")).to_have_value("Sign the release")
    form.get_by_role("button", name="Preview").click()
    expect(form.locator("strong")).to_have_text("both")
    form.get_by_label("Assignee").select_option("docs")
    form.get_by_label("Priority").select_option("High")
    form.get_by_label("Tenant").fill("platform")
    parent = own_sample.board.tasks["rotate"]
    form.get_by_role("combobox", name="Waits for").fill("Rotate API keys")
    form.get_by_role("option").filter(has_text=parent).click()
    form.get_by_text("Skills, model, time, workspace").click()
    form.get_by_label("Skills").fill("gpg, git")
    form.get_by_label("Workspace").select_option("A folder that is there")
    form.get_by_label("Path").fill("not/from/the/root")
    check_access(page)
    press(page, "Control+Enter")
    expect(form.get_by_role("alert")).to_contain_text("Not created.")
    form.get_by_label("Workspace").select_option("A folder of its own")
    press(page, "Control+Enter")
    expect(form).to_have_count(0)
    told(page, "created, in Todo.")
    found = own_sample.get(
        f"/boards/{own_sample.board.slug}/cards?text=Sign the release".replace(" ", "%20")
    )
    made = found.json["cards"][0]
    task = own_sample.get(f"/boards/{own_sample.board.slug}/tasks/{made['id']}").json["task"]
    expected = ("docs", 3, "platform", ["gpg", "git"], "With **both** keys.")
    assert (
        tuple(task[name] for name in ("assignee", "priority", "tenant", "skills", "body"))
        == expected
    )
    assert made["open_parents"] == 1
    new.click()
    expect(form.get_by_label("Title")).to_have_value("")


def touches(page: Page) -> tuple[CDPSession, Callable[..., None]]:
    """What sends touches: ``touch("touchStart", x, y)``."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *at: float) -> None:
        points = [{"x": at[0], "y": at[1]}] if at else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return session, touch


def test_a_card_is_dragged_with_a_finger(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task()
    page = visit(web, BOARD, size=MIDDLE, touch=True)
    stands_in(page, task_id, "Ready")
    start, target = card(page, task_id).bounding_box(), column(page, "Triage").bounding_box()
    assert start is not None
    assert target is not None
    _, touch = touches(page)
    touch("touchStart", start["x"] + GRIP, start["y"] + GRIP)
    expect(page.locator(f'[data-card="{task_id}"]')).to_have_count(2)
    for part in (0.3, 0.6, 1.0):
        x = start["x"] + (target["x"] + 40 - start["x"]) * part
        touch("touchMove", x, start["y"] + 60)
    touch("touchEnd")
    stands_in(page, task_id, "Triage")
    assert until(page, lambda: status(web, task_id) == "triage")


def test_on_a_phone_a_long_press_selects_and_a_sheet_moves(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task()
    page = visit(web, BOARD, size=NARROW, touch=True, reduced_motion="reduce")
    expect(in_column(page, task_id, "Ready")).to_be_attached()
    page.get_by_role("navigation", name="Columns").get_by_role("button", name="Ready").tap()
    expect(in_column(page, task_id, "Ready")).to_be_in_viewport()
    start = card(page, task_id).bounding_box()
    assert start is not None
    _, touch = touches(page)
    touch("touchStart", start["x"] + HANDLE, start["y"] + GRIP)
    bar = page.get_by_role("region", name="Selection")
    expect(bar).to_contain_text("1 selected")
    touch("touchEnd")
    bar.get_by_role("button", name="Move").tap()
    sheet = page.get_by_role("dialog", name=f"Move {task_id}")
    expect(sheet.get_by_role("option", name="Running")).to_be_disabled()
    sheet.get_by_role("option", name="Done").tap()
    expect(sheet).to_have_count(0)
    until(page, lambda: status(web, task_id) == "done")
    expect(bar).to_have_count(0)


def test_nothing_is_changed_while_the_server_is_not_heard(
    gateway: StartGateway, visit: Visitor
) -> None:
    visit.forgive(LOST)
    served = gateway()
    task_id = served.task()
    between = Network(served)
    page = visit(between, BOARD)
    stands_in(page, task_id, "Ready")
    focus(page, task_id)
    press(page, "x")
    between.cut()
    expect(page.get_by_text("Not connected since").first).to_be_visible()
    bar = page.get_by_role("region", name="Selection")
    expect(bar.get_by_role("button", name="Archive")).to_be_disabled()
    press(page, "e")
    told(page, "Not connected since")
    stands_in(page, task_id, "Ready")
    between.mend()
    expect(bar.get_by_role("button", name="Archive")).to_be_enabled()
    press(page, "e")
    expect(card(page, task_id)).to_have_count(0)
    between.close()


def test_what_a_status_does_not_allow_is_not_asked_for(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task()
    kb.complete_task(web.conn, task_id)
    page = visit(web, BOARD)
    stands_in(page, task_id, "Done")
    focus(page, task_id)
    for key, not_done in (("b", "Not blocked."), ("u", "Not unblocked."), ("Shift+R", "Not rec")):
        press(page, key)
        told(page, not_done)
        expect(page.locator(".dialog")).to_have_count(0)
    # Nothing was done on this page: what was done before it is named, and taken back by a second Z.
    press(page, "z")
    told(page, f"Your last change: complete on {task_id}")
    assert status(web, task_id) == "done"
    press(page, "z")
    stands_in(page, task_id, "Ready")
