"""Dispatch: nothing starts by itself that waits for somebody, and no cap counts twice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from hermes_kanban import kernel as kb
from tests.faults.looking import OFTEN, TIMER, looks_for
from tests.kernel.scenes import proof
from tests.support.boards import ABoard
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until


def waiting_tasks(conn: kb.BoardConnection) -> dict[str, str]:
    """A task for each way to wait for a person, a parent or a far time; all of a real profile."""

    def new(**keys: object) -> str:
        return kb.create_task(conn, title="wait", assignee="worker", **keys)  # type: ignore[arg-type]

    parent = kb.create_task(conn, title="nobody's")
    tasks = {
        "triage": new(triage=True),
        "open parent": new(parents=[parent]),
        "scheduled": new(scheduled_at=4_000_000_000),
        "review": new(),
    }
    run = kb.claim_task(conn, tasks["review"])
    assert run is not None and run.current_run_id is not None
    kb.request_review(conn, tasks["review"], run_id=run.current_run_id, claim_lock=run.claim_lock)
    for kind in ("needs_input", "capability", "transient", "dependency"):
        tasks[kind] = new(parents=[parent] if kind == "dependency" else [])
        retry = {"retry_in_seconds": 1_000_000} if kind == "transient" else {}
        kb.block_task(conn, tasks[kind], reason="ask", kind=kind, **retry)  # type: ignore[arg-type]
    given_up = kb.create_task(conn, title="given up")
    tasks["parent given up"] = new(parents=[given_up])
    kb.archive_task(conn, given_up)
    return tasks


def test_what_waits_is_started_by_no_number_of_looks(gateways: Gateways) -> None:
    gateways.configure(TIMER | {"worker": shell("exit 0")}, **OFTEN)
    conn = gateways.open()
    tasks = waiting_tasks(conn)
    before = {name: gateways.story(task) for name, task in tasks.items()}
    gateways.start()
    looks_for(gateways, 3)
    assert {name: gateways.story(task) for name, task in tasks.items()} == before


ALL_THE_TIME: Final = {"dispatch_interval_seconds": 0.005}


@pytest.mark.stores("sqlite")
def test_a_board_with_nothing_to_start_costs_nothing(gateways: Gateways) -> None:
    """No process, no event, no write: the gateway itself is all that runs."""
    gateways.configure({"worker": shell("exit 0")}, **ALL_THE_TIME)
    conn = gateways.open()
    waiting_tasks(conn)
    # Eligible but for the cap: what stands in the way is asked at each look.
    gateways.configure({"worker": shell("exit 0", max_in_progress=1)}, **ALL_THE_TIME)
    held = kb.create_task(conn, title="held", assignee="worker")
    assert kb.claim_task(conn, kb.create_task(conn, title="outside", assignee="worker"))
    gateway = gateways.start()
    began = cpu_seconds(gateway.pid)
    wait_until(lambda: cpu_seconds(gateway.pid) > began + 0.05, message="it never looks")
    events, version = kb.newest_event_id(conn), data_version(conn)
    wait_until(lambda: cpu_seconds(gateway.pid) > began + 0.2, message="it looks no more")
    assert kb.newest_event_id(conn) == events
    assert data_version(conn) == version
    assert children(gateway.pid) == []
    assert kb.list_runs(conn, held) == []


def data_version(conn: kb.BoardConnection) -> int:
    """Changes with every commit of another connection."""
    version: int = conn.execute("PRAGMA data_version").fetchone()[0]
    return version


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """The processes that this one started and has not collected."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (thread / "children").read_text().split())
    return found


@pytest.mark.parametrize("max_spawn", [2, 9])
@pytest.mark.parametrize("own_cap", [1, 3])
@pytest.mark.parametrize("total", [1, 3, 5])
@pytest.mark.parametrize(("own", "others"), [(0, 0), (1, 0), (0, 2), (2, 1)])
def test_each_cap_is_used_up_and_counted_once(
    board: ABoard, own: int, others: int, total: int, own_cap: int, max_spawn: int
) -> None:
    board.add_profile("capped", max_in_progress=own_cap)
    board.add_profile("free")
    board.configure(max_in_progress=total)
    for profile, count in (("capped", own), ("free", others)):
        for _ in range(count):
            board.start(board.create(assignee=profile))
    for _ in range(6):
        board.create(assignee="capped", priority=1)
    report = kb.dispatch_once(
        board.conn,
        spawn_fn=lambda task, run: board.processes.start().pid,
        free_mib=lambda: 10_000,
        max_spawn=max_spawn,
    )
    room = min(total - own - others, own_cap - own, max_spawn)
    assert len(report.spawned) == max(0, room)


def test_a_cap_that_is_edited_holds_at_once(gateways: Gateways) -> None:
    gate = gateways.home / "gate"
    worker = {"worker": shell(f"while [ ! -e {gate} ]; do sleep 0.02; done")}
    gateways.configure(worker, max_in_progress=1)
    conn = gateways.open()
    tasks = [kb.create_task(conn, title=f"{n}", assignee="worker") for n in range(5)]
    gateways.start()

    def running() -> int:
        return sum(kb.get_task(conn, task).status == "running" for task in tasks)

    wait_until(lambda: running() == 1)
    gateways.configure(worker, max_in_progress=3)
    wait_until(lambda: running() == 3, message="the raised cap is not taken up")
    gateways.configure(worker, max_in_progress=2)
    wait_until(lambda: gateways.log_lines()[-1].count('"config.reloaded"') > 0)
    kb.cancel_task(conn, tasks[0])
    gateways.wait_for_exit(tasks[0])
    kb.create_task(conn, title="rings the bell", assignee="worker")
    wait_until(lambda: (now := gateways.health()) is not None and now.in_progress == 2)
    assert running() == 2
    gate.touch()
    for task in tasks[1:]:
        gateways.wait_for(task, "done")


def test_a_host_without_settings_has_a_cap(board: ABoard) -> None:
    """Thirty tasks at once on a small machine: what it can carry starts, the rest says so."""
    board.add_profile("worker")
    cap = board.conn.config.kanban.max_in_progress
    assert 1 <= cap <= 4 * (os.cpu_count() or 1)
    tasks = [board.create(assignee="worker") for _ in range(cap + 30)]
    started: list[str] = []
    while True:
        report = kb.dispatch_once(
            board.conn,
            spawn_fn=lambda task, run: board.processes.start().pid,
            free_mib=lambda: 10_000,
        )
        if not report.spawned:
            break
        started += [task for task, _, _ in report.spawned]
    assert started == tasks[:cap]
    assert [hold.code for hold in kb.why(board.conn, tasks[-1])] == ["max_in_progress"]


def test_two_who_send_one_task_to_and_fro_end_in_triage(board: ABoard) -> None:
    """A reviewing agent that always wants the same correction, and a worker that never makes it."""
    board.add_profile("worker")
    board.add_profile("reviewer", orchestrator=True)
    task = board.create(assignee="worker")
    rounds = 0
    while board.task(task).status == "ready":
        run = board.claim(task, claimer="dispatcher")
        kb.request_review(board.conn, task, summary="corrected", **proof(run))
        kb.request_changes(board.conn, task, comment="again", actor="profile:reviewer")
        rounds += 1
        assert rounds <= board.conn.config.kanban.max_runs, "for ever"
    assert board.task(task).status == "triage"
