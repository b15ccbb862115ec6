"""The hosts of a board: who joins, who is lost, who drains, and who may start what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.host_row import HostRow
from hermes_kanban import kernel as kb
from hermes_kanban.config.host import own_capabilities
from hermes_kanban.kernel import hosts
from hermes_kanban.machine import machine
from tests.kernel.scenes import dump
from tests.support.boards import ABoard
from tests.support.several_hosts import AHost, sit_at

pytestmark = pytest.mark.usefixtures("stays_sound")
on_a_server = pytest.mark.stores("postgres")

CPU: dict[str, dict[str, Any]] = {"writer": {}}
GPU: dict[str, dict[str, Any]] = {"painter": {"requires": ["gpu"]}}
LOST_AFTER = 30 + 60 + 1


@pytest.fixture(autouse=True)
def _machine() -> Iterator[None]:
    yield
    machine.cache_clear()


@pytest.fixture
def plain(board: ABoard) -> AHost:
    return AHost(board, "plain", profiles=CPU | GPU)


@pytest.fixture
def large(board: ABoard) -> AHost:
    return AHost(board, "large", "gpu", profiles=CPU | GPU)


def told(board: ABoard) -> list[str]:
    """The events about hosts: what happened, and to which."""
    events = kb.list_events(board.conn, limit=1_000)
    return [
        f"{event.kind.removeprefix('host_')} {event.payload['host']['name']}"
        for event in events
        if event.kind.startswith("host_")
    ]


def holds(conn: kb.BoardConnection, task_id: str) -> list[tuple[str, str]]:
    return [(hold.code, hold.text) for hold in kb.why(conn, task_id)]


def test_a_row_says_what_a_host_can_run(board: ABoard) -> None:
    profiles = {
        "any": {},
        "here": {"hosts": ["one", "two"]},
        "there": {"hosts": ["two"]},
        "gpu": {"requires": ["gpu"], "resources": {"licence": 2}},
        "system": {"requires": list(own_capabilities())},
        "both": {"requires": ["gpu", "tpu"]},
        "other-system": {"requires": ["os:plan9"]},
    }
    one = AHost(board, "one", "gpu", "repo:site", profiles=profiles)
    one.join()
    (row,) = kb.list_hosts(board.conn)
    assert row.profiles == ("any", "gpu", "here", "system")
    assert row.capabilities == tuple(sorted(("gpu", "repo:site", *own_capabilities())))
    assert row.resources == {"gpu": {"licence": 2}}
    assert (row.name, row.state, row.gateway_pid) == ("one", "active", one.processes.me.pid)


def test_a_dispatcher_starts_only_what_its_host_can_run(board: ABoard, plain: AHost) -> None:
    painted, written = board.create(assignee="painter"), board.create(assignee="writer")
    report = plain.look()
    assert [task for task, _, _ in report.spawned] == [written]
    assert report.held == {"no_host": [painted]}
    board.conn.config = plain.conn.config
    ((code, text),) = holds(board.conn, painted)
    assert (code, "not offer gpu" in text or "offers gpu" in text) == ("no_host", True)


def test_a_host_that_drains_starts_nothing_and_what_runs_goes_on(
    board: ABoard, plain: AHost
) -> None:
    plain.join()
    first, second = board.create(assignee="writer"), board.create(assignee="writer")
    assert plain.start(max_spawn=1) == [first]
    assert (
        kb.drain_host(board.conn, "plain", reason="new disk", actor="person:ann").state == "active"
    )
    report = plain.look()
    assert (report.spawned, report.held) == ([], {"draining": [second]})
    board.conn.config = plain.conn.config
    (hold,) = kb.why(board.conn, second)
    assert (hold.code, hold.lifted_by) == ("draining", "hermes-kanban hosts resume plain")
    assert hold.text == "host plain drains, as person:ann asked for: new disk"
    plain.exit(first, on_exit_zero="complete")
    assert board.task(first).status == "done"
    # Once more changes nothing, and its gateway's new start neither.
    assert kb.drain_host(board.conn, "plain").state == "draining"
    plain.processes.succeed()
    plain.join()
    assert plain.start() == []
    assert kb.resume_host(board.conn, "plain").state == "draining"
    assert plain.start() == [second]
    words = [one for one in told(board) if one.split()[0] in ("drained", "resumed")]
    assert words == ["drained plain", "resumed plain"]
    # The reason of before is none of the next time.
    kb.drain_host(board.conn, "plain", actor="person:bob")
    third = board.create(assignee="writer")
    assert holds(board.conn, third) == [("draining", "host plain drains, as person:bob asked for")]


def test_hosts_go_by_name_or_id(board: ABoard) -> None:
    for host_id, name in (("abcdef01", "twin"), ("abcdef02", "twin")):
        kb.join_host(board.conn, kb.Host(host_id=host_id, name=name, gateway_pid=1), "boot")
    known = [kb.Host(host_id="abcdef01", name="twin"), kb.Host(host_id="abcdef02", name="twin")]
    assert hosts.pick(known, "abcdef02") == hosts.pick(known, "abcdef02")
    with pytest.raises(kb.InvalidInput, match="abcdef01, abcdef02"):
        hosts.pick(known, "twin")
    with pytest.raises(kb.InvalidInput, match="several"):
        hosts.pick(known, "abcdef")
    there = kb.Host(host_id="abcdef03", name="twin", gateway_pid=1)
    assert hosts.pick([*known, there], "twin") == there
    # Who only looks once, by hand, is no host of the board.
    AHost(board, "by-hand", profiles=CPU).look()
    for name in ("nobody", "by-hand"):
        with pytest.raises(kb.NotFound, match="hosts list"):
            kb.drain_host(board.conn, name)


@pytest.mark.stores("sqlite")
def test_a_board_in_a_file_has_one_host_and_no_word_of_its_coming(board: ABoard) -> None:
    for name in ("old", "new"):
        AHost(board, name, profiles=CPU).join()
    assert [one.name for one in kb.list_hosts(board.conn)] == ["new"]
    assert told(board) == []


@on_a_server
def test_each_task_goes_to_a_host_that_can_run_it(
    board: ABoard, plain: AHost, large: AHost
) -> None:
    plain.join(), large.join()
    painted, written = board.create(assignee="painter"), board.create(assignee="writer")
    assert plain.start() == [written]
    assert plain.look().held == {"elsewhere": [painted]}
    assert large.start() == [painted]
    assert large.run_of(painted).claimer_identity.host == "large"  # type: ignore[union-attr]


@on_a_server
def test_a_profile_may_be_one_hosts_alone(board: ABoard, plain: AHost) -> None:
    """Nothing of it is in the configuration of the others, nor need it be."""
    other = AHost(board, "other", profiles={"local": {}})
    plain.join(), other.join()
    task = board.create(assignee="local")
    assert plain.look().held == {"elsewhere": [task]}
    assert holds(other.conn, task) == []
    assert other.start() == [task]


@on_a_server
def test_why_says_which_host_starts_it_or_what_none_offers(
    board: ABoard, plain: AHost, large: AHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    sit_at("plain", monkeypatch)
    plain.join()
    board.conn.config = plain.conn.config
    task = board.create(assignee="painter")
    assert holds(board.conn, task) == [("no_host", "no live host offers gpu")]
    large.join()
    assert holds(board.conn, task) == [
        ("elsewhere", "it runs on large: this host does not offer gpu")
    ]
    kb.drain_host(board.conn, "large", actor="person:ann")
    ((code, text),) = holds(board.conn, task)
    assert (code, text) == ("draining", "host large drains, as person:ann asked for")
    kb.resume_host(board.conn, "large")
    sit_at("large", monkeypatch)
    assert holds(large.conn, task) == []
    board.clock.advance(LOST_AFTER)
    hosts.heartbeat(plain.conn, plain.row)
    sit_at("plain", monkeypatch)
    assert holds(board.conn, task) == [
        ("no_host", "no live host offers gpu; large could, and is not heard of")
    ]
    kb.leave_host(large.conn, large.row)
    assert holds(board.conn, task) == [
        ("no_host", "no live host offers gpu; large could, and has left")
    ]


@on_a_server
def test_each_host_has_places_of_its_own(board: ABoard, plain: AHost, large: AHost) -> None:
    plain.configure(max_in_progress=1)
    large.configure(max_in_progress=2)
    plain.join(), large.join()
    tasks = [board.create(assignee="writer") for _ in range(4)]
    assert plain.start() == tasks[:1]
    assert large.start() == tasks[1:3]
    found = plain.look(), large.look()
    assert [one.held for one in found] == [{"max_in_progress": tasks[3:]}] * 2
    assert [(one.in_progress, one.running_here) for one in found] == [(3, 1), (3, 2)]
    board.conn.config = plain.conn.config
    ((code, text),) = holds(board.conn, tasks[3])
    assert (code, text) == (
        "max_in_progress",
        "every host that runs it is full: large 2 of 2, plain 1 of 1",
    )


@on_a_server
def test_what_all_share_is_counted_over_all_hosts(board: ABoard, plain: AHost) -> None:
    """Also for a profile that only the other host has."""
    other = AHost(board, "other", profiles={"local": {"resources": {"licence": 1}}})
    mine = AHost(board, "mine", profiles={"writer": {"resources": {"licence": 1}}})
    for host in (other, mine):
        host.configure(resources={"licence": 1}, max_in_progress_per_tenant={"acme": 1})
        host.join()
    local, written = board.create(assignee="local"), board.create(assignee="writer")
    assert other.start() == [local]
    assert mine.look().held == {"resource": [written]}
    other.exit(local)
    assert mine.start() == [written]
    mine.exit(written)
    for name, starter in (("local", other), ("writer", mine)):
        board.create(assignee=name, tenant="acme")
        starter.look()
    running = kb.list_tasks(board.conn, status="running")
    assert [task.assignee for task in running] == ["local"]


@on_a_server
def test_after_an_outage_the_others_may_speak_first(board: ABoard, large: AHost) -> None:
    mine = HostRow()
    mine.keep(board.conn, board.conn.config)
    large.join()
    board.clock.advance(1_000)
    mine.beat(board.conn)
    assert told(board)[1:] == ["joined large"]
    for _ in range(3):
        board.clock.advance(hosts.HEARTBEAT_SECONDS)
        mine.beat(board.conn)
    assert told(board)[1:] == ["joined large", "lost large"]


@on_a_server
def test_a_host_is_lost_once_and_comes_back(board: ABoard, plain: AHost, large: AHost) -> None:
    assert plain.join() and large.join()
    assert not plain.join()  # nothing new
    board.clock.advance(LOST_AFTER - 1)
    hosts.heartbeat(plain.conn, plain.row)
    assert hosts.notice_lost(plain.conn, plain.row) == []
    board.clock.advance(1)
    assert hosts.notice_lost(plain.conn, plain.row) == ["large"]
    assert hosts.notice_lost(plain.conn, plain.row) == []
    assert not hosts.heartbeat(large.conn, large.row)  # so that it joins again
    assert large.join()
    assert hosts.heartbeat(large.conn, large.row)
    kb.leave_host(large.conn, large.row)
    kb.leave_host(large.conn, large.row)
    assert told(board) == [
        *("joined plain", "joined large", "lost large", "joined large", "left large"),
    ]
    (gone,) = [one for one in kb.list_hosts(board.conn) if one.name == "large"]
    assert gone.presence(board.clock.now(), 90) == "left"


@on_a_server
def test_a_heartbeat_is_no_event_and_waits_for_no_writer(board: ABoard, plain: AHost) -> None:
    plain.join()
    newest = kb.newest_event_id(board.conn)
    board.clock.advance(10)
    with kb.batch(board.conn):
        board.create()
        assert hosts.heartbeat(plain.conn, plain.row)
    (row,) = kb.list_hosts(board.conn)
    assert row.last_seen_at == board.clock.now()
    assert kb.newest_event_id(board.conn) == newest + 1


@on_a_server
def test_a_machine_that_was_copied_is_refused(board: ABoard, plain: AHost) -> None:
    plain.join(), plain.look()
    copy = AHost(board, "plain", profiles=CPU)
    copy.processes.boot = "another boot"
    with pytest.raises(kb.KanbanError, match="HERMES_KANBAN_HOST_ID"):
        copy.join()
    # The same machine after a new start says so too, once the old one is not heard of.
    board.clock.advance(31)
    copy.processes.succeed()
    assert copy.join()


@on_a_server
def test_a_host_of_long_ago_is_forgotten_unless_a_person_spoke_of_it(
    board: ABoard, plain: AHost, large: AHost
) -> None:
    for name in ("gone", "kept"):
        host = AHost(board, name, profiles=CPU)
        host.join(), kb.leave_host(host.conn, host.row)
    kb.drain_host(board.conn, "kept")
    board.clock.advance(hosts.FORGOTTEN_SECONDS + 1)
    plain.join()
    assert [one.name for one in kb.list_hosts(board.conn)] == ["kept", "plain"]


@on_a_server
def test_hosts_that_have_nothing_to_do_write_nothing(
    board: ABoard, plain: AHost, large: AHost
) -> None:
    """Whatever is under way on one of them: it is not the others' to write about."""
    plain.join(), large.join()
    running, ended, stopping = (board.create(assignee="writer") for _ in range(3))
    assert plain.start() == [running, ended, stopping]
    for task in (ended, stopping):
        run = plain.run_of(task)
        kb.complete_task(
            board.conn, task, run_id=run.id, claim_lock=run.claim_lock, summary="written"
        )
    board.create(assignee="painter", title="for the other one")
    large.look(), plain.look(), large.look()
    before = dump(board.conn)
    for _ in range(3):
        report = large.look()
        assert not report.did_something()
        assert report.poll_seconds is None
        assert report.next_due_at is not None and report.next_due_at > board.clock.now() + 60
        plain.look()
    assert dump(board.conn) == before
    # What lingers and what takes too long is for its own host to end.
    board.clock.advance(200)
    large.look()
    assert dump(board.conn) == before


@on_a_server
def test_a_dead_hosts_task_goes_elsewhere_after_its_lease_and_a_margin(
    board: ABoard, plain: AHost, large: AHost
) -> None:
    for host in (plain, large):
        host.configure(lease_seconds=100, host_margin_seconds=20)
        host.join()
    task, over = board.create(assignee="writer"), board.create(assignee="writer")
    assert plain.start() == [task, over]
    run = plain.run_of(task)
    kb.cancel_task(board.conn, over)
    kb.reopen_task(board.conn, over)
    board.clock.advance(100 + 20)
    assert large.start() == []
    assert large.look().next_due_at == board.clock.now() + 1
    board.clock.advance(1)
    report = large.look()
    assert report.reclaimed == [run.id]
    # Nor does the process of a run that ended before hold its task up for ever.
    assert {one for one, _, _ in report.spawned} == {task, over}
    late = kb.complete_task(
        plain.conn, task, run_id=run.id, claim_lock=run.claim_lock, summary="I was only frozen"
    )
    assert not late
    assert plain.look().renewed == 0
    assert plain.run_of(task).claimer_identity.host == "large"  # type: ignore[union-attr]


@on_a_server
def test_a_clock_that_is_set_moves_everything_once(
    board: ABoard, plain: AHost, large: AHost
) -> None:
    plain.join(), large.join()
    plain.look(), large.look()
    mine, theirs = board.create(assignee="writer"), board.create(assignee="writer")
    plain.start(max_spawn=1), large.start()
    before = [board.task(one).claim_expires or 0 for one in (mine, theirs)]
    board.clock.jump(3_600)
    assert plain.look().clock_shifted is not None
    assert large.look().clock_shifted is None
    assert plain.look().clock_shifted is None
    after = [board.task(one).claim_expires or 0 for one in (mine, theirs)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [3_600, 3_600]


@on_a_server
def test_a_host_that_slept_moves_its_own_leases_alone(
    board: ABoard, plain: AHost, large: AHost
) -> None:
    """Each host has a boot clock; here one sleeps, and both have the test's."""
    plain.join(), large.join()
    plain.look()
    mine, theirs = board.create(assignee="writer"), board.create(assignee="writer")
    plain.start(max_spawn=1), large.start()
    before = [board.task(one).claim_expires or 0 for one in (mine, theirs)]
    board.clock.sleep(600)
    plain.look(max_spawn=0)
    after = [board.task(one).claim_expires or 0 for one in (mine, theirs)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [600, 0]


@on_a_server
def test_the_log_of_another_hosts_run_is_said_to_be_there(
    board: ABoard, plain: AHost, large: AHost
) -> None:
    large.join()
    task = board.create(assignee="writer")
    large.start()
    run = large.run_of(task)
    with pytest.raises(
        kb.NotFound, match=rf"log of run {run.id} on this host; it is on host large"
    ):
        hosts.log_file(board.conn, run)


@on_a_server
def test_a_worker_hears_which_attempts_were_on_another_host(
    board: ABoard, plain: AHost, large: AHost
) -> None:
    plain.join(), large.join()
    task = board.create(assignee="writer")
    for host in (plain, large):
        host.configure(max_retries=5)
        assert host.start() == [task]
        host.exit(task, exit_code=3)
        board.clock.advance(3_600)
    assert plain.start() == [task]
    context = kb.build_worker_context(plain.conn, task)
    mine, theirs = (line for line in context.splitlines() if line.startswith("- run "))
    assert theirs.endswith("ended as crashed, exit code 3, on another host")
    assert mine.endswith("ended as crashed, exit code 3")
    assert "is not here: begin those parts anew" in context
    assert "another host" not in kb.context_page(plain.conn, task, own=False).text
