"""The main job end to end: a real gateway, real workers, one of them killed and retried."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import IO

from hermes_kanban import kernel as kb
from hermes_kanban.demo import plan
from hermes_kanban.demo.home import SOURCE
from hermes_kanban.demo.packages import packages
from tests.demo.conftest import DEADLINE_SECONDS, Run
from tests.support.waiting import wait_until


def test_the_plan_is_done_although_a_worker_was_killed(demo: Run) -> None:
    done = demo.to_the_end()
    assert done.returncode == 0, done.stdout + done.stderr
    assert demo.processes() == []

    report = (demo.home / "report.md").read_text("utf-8")
    assert [name for name in packages(SOURCE) if f"| `{name}` |" not in report] == []
    assert str(demo.home / "report.md") in done.stdout

    conn = kb.connect()
    try:
        assert len(plan.tasks(conn)) == len(packages(SOURCE)) + 2
        assert {task.status for task in plan.tasks(conn)} == {"done"}
        assert _outcomes_of_the_killed(conn, done.stdout) == ["crashed", "completed"]
        assert kb.check(conn, deep=True) == []
    finally:
        conn.close()
    _what_it_says_to_type_works(done.stdout)


def test_a_board_with_tasks_gets_no_second_plan(demo: Run, conn: kb.BoardConnection) -> None:
    kb.create_task(conn, title="Somebody's own", assignee="nobody")

    done = demo.to_the_end()

    assert done.returncode == 0, done.stderr
    assert "none is filed, the board has tasks: 1 ready" in done.stdout
    assert len(kb.list_tasks(conn)) == 1


def test_interrupted_it_leaves_its_workers_to_the_next_gateway(demo: Run) -> None:
    first = demo.start()
    _read_until(first, "spawned .* Measure kernel")
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=DEADLINE_SECONDS)
    assert first.returncode == 130
    stopped = re.search(r"gateway stopped in ([\d.]+) s", said)
    assert stopped is not None
    assert float(stopped[1]) < 10

    gateway = demo.gateway()
    try:
        conn = kb.connect()
        wait_until(conn.paths.health.exists)
        second = demo.to_the_end()
        assert second.returncode == 0, second.stdout + second.stderr
        assert f"was running already and is used: pid {gateway.pid}" in second.stdout
        assert gateway.poll() is None
        # No worker was lost or started twice on account of the change of gateways.
        outcomes = {run.outcome for task in plan.tasks(conn) for run in kb.list_runs(conn, task.id)}
        assert outcomes == {"crashed", "completed"}
        assert kb.check(conn, deep=True) == []
        conn.close()
    finally:
        gateway.terminate()
        gateway.wait(DEADLINE_SECONDS)


def test_a_plan_that_cannot_be_finished_says_why_and_fails(demo: Run) -> None:
    demo.home.mkdir()
    (demo.home / "config.yaml").write_text("kanban: {max_retries: 0}\n")

    done = demo.to_the_end()

    assert done.returncode == 1
    assert re.search(r"NOT finished: 2 of the plan's \d+ tasks are left", done.stdout)
    assert re.search(r"Measure \S+ \(t_\w+\) is blocked: .*hermes-kanban unblock t_", done.stdout)
    assert demo.processes() == []


def test_after_the_plan_the_gateway_stays_up_for_more(demo: Run, conn: kb.BoardConnection) -> None:
    kb.create_task(conn, title="Somebody's own", triage=True)
    run = demo.start()
    _read_until(run, "The gateway goes on until Ctrl-C")

    task = kb.create_task(conn, title="Take it again", assignee="surveyor")
    wait_until(lambda: kb.get_task(conn, task).status == "done")
    _read_until(run, "completed  .* Take it again")

    run.terminate()
    run.communicate(timeout=DEADLINE_SECONDS)
    assert run.returncode == 0
    assert demo.processes() == []


def test_when_its_gateway_dies_it_says_so_and_the_next_run_goes_on(demo: Run) -> None:
    first = demo.start()
    pid = re.search(r"pid (\d+)", _read_until(first, "^gateway  started pid"))
    assert pid is not None
    _read_until(first, "spawned .* Measure kernel")
    os.kill(int(pid[1]), signal.SIGKILL)
    said, _ = first.communicate(timeout=DEADLINE_SECONDS)
    assert first.returncode == 1
    assert "the gateway ended with -9; it said last:" in said
    assert "gateway stopped" not in said

    second = demo.to_the_end()

    assert second.returncode == 0, second.stdout + second.stderr
    assert demo.processes() == []


def test_a_gateway_that_cannot_start_is_told_in_its_own_words(demo: Run) -> None:
    demo.home.mkdir()
    (demo.home / "config.yaml").write_text("kanban: {max_retrys: 0}\n")

    done = demo.to_the_end()

    assert done.returncode == 1
    assert "max_retrys" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def _outcomes_of_the_killed(conn: kb.BoardConnection, said: str) -> list[str | None]:
    killed = re.search(r"killed pid \d+, run (\d+) of", said)
    assert killed is not None, said
    task_id = kb.get_run(conn, int(killed[1])).task_id
    return [run.outcome for run in kb.list_runs(conn, task_id)]


def _what_it_says_to_type_works(said: str) -> None:
    commands = re.findall(r"^  (\S.*)$", said[said.index("\nNext:") :], re.MULTILINE)
    assert len(commands) >= 4
    script = "\n".join(["set -e", "unset HERMES_KANBAN_HOME", *commands])
    subprocess.run(["sh", "-c", script], check=True, stdout=subprocess.DEVNULL, timeout=60)


def _read_until(process: subprocess.Popen[str], pattern: str) -> str:
    assert process.stdout is not None
    stream: IO[str] = process.stdout
    seen = []
    for line in stream:
        seen.append(line)
        if re.search(pattern, line):
            return line
    raise AssertionError(f"ended without {pattern!r}:\n{''.join(seen)}")
