"""Each tool, there and back: what it does to the board, and what it tells the model."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.inforce import InForce, instructions
from tests.mcp.conftest import CONFIGURATION, AtWork, Worker

WORKER = ["show", "complete", "block", "heartbeat", "comment"]
EXTRA = ["request_review", "wait_for", "create", "link", "why", "attachments", "attach"]
ORCHESTRATOR = ["list", "unblock", "approve", "request_changes"]


def names(toolbox: BoardToolbox) -> set[str]:
    return {tool.name.removeprefix("kanban_") for tool in toolbox.tools()}


# Who has which


def test_a_worker_has_what_it_needs_and_no_more(coder: Worker) -> None:
    assert names(coder.toolbox) == set(WORKER)


def test_a_profile_adds_tools(helper: Worker) -> None:
    assert names(helper.toolbox) == {*WORKER, *EXTRA}


def test_an_orchestrator_has_them_all(boss: Worker) -> None:
    assert names(boss.toolbox) == {*WORKER, *EXTRA, *ORCHESTRATOR}


def test_an_orchestrator_without_a_run_has_nothing_to_finish(at_work: AtWork) -> None:
    toolbox = BoardToolbox(InForce(profile="boss").caller)
    run_only = {"complete", "block", "heartbeat", "request_review", "wait_for"}
    assert names(toolbox) == {*WORKER, *EXTRA, *ORCHESTRATOR} - run_only


@pytest.mark.parametrize("profile", [None, "coder", "helper", "nobody"])
def test_a_normal_session_has_none(at_work: AtWork, profile: str | None) -> None:
    toolbox = BoardToolbox(InForce(profile=profile).caller)
    assert toolbox.tools() == []
    assert instructions(toolbox.caller) == ""


def test_the_profile_of_a_run_is_known_without_being_told(boss: Worker) -> None:
    told = InForce(task_id=boss.task_id, run_id=boss.run_id, claim_lock=boss.lock)
    assert names(BoardToolbox(told.caller)) == names(boss.toolbox)


def test_claiming_to_be_another_profile_gains_nothing(coder: Worker) -> None:
    told = InForce(
        task_id=coder.task_id, run_id=coder.run_id, claim_lock=coder.lock, profile="boss"
    )
    assert names(BoardToolbox(told.caller)) == set(WORKER)


def test_tools_say_what_they_are_in_a_few_bytes(coder: Worker, boss: Worker) -> None:
    for tool in boss.toolbox.tools():
        encoded = msgspec.json.encode(tool.schema)
        assert tool.schema["type"] == "object"
        assert not {b"$ref", b'"title":"', b'"default"', b'"null"'} & set(encoded.split())
        assert b'"anyOf"' not in encoded
        assert tool.description[0].isupper()
        assert tool.description.endswith(".")
        assert len(tool.description) < 100
    properties = {tool.name: set(tool.schema["properties"]) for tool in coder.toolbox.tools()}
    assert "task_id" not in set().union(*properties.values())
    assert "created_cards" not in properties["kanban_complete"]
    assert len(msgspec.json.encode([*map(msgspec.structs.asdict, coder.toolbox.tools())])) < 2_200


def test_a_worker_is_told_how_to_begin_and_to_end(coder: Worker) -> None:
    told = instructions(coder.toolbox.caller)
    assert coder.task_id in told
    assert {"kanban_show", "kanban_complete", "kanban_block"} <= set(
        re.findall(r"kanban_\w+", told)
    )


# What every worker has


def test_show(at_work: AtWork) -> None:
    worker = at_work.worker(title="Count the words", body="All of them.")
    text = worker.says("show")
    for part in (worker.task_id, "Count the words", "All of them.", str(worker.workspace)):
        assert part in text


def test_complete(coder: Worker) -> None:
    text = coder.says("complete", summary="counted", result="7 words", metadata={"words": 7})
    assert text == f"{coder.task_id} is done; your run is over, so stop here"
    task, run = kb.get_task(coder.conn, coder.task_id), kb.get_run(coder.conn, coder.run_id)
    assert (task.status, task.result) == ("done", "7 words")
    assert (run.summary, run.metadata) == ("counted", {"words": 7})


def test_complete_with_cards_and_artifacts(helper: Worker) -> None:
    created = helper.says("create", title="Check it", assignee="coder").split()[1].rstrip(",")
    (helper.workspace / "report.md").write_text("# Words")
    helper.says("complete", created_cards=[created], artifacts=["report.md"])
    (kept,) = kb.list_attachments(helper.conn, helper.task_id)
    assert (kept.name, kept.run_id) == ("report.md", helper.run_id)


def test_what_does_not_exist_is_not_completed_with(helper: Worker) -> None:
    assert "t_nosuch" in helper.fails("complete", created_cards=["t_nosuch"])
    assert "none.md" in helper.fails("complete", artifacts=["none.md"])
    assert helper.status == "running"


@pytest.mark.parametrize("kind", ["needs_input", "capability", "transient"])
def test_block(coder: Worker, kind: str) -> None:
    arguments = {"retry_in_seconds": 60} if kind == "transient" else {}
    text = coder.says("block", reason="Which words?", kind=kind, **arguments)
    assert text == f"{coder.task_id} is blocked; your run is over, so stop here"
    task = kb.get_task(coder.conn, coder.task_id)
    assert (task.block_kind, task.block_reason) == (kind, "Which words?")


def test_heartbeat(coder: Worker) -> None:
    assert coder.says("heartbeat") == f"{coder.task_id} is running"


def test_comment(coder: Worker) -> None:
    assert coder.says("comment", body="Half of them.") == f"comment 1 is on {coder.task_id}"
    (comment,) = kb.list_comments(coder.conn, coder.task_id)
    assert (comment.body, comment.run_id, comment.author) == (
        "Half of them.",
        coder.run_id,
        "profile:coder",
    )


# What a profile adds


def test_request_review(helper: Worker) -> None:
    text = helper.says("request_review", summary="look at the count")
    assert text == f"{helper.task_id} is review; your run is over, so stop here"
    assert kb.get_run(helper.conn, helper.run_id).outcome == "review"


def test_wait_for(helper: Worker) -> None:
    child = helper.says("create", title="Count page 1", assignee="coder").split()[1].rstrip(",")
    text = helper.says("wait_for", children=[child], summary="one page to come")
    assert text == f"{helper.task_id} is todo; your run is over, so stop here"
    assert kb.get_run(helper.conn, helper.run_id).outcome == "waiting"


def test_create(helper: Worker) -> None:
    text = helper.says("create", title="Count page 1", assignee="coder", idempotency_key="page-1")
    (made,) = (t for t in kb.list_tasks(helper.conn) if t.title == "Count page 1")
    assert text == f"created {made.id}, ready"
    assert made.created_run_id == helper.run_id
    assert made.id in helper.says("create", title="again", idempotency_key="page-1")


def test_create_for_whom_the_profile_may_not_assign_to(helper: Worker) -> None:
    text = helper.fails("create", title="Do my work", assignee="boss")
    assert "may not assign to boss" in text
    assert "coder" in text


def test_link(helper: Worker) -> None:
    child = helper.says("create", title="Sum up", assignee="coder").split()[1].rstrip(",")
    asked = {"parent_id": helper.task_id, "child_id": child}
    assert helper.says("link", **asked) == f"{child} waits for {helper.task_id}"
    assert helper.says("link", **asked) == f"{child} already waits for {helper.task_id}"
    assert kb.get_task(helper.conn, child).status == "todo"
    backwards = {"parent_id": child, "child_id": helper.task_id}
    assert "cycle" in helper.fails("link", **backwards)


def test_why(at_work: AtWork, boss: Worker) -> None:
    parent = at_work.task("Collect the words")
    waiting = at_work.task("Count the words", parents=[parent])
    text = boss.says("why", task_id=waiting)
    assert text.startswith(f"{waiting} is todo\n- open_parent (since ")
    assert parent in text
    assert boss.says("why") == f"{boss.task_id} is running; nothing holds it back"


def test_attach_and_attachments(helper: Worker) -> None:
    assert helper.says("attachments") == "no attachments"
    (helper.workspace / "words.txt").write_text("one two")
    text = helper.says("attach", path="words.txt")
    assert text == f"words.txt (7 bytes) is attachment 1 of {helper.task_id}"
    assert "1 words.txt 7 bytes, text/plain" in helper.says("attachments")
    (helper.workspace / "words.txt").unlink()
    saved = helper.says("attachments", save="words.txt")
    assert saved.startswith("saved as words.txt in your workspace\n")
    assert (helper.workspace / "words.txt").read_text() == "one two"


# What an orchestrator has


def test_list(at_work: AtWork, boss: Worker) -> None:
    other = at_work.task('Say "hello"', priority=3)
    text = boss.says("list")
    assert f'{other} ready priority 3 for coder: "Say \\"hello\\""' in text
    assert f"{boss.task_id} running priority 0 for boss" in text
    assert boss.says("list", status="blocked") == "no such tasks"


def test_unblock(at_work: AtWork, boss: Worker) -> None:
    stuck = at_work.worker()
    stuck.says("block", reason="Which words?")
    assert boss.says("unblock", task_id=stuck.task_id, reason="All.") == f"{stuck.task_id} is ready"


def test_approve_and_request_changes(at_work: AtWork, boss: Worker) -> None:
    first, second = at_work.worker("helper"), at_work.worker("helper")
    for worker in (first, second):
        worker.says("request_review")
    changes = {"task_id": second.task_id, "comment": "Count again."}
    assert boss.says("approve", task_id=first.task_id) == f"{first.task_id} is done"
    assert boss.says("request_changes", **changes) == f"{second.task_id} is ready"
    assert "cannot approve a task that is done" in boss.fails("approve", task_id=first.task_id)


def test_an_orchestrator_sees_and_comments_on_any_task(at_work: AtWork, boss: Worker) -> None:
    other = at_work.task("Count the letters")
    assert "Count the letters" in boss.says("show", task_id=other)
    assert other in boss.says("comment", task_id=other, body="Soon.")


def test_an_orchestrator_without_a_run_names_the_task(at_work: AtWork) -> None:
    toolbox = BoardToolbox(InForce(profile="boss").caller)
    missing = toolbox.call("kanban_show", {})
    assert missing.is_error
    assert "task_id" in missing.text
    made = toolbox.call("kanban_create", {"title": "Plan", "assignee": "coder"})
    assert (made.is_error, made.text.count("\n")) == (False, 0)
    task_id = made.text.split()[1].rstrip(",")
    assert "Plan" in toolbox.call("kanban_show", {"task_id": task_id}).text
    assert kb.get_task(at_work.conn, task_id).created_by == "profile:boss"


def test_who_creates_a_task_hears_that_no_host_can_run_it(
    at_work: AtWork, home: Path, boss: Worker
) -> None:
    requires = CONFIGURATION.replace("coder:\n", "coder:\n    requires: [gpu]\n")
    (home / "config.yaml").write_text(requires)
    made, warning = boss.says("create", title="Paint", assignee="coder").splitlines()
    assert made.startswith("created t_")
    hold = kb.why(kb.connect(), made.split()[1].rstrip(","))[0]
    assert warning == f"warning: {hold.text}; it waits until {hold.lifted_by}"
