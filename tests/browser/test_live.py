"""A page that stays open: other people, real workers, a dead gateway, a network that goes away."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from hermes_kanban import kernel as kb
from tests.browser.looking import card, cards, column, until
from tests.browser.network import Network
from tests.browser.servers import LiveGateway
from tests.browser.visiting import Visitor
from tests.support.gateways import shell

StartGateway = Callable[..., LiveGateway]
LOST = "ERR_|WebSocket|Failed to fetch"
NOT_CONNECTED = "Not connected since"


def stands_in(page: Page, task_id: str, name: str) -> None:
    """The card of the task is in the column of that name, and in no other."""
    expect(column(page, name).get_by_role("listitem").filter(has_text=task_id)).to_be_visible()
    expect(card(page, task_id)).to_have_count(1)


def test_two_people_see_one_board(gateway: StartGateway, visit: Visitor) -> None:
    served = gateway()
    ada, mara = visit(served, "/b/default"), visit(served, "/b/default", theme="dark")
    task_id = served.task(title="Count the words")
    for page in (ada, mara):
        stands_in(page, task_id, "Ready")
    served.post(f"/tasks/{task_id}/block", {"reason": "Which words?", "kind": "needs_input"})
    for page in (ada, mara):
        stands_in(page, task_id, "Blocked")
    served.patch(f"/tasks/{task_id}", {"title": "Count the nouns"})
    for page in (ada, mara):
        expect(card(page, task_id)).to_contain_text("Count the nouns")


def test_what_comes_while_a_list_is_read_is_not_lost(gateway: StartGateway, visit: Visitor) -> None:
    served = gateway()
    first = served.task(title="Filed before")
    page = visit.context(served).new_page()
    held: list[tuple[Route, APIResponse]] = []
    heard: list[str | bytes] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    def heed(frame: str | bytes) -> None:
        heard.append(frame)

    page.route(re.compile(r"/cards\?.*status=ready"), hold)
    page.on("websocket", lambda socket: socket.on("framereceived", heed))
    page.goto(f"{served.address}/b/default", wait_until="commit")
    until(page, lambda: held)
    task_id = served.task(title="Filed while the list was read")
    until(page, lambda: any(task_id in str(frame) for frame in heard))
    # The answer that does not have it yet is still under way.
    route, answer = held[0]
    assert task_id not in answer.text()
    route.fulfill(response=answer)
    stands_in(page, first, "Ready")
    stands_in(page, task_id, "Ready")


def test_a_worker_is_followed_from_ready_to_done(gateway: StartGateway, visit: Visitor) -> None:
    served = gateway({"slow": shell("echo began; while [ ! -e go ]; do sleep 0.05; done; echo on")})
    page = visit(served, "/b/default")
    task_id = served.task(title="Take your time", assignee="slow", workspace="scratch")
    stands_in(page, task_id, "Running")
    expect(card(page, task_id)).to_contain_text("began")
    workspace = served.get(f"/tasks/{task_id}/workspace").json["path"]
    with open(f"{workspace}/go", "w", encoding="utf-8"):
        pass
    stands_in(page, task_id, "Done")


def test_a_gateway_that_dies_is_said_and_what_happened_meanwhile_is_shown(
    gateway: StartGateway, visit: Visitor
) -> None:
    visit.forgive(LOST)
    served = gateway()
    before = served.task(title="Filed before")
    page = visit(served, "/b/default")
    stands_in(page, before, "Ready")
    served.kill()
    expect(page.get_by_text(NOT_CONNECTED)).to_be_visible()
    stands_in(page, before, "Ready")
    meanwhile = kb.create_task(served.conn, title="Filed meanwhile")
    kb.complete_task(served.conn, before)
    served.again()
    expect(page.get_by_text(NOT_CONNECTED)).to_have_count(0)
    stands_in(page, meanwhile, "Ready")
    stands_in(page, before, "Done")


def test_what_runs_stands_still_while_nobody_is_heard(
    gateway: StartGateway, visit: Visitor
) -> None:
    visit.forgive(LOST)
    served = gateway({"slow": shell("echo began; exec sleep 600")})
    task_id = served.task(title="Take your time", assignee="slow")
    served.wait_for(task_id, "running")
    page = visit.context(served).new_page()
    # Its clock is wrong, which is nothing to the times of the board.
    page.clock.install(time=time.time() + 3_600)
    page.goto(f"{served.address}/b/default/t/{task_id}")
    running = page.get_by_text(re.compile(r"Running for 0:\d\d, run 1\."))
    expect(running).to_be_visible()
    served.kill()
    expect(page.get_by_text(NOT_CONNECTED)).to_be_visible()
    now = time.time()
    expect(page.get_by_text(NOT_CONNECTED)).to_have_text(
        re.compile("|".join(time.strftime("%H:%M", time.gmtime(now - ago)) for ago in (0, 60)))
    )
    said = running.inner_text()
    page.clock.fast_forward("10:00")
    page.clock.run_for(30_000)
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_text("Quiet")).to_have_count(0)
    expect(page.locator("header .pill.is-deaf")).to_be_visible()


@pytest.fixture
def network(gateway: StartGateway) -> Iterator[tuple[LiveGateway, Network]]:
    """A gateway, and what lies between it and the browser."""
    served = gateway()
    between = Network(served)
    yield served, between
    between.close()


def test_a_network_that_is_cut_and_mended_costs_nothing(
    network: tuple[LiveGateway, Network], visit: Visitor
) -> None:
    visit.forgive(LOST)
    served, between = network
    page = visit(between, "/b/default")
    first = served.task(title="With a network")
    stands_in(page, first, "Ready")
    between.cut()
    expect(page.get_by_text(NOT_CONNECTED)).to_be_visible()
    second = served.task(title="Without one")
    between.mend()
    stands_in(page, second, "Ready")
    expect(page.get_by_text(NOT_CONNECTED)).to_have_count(0)
    expect(cards(page, "Ready")).to_have_count(2)


def test_a_machine_that_slept_notices_that_nobody_is_there(
    network: tuple[LiveGateway, Network], visit: Visitor
) -> None:
    visit.forgive(LOST)
    served, between = network
    page = visit.context(between).new_page()
    page.clock.install()
    page.goto(f"{between.address}/b/default")
    first = served.task(title="Before sleep")
    stands_in(page, first, "Ready")
    between.fall_silent()
    second = served.task(title="In the night")
    expect(card(page, second)).to_have_count(0)
    page.clock.fast_forward("08:00:00")
    page.clock.run_for(60_000)
    expect(page.get_by_text(NOT_CONNECTED)).to_be_visible()
    between.mend()
    page.clock.run_for(60_000)
    stands_in(page, second, "Ready")
    expect(page.get_by_text(NOT_CONNECTED)).to_have_count(0)
