"""A real client takes a task from the board, does it and hands it over."""

from __future__ import annotations

import socket
import threading

import pytest

from hermes_kanban import kernel as kb
from tests.agents.office import RUN_SECONDS, Office
from tests.support.model import Asked, Call, Calls, Say, Usage, call, calls

WORKERS_TOOLS = {
    "kanban_show",
    "kanban_comment",
    "kanban_complete",
    "kanban_block",
    "kanban_heartbeat",
}


def test_a_task_is_read_commented_and_completed(office: Office) -> None:
    office.open()
    office.model.script(
        call("kanban_show"),
        calls(
            Call("kanban_comment", {"body": "the first half is done"}),
            Call("kanban_comment", {"body": "the second half is done"}),
        ),
        call("kanban_complete", summary="painted it", result="It is green now."),
        Say("I painted it."),
    )

    task_id = office.file("Paint the shed", body="In the colour of the grass.")
    task = office.wait_for(task_id, "done", "blocked")
    run = office.wait_for_end(task_id)

    assert (task.status, run.outcome, run.error) == ("done", "completed", None)
    assert (run.summary, task.result) == ("painted it", "It is green now.")
    comments = kb.list_comments(office.conn, task_id)
    said = {"the first half is done", "the second half is done"}
    assert {comment.body for comment in comments} == said
    assert {(comment.author, comment.run_id) for comment in comments} == {
        ("profile:worker", run.id)
    }
    shown, *rest = office.model.asked[1].results
    assert "In the colour of the grass." in shown
    assert not rest


def test_a_run_knows_its_conversation_and_what_it_cost(office: Office) -> None:
    office.open()
    office.model.script(
        call("kanban_complete", summary="nothing to do"),
        Say("It was done already.", Usage(input=2000, cached=500, output=70)),
    )

    task_id = office.file("Count the trees")
    office.wait_for(task_id, "done", "blocked")
    run = office.wait_for_end(task_id)

    assert run.outcome == "completed", office.output(task_id)
    assert run.runtime == office.client
    assert run.session
    assert run.usage is not None
    assert (run.usage.input, run.usage.cached, run.usage.output) == (3000, 800, 90)


def test_a_worker_is_offered_the_tools_of_a_worker_and_the_task(office: Office) -> None:
    office.open()
    office.model.script(call("kanban_complete", summary="seen"), Say("Seen."))

    task_id = office.file("Look at the tools")
    office.wait_for(task_id, "done", "blocked")

    first = office.model.asked[0]
    ours = {name for name in first.tools if "kanban_" in name}
    assert {name[name.index("kanban_") :] for name in ours} == WORKERS_TOOLS
    assert task_id in "".join(first.said)


# All but Gemini CLI, which takes its tools from its person's settings alone.
@pytest.mark.only("continue", "hermes", "opencode", "claude", "codex", "qwen")
def test_a_task_is_done_with_the_tools_of_the_gateway(office: Office) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    office.open(web={"in_gateway": True, "port": port}, transport="http")
    office.model.script(
        call("kanban_show"),
        calls(
            Call("kanban_comment", {"body": "the first half is done"}),
            Call("kanban_comment", {"body": "the second half is done"}),
        ),
        call("kanban_complete", summary="painted it"),
        Say("I painted it."),
    )

    task_id = office.file("Paint the shed", body="In the colour of the grass.")
    task = office.wait_for(task_id, "done", "blocked")
    run = office.wait_for_end(task_id)

    assert (task.status, run.outcome, run.error) == ("done", "completed", None)
    assert len(kb.list_comments(office.conn, task_id)) == 2
    assert "In the colour of the grass." in office.model.asked[1].results[0]


def test_an_agent_works_on_while_its_gateway_is_killed(office: Office) -> None:
    office.open()
    restarted = threading.Event()

    def late(asked: Asked) -> Calls:
        del asked
        assert restarted.wait(RUN_SECONDS)
        return call("kanban_complete", summary="painted it all the same")

    office.model.script(call("kanban_show"), late, Say("I painted it."))
    task_id = office.file("Paint the shed")
    office.model.wait_asked(2, timeout=RUN_SECONDS)

    office.gateways.kill(office.gateways.processes[-1])
    office.gateways.start()
    restarted.set()
    office.wait_for(task_id, "done", "blocked")
    run = office.wait_for_end(task_id)

    assert [one.outcome for one in kb.list_runs(office.conn, task_id)] == ["completed"]
    assert run.summary == "painted it all the same"
    assert run.session
    assert run.usage is not None
    assert run.usage.input == 3000


@pytest.mark.only("claude")
def test_an_agent_started_by_an_agent_may_only_read(office: Office) -> None:
    office.open(args=list(office.habit.shell_arguments))

    def start_another(asked: Asked) -> Calls:
        del asked
        tools = office.gateways.home / "boards" / "default" / "runs" / "1" / "claude-mcp.json"
        another = (
            f"claude -p 'finish it' --model inner --allowedTools mcp__board --mcp-config {tools}"
        )
        return Calls((office.habit.shell(another),))

    office.model.script(
        start_another, call("kanban_complete", summary="done by myself"), Say("Done.")
    )
    office.model.script(
        call("kanban_show"),
        call("kanban_complete", summary="done by another"),
        Say("I tried."),
        model="inner",
    )
    task_id = office.file("Paint the shed", body="In the colour of the grass.")
    office.wait_for(task_id, "done", "blocked")
    run = office.wait_for_end(task_id)

    inner = [one for one in office.model.asked if one.model == "inner"]
    assert "In the colour of the grass." in inner[1].results[0], office.output(task_id)
    assert not any(name.endswith("kanban_complete") for one in inner for name in one.tools)
    assert (run.outcome, run.summary) == ("completed", "done by myself")
