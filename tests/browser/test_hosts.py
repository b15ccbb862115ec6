"""Several hosts at one board: who they are, what waits for which, and draining one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from hermes_kanban import kernel as kb
from hermes_kanban.machine import machine
from tests.browser.looking import card, check_access, column, focused, press, until
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import NARROW, Visitor
from tests.support import stores
from tests.support.gateways import Gateways, shell

PROFILES = {
    "quick": shell("echo done", on_exit_zero="complete"),
    "trainer": shell("echo trained", on_exit_zero="complete", requires=["gpu"]),
}
RACK = {
    "HERMES_KANBAN_HOST_ID": "id-of-rack",
    "HERMES_KANBAN_HOST_NAME": "rack",
    "HERMES_KANBAN_HOST_CAPABILITIES": "gpu",
    "HERMES_KANBAN_WEB_PUBLIC_URL": "https://rack.example.org",
}


@pytest.fixture
def rack(store: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateways]:
    """A second host of the board, which starts nothing until it is asked to; this one is desk."""
    del store
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", stores.address())
    monkeypatch.setenv("HERMES_KANBAN_HOST_ID", "id-of-desk")
    monkeypatch.setenv("HERMES_KANBAN_HOST_NAME", "desk")
    folder = home.with_name("rack")
    folder.mkdir()
    gateways = Gateways(folder)
    gateways.configure(PROFILES, durability="normal")
    machine.cache_clear()
    yield gateways
    gateways.close()
    machine.cache_clear()


def host(page: Page, name: str) -> Locator:
    """The row of a host in the page's health."""
    return page.get_by_role("region", name="Hosts").get_by_role("listitem", name=name, exact=True)


def state_of(conn: kb.BoardConnection) -> dict[str, str]:
    return {one.name: one.state for one in kb.list_hosts(conn)}


@pytest.mark.stores("postgres")
def test_two_hosts(rack: Gateways, gateway: Callable[..., LiveGateway], visit: Visitor) -> None:
    desk = gateway(PROFILES)
    training = desk.task(title="Train the ranker", assignee="trainer")
    page = visit(desk, "/b/default")
    expect(card(page, training)).to_contain_text("No live host offers gpu. A host that can run it")

    # It joins, and takes what waited for it.
    health = visit(desk, "/b/default/health")
    expect(host(health, "desk")).to_contain_text("Live")
    rack.start(**RACK, HERMES_KANBAN_HOME=str(rack.home))
    expect(host(health, "rack")).to_contain_text("Live")
    expect(host(health, "rack")).to_contain_text("gpu")
    its_page = host(health, "rack").get_by_role("link", name="Open its page on rack")
    expect(its_page).to_have_attribute("href", "https://rack.example.org/b/default")
    desk.wait_for(training, "done")
    card(page, training).get_by_role("link", name="Train the ranker").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("row", name="1 Completed trainer rack")).to_be_visible()
    expect(drawer.get_by_text("Its output lies on host rack")).to_be_visible()
    run = kb.latest_run(desk.conn, training)
    assert run is not None
    expect(drawer.get_by_role("link", name="Open it on rack")).to_have_attribute(
        "href", f"https://rack.example.org/b/default/t/{training}?part=log&run={run.id}"
    )
    press(page, "Escape")
    filed_at = kb.get_task(desk.conn, training).created_at
    past = visit(desk, f"/b/default/past?view=changes&at={filed_at}")
    expect(past.get_by_text("Host rack joined by system")).to_be_visible()
    past.goto(f"{desk.address}/b/default/past?was={training}")
    expect(past.get_by_text("trainer completed on rack")).to_be_visible()

    # Drained by keys, taken back by Z, and drained by another.
    host(health, "rack").get_by_role("button", name="Drain rack").focus()
    press(health, "Enter")
    expect(host(health, "rack")).to_contain_text("Draining")
    expect(host(health, "rack")).to_contain_text("ada asked for that")
    assert "Resume" in focused(health), "the button is another, and has the focus still"
    expect(health.get_by_text("The board starts nothing new on rack.")).to_be_visible()
    assert state_of(desk.conn)["rack"] == "draining"
    press(health, "z")
    expect(host(health, "rack")).to_contain_text("Live")
    assert state_of(desk.conn)["rack"] == "active"
    for name in ("rack", "desk"):
        kb.drain_host(desk.conn, name, reason=f"new disk in {name}", actor="person:bob")
    expect(host(health, "desk")).to_contain_text("Draining")
    expect(host(health, "desk")).to_contain_text("because “new disk in desk”.")
    expect(health.get_by_role("status", name="Announcements")).to_contain_text(
        "Host desk starts nothing new."
    )
    waiting = desk.task(title="Say hello", assignee="quick")
    expect(column(page, "Ready")).to_contain_text("Every host drains. You resume one.")
    card(page, waiting).get_by_role("link", name="Say hello").click()
    expect(drawer.get_by_text("Hosts desk, rack drain.")).to_be_visible()
    check_access(health)

    # One that is not heard of any more, and the other resumed where its task waits.
    rack.kill(rack.processes[0])
    desk.conn.execute("UPDATE hosts SET last_seen_at = 1 WHERE name = 'rack'")
    drawer.get_by_role("button", name="Resume desk").click()
    desk.wait_for(waiting, "done")
    expect(host(health, "rack")).to_contain_text("Lost")
    telephone = visit(desk, "/b/default/health", theme="dark", size=NARROW, touch=True)
    expect(host(telephone, "rack")).to_contain_text("It is not heard of")
    assert telephone.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    check_access(telephone)


def test_one_host_is_not_spoken_of_until_it_drains(web: WebAlone, visit: Visitor) -> None:
    name = os.uname().nodename
    kb.join_host(web.conn, kb.Host(host_id=machine().host, name=name, gateway_pid=1), "boot")
    task_id = web.task(title="Say hello", assignee="nobody")
    page = visit(web, "/b/default/health")
    expect(page.get_by_role("region", name="Caps")).to_be_visible()
    expect(page.get_by_role("region", name="Hosts")).to_have_count(0)
    kb.drain_host(web.conn, name)
    expect(host(page, name)).to_contain_text("It starts nothing when it returns")
    host(page, name).get_by_role("button", name=f"Resume {name}").click()
    expect(page.get_by_role("region", name="Hosts")).to_have_count(0)
    until(page, lambda: state_of(web.conn)[name] == "active")
    page.goto(f"{web.address}/b/default/t/{task_id}")
    expect(page.get_by_role("heading", name="Say hello")).to_be_visible()
    expect(page.get_by_text("host", exact=False)).to_have_count(0)
