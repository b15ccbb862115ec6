"""A wall clock that is set, and a host that sleeps, end no lease and free no task."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import clocks
from tests.kernel.scenes import proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

HOUR = 3_600
JUMPS = [HOUR, -HOUR, 30 * 24 * HOUR, -30 * 24 * HOUR]


@pytest.fixture
def followed(board: ABoard) -> ABoard:
    """A board that a dispatcher has looked at, so that it knows how its clock stands."""
    look(board)
    return board


def look(board: ABoard) -> kb.DispatchReport:
    return kb.dispatch_once(
        board.conn, spawn_fn=lambda _task, _run: 4711, processes=board.processes, max_spawn=0
    )


def lease(board: ABoard, task: str) -> int:
    """What is left of it, in seconds."""
    expires = board.task(task).claim_expires
    assert expires is not None
    return expires - board.clock.now()


def board_events(board: ABoard) -> list[dict[str, Any]]:
    events = kb.list_events(board.conn, limit=1_000)
    return [event.payload for event in events if event.kind == "clock_shifted"]


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_lease_lasts_as_long_as_before(followed: ABoard, seconds: int) -> None:
    task = followed.create()
    kb.claim_task(followed.conn, task, claimer="outside", ttl_seconds=900)
    followed.clock.advance(100)
    followed.clock.jump(seconds)
    report = look(followed)
    assert followed.task(task).status == "running"
    assert lease(followed, task) == 800
    assert report.clock_shifted == kb.ClockShift(seconds, 0, leases=1, tasks=0, deliveries=0)
    (told,) = board_events(followed)
    assert told["seconds"] == seconds
    followed.clock.advance(801)
    assert look(followed).reclaimed


@pytest.mark.parametrize("seconds", [*JUMPS, 400, -400])
def test_a_lease_that_was_written_since_the_clock_was_set_stays(
    followed: ABoard, seconds: int
) -> None:
    task = followed.create()
    followed.clock.jump(seconds)
    kb.claim_task(followed.conn, task, claimer="outside", ttl_seconds=900)
    followed.clock.advance(100)
    look(followed)
    assert board_events(followed) != []
    assert lease(followed, task) == 800


def test_a_heartbeat_after_the_clock_was_set_back_leaves_no_more_than_a_lease(
    followed: ABoard,
) -> None:
    task = followed.create()
    run = followed.start(task)
    followed.clock.advance(100)
    followed.clock.jump(-HOUR)
    assert kb.heartbeat_claim(followed.conn, task, ttl_seconds=10, **proof(run)) is True
    assert lease(followed, task) <= followed.conn.config.kanban.lease_seconds
    look(followed)
    assert 0 < lease(followed, task) <= followed.conn.config.kanban.lease_seconds


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_task_that_backs_off_waits_as_long_as_before(followed: ABoard, seconds: int) -> None:
    task, transient = followed.create(), followed.create()
    claimed = kb.claim_task(followed.conn, transient, claimer="outside")
    assert claimed is not None
    kb.block_task(
        followed.conn,
        transient,
        reason="the service is down",
        kind="transient",
        retry_in_seconds=600,
    )
    kb.schedule_task(followed.conn, task, scheduled_at=followed.clock.now() + 600)
    followed.clock.jump(seconds)
    look(followed)
    assert followed.task(transient).eligible_at == followed.clock.now() + 600
    assert followed.task(task).scheduled_at == followed.clock.now() - seconds + 600
    newest = kb.list_events(followed.conn, transient, limit=100)[-1]
    assert (newest.kind, newest.actor) == ("scheduled", "system")
    followed.clock.advance(599)
    assert look(followed).unblocked == []
    followed.clock.advance(1)
    assert look(followed).unblocked == [transient]


def test_time_slept_does_not_count_against_a_lease(followed: ABoard) -> None:
    task = followed.create()
    kb.claim_task(followed.conn, task, claimer="outside", ttl_seconds=900)
    followed.clock.sleep(8 * HOUR)
    report = look(followed)
    assert followed.task(task).status == "running"
    assert lease(followed, task) == 900
    assert report.clock_shifted == kb.ClockShift(0, 8 * HOUR, leases=1, tasks=0, deliveries=0)


def test_time_that_only_passes_shifts_nothing(followed: ABoard) -> None:
    task = followed.create()
    kb.claim_task(followed.conn, task, claimer="outside", ttl_seconds=900)
    followed.clock.advance(901)
    assert look(followed).reclaimed
    assert board_events(followed) == []


def test_a_clock_that_is_slewed_is_followed_without_a_word(followed: ABoard) -> None:
    for _ in range(10):
        followed.clock.advance(60)
        followed.clock.jump(2)
        assert look(followed).clock_shifted is None
    assert board_events(followed) == []


def test_a_clock_between_two_seconds_is_no_reason_to_write(followed: ABoard) -> None:
    """Time is told in whole seconds, so the clocks seem a second apart at some looks."""
    known = set()
    for tenth in range(40):
        followed.clock.elapsed += 0.1
        followed.clock.at += tenth % 10 == 0
        look(followed)
        known.add(followed.conn.execute("SELECT clock_offset FROM hosts").fetchone()[0])
    assert len(known) == 1


def test_a_clock_that_was_set_while_nobody_looked_is_noticed_later(followed: ABoard) -> None:
    task = followed.create()
    kb.claim_task(followed.conn, task, claimer="outside", ttl_seconds=900)
    followed.clock.jump(HOUR)
    followed.conn.close()
    followed.conn = followed.connect()
    look(followed)
    assert followed.task(task).status == "running"


def test_another_boot_says_nothing_about_the_clock(followed: ABoard) -> None:
    followed.processes.boot = "the next boot"
    followed.processes.succeed()
    followed.clock.elapsed = 3.0
    followed.clock.jump(HOUR)
    assert look(followed).clock_shifted is None
    followed.clock.jump(HOUR)
    assert look(followed).clock_shifted is not None


def test_a_host_that_came_after_the_jump_does_not_shift_it_back(followed: ABoard) -> None:
    """It wrote down how its clocks stand before another host saw the jump."""
    task = followed.create()
    kb.claim_task(followed.conn, task, claimer="outside", ttl_seconds=900)
    other = msgspec.structs.replace(followed.processes.me, host="another", boot="its own")

    followed.clock.jump(HOUR)
    assert clocks.follow_clock(followed.conn, other) is None
    assert look(followed).clock_shifted == kb.ClockShift(HOUR, 0, 1, 0, 0)

    assert clocks.follow_clock(followed.conn, other) is None
    assert look(followed).clock_shifted is None
    assert lease(followed, task) == 900
    followed.clock.jump(-2 * HOUR)
    assert clocks.follow_clock(followed.conn, other) == kb.ClockShift(-2 * HOUR, 0, 1, 0, 0)
    assert look(followed).clock_shifted is None
    assert lease(followed, task) == 900
