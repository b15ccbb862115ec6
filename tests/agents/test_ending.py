"""Real clients are stopped, and nothing that they started outlives their run."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import psutil

from hermes_kanban import kernel as kb
from tests.agents.office import RUN_SECONDS, Office
from tests.support.model import Calls, Hang, Say, Turn, call

DAEMON = Path(__file__).with_name("daemon.py")


def busy(office: Office) -> tuple[str, kb.Run]:
    """A task whose agent has read it and now waits for its model."""
    office.model.script(call("kanban_show"), Hang())
    task_id = office.file("Paint the shed")
    office.model.wait_asked(2, timeout=RUN_SECONDS)
    return task_id, office.run(task_id)


def test_a_cancelled_agent_is_gone_with_all_it_started(office: Office) -> None:
    office.open()
    task_id, run = busy(office)
    assert len(office.processes(run)) >= 3, "supervisor, client and tool server"

    kb.cancel_task(office.conn, task_id, reason="not any more")

    ended = office.wait_for_end(task_id)
    assert (ended.id, ended.outcome) == (run.id, "cancelled")
    office.wait_until_nobody_is_left(run)


def test_a_stopped_conversation_is_known_and_can_be_gone_on_with(office: Office) -> None:
    office.open(resume=True)
    task_id, run = busy(office)
    done: list[Turn] = [call("kanban_complete", summary="painted"), Say("Painted.")]
    office.model.script(*done)

    kb.reclaim_task(office.conn, task_id, reason="the gateway moves")
    office.wait_for(task_id, "done", "blocked")

    stopped, finished = kb.list_runs(office.conn, task_id)
    assert (stopped.id, stopped.outcome) == (run.id, "reclaimed")
    assert finished.outcome == "completed", office.output(task_id)
    first, again = office.model.asked[1], office.model.asked[2]
    if office.habit.forgets:
        assert (stopped.session, again.results) == (None, ())
    else:
        assert stopped.session
        assert again.results[: len(first.results)] == first.results


def test_a_daemon_that_escaped_is_found_and_ended(office: Office) -> None:
    office.open(args=list(office.habit.shell_arguments))
    mark = f"31536000.{uuid.uuid4().int % 10**9}"
    escape = office.habit.shell(f"{sys.executable} {DAEMON} {mark}")
    seen: list[psutil.Process] = []

    def look(asked: object) -> Calls:
        del asked
        seen.extend(with_argument(mark))
        return call("kanban_complete", summary="left something behind")

    office.model.script(Calls((escape,)), look, Say("Done."))
    task_id = office.file("Paint the shed")
    office.wait_for(task_id, "done", "blocked")
    run = office.wait_for_end(task_id)

    assert run.outcome == "completed", office.output(task_id)
    assert seen, office.model.asked[1].results
    assert not with_argument(mark)
    office.wait_until_nobody_is_left(run)


def with_argument(word: str) -> list[psutil.Process]:
    """The processes that were started with that very word."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.cmdline()[-1:] == [word]:
                found.append(process)
        except psutil.Error:
            continue
    return found
