"""Who hears of what, and what is owed: subscribed, tested, watched and ended on the page."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.notify.message import dead
from tests.browser.looking import check_access, press, shown
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import NARROW, Visitor


def row(page: Page, text: str) -> Locator:
    """The subscription or delivery that says so."""
    return page.get_by_role("main").get_by_role("listitem").filter(has_text=text)


def form(page: Page) -> Locator:
    return page.get_by_role("dialog")


def owe(web: WebAlone, task_id: str, destination: str) -> int:
    """A message about a question that was given up."""
    subscriptions.subscribe(web.conn, destination=destination, task_id=task_id)
    kb.block_task(web.conn, task_id, reason="Anybody?")
    outbox.advance_cursors(web.conn)
    owed = outbox.list_outbox(web.conn)[-1]
    outbox.mark(web.conn, owed.id, dead("404 Not Found"))
    return owed.id


def test_a_task_is_subscribed_to_from_its_drawer_and_what_happens_arrives(
    gateway: Callable[..., LiveGateway], visit: Visitor
) -> None:
    served = gateway()
    task_id = served.task(title="Tell somebody")
    page = shown(visit(served, f"/b/default?task={task_id}"))
    page.get_by_role("button", name="Notify…", exact=True).click()
    expect(form(page)).to_contain_text(f"Notify of {task_id}")
    expect(form(page).get_by_role("button", name="Subscribe")).to_be_disabled()
    form(page).get_by_role("button", name="Its tree").click()
    form(page).get_by_role("radio", name="Gateway log").check()
    form(page).get_by_label("Quiet hours").check()
    form(page).get_by_label("In the zone").fill("Mars/Olympus")
    form(page).get_by_role("button", name="Subscribe").click()
    expect(form(page).get_by_role("alert")).to_contain_text("Mars/Olympus")
    form(page).get_by_label("Quiet hours").uncheck()
    form(page).get_by_role("button", name="Subscribe").click()
    expect(page.get_by_text("Subscription 1 tells Gateway log.")).to_be_visible()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("The test message arrived: Gateway log.")).to_be_visible()
    expect(page.get_by_role("button", name="Notify… (1 hear of it)")).to_be_visible()
    page.keyboard.press("Escape")
    press(page, "g", "n")
    mine = row(page, "Gateway log")
    expect(mine).to_contain_text(f"{task_id} and its tree")
    expect(mine).to_contain_text("What needs a person or ends a task")
    expect(mine).to_contain_text("Nothing to tell yet")
    kb.block_task(served.conn, task_id, reason="Anybody?")
    expect(mine).to_contain_text("1 delivered")
    mine.get_by_role("button", name="End").click()
    expect(page.get_by_role("heading", name="Nobody is notified")).to_be_visible()
    page.get_by_role("button", name="Show those that have ended").click()
    expect(row(page, "Gateway log")).to_contain_text("Ended")
    check_access(page)


def test_what_does_not_arrive_says_why_and_does_when_it_is_put_right(
    gateway: Callable[..., LiveGateway], visit: Visitor, tmp_path: Path
) -> None:
    right, told = tmp_path / "right", tmp_path / "told"
    script = f"test -e {right} || {{ echo nobody is here >&2; exit 3; }}; cat >> {told}"
    served = gateway()
    command = "command:" + shlex.join(["/bin/sh", "-c", script])
    subscriptions.subscribe(served.conn, destination=command, filter={"kinds": ["created"]})
    page = shown(visit(served, "/b/default/notifications"))
    mine = row(page, "Command")
    mine.get_by_role("button", name="Test").click()
    expect(mine.get_by_role("status")).to_contain_text("nobody is here")
    served.task(title="The first")
    expect(mine.get_by_role("link", name="1 retrying")).to_be_visible()
    mine.get_by_role("link", name="1 retrying").click()
    waits = row(page, "The first")
    expect(waits).to_contain_text(re.compile(r"Retrying after \d+ attempt"))
    expect(waits).to_contain_text("nobody is here")
    right.touch()
    waits.get_by_role("button", name="Try now").click()
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    page.get_by_role("button", name="Delivered").click()
    expect(row(page, "The first")).to_contain_text("Delivered")
    assert "The first" in told.read_text()
    page.get_by_role("button", name="Subscriptions").click()
    mine.get_by_role("button", name="Test").click()
    expect(mine.get_by_role("status")).to_contain_text("The test message arrived")


def test_a_board_is_subscribed_to_with_a_filter_a_digest_and_a_profile_that_wakes(
    gateway: Callable[..., LiveGateway], visit: Visitor
) -> None:
    served = gateway({"planner": {"argv": ["/bin/true"]}})
    page = shown(visit(served, "/b/default/notifications"))
    page.get_by_role("button", name="New subscription").first.click()
    form(page).get_by_role("button", name="These").click()
    form(page).get_by_label("changes requested").check()
    form(page).get_by_label("Of profiles").fill("planner, tester")
    form(page).get_by_label("For tenants").fill("billing")
    form(page).get_by_role("button", name="Both").click()
    form(page).get_by_label("Which gets a task").select_option("planner")
    form(page).get_by_role("radio", name="Gateway log").check()
    form(page).get_by_label("Digest").select_option(label="One message for 15 min")
    form(page).get_by_label("Quiet hours").check()
    form(page).get_by_label("In the zone").fill("Europe/Berlin")
    page.keyboard.press("ControlOrMeta+Enter")
    mine = row(page, "The board")
    expect(mine).to_contain_text("Changes requested, of planner or tester, for billing")
    expect(mine).to_contain_text(
        "Wakes planner, too, one message for 15 min, quiet 22:00 to 07:00 (Europe/Berlin)"
    )
    (made,) = subscriptions.list_subscriptions(served.conn)
    assert (made.mode, made.created_by) == ("notify_and_wake", "person:ada")


def test_what_is_dead_is_found_from_health_and_tried_or_dropped_in_the_outbox(
    web: WebAlone, visit: Visitor
) -> None:
    task_id = web.task(title="Tell somebody")
    owed = owe(web, task_id, "slack:C0BUILDS")
    page = shown(visit(web, "/b/default/health"))
    page.get_by_role("region", name="Messages").get_by_role("link", name="1 dead").click()
    gone = row(page, "Tell somebody")
    expect(gone).to_contain_text("Slack C0BUILDS")
    expect(gone).to_contain_text("Dead after 1 attempt404 Not Found")
    gone.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Nothing is dead.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Waiting")).click()
    row(page, "Tell somebody").get_by_role("button", name="Drop…").click()
    form(page).get_by_role("textbox").fill("the channel is gone")
    form(page).get_by_role("button", name="Drop").click()
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    assert outbox.get_delivery(web.conn, owed).reason == "the channel is gone"
    expect(page.get_by_role("button", name="Dead 0", exact=True)).to_be_visible()
    page.get_by_role("button", name="Dropped").click()
    expect(row(page, "Tell somebody")).to_contain_text(re.compile("Dropped.*The channel is gone"))
    row(page, "Tell somebody").get_by_role("link", name=task_id).click()
    expect(page).to_have_url(re.compile(f"task={task_id}"))


def test_all_dead_ones_of_a_destination_are_dropped_where_health_tells_of_them(
    web: WebAlone, visit: Visitor
) -> None:
    for _ in range(2):
        owe(web, web.task(title="Tell somebody"), "slack:C0BUILDS")
    owe(web, web.task(title="Tell another"), "slack:C0OTHER")
    page = shown(visit(web, "/b/default/health"))
    messages = page.get_by_role("region", name="Messages")
    expect(messages.get_by_role("link", name="3 dead")).to_be_visible()
    row(page, "Tell somebody").first.get_by_role("button", name="Drop…").click()
    form(page).get_by_role("button", name="All dead ones there").click()
    form(page).get_by_role("button", name="Drop", exact=True).click()
    expect(messages.get_by_role("link", name="1 dead")).to_be_visible()
    row(page, "Tell another").get_by_role("button", name="Drop…").click()
    form(page).get_by_role("button", name="Drop", exact=True).click()
    expect(messages).to_contain_text("None was given up.")
    states = {one.dropped_at is None for one in outbox.list_outbox(web.conn)}
    assert states == {False}


def test_on_a_telephone_it_is_under_more_and_a_task_has_it_in_its_menu(
    web: WebAlone, visit: Visitor
) -> None:
    task_id = web.task(title="Tell somebody")
    page = shown(visit(web, f"/b/default/t/{task_id}", size=NARROW, touch=True))
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Notify…").click()
    expect(form(page)).to_contain_text(f"Notify of {task_id}")
    check_access(page)
    form(page).get_by_role("button", name="Cancel").click()
    page.get_by_role("navigation").get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Notifications").click()
    expect(page.get_by_role("heading", name="Nobody is notified")).to_be_visible()
