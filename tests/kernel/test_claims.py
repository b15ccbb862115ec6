"""Claiming: one winner, the gates asked again, and the lease."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import InvalidInput, Run, Task
from hermes_kanban.store.protocol import write
from tests.kernel.scenes import dump, end, holds, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


def test_a_claim_opens_a_run_and_mirrors_it_on_the_task(board: ABoard) -> None:
    task = board.create(assignee="worker")
    claimed = kb.claim_task(board.conn, task, claimer="outside-1", ttl_seconds=60)
    run = kb.latest_run(board.conn, task)
    assert claimed is not None and run is not None
    assert claimed == board.task(task)
    assert claimed.status == "running"
    assert (claimed.current_run_id, claimed.claim_lock) == (run.id, run.claim_lock)
    assert claimed.claim_expires == run.claim_expires == board.clock.now() + 60
    assert (run.profile, run.claimer) == ("worker", "outside-1")
    assert run.started_at == claimed.started_at == board.clock.now()
    assert (run.ended_at, run.outcome, run.worker_pid) == (None, None, None)


def test_the_lease_is_the_configured_one_unless_a_claim_says_otherwise(board: ABoard) -> None:
    board.configure(lease_seconds=123)
    task = board.create()
    board.claim(task)
    assert board.task(task).claim_expires == board.clock.now() + 123


def test_every_claim_draws_its_own_lock(board: ABoard) -> None:
    task = board.create()
    first = board.claim(task)
    kb.reclaim_task(board.conn, task)
    assert board.claim(task).claim_lock != first.claim_lock


def test_started_at_is_the_time_of_the_first_claim(board: ABoard) -> None:
    task = board.create()
    board.claim(task)
    began = board.clock.now()
    kb.reclaim_task(board.conn, task)
    board.clock.advance(60)
    run = board.claim(task)
    assert board.task(task).started_at == began
    assert run.started_at == board.clock.now()


def test_the_second_claimer_of_a_task_gets_none(board: ABoard) -> None:
    task = board.create()
    board.claim(task)
    other = board.connect()
    assert kb.claim_task(other, task) is None
    other.close()
    assert len(kb.list_runs(board.conn, task)) == 1


def test_of_many_claimers_at_once_one_wins_and_the_others_get_none(board: ABoard) -> None:
    tasks = [board.create() for _ in range(5)]
    start = threading.Barrier(4)
    won: list[str] = []
    faults: list[BaseException] = []

    def claim_all() -> None:
        conn = board.connect()
        try:
            start.wait()
            won.extend(task for task in tasks if kb.claim_task(conn, task) is not None)
        except BaseException as fault:
            faults.append(fault)
        finally:
            conn.close()

    threads = [threading.Thread(target=claim_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sorted(won) == sorted(tasks)


def test_a_claim_asks_the_parents_again(board: ABoard) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    board.damage("UPDATE tasks SET status = 'ready' WHERE id = :id", id=child)
    before = dump(board.conn)
    assert kb.claim_task(board.conn, child) is None
    assert dump(board.conn) == before
    board.damage("UPDATE tasks SET status = 'todo' WHERE id = :id", id=child)


def test_nothing_is_claimed_on_a_paused_board(board: ABoard) -> None:
    task = board.create()
    kb.pause(board.conn)
    assert kb.claim_task(board.conn, task) is None
    kb.resume(board.conn)
    assert kb.claim_task(board.conn, task) is not None


def test_what_runs_goes_on_while_the_board_is_paused(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.pause(board.conn)
    assert kb.heartbeat_claim(board.conn, task, **proof(run))
    assert kb.complete_task(board.conn, task, **proof(run))


def test_an_outside_worker_may_claim_what_is_not_due_has_no_profile_and_is_over_a_cap(
    board: ABoard,
) -> None:
    board.configure(max_in_progress=1)
    board.claim(board.create())
    task = board.create(assignee="nobody-knows", scheduled_at=board.clock.now() + 3_600)
    assert kb.claim_task(board.conn, task) is not None


def test_one_live_earlier_process_holds_the_task(board: ABoard) -> None:
    task = board.create()
    run = board.start(task, stubborn=True)
    kb.reclaim_task(board.conn, task)
    assert board.task(task).status == "ready"
    assert kb.claim_task(board.conn, task) is None
    assert "earlier_process" in holds(board, task)
    kb.advance_stops(board.conn, board.processes)
    assert kb.claim_task(board.conn, task) is None
    kb.advance_stops(board.conn, board.processes)
    assert kb.get_run(board.conn, run.id).exited_at is not None
    assert kb.claim_task(board.conn, task) is not None


def test_an_earlier_run_without_a_process_holds_nothing(board: ABoard) -> None:
    task = board.create()
    board.claim(task)
    kb.reclaim_task(board.conn, task)
    assert kb.claim_task(board.conn, task) is not None


def test_a_folder_in_use_by_another_tasks_process_is_not_given_away(
    board: ABoard, tmp_path: Path
) -> None:
    folder = f"dir:{tmp_path.resolve()}"
    first, second = board.create(workspace=folder), board.create(workspace=folder)
    elsewhere = board.create()
    run = board.start(first)
    assert kb.claim_task(board.conn, second) is None
    assert "folder_in_use" in holds(board, second)
    assert kb.claim_task(board.conn, elsewhere) is not None
    kb.complete_task(board.conn, first, **proof(run))
    assert kb.claim_task(board.conn, second) is None
    end(board, run, exit_code=0)
    assert kb.claim_task(board.conn, second) is not None


def test_a_heartbeat_renews_the_lease_on_run_and_task_without_an_event(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task, ttl_seconds=60)
    newest = kb.newest_event_id(board.conn)
    board.clock.advance(50)
    assert kb.heartbeat_claim(board.conn, task, ttl_seconds=60, **proof(run)) is True
    expires = board.clock.now() + 60
    assert board.task(task).claim_expires == expires
    assert kb.get_run(board.conn, run.id).claim_expires == expires
    assert board.task(task).last_heartbeat_at == board.clock.now()
    assert kb.newest_event_id(board.conn) == newest


def test_until_a_reclaim_has_committed_a_run_whose_lease_ran_out_goes_on(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task, ttl_seconds=60)
    board.clock.advance(600)
    assert kb.heartbeat_claim(board.conn, task, ttl_seconds=60, **proof(run))
    assert kb.release_stale_claims(board.conn, board.processes) == []
    board.clock.advance(600)
    assert kb.complete_task(board.conn, task, **proof(run))


def test_a_claim_without_a_process_is_reclaimed_when_its_lease_runs_out(board: ABoard) -> None:
    board.configure(max_retries=0)
    task = board.create()
    run = board.claim(task, ttl_seconds=60)
    board.clock.advance(60)
    assert kb.release_stale_claims(board.conn, board.processes) == []
    board.clock.advance(1)
    assert kb.release_stale_claims(board.conn, board.processes) == [run.id]
    assert board.task(task).status == "ready"
    assert board.task(task).consecutive_failures == 0
    assert kb.get_run(board.conn, run.id).outcome == "reclaimed"


def test_a_live_local_worker_is_never_judged_by_its_lease_alone(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    board.clock.advance(1_000_000)
    assert kb.release_stale_claims(board.conn, board.processes) == []
    assert kb.get_run(board.conn, run.id).ended_at is None


def test_nobody_who_cannot_look_at_processes_judges_a_registered_worker(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    board.clock.advance(1_000_000)
    assert kb.release_stale_claims(board.conn) == []
    assert kb.get_run(board.conn, run.id).exited_at is None


def test_a_worker_of_another_host_is_given_a_margin_and_its_exit_is_written(
    board: ABoard,
) -> None:
    task = board.create()
    run = board.claim(task, ttl_seconds=60)
    there = kb.Identity(host="elsewhere", boot="b", pidns=1, pid=7, start_ticks=7)
    kb.register_worker(board.conn, run.id, pid=7, identity=there, log_path=None)
    board.clock.advance(61)
    assert kb.release_stale_claims(board.conn, board.processes) == []
    board.clock.advance(120)
    assert kb.release_stale_claims(board.conn, board.processes) == [run.id]
    assert kb.get_run(board.conn, run.id).exited_at == board.clock.now()
    assert kb.claim_task(board.conn, task) is not None


def test_the_gateway_renews_the_leases_of_live_workers_at_a_third(board: ABoard) -> None:
    board.configure(lease_seconds=900)
    alive, gone, manual = (board.create() for _ in range(3))
    board.start(alive)
    lost = board.start(gone)
    board.claim(manual)
    board.processes.vanish(lost.worker_pid or 0)
    newest = kb.newest_event_id(board.conn)
    board.clock.advance(299)
    assert kb.renew_leases(board.conn, board.processes) == 0
    board.clock.advance(1)
    assert kb.renew_leases(board.conn, board.processes) == 1
    assert board.task(alive).claim_expires == board.clock.now() + 900
    assert board.task(gone).claim_expires == board.clock.now() + 600
    assert board.task(manual).claim_expires == board.clock.now() + 600
    assert kb.newest_event_id(board.conn) == newest


def test_what_a_dead_dispatcher_claimed_and_never_started_is_reclaimed(board: ABoard) -> None:
    by_hand, dead, registered, mine = (board.create() for _ in range(4))
    other = board.processes.start()
    board.claim(by_hand, identity=other)
    orphan = board.claim(dead, claimer="dispatcher", identity=other)
    board.register(board.claim(registered, claimer="dispatcher", identity=other))
    board.claim(mine, claimer="dispatcher", identity=board.processes.me)
    assert kb.recover_orphaned_claims(board.conn, board.processes) == []
    board.processes.vanish(other.pid)
    assert kb.recover_orphaned_claims(board.conn, board.processes) == [orphan.id]
    assert kb.get_run(board.conn, orphan.id).outcome == "reclaimed"
    assert board.task(dead).consecutive_failures == 0


def test_a_claim_that_could_not_be_registered_is_taken_back_at_the_next_look(
    board: ABoard,
) -> None:
    board.add_profile("worker")
    task = board.create(assignee="worker")
    busy = write(board.connect(), "hold")
    waiting = Waiting(board)

    def spawn(_task: Task, _run: Run) -> Waiting:
        busy.__enter__().one("SELECT 1")
        return waiting

    board.conn.wait_seconds = 0.05
    with pytest.raises(kb.BoardBusy):
        kb.dispatch_once(board.conn, spawn_fn=spawn, processes=board.processes)
    busy.__exit__(None, None, None)
    run = kb.latest_run(board.conn, task)
    assert run is not None
    assert (run.ended_at, run.worker_pid, waiting.went) == (None, None, False)
    report = kb.dispatch_once(board.conn, spawn_fn=spawn, processes=board.processes, max_spawn=0)
    assert report.reclaimed == [run.id]
    assert board.task(task).status == "ready"
    assert board.task(task).consecutive_failures == 0


class Waiting:
    """A supervisor that waits for its go."""

    def __init__(self, board: ABoard) -> None:
        self.identity = board.processes.start()
        self.pid = self.identity.pid
        self.went = False

    def go(self) -> None:
        self.went = True

    def abandon(self) -> None:
        """It exits without having started anything."""


@pytest.mark.parametrize("seconds", [0, -1, True, 1.5, "60", 2**63])
def test_a_lease_is_a_whole_number_of_seconds(board: ABoard, seconds: object) -> None:
    task = board.create()
    with pytest.raises(InvalidInput, match="ttl_seconds"):
        kb.claim_task(board.conn, task, ttl_seconds=seconds)  # type: ignore[arg-type]
    assert board.task(task).status == "ready"
