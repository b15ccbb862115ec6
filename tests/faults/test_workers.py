"""Workers: one at a time in one folder, known for what they are, and what they did is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.ports import WorkerRef
from hermes_kanban.workers.process import SystemProcesses
from tests.gateway.test_ends import started
from tests.kernel.scenes import proof
from tests.support.boards import ABoard, MemoryProcesses
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

# Takes its time to end, and says so if another is at work in its folder.
TIDY = """
mkdir held || echo "$HERMES_KANBAN_RUN_ID" >> {twice}
trap 'sleep 0.5; rmdir held; exit 0' TERM
echo up
while :; do sleep 0.05; done
"""
AGAIN: dict[str, Callable[[kb.BoardConnection, str], object]] = {
    "unblock": lambda conn, task: (
        kb.block_task(conn, task, reason="wait"),
        kb.unblock_task(conn, task),
    ),
    "reopen what is done": lambda conn, task: (
        kb.complete_task(conn, task),
        kb.reopen_task(conn, task),
    ),
    "reopen what is archived": lambda conn, task: (
        kb.archive_task(conn, task),
        kb.reopen_task(conn, task),
    ),
    "assign": lambda conn, task: kb.assign_task(conn, task, "second"),
}


@pytest.mark.parametrize("how", AGAIN)
def test_no_second_worker_comes_into_the_folder_of_the_first(gateways: Gateways, how: str) -> None:
    twice = gateways.home / "twice"
    worker = shell(TIDY.format(twice=twice))
    gateways.configure({"first": worker, "second": worker}, stop_grace_seconds=10)
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="work", assignee="first")
    run = started(gateways, task)
    AGAIN[how](conn, task)
    closed = kb.get_run(conn, run.id)
    assert closed.worker_pid == run.worker_pid
    assert closed.exited_at is None
    assert "earlier_process" in [hold.code for hold in kb.why(conn, task)]
    wait_until(lambda: kb.list_runs(conn, task)[-1].id != run.id)
    started(gateways, task)
    assert kb.get_run(conn, run.id).exited_at is not None
    assert not twice.exists()
    kb.cancel_task(conn, task)
    gateways.wait_for_exit(task)


class Immortal(MemoryProcesses):
    """A host on which no process can be ended: each waits for a disk that does not answer."""

    def stop(self, worker: WorkerRef, grace_seconds: float) -> bool:
        del grace_seconds
        return worker.pid not in self._alive


@pytest.mark.parametrize("why", ["max_runtime", "reclaimed"])
def test_a_process_that_cannot_be_killed_gets_no_successor(board: ABoard, why: str) -> None:
    board.processes = Immortal()
    board.add_profile("worker")
    task = board.create(assignee="worker", max_runtime_seconds=60)
    started_pids: list[int] = []

    def spawn(task: kb.Task, run: kb.Run) -> int:
        started_pids.append(board.processes.start().pid)
        return started_pids[-1]

    def look() -> None:
        kb.dispatch_once(
            board.conn, spawn_fn=spawn, processes=board.processes, free_mib=lambda: 10_000
        )

    look()
    if why == "reclaimed":
        kb.reclaim_task(board.conn, task)
    for _ in range(100):
        board.clock.advance(900)
        look()
    assert len(started_pids) == 1
    assert board.kinds(task).count("stop_requested") == 1
    board.processes.vanish(started_pids[0])
    for _ in range(2):
        board.clock.advance(900)
        look()
    assert len(started_pids) == 2
    assert kb.check(board.conn) == []


NAMESPACE = ["unshare", "--user", "--map-root-user"]
LIVENESS = """
import sys
import msgspec
from hermes_kanban.model import Identity
from hermes_kanban.workers.process import SystemProcesses

print(SystemProcesses().liveness(msgspec.json.decode(sys.argv[1], type=Identity)))
"""


@pytest.mark.parametrize(
    ("seen_from", "liveness"),
    [
        ([*NAMESPACE, "--uts", "sh", "-c", 'hostname elsewhere; exec "$@"', "sh"], "alive"),
        ([*NAMESPACE, "--mount", "--pid", "--fork", "--mount-proc"], "elsewhere"),
    ],
    ids=["another name of the host", "another container"],
)
def test_a_live_worker_is_never_taken_for_dead(seen_from: list[str], liveness: str) -> None:
    me = msgspec.json.encode(SystemProcesses().identity()).decode()
    command = [*seen_from, sys.executable, "-c", LIVENESS, me]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{liveness}\n"


def test_a_worker_finds_its_board_whatever_the_gateway_was_started_with(
    gateways: Gateways, tmp_path: Path
) -> None:
    """No PATH, somebody else's home, and a profile that moves the home once more."""
    elsewhere = {"HOME": str(tmp_path / "nobody")}
    work = "cd /; hermes-kanban complete --summary written"
    gateways.configure({"plain": shell(work), "moved": shell(work, env=elsewhere)})
    conn = gateways.open()
    gateways.start(PATH="", HOME="/nonexistent")
    for profile in ("plain", "moved"):
        task = kb.create_task(conn, title="work", assignee=profile)
        gateways.wait_for(task, "done")
        assert kb.list_runs(conn, task)[0].summary == "written"
    assert not (tmp_path / "nobody").exists()


NESTED = """
mkdir -p {home} && cat > {home}/config.yaml <<'END'
profiles:
  inner: {{argv: [/bin/sh, -c, "hermes-kanban complete --summary inner"]}}
END
export HERMES_KANBAN_HOME={home}
unset HERMES_KANBAN_DB
hermes-kanban boards create inner
hermes-kanban create part --assignee inner --board inner
until hermes-kanban list --status done --board inner --json | grep -q part; do
    hermes-kanban dispatch --board inner
    sleep 0.05
done
echo outer
"""


def test_an_agent_below_a_worker_finishes_its_own_task_and_not_the_workers(
    gateways: Gateways, tmp_path: Path
) -> None:
    """The worker runs a board of its own, whose agent says complete without naming a task."""
    inner_home = tmp_path / "inner"
    gateways.configure({"outer": shell(NESTED.format(home=inner_home))})
    conn = gateways.open()
    gateways.start()
    outer = kb.create_task(conn, title="outer", assignee="outer", max_retries=0)
    gateways.wait_for(outer, "done", "blocked")
    (run,) = kb.list_runs(conn, outer)
    assert (run.outcome, (run.summary or "").split()[-1]) == ("completed", "outer"), run.error
    assert gateways.story(outer).count("fenced") == 0


def test_what_comes_a_second_after_the_breaker_can_be_adopted(board: ABoard) -> None:
    task = board.create(max_retries=0)
    run = board.start(task)
    board.processes.vanish(run.worker_pid or 0)
    assert kb.detect_crashed_workers(board.conn, board.processes) == [run.id]
    assert board.task(task).status == "blocked"
    refused = kb.complete_task(board.conn, task, result="42", summary="counted", **proof(run))
    assert not refused
    kb.adopt_result(board.conn, task, run_id=run.id)
    assert (board.task(task).status, board.task(task).result) == ("done", "42")
    assert kb.check(board.conn) == []


@pytest.mark.stores("sqlite")
def test_a_completion_waits_for_a_busy_board_and_needs_no_gateway(gateways: Gateways) -> None:
    gate = gateways.home / "gate"
    work = (
        f"echo up; while [ ! -e {gate} ]; do sleep 0.02; done;"
        " hermes-kanban complete --summary written --result 42"
    )
    gateways.configure({"worker": shell(work)})
    conn = gateways.open()
    gateway = gateways.start()
    task = kb.create_task(conn, title="work", assignee="worker")
    started(gateways, task)
    gateways.kill(gateway)
    with kb.batch(conn):
        kb.create_task(conn, title="takes the board")
        gate.touch()
        wait_until(lambda: is_waited_for(conn.paths.writer_lock))
        assert kb.get_task(conn, task).status == "running"
    gateways.wait_for(task, "done")
    assert kb.get_task(conn, task).result == "42"
    gateways.start()
    gateways.wait_for_exit(task)
    assert [run.summary for run in kb.list_runs(conn, task)] == ["written"]


def is_waited_for(lock: Path) -> bool:
    """Whether some process waits for the lock of this file."""
    inode = str(os.stat(lock).st_ino)
    waiters = [line for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(f":{inode} " in line for line in waiters)


def test_a_worker_stays_on_the_board_that_it_was_started_for(gateways: Gateways) -> None:
    """Two boards, one gateway that itself prefers the other board, and a third made meanwhile."""
    gate = gateways.home / "gate"
    work = (
        f"echo up; while [ ! -e {gate} ]; do sleep 0.02; done;"
        " hermes-kanban create part && hermes-kanban complete --summary written"
    )
    gateways.configure({"worker": shell(work)})
    conn = gateways.open()
    kb.create_board("other")
    gateways.start(HERMES_KANBAN_BOARD="other")
    task = kb.create_task(conn, title="work", assignee="worker")
    started(gateways, task)
    kb.create_board("third")
    gate.touch()
    gateways.wait_for(task, "done")
    assert sorted(one.title for one in kb.list_tasks(conn)) == ["part", "work"]
    for slug in ("other", "third"):
        board = kb.connect(slug)
        assert kb.list_tasks(board) == []
        board.close()


def test_a_gateway_leaves_the_boards_of_others_alone(gateways: Gateways) -> None:
    gateways.configure({"worker": shell("exit 0")}, boards=["default"])
    conn = gateways.open()
    kb.create_board("other")
    other = kb.connect("other")
    theirs = kb.create_task(other, title="theirs", assignee="worker")
    gateways.start()
    for number in range(3):
        ours = kb.create_task(conn, title=f"ours {number}", assignee="worker")
        gateways.wait_for(ours, "done")
    assert [event.kind for event in kb.list_events(other, theirs)] == ["created"]
    assert not other.paths.health.exists()
    other.close()
