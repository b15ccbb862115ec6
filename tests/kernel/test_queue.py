"""Who starts next, what holds the others, and what each hold says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.dispatch import DispatchReport
from tests.kernel.scenes import dump, end, fail, holds, proof
from tests.support.boards import HERE, ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


class Supervisor:
    """A process that waits for its go (``ports.Spawned``)."""

    def __init__(self, board: ABoard) -> None:
        self.identity = board.processes.start()
        self.pid = self.identity.pid
        self.went = self.abandoned = False

    def go(self) -> None:
        self.went = True

    def abandon(self) -> None:
        self.abandoned = True


@pytest.fixture(autouse=True)
def _worker(board: ABoard) -> None:
    board.add_profile("worker")


def _tick(board: ABoard, **keys: Any) -> DispatchReport:
    given: dict[str, Any] = {
        "spawn_fn": lambda task, run: Supervisor(board),
        "processes": board.processes,
        "free_mib": lambda: 10_000,
    }
    return kb.dispatch_once(board.conn, **(given | keys))


def _started(report: DispatchReport) -> list[str]:
    return [task for task, _, _ in report.spawned]


def _order(board: ABoard, tasks: dict[str, str]) -> list[str]:
    """The names of ``tasks`` in the order in which they would start."""
    names = {task: name for name, task in tasks.items()}
    report = _tick(board, max_spawn=100, dry_run=True)
    return [names[task] for task in report.eligible if task in names]


def test_the_higher_priority_starts_first_and_then_the_older(board: ABoard) -> None:
    board.configure(max_in_progress=100)
    tasks = {
        name: board.create(name, assignee="worker", priority=priority)
        for name, priority in (("low", -1), ("old", 0), ("high", 5), ("young", 0), ("high 2", 5))
    }
    assert _order(board, tasks) == ["high", "high 2", "old", "young", "low"]


def test_profiles_share_one_order(board: ABoard) -> None:
    board.add_profile("another")
    tasks = {
        "first": board.create(assignee="worker"),
        "second": board.create(assignee="another"),
        "third": board.create(assignee="worker"),
        "urgent": board.create(assignee="another", priority=1),
    }
    assert _order(board, tasks) == ["urgent", "first", "second", "third"]


def test_a_tasks_open_ancestors_inherit_its_priority(board: ABoard) -> None:
    top = board.create("top", priority=1)
    middle = board.create("middle", parents=[top])
    board.create("bottom", parents=[middle], priority=9)
    assert board.task(top).effective_priority == 9
    assert board.task(middle).effective_priority == 9
    assert board.task(top).priority == 1


def test_inheritance_follows_every_change_downwards_again(board: ABoard) -> None:
    top = board.create("top", priority=1)
    bottom = board.create("bottom", parents=[top])
    steps: list[tuple[Callable[[], Any], int]] = [
        (lambda: kb.prioritise_task(board.conn, bottom, 9), 9),
        (lambda: kb.prioritise_task(board.conn, bottom, 4), 4),
        (lambda: kb.prioritise_task(board.conn, top, 6), 6),
        (lambda: kb.prioritise_task(board.conn, top, 2), 4),
        (lambda: kb.unlink_tasks(board.conn, top, bottom), 2),
        (lambda: kb.link_tasks(board.conn, top, bottom), 4),
        (lambda: kb.complete_task(board.conn, bottom), 2),
        (lambda: kb.reopen_task(board.conn, bottom), 4),
        (lambda: kb.cancel_task(board.conn, bottom), 2),
    ]
    for number, (change, effective) in enumerate(steps):
        change()
        assert board.task(top).effective_priority == effective, f"step {number}"


@pytest.mark.parametrize("finish", ["approve", "adopt"])
def test_a_child_finished_before_its_parent_lends_it_nothing(board: ABoard, finish: str) -> None:
    parent = board.create(priority=1)
    child = board.create(priority=9)
    run = board.claim(child)
    kb.link_tasks(board.conn, parent, child)
    assert board.task(parent).effective_priority == 9
    if finish == "approve":
        kb.request_review(board.conn, child, **proof(run))
        kb.approve_task(board.conn, child)
    else:
        kb.reclaim_task(board.conn, child)
        kb.complete_task(board.conn, child, **proof(run))
        kb.adopt_result(board.conn, child, run_id=run.id)
    assert board.task(parent).effective_priority == 1


def test_an_urgent_descendant_pulls_its_parent_to_the_front(board: ABoard) -> None:
    tasks = {
        "other": board.create(assignee="worker", priority=5),
        "parent": board.create(assignee="worker"),
    }
    board.create(parents=[tasks["parent"]], priority=6)
    assert _order(board, tasks) == ["parent", "other"]


def test_equal_priorities_go_round_the_tenants(board: ABoard) -> None:
    board.configure(max_in_progress=100)
    tasks = {
        f"{tenant}{n}": board.create(assignee="worker", tenant=tenant)
        for tenant in ("a", "b", "c")
        for n in range(3)
    }
    assert _order(board, tasks) == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


def test_a_tenant_that_has_much_running_comes_after_one_that_has_little(board: ABoard) -> None:
    for _ in range(2):
        board.claim(board.create(tenant="a"))
    tasks = {
        "a": board.create(assignee="worker", tenant="a"),
        "b1": board.create(assignee="worker", tenant="b"),
        "b2": board.create(assignee="worker", tenant="b"),
    }
    assert _order(board, tasks) == ["b1", "b2", "a"]


def test_priority_comes_before_fairness(board: ABoard) -> None:
    tasks = {
        "b": board.create(assignee="worker", tenant="b"),
        "a1": board.create(assignee="worker", tenant="a", priority=1),
        "a2": board.create(assignee="worker", tenant="a", priority=1),
    }
    assert _order(board, tasks) == ["a1", "a2", "b"]


def test_a_tick_claims_spawns_registers_and_goes(board: ABoard) -> None:
    task = board.create(assignee="worker")
    spawned: list[Supervisor] = []

    def spawn(of: kb.Task, run: kb.Run) -> Supervisor:
        assert (of.id, of.status, of.current_run_id) == (task, "running", run.id)
        assert run.worker_pid is None
        spawned.append(Supervisor(board))
        return spawned[-1]

    report = _tick(board, spawn_fn=spawn)
    run = kb.latest_run(board.conn, task)
    assert run is not None
    assert report.spawned == [(task, run.id, spawned[0].pid)]
    assert (spawned[0].went, spawned[0].abandoned) == (True, False)
    assert (run.worker_pid, run.worker_identity) == (spawned[0].pid, spawned[0].identity)
    assert (run.claimer, run.claimer_identity) == ("dispatcher", board.processes.me)
    assert board.kinds(task) == ["created", "claimed", "spawned"]
    assert report.in_progress == 1


@pytest.mark.parametrize("plain", [False, True])
def test_a_run_that_a_person_ends_while_it_is_spawned_does_not_go(
    board: ABoard, plain: bool
) -> None:
    task = board.create(assignee="worker")
    spawned: list[Supervisor] = []

    def spawn(of: kb.Task, run: kb.Run) -> Any:
        kb.cancel_task(board.conn, of.id)
        spawned.append(Supervisor(board))
        return spawned[0].pid if plain else spawned[0]

    report = _tick(board, spawn_fn=spawn)
    assert (report.spawned, report.lost) == ([], [task])
    assert not spawned[0].went
    assert spawned[0].abandoned is not plain
    assert board.task(task).status == "archived"


def test_a_tick_starts_no_more_than_max_spawn(board: ABoard) -> None:
    board.configure(max_spawn=2, max_in_progress=100)
    tasks = [board.create(assignee="worker") for _ in range(5)]
    assert _started(_tick(board)) == tasks[:2]
    assert _started(_tick(board, max_spawn=1)) == tasks[2:3]


def test_a_look_without_anything_to_do_writes_nothing(board: ABoard) -> None:
    board.create()
    newest = kb.newest_event_id(board.conn)
    report = _tick(board)
    assert not report.did_something()
    assert kb.newest_event_id(board.conn) == newest


def test_a_dry_run_says_what_would_start_and_changes_nothing(board: ABoard) -> None:
    task, unassigned = board.create(assignee="worker"), board.create()
    before = dump(board.conn)
    report = _tick(board, dry_run=True)
    assert report.eligible == [task]
    assert report.held == {"unassigned": [unassigned]}
    assert dump(board.conn) == before


def test_a_cap_full_of_urgent_tasks_holds_up_nobody_else_in_the_same_tick(
    board: ABoard,
) -> None:
    board.configure(max_spawn=4, max_in_progress=100)
    board.add_profile("capped", max_in_progress=1)
    capped = [board.create(assignee="capped", priority=9) for _ in range(6)]
    free = [board.create(assignee="worker") for _ in range(3)]
    report = _tick(board)
    assert _started(report) == [capped[0], *free]
    assert set(report.held["profile_cap"]) >= {capped[1]}


def test_a_full_tenant_holds_up_nobody_else_in_the_same_tick(board: ABoard) -> None:
    board.configure(max_spawn=3, max_in_progress=100, max_in_progress_per_tenant={"acme": 1})
    full = [board.create(assignee="worker", tenant="acme", priority=9) for _ in range(5)]
    free = [board.create(assignee="worker") for _ in range(2)]
    assert _started(_tick(board)) == [full[0], *free]


def test_tasks_of_one_folder_hold_up_nobody_else(board: ABoard, tmp_path: Path) -> None:
    board.configure(max_spawn=3, max_in_progress=100)
    folder = f"dir:{tmp_path.resolve()}"
    shared = [board.create(assignee="worker", workspace=folder, priority=9) for _ in range(30)]
    free = board.create(assignee="worker")
    report = _tick(board)
    assert _started(report) == [shared[0], free]
    assert shared[1] in report.held["folder_in_use"]
    assert report.lost == []
    assert not _tick(board).did_something()


def test_tasks_with_a_live_earlier_process_hold_up_nobody_else(board: ABoard) -> None:
    board.configure(max_spawn=1, max_in_progress=100)
    for _ in range(3):
        task = board.create(assignee="worker", priority=9)
        board.start(task)
        run = kb.latest_run(board.conn, task)
        assert run is not None
        kb.wait_for(board.conn, task, [_done(board)], **proof(run))
    free = board.create(assignee="worker")
    report = _tick(board)
    assert _started(report) == [free]
    assert len(report.held["earlier_process"]) == 3


def _done(board: ABoard) -> str:
    task = board.create()
    kb.complete_task(board.conn, task)
    return task


def test_the_total_cap_counts_every_run_that_takes_a_place(board: ABoard) -> None:
    board.configure(max_in_progress=3)
    board.claim(board.create())
    ended = board.start(board.create())
    kb.complete_task(board.conn, ended.task_id, **proof(ended))
    one, two = board.create(assignee="worker"), board.create(assignee="worker")
    report = _tick(board)
    assert _started(report) == [one]
    assert holds(board, two) == ["max_in_progress"]
    end(board, ended, exit_code=0)
    assert _started(_tick(board)) == [two]


def test_a_profile_has_a_cap_of_its_own(board: ABoard) -> None:
    board.configure(max_in_progress=100)
    board.add_profile("capped", max_in_progress=2)
    tasks = [board.create(assignee="capped") for _ in range(3)]
    assert _started(_tick(board)) == tasks[:2]
    assert _tick(board).held == {"profile_cap": tasks[2:]}


def test_a_tenant_has_a_cap_of_its_own(board: ABoard) -> None:
    board.configure(max_in_progress=100, max_in_progress_per_tenant={"acme": 1})
    one, two = (board.create(assignee="worker", tenant="acme") for _ in range(2))
    other = board.create(assignee="worker", tenant="other")
    assert _started(_tick(board)) == [one, other]
    assert _tick(board).held == {"tenant_cap": [two]}


def test_a_shared_resource_is_given_out_once(board: ABoard) -> None:
    board.configure(max_in_progress=100, resources={"gpu": 2})
    board.add_profile("small", resources={"gpu": 1})
    board.add_profile("large", resources={"gpu": 2})
    first, second = board.create(assignee="small"), board.create(assignee="large")
    third = board.create(assignee="small")
    assert _started(_tick(board)) == [first, third]
    assert holds(board, second) == ["resource"]
    kb.complete_task(board.conn, first)
    assert holds(board, second) == ["resource"]
    kb.advance_stops(board.conn, board.processes)
    assert holds(board, second) == ["resource"]


def test_what_is_held_is_told_in_the_order_in_which_it_would_start(board: ABoard) -> None:
    """On every store alike, whatever it sorts first among those without a tenant."""
    names, tenants = ("nobody", "zed"), (None, "b", "a")
    tasks = [
        board.create(assignee=names[n % 2], tenant=tenants[n % 3], priority=n * 5 % 4)
        for n in range(24)
    ]
    in_order = sorted(range(24), key=lambda n: (-(n * 5 % 4), n))
    assert _tick(board).held == {"no_profile": [tasks[n] for n in in_order[:10]]}


def test_the_caps_are_those_of_the_moment_of_the_claim(board: ABoard) -> None:
    board.configure(max_in_progress=2)
    tasks = [board.create(assignee="worker") for _ in range(2)]
    elsewhere = board.connect()
    outside = board.create()

    def spawn(task: kb.Task, run: kb.Run) -> Supervisor:
        kb.claim_task(elsewhere, outside)
        return Supervisor(board)

    report = _tick(board, spawn_fn=spawn)
    elsewhere.close()
    assert _started(report) == tasks[:1]
    assert report.held["max_in_progress"] == tasks[1:]


def _paused(board: ABoard) -> str:
    task = board.create(assignee="worker")
    board.clock.advance(60)
    kb.pause(board.conn, actor="person:ada")
    return task


def _running_at_cap(board: ABoard) -> str:
    task = board.create(assignee="worker")
    board.clock.advance(60)
    board.configure(max_in_progress=1)
    board.claim(board.create())
    return task


def _profile_at_cap(board: ABoard) -> str:
    board.add_profile("capped", max_in_progress=1)
    board.claim(board.create(assignee="capped"))
    return board.create(assignee="capped")


def _tenant_at_cap(board: ABoard) -> str:
    board.configure(max_in_progress_per_tenant={"acme": 1})
    board.claim(board.create(tenant="acme"))
    return board.create(assignee="worker", tenant="acme")


def _out_of_resource(board: ABoard) -> str:
    board.configure(resources={"gpu": 0})
    board.add_profile("gpu", resources={"gpu": 1})
    return board.create(assignee="gpu")


def _backing_off(board: ABoard) -> str:
    task = board.create(assignee="worker")
    board.clock.advance(60)
    fail(board, task)
    return task


def _earlier_process(board: ABoard) -> str:
    task = board.create(assignee="worker")
    board.clock.advance(60)
    board.start(task, stubborn=True)
    kb.reclaim_task(board.conn, task)
    return task


def _folder_in_use(board: ABoard) -> str:
    folder = f"dir:{board.home.resolve()}"
    task = board.create(assignee="worker", workspace=folder)
    board.clock.advance(60)
    board.start(board.create(workspace=folder))
    return task


def _full_disk(board: ABoard) -> str:
    board.configure(min_free_mb=2**40)
    return board.create(assignee="worker")


def _for_no_host(board: ABoard) -> str:
    board.add_profile("painter", requires=["no-such-thing"])
    return board.create(assignee="painter")


def _drained(board: ABoard) -> str:
    this = kb.Host(
        host_id=HERE, name="this", gateway_pid=1, profiles=("worker",), max_in_progress=100
    )
    kb.join_host(board.conn, this, "boot")
    kb.drain_host(board.conn, "this")
    return board.create(assignee="worker")


GATES: dict[str, tuple[Callable[[ABoard], str], str]] = {
    "paused": (_paused, "resume"),
    "unassigned": (lambda b: b.create(), "assign"),
    "no_profile": (lambda b: b.create(assignee="nobody"), "profile"),
    "scheduled": (
        lambda b: b.create(assignee="worker", scheduled_at=b.clock.now() + 90),
        "schedule",
    ),
    "backing_off": (_backing_off, "time"),
    "earlier_process": (_earlier_process, "process ends"),
    "folder_in_use": (_folder_in_use, "process ends"),
    "max_in_progress": (_running_at_cap, "a run ends"),
    "profile_cap": (_profile_at_cap, "a run of that profile ends"),
    "tenant_cap": (_tenant_at_cap, "a run of that tenant ends"),
    "resource": (_out_of_resource, "gpu"),
    "disk": (_full_disk, "disk"),
    "no_host": (_for_no_host, "a host that can run it joins"),
    "draining": (_drained, "hosts resume this"),
}


@pytest.mark.parametrize("code", GATES)
def test_why_names_each_gate_since_when_and_what_lifts_it(board: ABoard, code: str) -> None:
    arrange, lifted_by = GATES[code]
    task = arrange(board)
    since = board.clock.now()
    board.clock.advance(1)
    (hold,) = kb.why(board.conn, task)
    assert hold.code == code
    assert hold.text
    assert lifted_by in hold.lifted_by
    assert hold.since is not None
    assert hold.since <= since
    if code in ("paused", "backing_off", "earlier_process", "folder_in_use"):
        assert hold.since == since
    row = board.task(task)
    due = {"scheduled": row.scheduled_at, "backing_off": row.eligible_at}
    assert hold.until == due.get(code)


@pytest.mark.parametrize("code", [code for code in GATES if code not in ("disk",)])
def test_what_why_holds_back_the_dispatcher_does_not_start(board: ABoard, code: str) -> None:
    task = GATES[code][0](board)
    report = _tick(board)
    assert task not in _started(report)
    # A time that has not come is told by next_due_at.
    if code in ("scheduled", "backing_off"):
        row = board.task(task)
        assert report.next_due_at == (row.scheduled_at or row.eligible_at)
    else:
        assert task in report.held[code]


def test_below_the_free_space_floor_nothing_is_spawned(board: ABoard) -> None:
    task = board.create(assignee="worker")
    report = _tick(board, free_mib=lambda: 255)
    assert report.held == {"disk": [task]}
    assert _started(_tick(board, free_mib=lambda: 256)) == [task]


def test_why_says_nothing_of_what_would_start_runs_or_is_over(board: ABoard) -> None:
    startable, done, gone = (board.create(assignee="worker") for _ in range(3))
    running = board.create()
    board.claim(running)
    kb.complete_task(board.conn, done)
    kb.archive_task(board.conn, gone)
    assert [kb.why(board.conn, task) for task in (startable, done, gone, running)] == [[]] * 4


def test_every_hold_is_told_not_only_the_first(board: ABoard) -> None:
    task = board.create(scheduled_at=board.clock.now() + 60)
    kb.pause(board.conn)
    assert holds(board, task) == ["paused", "unassigned", "scheduled"]


def test_a_scheduled_task_starts_when_its_time_has_come(board: ABoard) -> None:
    task = board.create(assignee="worker", scheduled_at=board.clock.now() + 60)
    report = _tick(board)
    assert (report.spawned, report.next_due_at) == ([], board.clock.now() + 60)
    board.clock.advance(60)
    assert _started(_tick(board)) == [task]


def test_a_failed_task_starts_again_after_its_delay(board: ABoard) -> None:
    task = board.create(assignee="worker")
    fail(board, task)
    due = board.task(task).eligible_at
    assert due is not None
    assert _tick(board).next_due_at == due
    board.clock.advance(due - board.clock.now())
    assert _started(_tick(board)) == [task]


def test_one_tick_settles_an_exit_and_starts_what_it_set_free(board: ABoard) -> None:
    board.configure(max_in_progress=1)
    first, child = board.create(assignee="worker"), board.create(assignee="worker")
    kb.link_tasks(board.conn, first, child)
    _tick(board)
    run = kb.latest_run(board.conn, first)
    assert run is not None
    board.processes.exit(
        board.worker(run), at=board.clock.now(), exit_code=0, on_exit_zero="complete"
    )
    report = _tick(board)
    assert report.exited == [run.id]
    assert _started(report) == [child]


def test_a_stop_under_way_asks_to_be_called_again_soon(board: ABoard) -> None:
    task = board.create(assignee="worker")
    board.start(task, stubborn=True)
    kb.cancel_task(board.conn, task)
    assert _tick(board).poll_seconds is not None
    report = _tick(board)
    assert (len(report.stopped), report.poll_seconds) == (1, None)
