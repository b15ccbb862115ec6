"""The tools as Python functions: a worker in a process of its own, under a real gateway."""

from __future__ import annotations

import inspect
import sys

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban import tools
from hermes_kanban.verbs import VERBS
from tests.support.gateways import Gateways

pytestmark = pytest.mark.stores("sqlite")

AGENT = """
from hermes_kanban import tools
from hermes_kanban import kernel as kb

shown = tools.context()
assert "Count the words" in shown.text, shown
tools.comment(body=f"I may {', '.join(tools.names())}")
open("count.txt", "w").write("12000")
try:
    tools.list()
except kb.NotAllowed as error:
    tools.comment(body=str(error))
try:
    tools.complete(summary=3)
except kb.InvalidInput as error:
    tools.comment(body=str(error))
tools.complete(summary="counted", result="12000", metadata={"words": 12000})
"""
STEERED = """
import time
from hermes_kanban import tools

tools.comment(body="ready")
while not (news := (tools.heartbeat(), tools.inbox().news)[1]):
    time.sleep(0.02)
tools.block(reason=f"{news[0].author} says {news[0].text}")
"""


BROKEN = """
import pathlib, subprocess, sys
from hermes_kanban import tools

home = pathlib.Path(sys.argv[1])
draft = home / "config.yaml.new"
draft.write_text("kanban:\\n  max_spwan: 3\\nprofiles: [")
draft.replace(home / "config.yaml")
tools.comment(body="by Python")
words = ["-m", "hermes_kanban.surfaces.cli.main", "complete", "--summary", "by hand"]
subprocess.run([sys.executable, *words], check=True)
"""


@pytest.fixture
def agent(gateways: Gateways) -> Gateways:
    gateways.configure(
        {
            name: {
                "argv": [sys.executable, "-c", program, str(gateways.home)],
                "on_exit_zero": "protocol_violation",
            }
            for name, program in (("counter", AGENT), ("steered", STEERED), ("breaker", BROKEN))
        }
    )
    gateways.open()
    gateways.start()
    return gateways


def test_a_worker_hands_over_in_python(agent: Gateways) -> None:
    task = kb.create_task(agent.conn, title="Count the words", assignee="counter")
    done = agent.wait_for(task, "done", timeout=60)
    assert done.result == "12000"
    run = kb.latest_run(agent.conn, task)
    assert run is not None
    assert (run.summary, run.metadata) == ("counted", {"words": 12000})
    first, second, third = (one.body for one in kb.list_comments(agent.conn, task))
    assert first == "I may context, complete, block, heartbeat, comment"
    assert second.startswith("profile counter may not list; allowed: ")
    assert third.startswith("summary (Expected")


def test_it_is_steered_while_it_works(agent: Gateways) -> None:
    task = kb.create_task(agent.conn, title="Wait for word", assignee="steered")
    agent.wait_for(task, "running", timeout=60)
    kb.add_comment(agent.conn, task, "use the second table", actor="person:ada")
    blocked = agent.wait_for(task, "blocked", timeout=60)
    assert blocked.block_reason == "person:ada says use the second table"


def test_a_slip_in_the_configuration_costs_no_hand_over(agent: Gateways) -> None:
    task = kb.create_task(agent.conn, title="Finish all the same", assignee="breaker")
    agent.wait_for(task, "done", timeout=60)
    run = kb.latest_run(agent.conn, task)
    assert run is not None
    assert run.summary == "by hand"
    assert [one.body for one in kb.list_comments(agent.conn, task)] == ["by Python"]


def test_outside_of_any_run_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HERMES_KANBAN_TASK", "HERMES_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(kb.NotAllowed, match="nobody is in force here"):
        tools.context()


def test_functions_say_what_they_take() -> None:
    for name in dir(tools):
        if name in VERBS:
            function = getattr(tools, name)
            assert VERBS[name].sentence in function.__doc__
            assert set(inspect.signature(function).parameters) == set(
                VERBS[name].request.__struct_fields__
            )
    with pytest.raises(AttributeError, match="no tool purge"):
        tools.purge  # noqa: B018
