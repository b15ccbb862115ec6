"""Every way a worker may end, through a real gateway and real processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

SILENT = {"on_exit_zero": "protocol_violation"}


def started(gateways: Gateways, task_id: str) -> kb.Run:
    """The newest run, once its process is registered and its log has a line."""
    wait_until(
        lambda: (
            (run := kb.latest_run(gateways.conn, task_id)) is not None
            and run.worker_pid is not None
            and run.ended_at is None
            and has_line(run)
        ),
        message=f"{task_id} does not start: {gateways.story(task_id)}",
    )
    run = kb.latest_run(gateways.conn, task_id)
    assert run is not None
    return run


def has_line(run: kb.Run) -> bool:
    log = Path(run.log_path or "/nonexistent")
    return log.exists() and b"\n" in log.read_bytes()


def is_alive(pid: str) -> bool:
    """Neither gone nor a zombie that its new parent has yet to collect."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def ran(gateways: Gateways, script: str, **settings: object) -> tuple[kb.Task, list[kb.Run]]:
    """One task of a profile with this script, without retries, followed to its end."""
    gateways.configure({"worker": shell(script, **settings)})
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker", max_retries=0)
    gateways.wait_for_exit(task_id)
    task = kb.get_task(conn, task_id)
    assert kb.check(conn, deep=True) == []
    return task, kb.list_runs(conn, task_id)


def test_exit_zero_of_a_command_completes_with_its_output(gateways: Gateways) -> None:
    task, (run,) = ran(gateways, "echo all is well")
    assert (task.status, run.outcome, run.exit_code) == ("done", "completed", 0)
    assert run.summary == "all is well"


def test_exit_zero_without_a_word_is_a_violation_with_evidence(gateways: Gateways) -> None:
    task, (run,) = ran(gateways, "echo I think it is done", **SILENT)
    assert (task.status, task.block_kind) == ("blocked", "needs_input")
    assert (run.outcome, run.exit_code) == ("protocol_violation", 0)
    events = {event.kind: event.payload for event in kb.list_events(gateways.conn, task.id)}
    assert events["protocol_violation"]["output"] == "I think it is done\n"
    assert events["gave_up"]["run_id"] == run.id


def test_a_failure_says_how_it_ended(gateways: Gateways) -> None:
    task, (run,) = ran(gateways, "echo no such file >&2; exit 3")
    assert (task.status, run.outcome, run.exit_code) == ("blocked", "crashed", 3)
    assert run.error == "exit code 3; last output: no such file"


def test_a_signal_is_told_as_one(gateways: Gateways) -> None:
    _, (run,) = ran(gateways, "kill -9 $$")
    assert (run.outcome, run.exit_code, run.error) == ("crashed", -9, "killed by signal 9")


def test_exit_75_waits_and_does_not_count(gateways: Gateways) -> None:
    task, (run,) = ran(gateways, "exit 75")
    assert (task.status, run.outcome, task.consecutive_failures) == ("ready", "rate_limited", 0)
    assert task.eligible_at is not None
    assert task.eligible_at - (run.ended_at or 0) == 60
    (hold,) = kb.why(gateways.conn, task.id)
    assert (hold.code, hold.until) == ("backing_off", task.eligible_at)


def test_a_missing_command_is_a_spawn_failure_that_names_it(gateways: Gateways) -> None:
    gateways.configure({"worker": {"argv": ["/nonexistent/agent"]}})
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker", max_retries=0)
    gateways.wait_for(task_id, "blocked")
    run = gateways.wait_for_exit(task_id)
    assert run.outcome == "spawn_failed"
    assert "/nonexistent/agent" in (run.error or "")


def test_a_failure_is_retried_after_a_back_off_and_then_blocked(gateways: Gateways) -> None:
    gateways.configure({"worker": shell("exit 4")}, max_retries=1)
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    task = gateways.wait_for(task_id, "blocked")
    first, second = kb.list_runs(conn, task_id)
    assert second.started_at > (first.ended_at or 0)
    assert task.consecutive_failures == 2
    assert gateways.story(task_id)[-2:] == ["gave_up", "exited"]


def test_a_worker_that_ignores_sigterm_is_killed_with_its_escaped_child(
    gateways: Gateways,
) -> None:
    pids = gateways.home / "pids"
    gateways.configure(
        {"worker": shell(f"trap '' TERM; setsid sleep 300 & echo $! > {pids}; echo up; wait")}
    )
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    started(gateways, task_id)
    kb.block_task(conn, task_id, reason="wait for me")
    run = gateways.wait_for_exit(task_id)
    assert (run.outcome, run.stop_reason) == ("blocked", "blocked")
    assert not is_alive(pids.read_text().strip())
    assert kb.check(conn, deep=True) == []


def test_a_killed_supervisor_takes_its_whole_tree_along(gateways: Gateways) -> None:
    pids = gateways.home / "pids"
    script = f"setsid sleep 300 & echo $! >> {pids}; sleep 300 & echo $! >> {pids}; echo up; wait"
    gateways.configure({"worker": shell(script)})
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker", max_retries=0)
    run = started(gateways, task_id)
    os.kill(run.worker_pid or 0, signal.SIGKILL)
    gateways.wait_for(task_id, "blocked")
    run = gateways.wait_for_exit(task_id)
    assert (run.outcome, run.error, run.exit_code) == ("crashed", "supervisor lost", None)
    assert [pid for pid in pids.read_text().split() if is_alive(pid)] == []
    assert kb.check(conn, deep=True) == []


def test_a_flood_of_output_neither_blocks_the_worker_nor_fills_the_disk(
    gateways: Gateways,
) -> None:
    task, (run,) = ran(gateways, "head -c 30000000 /dev/zero | tr '\\0' 'x'; echo; echo end")
    folder = Path(run.log_path or "").parent
    assert task.status == "done"
    assert sum(file.stat().st_size for file in folder.glob("log*")) <= 5 * 1024 * 1024
    assert (run.summary or "").endswith("end")


def test_max_runtime_ends_the_run(gateways: Gateways) -> None:
    task, (run,) = ran(gateways, "echo up; exec sleep 300", max_runtime_seconds=1)
    assert (task.status, run.outcome) == ("blocked", "timed_out")


def test_a_person_who_completes_a_running_task_stops_its_worker(gateways: Gateways) -> None:
    gateways.configure({"worker": shell("echo up; exec sleep 300")})
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    run = started(gateways, task_id)
    kb.complete_task(conn, task_id, result="by hand")
    ended = gateways.wait_for_exit(task_id)
    assert (ended.id, ended.outcome, ended.stop_reason) == (run.id, "completed", "completed")
    assert gateways.story(task_id)[-3:] == ["completed", "stop_requested", "exited"]


def test_a_worker_that_lingers_after_its_completion_is_ended(gateways: Gateways) -> None:
    script = "echo up; hermes-kanban complete --summary bye --result ok; echo said; exec sleep 300"
    gateways.configure({"worker": shell(script)}, linger_seconds=1)
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    gateways.wait_for(task_id, "done")
    run = gateways.wait_for_exit(task_id)
    assert (run.outcome, run.stop_reason, run.summary) == ("completed", "linger", "bye")


def test_a_task_is_not_started_again_while_its_old_process_lives(gateways: Gateways) -> None:
    trace = gateways.home / "trace"
    script = (
        f"echo start >> {trace}; echo up; trap 'sleep 0.4; echo end >> {trace}; exit 0' TERM;"
        " while :; do sleep 0.05; done"
    )
    gateways.configure({"worker": shell(script)}, stop_grace_seconds=5)
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    first = started(gateways, task_id)
    kb.reclaim_task(conn, task_id)
    wait_until(lambda: trace.read_text().split()[:3] == ["start", "end", "start"])
    again = started(gateways, task_id)
    old = kb.get_run(conn, first.id)
    assert again.id != first.id
    assert old.exited_at is not None
    assert again.started_at >= old.exited_at
    kb.cancel_task(conn, task_id)
    gateways.wait_for_exit(task_id)
