"""Identity of processes, and stopping a worker until nobody of its tree is left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hermes_kanban.model import Identity
from hermes_kanban.ports import WorkerRef
from hermes_kanban.workers import process, tree
from hermes_kanban.workers.process import SystemProcesses
from tests.support.waiting import wait_until
from tests.workers.conftest import Rig, Worker, a_claim_lock, gone

TREE = """
import posix, time
if posix.fork() == 0:
    posix.setsid()
    if posix.fork() == 0:
        print(f'daemon={posix.getpid()};', flush=True)
        time.sleep(600)
    posix._exit(0)
posix.wait()
time.sleep(600)
"""


class TurnedClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> int:
        return int(self.time)

    def monotonic(self) -> float:
        return self.time

    def boottime(self) -> float:
        return self.time


def own_identity() -> Identity:
    identity = SystemProcesses().identity()
    assert identity is not None
    return identity


def a_ref(rig: Rig, pid: int, identity: Identity | None) -> WorkerRef:
    return WorkerRef("b-1", "t_abc", 1, a_claim_lock(), pid, identity, rig.paths.run_dir(1))


def lose_supervisor(worker: Worker) -> None:
    os.kill(worker.ref.pid, signal.SIGKILL)
    wait_until(lambda: not worker.alive())


def test_this_process_is_alive() -> None:
    assert SystemProcesses().liveness(own_identity()) == "alive"
    assert own_identity().pid == os.getpid()


@pytest.mark.parametrize(
    ("changes", "liveness"),
    [
        ({"start_ticks": 1}, "dead"),
        ({"pid": 2**22 + 1}, "dead"),
        ({"boot": "another"}, "dead"),
        ({"host": "another"}, "elsewhere"),
        ({"host": "another", "boot": "another"}, "elsewhere"),
        ({"pidns": 1}, "elsewhere"),
    ],
)
def test_a_process_is_more_than_its_pid(changes: dict[str, object], liveness: str) -> None:
    identity = msgspec.structs.replace(own_identity(), **changes)
    assert SystemProcesses().liveness(identity) == liveness


def test_a_command_with_brackets_and_spaces_is_read_right(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "600"]) as child:
        wait_until(lambda: tree._read(f"/proc/{child.pid}/comm").startswith(b"a) R"))
        stat = tree.read_stat(child.pid)
        child.kill()
    assert stat is not None
    assert stat[1] == os.getpid()


def test_a_zombie_is_dead_but_not_taken_from_its_owner() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "read line; exit 7"], stdin=subprocess.PIPE) as child:
        identity = process.identity_of(child.pid)
        assert identity is not None
        other = msgspec.structs.replace(identity, start_ticks=identity.start_ticks + 1)
        assert child.stdin is not None
        child.stdin.close()
        wait_until(lambda: process.identity_of(child.pid) is None)
        assert SystemProcesses().liveness(other) == "dead"
        assert child.wait() == 7


def test_a_reused_pid_is_not_signalled(rig: Rig) -> None:
    """The supervisor's pid belongs to a stranger now."""
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as stranger:
        identity = process.identity_of(stranger.pid)
        assert identity is not None
        earlier = msgspec.structs.replace(identity, start_ticks=identity.start_ticks - 1)
        ref = a_ref(rig, stranger.pid, earlier)
        assert [rig.processes.stop(ref, 0) for _ in range(3)] == [False, True, True]
        assert rig.processes.watch(ref) is None
        assert stranger.poll() is None
        stranger.kill()


def test_a_stop_terminates_then_kills(rig: Rig) -> None:
    clock = TurnedClock()
    rig.processes = SystemProcesses(clock)
    worker = rig.python(
        "import _signal, time\n"
        "_signal.signal(15, lambda *_: print('asked', flush=True))\n"
        "print('up', flush=True)\n"
        "while True: time.sleep(600)",
        options={"stop_grace_seconds": 600.0},
    ).said("up")
    assert not rig.processes.stop(worker.ref, 5)
    worker.said("asked")
    clock.time += 4.9
    assert not rig.processes.stop(worker.ref, 5)
    assert worker.alive()
    clock.time += 0.2
    assert not rig.processes.stop(worker.ref, 5)
    record = worker.record()
    assert rig.processes.stop(worker.ref, 5)
    assert (record.exit_code, record.stopped) == (-9, True)


def test_a_frozen_supervisor_and_agent_still_stop(rig: Rig) -> None:
    worker = rig.python(TREE)
    worker.pid_said("daemon")
    for pid in (*worker.family(), worker.ref.pid):
        os.kill(pid, signal.SIGSTOP)
    worker.stop()
    assert worker.family() == set()
    assert worker.record().stopped


def test_a_supervisor_that_does_not_react_is_killed_with_its_tree(rig: Rig) -> None:
    """Its tree hides as well as it can: a session and an environment of its own."""
    script = "trap '' TERM USR1; setsid env -i sleep 600 & echo $!; while :; do wait; done"
    command = ["/bin/sh", "-c", script]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        hidden = int(stubborn.stdout.readline())
        wait_until(lambda: tree._read(f"/proc/{hidden}/comm") == b"sleep\n")
        identity = process.identity_of(stubborn.pid)
        ref = a_ref(rig, stubborn.pid, identity)
        clock = TurnedClock()
        processes = SystemProcesses(clock)
        for seconds in (0, 6, 1.9):
            clock.time += seconds
            assert not processes.stop(ref, 5)
            assert not gone(stubborn.pid)
        clock.time += 0.2
        assert not processes.stop(ref, 5)
        wait_until(lambda: gone(stubborn.pid) and gone(hidden))
        assert [processes.stop(ref, 5) for _ in range(2)] == [False, True]


def test_a_lost_supervisor_leaves_no_tree(rig: Rig) -> None:
    worker = rig.python(TREE)
    daemon = worker.pid_said("daemon")
    lose_supervisor(worker)
    assert not gone(daemon)
    assert not rig.processes.stop(worker.ref, 5)
    wait_until(lambda: worker.family() == set())
    assert gone(daemon)
    assert not rig.processes.stop(worker.ref, 5)
    assert rig.processes.stop(worker.ref, 5)
    assert rig.processes.exit_record(worker.ref) is None


def test_the_agent_itself_dies_with_its_supervisor(rig: Rig) -> None:
    worker = rig.start("/bin/sh", "-c", "echo pid=$$\\;; exec sleep 600")
    agent = worker.pid_said("pid")
    lose_supervisor(worker)
    wait_until(lambda: gone(agent))


def test_a_tree_that_hid_its_environment_is_known_by_its_session(rig: Rig) -> None:
    worker = rig.start("/bin/sh", "-c", "env -i /bin/sleep 600 & echo pid=$!\\;; wait")
    hidden = worker.pid_said("pid")
    wait_until(lambda: b"sleep" in tree._read(f"/proc/{hidden}/cmdline"))
    lose_supervisor(worker)
    worker.stop()
    assert gone(hidden)


def test_another_run_is_left_alone(rig: Rig) -> None:
    one, other = rig.python(TREE), rig.python(TREE)
    one.pid_said("daemon")
    daemon = other.pid_said("daemon")
    lose_supervisor(one)
    one.stop()
    assert other.alive()
    assert not gone(daemon)


def test_a_worker_known_by_pid_alone_is_stopped_if_it_is_our_child(rig: Rig) -> None:
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as child:
        ref = a_ref(rig, child.pid, None)
        wait_until(lambda: rig.processes.stop(ref, 5))
        assert child.wait() == -signal.SIGTERM


def test_a_new_gateway_can_stop_and_read_an_adopted_worker(rig: Rig) -> None:
    worker = rig.python("print('up', flush=True); import time; time.sleep(600)").said("up")
    adopted = SystemProcesses()
    handle = adopted.watch(worker.ref)
    assert handle is not None
    wait_until(lambda: adopted.stop(worker.ref, 5))
    assert select.select([handle], [], [], 0)[0]
    os.close(handle)
    record = adopted.exit_record(worker.ref)
    assert record is not None
    assert record.exit_code == -15
    assert adopted.watch(worker.ref) is None


def test_a_settled_worker_is_forgotten(rig: Rig) -> None:
    worker = rig.start("true")
    worker.record()
    rig.processes.settle(worker.ref)
    rig.processes.settle(worker.ref)
    assert rig.processes.exit_record(worker.ref) is None
    assert not Path(f"/proc/{worker.ref.pid}").exists()


@pytest.mark.parametrize("change", ["board_id", "run_id", "claim_lock", "garbage", "empty"])
def test_a_record_of_another_run_is_set_aside(rig: Rig, change: str) -> None:
    worker = rig.start("true")
    worker.record()
    file = worker.ref.run_dir / "exit.json"
    fields = msgspec.json.decode(file.read_bytes())
    for number in (1, 2):
        if change in fields:
            value = 99 if change == "run_id" else "another"
            file.write_bytes(msgspec.json.encode(fields | {change: value}))
        else:
            file.write_bytes(b"{nonsense \xff" if change == "garbage" else b"")
        assert rig.processes.exit_record(worker.ref) is None
        assert not file.exists()
        assert (worker.ref.run_dir / f"exit.json.foreign-{number}").exists()


def test_the_search_spares_this_process_and_its_ancestors(rig: Rig) -> None:
    """A gateway that a worker started would otherwise be part of that worker's tree."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from hermes_kanban.ports import WorkerRef\n"
        "from hermes_kanban.workers import process, tree\n"
        "ref = WorkerRef('b', 't', 7, 'lock', 2**22 + 1, None, Path('/none'))\n"
        "print(process.run_processes(ref, tree.processes()))"
    )
    env = os.environ | {"HERMES_KANBAN_RUN_ID": "7", "HERMES_KANBAN_CLAIM_LOCK": "lock"}
    command = ["/bin/sh", "-c", '"$@"; true', "sh", sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
