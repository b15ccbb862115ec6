"""What supervisors are told of their leases, where several hosts share the board."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import claim, leases
from hermes_kanban.kernel.live import live_runs
from hermes_kanban.machine import machine
from hermes_kanban.model import Identity
from tests.support.boards import ABoard


def folder_of(board: ABoard, run: kb.Run) -> Path:
    folder = board.conn.paths.run_dir(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def told(folder: Path) -> float:
    return float((folder / "lease").read_text())


@pytest.mark.stores("postgres")
def test_a_renewal_says_until_when_counted_from_before_it_was_asked(board: ABoard) -> None:
    board.configure(lease_seconds=900)
    task = board.create()
    folder = folder_of(board, board.start(task))
    board.clock.advance(300)
    assert kb.renew_leases(board.conn, board.processes) == 1
    assert told(folder) == board.clock.boottime() + 900
    assert board.task(task).claim_expires == board.clock.now() + 900


@pytest.mark.stores("postgres")
def test_a_run_that_has_ended_since_it_was_looked_at_is_not_told_of_a_lease(board: ABoard) -> None:
    """Another host counts on its supervisor's end, and may start the task then."""
    board.configure(lease_seconds=900)
    ended, goes_on = board.create(), board.create()
    folders = [folder_of(board, board.start(task)) for task in (ended, goes_on)]
    board.clock.advance(600)
    seen = live_runs(board.conn)
    assert kb.complete_task(board.conn, ended, result="by hand")
    assert kb.renew_leases(board.conn, board.processes, seen) == 1
    assert [(folder / "lease").exists() for folder in folders] == [False, True]


@pytest.mark.stores("postgres")
def test_several_that_note_at_once_do_not_stand_in_each_others_way(board: ABoard) -> None:
    """The gateway and the worker's own heartbeats."""
    run = board.start(board.create())
    folder = folder_of(board, run)

    def note(until: float) -> None:
        for _ in range(200):
            leases.note(board.conn, run.id, until)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(note, [1.0, 20.0, 300.0, 4000.0]))
    assert told(folder) in (1.0, 20.0, 300.0, 4000.0)
    assert [one.name for one in folder.iterdir() if "lease" in one.name] == ["lease"]


@pytest.mark.stores("postgres")
def test_a_lease_that_the_board_thinks_shorter_is_told_so(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database went over to a server whose clock is ahead, while it was renewed."""
    board.configure(lease_seconds=900)
    folder = folder_of(board, board.start(board.create()))
    board.clock.advance(300)
    renew = claim.renew

    def ahead_by_then(*asked: Any) -> Any:
        renewed = renew(*asked)
        board.clock.jump(200)
        return renewed

    monkeypatch.setattr(claim, "renew", ahead_by_then)
    assert kb.renew_leases(board.conn, board.processes) == 1
    assert told(folder) == board.clock.boottime() + 700


@pytest.mark.stores("sqlite")
def test_a_board_of_one_host_tells_nothing(board: ABoard) -> None:
    folder = folder_of(board, board.start(board.create()))
    board.clock.advance(600)
    assert kb.renew_leases(board.conn, board.processes) == 1
    assert list(folder.iterdir()) == []


@pytest.mark.stores("postgres")
def test_a_heartbeat_of_a_worker_of_this_boot_counts_too_and_never_shortens(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    here = Identity(machine().host, machine().boot, machine().pidns, 1, 1)
    assert kb.register_worker(board.conn, run.id, pid=1, identity=here, log_path=None)
    folder = folder_of(board, run)
    board.clock.advance(5)
    assert kb.heartbeat_claim(board.conn, task, run_id=run.id, ttl_seconds=2000)
    assert told(folder) == board.clock.boottime() + 2000
    assert kb.heartbeat_claim(board.conn, task, run_id=run.id, ttl_seconds=1)
    assert told(folder) == board.clock.boottime() + 2000
    assert board.task(task).claim_expires == board.clock.now() + 2000


@pytest.mark.stores("postgres")
def test_a_heartbeat_through_another_host_tells_nobody_here(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    folder = folder_of(board, run)
    assert kb.heartbeat_claim(board.conn, task, run_id=run.id, ttl_seconds=2000)
    assert list(folder.iterdir()) == []


def test_other_hosts_are_judged_from_when_the_board_could_be_reached_again(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    there = Identity("another-host", "boot", 1, 7, 7)
    assert kb.register_worker(board.conn, run.id, pid=7, identity=there, log_path=None)
    board.clock.advance(5_000)
    since = board.clock.now()
    margin = board.conn.config.kanban.host_margin_seconds

    def released() -> list[int]:
        return kb.release_stale_claims(board.conn, board.processes, reachable_since=since)

    assert released() == []
    board.clock.advance(margin)
    assert released() == []
    board.clock.advance(1)
    assert released() == [run.id]
    assert kb.get_run(board.conn, run.id).outcome == "reclaimed"


def test_a_worker_that_lost_its_lease_is_reclaimed_and_counts_as_no_failure(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    board.processes.exit(board.worker(run), at=board.clock.now(), exit_code=-9, lease_lost=True)
    assert kb.import_exit_records(board.conn, board.processes) == [run.id]
    ended = kb.get_run(board.conn, run.id)
    assert (ended.outcome, ended.exit_code) == ("reclaimed", -9)
    assert ended.exited_at is not None
    assert (board.task(task).status, board.task(task).consecutive_failures) == ("ready", 0)
