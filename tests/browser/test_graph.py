"""The graph of a tree: what it says, how it is walked and moved, and that nothing in it jumps."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from hermes_kanban import kernel as kb
from tests.browser.conftest import SampleGateway
from tests.browser.looking import check_access, focused, press, until
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import NARROW, Visitor
from tests.support.gateways import shell

MANY = 600
SOON_MS = 1_000


def drawing(page: Page) -> Locator:
    return page.get_by_role("group", name=re.compile("^Drawing of"))


def node(page: Page, task_id: str) -> Locator:
    """A task of the drawing."""
    return drawing(page).get_by_role("link").filter(has_text=task_id)


def place(of: Locator) -> dict[str, float]:
    """Where it is seen: x, y, width and height."""
    box: dict[str, float] = of.evaluate("element => element.getBoundingClientRect().toJSON()")
    return {name: round(box[name], 1) for name in ("x", "y", "width", "height")}


def graph_of(root: str, board: str = "default") -> str:
    return f"/b/{board}/graph?root={root}"


def test_it_draws_the_tree_and_says_what_it_waits_for(
    sample: SampleGateway, visit: Visitor
) -> None:
    tasks = sample.board.tasks
    page = visit(sample, graph_of(tasks["plan"], sample.board.slug))
    expect(drawing(page).get_by_role("link")).to_have_count(17)
    sentence = page.get_by_text(re.compile("tasks to go"))
    expect(page.get_by_role("main")).to_contain_text(
        re.compile(f"Waits for {tasks['rotate']}, which backend runs since \\d\\d:\\d\\d")
    )
    expect(sentence).to_contain_text(re.compile("5 tasks to go, one after the other, about .+ min"))
    for name in ("rotate", "backfill", "load", "remove", "changelog"):
        expect(node(page, tasks[name])).to_have_accessible_name(re.compile("on the longest chain$"))
    expect(node(page, tasks["scopes"])).not_to_have_accessible_name(re.compile("longest chain"))
    # From left to right, each after all that it waits for.
    assert place(node(page, tasks["plan"]))["x"] < place(node(page, tasks["rotate"]))["x"]
    assert place(node(page, tasks["rotate"]))["x"] < place(node(page, tasks["changelog"]))["x"]
    node(page, tasks["load"]).click()
    expect(page.get_by_role("dialog")).to_contain_text("Load test: 500 keys")
    expect(page).to_have_url(re.compile(f"task={tasks['load']}"))


def test_the_keyboard_walks_the_links_and_opens_a_task(
    sample: SampleGateway, visit: Visitor
) -> None:
    tasks = sample.board.tasks
    page = visit(sample, graph_of(tasks["plan"], sample.board.slug))
    node(page, tasks["load"]).focus()
    press(page, "ArrowRight")
    assert tasks["remove"] in focused(page)
    press(page, "ArrowRight")
    assert tasks["changelog"] in focused(page)
    press(page, "ArrowLeft")
    assert tasks["changelog"] not in focused(page)
    # One stop for Tab: the next one is no task.
    press(page, "Tab")
    assert "t_" not in focused(page)
    node(page, tasks["rotate"]).focus()
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Rotate API keys")
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(node(page, tasks["rotate"])).to_be_focused()


def test_the_same_tree_is_a_list_a_key_away(sample: SampleGateway, visit: Visitor) -> None:
    tasks = sample.board.tasks
    page = visit(sample, graph_of(tasks["rotate"], sample.board.slug))
    expect(drawing(page)).to_be_visible()
    press(page, "t")
    tree = page.get_by_role("tree")
    expect(tree.get_by_role("treeitem")).to_have_count(17)
    rotate = tree.get_by_role("treeitem").filter(has_text="Rotate API keys")
    expect(rotate).to_have_attribute("aria-level", "3")
    expect(rotate).to_have_attribute("aria-current", "true")
    check_access(page)
    rotate.focus()
    press(page, "ArrowLeft")
    expect(tree.locator(":focus")).to_have_attribute("aria-level", "2")
    press(page, "Home")
    assert "Plan: API keys v2" in focused(page)
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Plan: API keys v2")
    press(page, "Escape")
    press(page, "t")
    expect(drawing(page)).to_be_visible()


def test_a_telephone_gets_the_list_and_may_have_the_drawing(
    sample: SampleGateway, visit: Visitor
) -> None:
    tasks = sample.board.tasks
    path = graph_of(tasks["rotate"], sample.board.slug)
    page = visit(sample, path, size=NARROW, touch=True)
    expect(page.get_by_role("treeitem")).to_have_count(17)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    page.get_by_role("button", name="Drawing").tap()
    expect(node(page, tasks["rotate"])).to_be_in_viewport()
    check_access(page)


def test_it_is_moved_and_seen_from_near_and_far(sample: SampleGateway, visit: Visitor) -> None:
    tasks = sample.board.tasks
    page = visit(sample, graph_of(tasks["plan"], sample.board.slug))
    one = node(page, tasks["rotate"])
    whole = place(one)
    frame = place(drawing(page))
    page.mouse.move(frame["x"] + 20, frame["y"] + frame["height"] - 20)
    page.mouse.wheel(0, 50)
    until(page, lambda: place(one)["y"] == whole["y"] - 50)
    # On a task too: a drag is no click.
    page.mouse.move(whole["x"] + 90, whole["y"] - 30)
    page.mouse.down()
    page.mouse.move(whole["x"] + 10, whole["y"] - 10, steps=4)
    page.mouse.up()
    assert place(one)["x"] == whole["x"] - 80
    assert place(one)["y"] == whole["y"] - 30
    expect(page.get_by_role("dialog")).to_have_count(0)
    press(page, "+")
    until(page, lambda: place(one)["width"] > whole["width"] * 1.2)
    press(page, "0")
    until(page, lambda: place(one) == whole)
    drawing(page).focus()
    press(page, "ArrowRight")
    until(page, lambda: place(one)["x"] == whole["x"] - 80)
    page.get_by_role("button", name="Show all of it").click()
    until(page, lambda: place(one) == whole)


def test_it_follows_what_happens_and_nothing_jumps(
    gateway: Callable[..., LiveGateway], visit: Visitor, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    served = gateway({"worker": shell(f"while [ ! -e {gate} ]; do sleep 0.05; done")})
    plan = served.task(title="Plan", assignee="worker")
    build = served.task(title="Build", assignee="worker", parents=[plan])
    ship = served.task(title="Ship", parents=[build])
    served.wait_for(plan, "running")
    page = visit(served, graph_of(plan))
    expect(page.get_by_role("main")).to_contain_text(f"Waits for {plan}, which worker runs since")
    node(page, ship).hover()
    before = {one: place(node(page, one)) for one in (plan, build, ship)}
    gate.touch()
    expect(node(page, build)).to_have_accessible_name(re.compile("done .* worker$"))
    expect(page.get_by_text("3 of 3 done")).to_have_count(0)
    expect(page.get_by_text("2 of 3")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(
        f"Waits for {ship}, which is ready and assigned to nobody"
    )
    assert {one: place(node(page, one)) for one in before} == before
    # A new link changes the drawing, but not what lies under the pointer.
    docs = served.task(title="Docs", parents=[plan])
    served.post("/link", {"parent_id": docs, "child_id": ship})
    expect(node(page, docs)).to_be_visible()
    expect(page.get_by_text("2 of 4")).to_be_visible()
    assert place(node(page, ship)) == before[ship]
    # What happens while nobody serves the page is there as soon as somebody does again.
    visit.forgive("ERR_CONNECTION|WebSocket")
    served.kill()
    expect(page.get_by_text(re.compile("^Not connected since"))).to_be_visible()
    for one in (docs, ship):
        kb.complete_task(served.conn, one, summary="done by hand")
    expect(page.get_by_text("2 of 4")).to_be_visible()
    served.again()
    expect(page.get_by_text("All 4 tasks are done.")).to_be_visible()


def test_hundreds_of_tasks_are_there_at_once_with_what_is_done_folded(
    web: WebAlone, visit: Visitor
) -> None:
    root = grow(web.conn, MANY)
    page = visit(web, "/b/default/graph")
    tree = page.get_by_role("link", name=re.compile("Task 0"))
    expect(tree).to_contain_text(f"{MANY // 2} of")
    took = []
    for _ in range(2):
        tree.wait_for()
        took.append(
            page.evaluate(
                """() => new Promise((resolve) => {
                  const begun = performance.now()
                  document.querySelector('a.graph-tree').click()
                  const look = () => document.querySelectorAll('[data-id]').length > 300
                    ? requestAnimationFrame(() => resolve(performance.now() - begun))
                    : requestAnimationFrame(look)
                  look()
                })"""
            )
        )
        expect(page).to_have_url(re.compile(f"root={root}"))
        drawn = drawing(page).locator("[data-id]").count()
        assert MANY // 2 < drawn < MANY
        page.go_back()
    assert min(took) < SOON_MS, took
    page.go_forward()
    fold = drawing(page).get_by_role("button", name=re.compile("done Show them"))
    fold.first.focus()
    press(page, "Enter")
    until(page, lambda: drawing(page).locator("[data-id]").count() > drawn + 10)


def test_a_tree_is_chosen_by_its_size_or_by_a_search(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, sample.board.path("graph"))
    plan = page.get_by_role("link", name=re.compile("Plan: API keys v2"))
    expect(plan).to_contain_text("6 of 17 done")
    expect(plan).to_contain_text("9 todo")
    page.get_by_role("searchbox", name=re.compile("Find a task")).fill("Nightly restore")
    found = page.get_by_role("link", name=re.compile("Nightly restore drill"))
    found.click()
    expect(drawing(page).get_by_role("link")).to_have_count(1)
    page.get_by_role("link", name=re.compile("^Root")).click()
    expect(plan).to_be_visible()
    page.goto(sample.address + graph_of("t_nosuch", sample.board.slug))
    expect(page.get_by_role("heading", name="There is no task t_nosuch")).to_be_visible()


def grow(conn: kb.BoardConnection, total: int) -> str:
    """A tree of that many tasks whose first half is done; its first task."""
    ids: list[str] = []
    for at in range(total):
        parents = sorted({ids[max(0, at - 1 - back)] for back in (at % 17, at % 29)} if ids else ())
        ids.append(kb.create_task(conn, title=f"Task {at}", parents=parents))
    for one in ids[: total // 2]:
        kb.complete_task(conn, one, summary="done")
    return ids[0]
