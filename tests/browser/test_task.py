"""A task's page and its drawer: everything that is told there, and everything that can be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from hermes_kanban import kernel as kb
from tests.browser.conftest import SampleGateway, SampleWeb
from tests.browser.looking import access_faults, card, check_access, press, until
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import MIDDLE, NARROW, Visitor
from tests.support.gateways import shell

RED = "\\033[31m"
PLAIN = "\\033[0m"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ff"
    "ff3f0005fe02fea72d9f5f0000000049454e44ae426082"
)


def section(page: Page, name: str) -> Locator:
    """A part of the task's page, by its heading."""
    return page.get_by_role("region", name=name, exact=True)


def fact(page: Page, name: str) -> Locator:
    """A row of the properties, by its name."""
    return (
        page.get_by_role("complementary", name="Properties")
        .locator("dl > div")
        .filter(has=page.get_by_text(name, exact=True))
    )


def test_a_page_tells_all_of_a_task(sample: SampleGateway, visit: Visitor) -> None:
    tasks = sample.board.tasks
    page = visit(sample, sample.board.task_path("rotate"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rotate API keys")
    expect(page).to_have_title(re.compile("Rotate API keys"))
    why = section(page, "Why")
    expect(why).to_contain_text(re.compile(r"Running for \d+:\d\d, run 3"))
    expect(why).to_contain_text("Its time limit ends it at")
    expect(page.get_by_role("checkbox").first).to_be_checked()

    links = section(page, "Depends on and releases")
    expect(links.get_by_role("listitem")).to_have_count(6)
    expect(links).to_contain_text("Store key hashes with Argon2id")

    log = page.get_by_role("log")
    expect(log.locator(".log-ink-red", has_text="FAILED")).to_be_visible()
    expect(log).to_contain_text("PASS tests/keys/test_rotation.py 41/48")

    runs = section(page, "Runs")
    expect(runs.get_by_role("button", name=re.compile("^Run "))).to_have_count(3)
    expect(runs).to_contain_text("exit code 137")
    # Another run shows its own output, and what is known of it.
    runs.get_by_role("button", name=re.compile("^Run ")).last.click()
    expect(log).to_contain_text("worker gw3 crashed: out of memory")
    expect(page.get_by_role("region", name=re.compile("Details of run"))).to_contain_text(
        "88\u2009000"
    )

    thread = section(page, "Thread")
    expect(thread).to_contain_text("mara unblocked it: Per tenant")
    expect(thread.get_by_role("link", name=tasks["audit"])).to_be_visible()
    agent = thread.get_by_role("listitem").filter(has_text="I compare the start of the request")
    expect(agent).to_contain_text("backend")
    expect(agent).to_contain_text("agent")

    expect(fact(page, "Status")).to_contain_text("Running")
    expect(fact(page, "Priority")).to_contain_text("High")
    expect(fact(page, "Max runtime")).to_contain_text("60 min")
    expect(fact(page, "Cost")).to_contain_text(re.compile(r"\$0\.69\s*in 3 runs"))
    expect(fact(page, "Branch")).to_contain_text(tasks["rotate"])
    expect(page.get_by_role("link", name=re.compile("Open graph"))).to_be_visible()

    thread.get_by_role("button", name="Events").click()
    events = section(page, "Events")
    crashed = events.get_by_role("listitem").filter(has=page.locator("code", has_text="crashed"))
    expect(crashed).to_contain_text("running → became ready")

    # Its dependencies lead on, and back.
    links.get_by_role("link", name=re.compile("Store key hashes")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Store key hashes with Argon2id")
    expect(section(page, "Result")).to_contain_text("Argon2id, 64 MiB, t=3, p=1")
    press(page, "Escape")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rotate API keys")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(sample: SampleGateway, visit: Visitor, theme: str) -> None:
    page = visit(sample, sample.board.task_path("rotate"), theme=theme)
    expect(page.get_by_role("log")).to_contain_text("PASS")
    section(page, "Changes").get_by_role("button").first.click()
    check_access(page)
    page.goto(f"{sample.address}{sample.board.path()}?task={sample.board.tasks['retention']}")
    opened = page.get_by_role("dialog").get_by_role("button", name="90 days", exact=True)
    expect(opened).to_be_visible()
    drawer = [fault for fault in access_faults(page) if "task" in fault]
    assert not drawer, drawer


def test_every_state_says_who_lifts_it(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, sample.board.task_path("retention"), size=MIDDLE)

    def why(name: str) -> Locator:
        page.goto(sample.address + sample.board.task_path(name))
        return section(page, "Why")

    expect(why("publish")).to_contain_text("codex-infra cannot do this as it is.")
    expect(section(page, "Why").get_by_role("button", name="Unblock")).to_be_enabled()
    expect(why("replica")).to_contain_text("The board tries again by itself at")
    expect(why("restore")).to_contain_text("The board gave up. You retry it")
    expect(why("importer")).to_contain_text("Blocked 3 times since a person last touched it")
    expect(why("pin")).to_contain_text("4 runs are in progress and kanban.max_in_progress is 4")
    waits = why("backfill")
    expect(waits).to_contain_text("is running")
    expect(waits.get_by_role("link", name=sample.board.tasks["rotate"]).first).to_be_visible()
    expect(why("scan").get_by_role("button", name="Start at once")).to_be_enabled()
    expect(why("runners")).to_contain_text(re.compile("Quiet [45] min"))

    page.goto(sample.address + sample.board.path("t/t_nowhere"))
    expect(page.get_by_role("heading", name="There is no t_nowhere")).to_be_visible()


def test_a_lease_that_is_renewed_is_no_output(own_sample: SampleWeb, visit: Visitor) -> None:
    board = own_sample.board
    task_id = board.tasks["runners"]
    run = kb.latest_run(board.story.conn, task_id)
    assert run is not None
    kb.heartbeat_claim(board.story.conn, task_id, run_id=run.id, claim_lock=run.claim_lock)
    page = visit(own_sample, board.path())
    expect(card(page, task_id)).to_contain_text(re.compile("quiet [45] min"))
    page.goto(own_sample.address + board.task_path("runners"))
    expect(section(page, "Why")).to_contain_text(re.compile("Quiet [45] min"))


def test_questions_are_answered_on_the_task(own_sample: SampleWeb, visit: Visitor) -> None:
    board = own_sample.board
    conn = board.story.conn

    def events(name: str, kind: str) -> list[kb.Event]:
        found = kb.list_events(conn, board.tasks[name], limit=1000)
        return [event for event in found if event.kind == kind]

    page = visit(own_sample, board.task_path("retention"))
    why = section(page, "Why")
    expect(why.get_by_role("button", name="90 days")).to_be_enabled()
    # The list of answers stands once, as buttons.
    expect(why.get_by_role("listitem")).to_have_count(0)
    press(page, "2")
    expect(fact(page, "Status")).to_contain_text("Ready")
    until(page, lambda: events("retention", "unblocked"))
    assert events("retention", "unblocked")[-1].payload["reason"] == "90 days"
    expect(section(page, "Thread")).to_contain_text("ada unblocked it: 90 days")

    page.goto(own_sample.address + board.task_path("sign"))
    expect(section(page, "Handed in")).to_contain_text("HMAC-SHA256")
    section(page, "Why").get_by_role("button", name="Request changes").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("The window is too wide.")
    press(page, "Control+Enter")
    expect(fact(page, "Status")).to_contain_text("Ready")
    expect(section(page, "Thread")).to_contain_text("asked for changes: The window is too wide.")

    page.goto(own_sample.address + board.task_path("audit"))
    expect(section(page, "Why")).to_contain_text("handed its result in too late")
    section(page, "Why").get_by_role("button", name="Dismiss").click()
    expect(section(page, "Why").get_by_text("too late")).to_have_count(0)
    until(page, lambda: events("audit", "dismissed"))

    page.goto(own_sample.address + board.task_path("restore"))
    section(page, "Why").get_by_role("button", name="Retry").click()
    expect(fact(page, "Status")).to_contain_text("Ready")

    page.goto(own_sample.address + board.task_path("export"))
    section(page, "Why").get_by_role("button", name="Accept").click()
    expect(section(page, "Why")).to_contain_text("It is assigned to nobody.")
    press(page, "a")
    page.get_by_role("dialog").get_by_role("combobox").fill("docs")
    press(page, "Enter")
    expect(fact(page, "Assignee")).to_contain_text("docs")


def test_title_body_and_facts_are_changed_in_place(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="Count the words", body="All of them.", assignee="backend")
    page = visit(web, f"/b/default/t/{task_id}")
    page.get_by_role("heading", level=1).get_by_role("button").click()
    page.get_by_role("textbox", name="Title").fill("Count the letters")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Count the letters")
    until(page, lambda: kb.get_task(web.conn, task_id).title == "Count the letters")
    press(page, "Shift+I")
    page.get_by_role("textbox", name="Title").fill("Count both")
    kb.edit_task(web.conn, task_id, title="Count the signs", actor="person:jonas")
    expect(page).to_have_title(re.compile("Count the signs"))
    press(page, "Enter")
    told = page.get_by_role("region", name="Notifications")
    expect(told).to_contain_text("Somebody named it “Count the signs” while you wrote.")
    page.get_by_role("textbox", name="Title").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Count both")

    press(page, "i")
    source = page.get_by_role("textbox", name="Body, in Markdown")
    expect(source).to_be_focused()
    source.fill("All of **them**.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".task-preview strong")).to_have_text("them")
    page.get_by_role("button", name="Write").click()

    # What somebody else saves meanwhile is said, and nothing of either is lost.
    kb.edit_task(web.conn, task_id, body="Those of the first page.", actor="person:jonas")
    alert = page.get_by_role("alert").filter(has_text="Somebody changed it while you wrote")
    expect(alert).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    expect(source).to_have_value("All of **them**.")
    alert.get_by_role("button", name="Keep mine").click()
    # Leaving asks, and a reload brings it back.
    source.press("Escape")
    expect(page.get_by_text("What you typed is not saved.")).to_be_visible()
    page.get_by_role("button", name="Go on writing").click()
    page.reload()
    expect(source).to_have_value("All of **them**.")
    source.press("Control+Enter")
    expect(source).to_have_count(0)
    expect(page.locator(".task-body strong")).to_have_text("them")
    assert kb.get_task(web.conn, task_id).body == "All of **them**."

    for name, typed, becomes in (
        ("Tenant", "platform", "platform"),
        ("Max runtime", "1 h 30 min", "90 min"),
        ("Skills", "pytest, redis", "pytest, redis"),
        ("Retries", "4", "4"),
    ):
        fact(page, name).get_by_role("button").click()
        page.get_by_role("textbox", name=name).fill(typed)
        press(page, "Enter")
        expect(fact(page, name).get_by_role("button")).to_contain_text(becomes)
    task = kb.get_task(web.conn, task_id)
    assert (task.tenant, task.max_runtime_seconds, task.max_retries) == ("platform", 5400, 4)
    assert task.skills == ["pytest", "redis"]
    press(page, "p")
    page.get_by_role("dialog").get_by_role("combobox").fill("urgent")
    press(page, "Enter")
    expect(fact(page, "Priority")).to_contain_text("Urgent")


def test_links_are_added_and_taken_away(web: WebAlone, visit: Visitor) -> None:
    mine = web.task(title="Ship it")
    first = web.task(title="Write the notes")
    after = web.task(title="Tell everybody")
    page = visit(web, f"/b/default/t/{mine}")
    links = section(page, "Depends on and releases")
    expect(links).to_contain_text("It waits for no task")
    press(page, "l")
    page.get_by_role("combobox", name="Task, by id or title").fill("notes")
    page.get_by_role("option", name=re.compile(first)).click()
    row = links.get_by_role("listitem").filter(has_text=first)
    expect(row).to_contain_text("waits for")
    expect(fact(page, "Status")).to_contain_text("Todo")
    expect(section(page, "Why")).to_contain_text(f"{first} is ready")

    press(page, "l")
    page.get_by_role("button", name="It releases").click()
    page.get_by_role("combobox", name="Task, by id or title").fill(after)
    expect(page.get_by_role("option", name=re.compile("Tell everybody"))).to_be_visible()
    page.get_by_role("combobox", name="Task, by id or title").press("Enter")
    expect(links.get_by_role("listitem").filter(has_text=after)).to_contain_text("releases")
    expect(page.locator(".task-tree-node")).to_have_count(3)

    # What happens to a neighbour is seen at once.
    kb.complete_task(web.conn, first, summary="Written.", actor="person:jonas")
    expect(row.locator(".st.done")).to_be_visible()
    expect(fact(page, "Status")).to_contain_text("Ready")
    # A circle is refused, in the server's words.
    circle = web.task(title="Come round", parents=[after])
    page.goto(f"{web.address}/b/default/t/{circle}")
    expect(links.get_by_role("listitem")).to_have_count(1)
    press(page, "l")
    page.get_by_role("button", name="It releases").click()
    page.get_by_role("combobox", name="Task, by id or title").fill("Ship")
    page.get_by_role("option", name=re.compile(mine)).click()
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("Not linked.")
    expect(links.get_by_role("listitem")).to_have_count(1)
    page.goto(f"{web.address}/b/default/t/{mine}")
    links.get_by_role("button", name=f"Unlink {first}").click()
    expect(links.get_by_role("listitem")).to_have_count(1)
    assert [link.parent_id for link in kb.list_links(web.conn, mine)] == [mine]


def test_the_log_is_followed_searched_and_kept(
    gateway: Callable[..., LiveGateway], visit: Visitor, tmp_path: Path
) -> None:
    gate = tmp_path / "go"
    script = f"""
printf '<img src=x onerror=alert(1)> \\033]0;owned\\007 \\033[2J \\033[5Aup\\n'
i=0; while [ $i -lt 5000 ]; do echo "line $i of many"; i=$((i+1)); done
printf '{RED}FAILED{PLAIN} test_one\\n'
until [ -e {gate} ]; do sleep 0.05; done
echo 'needle at the end'
until [ -e {gate}.end ]; do sleep 0.05; done
"""
    served = gateway({"talker": shell(script)})
    task_id = served.task(title="Talk", assignee="talker")
    served.wait_for(task_id, "running")
    page = visit(served, f"/b/default/t/{task_id}")
    log = page.get_by_role("log")
    expect(log.locator(".log-ink-red")).to_have_text("FAILED")
    expect(page.get_by_role("button", name="Following")).to_be_visible()
    expect(log).to_have_attribute("aria-live", "polite")
    assert log.locator(".log-line").count() < 100

    gate.touch()
    expect(log).to_contain_text("needle at the end")
    page.get_by_role("button", name="Show earlier lines").click()
    press(page, "Shift+O")
    field = page.get_by_role("textbox", name="Search in the log")
    field.fill("LINE 42 ")
    expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()
    expect(log.locator("mark")).to_have_text("line 42 ")
    expect(log).to_have_attribute("aria-live", "off")
    field.fill("of many")
    expect(page.get_by_text("1 of 5\u2009000")).to_be_visible()
    field.press("Enter")
    field.press("Enter")
    expect(page.get_by_text("3 of 5\u2009000")).to_be_visible()
    field.press("Shift+Enter")
    expect(log.locator("mark[data-chosen]")).to_have_count(1)
    expect(page.get_by_text("2 of 5\u2009000")).to_be_visible()
    field.fill("<img")
    expect(log.locator("mark")).to_have_text("<img")
    expect(log.locator("img")).to_have_count(0)
    expect(log).to_contain_text("onerror=alert(1)>")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    kept = download.value.path().read_text()
    assert "line 4999 of many" in kept
    assert "\x1b" not in kept

    # Scrolling up stops following; the button goes on with it.
    field.press("Escape")
    page.get_by_role("button", name="Follow", exact=True).click()
    expect(log).to_contain_text("needle at the end")
    log.hover()
    page.mouse.wheel(0, -2_000)
    expect(page.get_by_role("button", name="Follow", exact=True)).to_be_visible()
    (tmp_path / "go.end").touch()
    served.wait_for(task_id, "done")
    expect(section(page, "Log")).to_be_visible()


def test_comments_are_written_while_the_board_goes_on(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="Count the words", assignee="backend")
    page = visit(web, f"/b/default/t/{task_id}")
    field = page.get_by_role("textbox", name="Comment", exact=True)
    expect(field).to_be_visible()
    press(page, "r")
    expect(field).to_be_focused()
    field.type("Not the **numbers**, as ")
    kb.add_comment(web.conn, task_id, "Which page?", actor="person:jonas")
    kb.prioritise_task(web.conn, task_id, 3, actor="person:jonas")
    thread = section(page, "Thread")
    expect(thread).to_contain_text("Which page?")
    expect(fact(page, "Priority")).to_contain_text("High")
    expect(field).to_be_focused()
    field.type(f"in {task_id}.")
    page.reload()
    expect(field).to_have_value(f"Not the **numbers**, as in {task_id}.")
    field.press("Control+Enter")
    said = thread.get_by_role("listitem").filter(has_text="Not the numbers")
    expect(said.get_by_role("link", name=task_id)).to_be_visible()
    expect(said).to_contain_text("ada")
    expect(field).to_have_value("")
    assert [one.author for one in kb.list_comments(web.conn, task_id)] == [
        "person:jonas",
        "person:ada",
    ]


def test_a_comment_that_goes_through_at_the_second_try_leaves_its_field(
    web: WebAlone, visit: Visitor
) -> None:
    visit.forgive("ERR_FAILED")
    task_id = web.task(title="Count the words", assignee="backend")
    page = visit(web, f"/b/default/t/{task_id}")
    page.clock.install()  # no toast goes by itself
    field = page.get_by_role("textbox", name="Comment", exact=True)
    refused = page.locator(".toast").filter(has_text="Comment not sent.")

    def send(text: str) -> None:
        field.fill(text)
        page.route("**/bulk", lambda route: route.abort())
        field.press("Control+Enter")
        expect(refused).to_be_visible()
        expect(field).to_have_value(text)
        page.unroute("**/bulk")

    def try_again(text: str) -> None:
        refused.get_by_text("Try again").click()
        until(
            page, lambda: [one.body for one in kb.list_comments(web.conn, task_id)][-1:] == [text]
        )
        expect(refused).to_have_count(0)

    send("Which words?")
    try_again("Which words?")
    expect(field).to_have_value("")
    # What was typed since is another text.
    send("All of them")
    field.fill("All of them, please")
    try_again("All of them")
    expect(field).to_have_value("All of them, please")
    # It goes from a field that was left, too.
    send("Thanks")
    page.get_by_role("link", name="Board", exact=True).click()
    expect(field).to_have_count(0)
    try_again("Thanks")
    card(page, task_id).get_by_role("link", name="Count the words").click()
    expect(field).to_have_value("")


def test_files_are_attached_shown_and_saved(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="Count the words")
    page = visit(web, f"/b/default/t/{task_id}")
    files = section(page, "Attachments")
    notes: FilePayload = {
        "name": "notes.md",
        "mimeType": "text/markdown",
        "buffer": b"# Found\n\n<script>window.broken = 1</script>\n\n**four**",
    }
    dot: FilePayload = {"name": "dot.png", "mimeType": "image/png", "buffer": PICTURE}
    with page.expect_file_chooser() as chooser:
        files.get_by_role("button", name="Attach").click()
    chooser.value.set_files([notes, dot])
    expect(files.get_by_role("listitem")).to_have_count(2)
    files.get_by_role("button", name="notes.md", exact=True).click()
    expect(files.locator("strong")).to_have_text("four")
    files.get_by_role("button", name="dot.png", exact=True).click()
    picture = files.get_by_role("img", name="dot.png")
    expect(picture).to_be_visible()
    until(page, lambda: picture.evaluate("one => one.naturalWidth") == 1)
    with page.expect_download() as download:
        files.get_by_role("button", name="Download dot.png").click()
    assert download.value.path().read_bytes() == PICTURE
    assert page.evaluate("window.broken") is None

    # A file is dropped anywhere on the task.
    dropped = page.evaluate_handle(
        """() => {
            const held = new DataTransfer()
            held.items.add(new File(['a,b\\n1,2\\n'], 'table.csv', { type: 'text/csv' }))
            return held
        }"""
    )
    screen = page.locator(".task-screen")
    screen.dispatch_event("dragover", {"dataTransfer": dropped})
    expect(page.get_by_text(f"Drop to attach to {task_id}")).to_be_visible()
    screen.dispatch_event("drop", {"dataTransfer": dropped})
    expect(files.get_by_role("button", name="Download table.csv")).to_be_visible()
    names = [one.name for one in kb.list_attachments(web.conn, task_id)]
    assert names == ["notes.md", "dot.png", "table.csv"]


def test_a_line_of_the_diff_is_commented_on(own_sample: SampleWeb, visit: Visitor) -> None:
    board = own_sample.board
    page = visit(own_sample, board.task_path("rotate"))
    changes = page.get_by_role("region", name="Changes")
    expect(changes).to_contain_text("3 files +8 −6")
    changes.get_by_role("button", name=re.compile("cache.py")).click()
    expect(changes).to_contain_text("def lookup(digest, began):")
    changes.get_by_role(
        "button", name="Comment on src/atlas/keys/cache.py, line 6", exact=True
    ).last.click()
    field = changes.get_by_role("textbox")
    field.fill("Pass the clock in.")
    field.press("Control+Enter")
    expect(field).to_have_count(0)
    expect(
        changes.get_by_role("button", name="Comment on").and_(page.locator(":focus"))
    ).to_be_visible()
    thread = section(page, "Thread")
    expect(thread).to_contain_text("src/atlas/keys/cache.py:6")
    expect(thread).to_contain_text("Pass the clock in.")
    said = kb.list_comments(board.story.conn, board.tasks["rotate"])[-1].body
    assert said == (
        "`src/atlas/keys/cache.py:6`\n\n```\ndef lookup(digest, began):\n```\n\nPass the clock in."
    )


def test_the_drawer_lies_over_a_living_board(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="Count the words")
    page = visit(web, f"/b/default?task={task_id}")
    drawer = page.get_by_role("dialog", name=f"Task {task_id}")
    expect(drawer).to_be_focused()
    expect(drawer.get_by_role("heading", level=1)).to_have_text("Count the words")
    kb.edit_task(web.conn, task_id, title="Count the letters", actor="person:jonas")
    expect(drawer.get_by_role("heading", level=1)).to_have_text("Count the letters")
    width = drawer.bounding_box()
    assert width is not None
    assert width["width"] == 960
    # A task goes with the keys of its page, and Esc closes it.
    press(page, "b")
    page.get_by_role("dialog", name=f"Block {task_id}", exact=True).get_by_role("textbox").fill(
        "Which words?"
    )
    press(page, "Control+Enter")
    expect(page.get_by_role("dialog", name=f"Block {task_id}", exact=True)).to_have_count(0)
    expect(section(page, "Why")).to_contain_text("Which words?")
    press(page, "Escape")
    expect(drawer).to_have_count(0)
    assert "task=" not in page.url

    page.goto(f"{web.address}/b/default?task={task_id}")
    expect(drawer).to_be_focused()
    press(page, "Shift+Enter")
    expect(page).to_have_url(f"{web.address}/b/default/t/{task_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Count the letters")


def test_the_drawer_walks_a_column_and_gives_the_focus_back(
    own_sample: SampleWeb, visit: Visitor
) -> None:
    board = own_sample.board
    page = visit(own_sample, board.path())
    opener = page.locator(f"[data-card={board.tasks['rotate']}]")
    opener.focus()
    press(page, "Enter")
    drawer = page.get_by_role("dialog", name=re.compile("^Task t_"))
    expect(drawer).to_contain_text("1 of 4 in Running")
    heading = drawer.get_by_role("heading", level=1)
    first = heading.inner_text()
    press(page, "j")
    expect(drawer).to_contain_text("2 of 4 in Running")
    expect(heading).not_to_have_text(first)
    # The board beneath does not hear the keys of the drawer.
    press(page, "x", "ArrowDown", "ArrowRight")
    expect(page.get_by_role("checkbox", checked=True, name=re.compile("^Select"))).to_have_count(0)
    press(page, "k")
    expect(heading).to_have_text(first)
    press(page, "Escape")
    expect(drawer).to_have_count(0)
    expect(opener).to_be_focused()


def test_without_a_connection_nothing_can_be_answered(
    own_sample: SampleWeb, visit: Visitor
) -> None:
    board = own_sample.board
    page = visit(own_sample, board.task_path("retention"))
    why = section(page, "Why")
    expect(why.get_by_role("button", name="30 days")).to_be_enabled()
    page.context.route_web_socket("**/live", lambda socket: socket.close())
    page.reload()
    expect(why.get_by_role("button", name="30 days")).to_be_disabled()
    expect(page.get_by_text("Not connected since").first).to_be_visible()


def test_a_task_that_is_removed_says_so(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="Count the words")
    page = visit(web, f"/b/default/t/{task_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Count the words")
    kb.archive_task(web.conn, task_id, actor="person:jonas")
    expect(section(page, "Why")).to_contain_text("Archived.")
    expect(page.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
    kb.purge_task(web.conn, task_id, actor="person:jonas")
    expect(page.get_by_role("heading", name=f"There is no {task_id}")).to_be_visible()


def test_a_phone_has_all_of_it(sample: SampleGateway, visit: Visitor) -> None:
    page = visit(sample, sample.board.task_path("rotate"), size=NARROW, touch=True)
    expect(page.get_by_role("log")).to_contain_text("PASS")
    expect(fact(page, "Status")).to_contain_text("Running")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= NARROW[0]
    columns = page.locator(".task-columns")
    assert columns.evaluate("one => one.scrollWidth <= one.clientWidth")
    page.get_by_role("button", name="More actions").click()
    expect(page.get_by_role("menuitem", name=re.compile("Give up"))).to_be_visible()
