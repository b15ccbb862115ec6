"""What a supervisor does with its agent, from the go to the exit record."""

from __future__ import annotations

import array
import fcntl
import os
import resource
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import hermes_kanban
from hermes_kanban.config import Profile
from hermes_kanban.workers import tree
from tests.support.waiting import wait_until
from tests.workers.conftest import GRACE_SECONDS, Rig, Worker, a_run, a_task, gone

IGNORE_TERM = "import _signal, posix; _signal.signal(15, _signal.SIG_IGN); "
DAEMON = """
import posix, time
said, say = posix.pipe()
if posix.fork() == 0:
    posix.setsid()
    if posix.fork() == 0:
        print(f'daemon={posix.getpid()};', flush=True)
        posix.write(say, b'.')
        time.sleep(600)
    posix._exit(0)
posix.wait()
posix.read(said, 1)
"""


def test_without_a_go_nothing_is_started(rig: Rig) -> None:
    worker = rig.spawn("/bin/sh", "-c", "echo started")
    worker.spawned.abandon()
    record = worker.record()
    assert record.never_started
    assert (record.exit_code, record.started_at, worker.log) == (None, None, "")


def test_a_spawned_object_that_is_dropped_starts_nothing(rig: Rig) -> None:
    spawned = rig.spawner(Profile(argv=("true",)))(a_task(), a_run())
    pid = spawned.pid
    with pytest.warns(ResourceWarning):
        del spawned
    os.waitpid(pid, 0)
    assert '"never_started": true' in (rig.paths.run_dir(1) / "exit.json").read_text()


def test_a_stop_before_the_go_starts_nothing(rig: Rig) -> None:
    worker = rig.spawn("/bin/sh", "-c", "echo started")
    worker.stop()
    record = worker.record()
    assert record.never_started
    assert record.stopped


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("exit 75", 75), ("kill -KILL $$", -9)]
)
def test_the_record_tells_the_agents_own_exit(rig: Rig, script: str, code: int) -> None:
    before = int(time.time())
    record = rig.start("/bin/sh", "-c", f"echo out; echo err >&2; {script}").record()
    assert record.exit_code == code
    assert record.tail == "out\nerr\n"
    assert (record.never_started, record.stopped, record.timed_out) == (False, False, False)
    assert record.started_at is not None
    assert before <= record.started_at <= record.exited_at <= time.time()
    assert record.on_exit_zero == "complete"


def test_the_files_of_a_run_are_private(rig: Rig) -> None:
    worker = rig.start("/bin/sh", "-c", "echo hello")
    worker.record()
    modes = {f.name: f.stat().st_mode & 0o777 for f in worker.ref.run_dir.iterdir()}
    assert modes == dict.fromkeys(
        ["exit.json", "log", "prompt", "spec.json", "supervisor.err"], 0o600
    )
    assert worker.ref.run_dir.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["no-such-command"], "command not found: no-such-command (PATH is "),
        (["/no/such/command"], "/no/such/command does not exist"),
        (["/etc/passwd"], "cannot run /etc/passwd: Permission denied"),
        (["{workspace}/../../script"], "the interpreter that its first line names does not exist"),
        (["true", "x" * 200_000], "arguments too long"),
    ],
)
def test_a_command_that_cannot_run_is_a_spawn_failure(
    rig: Rig, argv: list[str], reason: str
) -> None:
    script = rig.paths.root / "script"
    script.parent.mkdir()
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    record = rig.start(*argv).record()
    assert reason in (record.spawn_failed or "")
    assert not record.never_started
    assert (record.exit_code, record.started_at) == (None, None)


def test_a_missing_working_directory_is_a_spawn_failure(rig: Rig) -> None:
    record = rig.start("true", cwd="/no/such/place").record()
    assert record.spawn_failed == (
        "cannot enter the working directory /no/such/place: No such file or directory"
    )


def test_the_agent_starts_clean(rig: Rig) -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    code = """
import posix
print(posix.readlink('/proc/self/cwd'), sorted(map(int, posix.listdir('/proc/self/fd')))[:-1])
print(posix.getsid(0) == posix.getppid(), posix.getpgid(0) == posix.getpid())
print(open('/proc/self/oom_score_adj').read().strip())
"""
    # A shell first: Python itself ignores SIGPIPE and SIGXFSZ.
    worker = rig.start(
        "/bin/sh",
        "-c",
        'cat /proc/self/status; exec "$@"',
        "sh",
        sys.executable,
        "-I",
        "-S",
        "-c",
        code,
    )
    worker.record()
    os.close(read_end)
    os.close(write_end)
    ignored = int(worker.log.split("SigIgn:\t")[1].split("\n")[0], 16)
    # 32 and 33 are the C library's own and cannot be reset.
    assert ignored & ~(3 << 31) == 0
    assert "SigBlk:\t0000000000000000" in worker.log
    lines = worker.log.splitlines()
    assert lines[-3] == f"{rig.paths.workspaces}/t_abc [0, 1, 2]"
    assert lines[-2:] == ["True True", "500"]


def test_standard_input_is_empty_unless_it_is_the_prompt(rig: Rig) -> None:
    record = rig.start("/bin/sh", "-c", "readlink /proc/self/fd/0", prompt="file").record()
    assert record.tail == "/dev/null\n"


def test_a_polite_agent_ends_by_sigterm(rig: Rig) -> None:
    worker = rig.python(
        "import _signal, posix, time\n"
        "_signal.signal(15, lambda *_: (print('bye', flush=True), posix._exit(4)))\n"
        "print('up', flush=True)\n"
        "time.sleep(600)"
    ).said("up")
    worker.stop(grace=10)
    record = worker.record()
    assert (record.exit_code, record.stopped, record.tail) == (4, True, "up\nbye\n")


def test_an_agent_that_ignores_sigterm_is_killed_after_the_grace(rig: Rig) -> None:
    worker = rig.python(IGNORE_TERM + "print('up', flush=True); import time; time.sleep(600)")
    worker.said("up").stop(grace=10)
    record = worker.record()
    assert (record.exit_code, record.stopped, record.timed_out) == (-9, True, False)


def test_sigusr1_kills_at_once(rig: Rig) -> None:
    code = IGNORE_TERM + "print('up', flush=True); import time; time.sleep(600)"
    worker = rig.python(code, options={"stop_grace_seconds": 600.0}).said("up")
    os.kill(worker.ref.pid, signal.SIGTERM)
    os.kill(worker.ref.pid, signal.SIGUSR1)
    assert worker.record().exit_code == -9


def test_hangup_and_interrupt_leave_a_worker_alone(rig: Rig) -> None:
    worker = rig.python("print('up', flush=True); import sys, time; time.sleep(600)").said("up")
    os.kill(worker.ref.pid, signal.SIGHUP)
    os.kill(worker.ref.pid, signal.SIGINT)
    os.kill(worker.ref.pid, signal.SIGTERM)
    assert worker.record().exit_code == -15


def test_max_runtime_ends_a_run(rig: Rig) -> None:
    worker = rig.python(
        IGNORE_TERM + "import time; time.sleep(600)", task=a_task(max_runtime_seconds=1)
    )
    record = worker.record()
    assert (record.timed_out, record.stopped, record.exit_code) == (True, False, -9)


def test_a_daemon_of_the_agent_dies_with_it(rig: Rig) -> None:
    worker = rig.python(DAEMON)
    record = worker.record()
    assert record.exit_code == 0
    assert gone(worker.pid_said("daemon"))


def test_a_daemon_of_the_agent_dies_when_the_run_is_stopped(rig: Rig) -> None:
    worker = rig.python(DAEMON + "time.sleep(600)")
    daemon = worker.pid_said("daemon")
    worker.stop()
    assert gone(daemon)
    assert worker.record().stopped


def test_a_crowd_that_keeps_forking_is_cleared(rig: Rig) -> None:
    worker = rig.python("""
import posix, time
for _ in range(20):
    if posix.fork() == 0:
        posix.setsid()
        while True:
            if posix.fork() == 0:
                time.sleep(0.01)
                posix._exit(0)
            posix.wait()
""")
    assert worker.record().exit_code == 0
    assert worker.family() == set()


def test_a_stranger_that_holds_the_output_does_not_hold_the_run(rig: Rig) -> None:
    holder = rig.start("/bin/sh", "-c", "echo pid=$$\\;; exec sleep 600")
    pid = holder.pid_said("pid")
    with open(f"/proc/{pid}/fd/1", "wb", buffering=0) as held:
        os.kill(pid, signal.SIGKILL)
        assert holder.record().exit_code == -9
        with pytest.raises(BrokenPipeError):
            held.write(b"late")


def test_a_flood_of_output_is_rotated_and_capped(rig: Rig) -> None:
    limits = {"log_rotate_bytes": 1 << 20, "log_cap_bytes": 5 << 20}
    code = """
import posix
block = b'x' * 65535 + b'\\n'
for _ in range(320):
    posix.write(1, block)
posix.write(1, 'the end ü'.encode())
"""
    worker = rig.python(code, options=limits)
    record = worker.record()
    assert record.exit_code == 0
    assert record.tail.endswith("the end ü")
    assert len(record.tail.encode()) <= 4096
    sizes = [f.stat().st_size for f in worker.ref.run_dir.glob("log*")]
    assert len(sizes) == 2
    assert max(sizes) <= (1 << 20)
    assert worker.log.endswith("[the log is full: later output is not kept]\n")


def test_a_limit_on_file_size_neither_kills_nor_blocks(rig: Rig) -> None:
    """The limit is the supervisor's own, so that it meets it on log and record alike."""
    worker = rig.spawn("/bin/sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo done")
    limit = 65536
    resource.prlimit(worker.ref.pid, resource.RLIMIT_FSIZE, (limit, limit))
    worker.spawned.go()
    record = worker.record()
    assert record.exit_code == 0
    assert record.tail.endswith("xxxdone\n")
    assert max(f.stat().st_size for f in worker.ref.run_dir.glob("log*")) <= limit


@pytest.mark.torture
def test_an_agent_that_fills_the_disk_still_gets_its_record(rig: Rig) -> None:
    rig.paths.runs.mkdir(parents=True)
    disk = str(rig.paths.runs)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", disk], check=True)
    try:
        worker = rig.start("/bin/sh", "-c", "head -c 900000 /dev/zero | tr '\\0' x; echo done")
        record = worker.record()
        assert (record.exit_code, record.tail[-8:]) == (0, "xxxdone\n")
        assert os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize < 65536
    finally:
        subprocess.run(["umount", disk], check=True)


def test_output_that_cannot_be_written_is_counted(rig: Rig) -> None:
    worker = rig.spawn("/bin/sh", "-c", "echo lost; read line < {workspace}/gate; echo kept")
    (worker.ref.run_dir / "log").mkdir()
    gate = rig.paths.workspaces / "t_abc" / "gate"
    gate.parent.mkdir(parents=True)
    os.mkfifo(gate)
    worker.spawned.go()
    with gate.open("w") as opened:
        wait_until(lambda: has_read_all(worker))
        (worker.ref.run_dir / "log").rmdir()
        opened.write("go\n")
    assert worker.record().tail == "lost\nkept\n"
    assert worker.log == "\n[5 bytes of output are lost: they could not be written]\nkept\n"


def test_pipes_in_place_of_its_files_hold_up_no_supervisor(rig: Rig) -> None:
    folder = rig.paths.run_dir(1)
    script = f"cd {folder}; rm exit.json.tmp; mkfifo log exit.json.tmp; echo hello; exit 3"
    worker = rig.start("/bin/sh", "-c", script)
    wait_until(lambda: not worker.alive(), timeout=20)
    record = rig.processes.exit_record(worker.ref)
    assert record is not None
    assert (record.exit_code, record.tail) == (3, "hello\n")


def test_output_goes_on_after_the_log_was_deleted(rig: Rig) -> None:
    code = """
import posix, sys
posix.write(1, b'before\\n')
sys.stdin.readline()
posix.write(1, b'x' * 4096)
posix.write(1, b'after\\n')
"""
    gate = rig.paths.root / "gate"
    rig.paths.root.mkdir(parents=True)
    os.mkfifo(gate)
    code = code.replace("sys.stdin", f"open({str(gate)!r})")
    worker = rig.python(code, options={"log_rotate_bytes": 1024}).said("before")
    (worker.ref.run_dir / "log").unlink()
    gate.write_text("go\n")
    assert worker.record().tail.endswith("after\n")
    assert worker.log.endswith("after\n")


def test_a_run_whose_folder_was_removed_still_leaves_its_record(rig: Rig) -> None:
    folder = rig.paths.run_dir(1)
    worker = rig.start("/bin/sh", "-c", f"rm -r {folder}; exit 3")
    wait_until(lambda: not worker.alive(), timeout=20)
    record = rig.processes.exit_record(worker.ref)
    assert record is not None
    assert record.exit_code == 3


def test_a_supervisor_that_can_start_no_process_says_so(rig: Rig) -> None:
    worker = rig.spawn("/bin/sh", "-c", "echo started")
    wait_until(lambda: "exit.json.tmp" in os.listdir(worker.ref.run_dir))
    # Its own five and one more: that is no pipe.
    resource.prlimit(worker.ref.pid, resource.RLIMIT_NOFILE, (6, 6))
    worker.spawned.go()
    assert worker.record().spawn_failed == "no process can be started: Too many open files"


def test_a_stop_that_finds_too_many_files_open_is_made_later(rig: Rig) -> None:
    worker = rig.python(IGNORE_TERM + "import time; print('up', flush=True); time.sleep(600)")
    worker.said("up")
    limits = resource.prlimit(worker.ref.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(worker.ref.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    os.kill(worker.ref.pid, signal.SIGTERM)
    started_at = time.monotonic()
    wait_until(lambda: time.monotonic() - started_at > 2 * GRACE_SECONDS)
    assert worker.alive()
    resource.prlimit(worker.ref.pid, resource.RLIMIT_NOFILE, limits)
    record = worker.record()
    assert (record.stopped, record.exit_code) == (True, -signal.SIGKILL)


def has_read_all(worker: Worker) -> bool:
    """Whether the agent's output pipe is empty and the supervisor waits for more."""
    (agent,) = worker.family()
    with open(f"/proc/{agent}/fd/1", "rb", buffering=0) as pipe:
        waiting = array.array("i", [0])
        fcntl.ioctl(pipe, termios.FIONREAD, waiting)
    supervisor = tree.read_stat(worker.ref.pid)
    return waiting[0] == 0 and supervisor is not None and supervisor[0] == "S"


def test_no_tail_ends_in_half_a_character_or_holds_nul(rig: Rig) -> None:
    record = rig.start("/bin/sh", "-c", "printf 'a\\0b'; printf '\\303'").record()
    assert record.tail == "a�b�"


def test_the_supervisor_imports_next_to_nothing() -> None:
    """Every worker waits for these imports; the wrappers of the standard library are the cost."""
    package = Path(hermes_kanban.__file__).parent.parent
    code = (
        f"import sys; sys.path.append({str(package)!r}); before = set(sys.modules)\n"
        "from hermes_kanban.workers import prepare, runfiles, supervisor\n"
        "runfiles.decode('{}'), runfiles.encode({'a': 'b'})\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {
        "_json",
        "errno",
        "select",
        "hermes_kanban",
        "hermes_kanban.regular",
        "hermes_kanban.workers",
        "hermes_kanban.workers.prepare",
        "hermes_kanban.workers.runfiles",
        "hermes_kanban.workers.runlog",
        "hermes_kanban.workers.supervisor",
    }


def boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def hold_lease(worker: Worker, seconds: float) -> None:
    """What the kernel notes of a lease that holds for so long."""
    (worker.ref.run_dir / "lease").write_text(f"{boottime() + seconds:.3f}\n")


FAMILY = "sleep 600 & echo child=$!; exec sleep 600"


def test_a_lease_that_runs_out_ends_the_whole_tree(rig: Rig) -> None:
    worker = rig.spawn("/bin/sh", "-c", FAMILY)
    hold_lease(worker, 0.3)
    worker.spawned.go()
    record = worker.record()
    assert record.lease_lost
    assert (record.exit_code, record.stopped, record.timed_out) == (-9, False, False)
    assert worker.family() == set()


def test_a_lease_that_is_renewed_ends_nothing(rig: Rig) -> None:
    worker = rig.spawn("/bin/sh", "-c", "echo up; until [ -e go ]; do sleep 0.05; done")
    hold_lease(worker, 1.0)
    worker.spawned.go()
    worker.said("up")
    hold_lease(worker, 600)
    first = boottime() + 1.2
    wait_until(lambda: boottime() > first)
    (rig.paths.workspaces / "t_abc" / "go").touch()
    record = worker.record()
    assert (record.exit_code, record.lease_lost) == (0, False)


def test_a_host_that_was_frozen_past_a_lease_kills_at_once(rig: Rig) -> None:
    worker = rig.spawn("/bin/sh", "-c", "echo up; exec sleep 600")
    hold_lease(worker, 3.0)
    over = boottime() + 3.1
    worker.spawned.go()
    worker.said("up")
    host = [worker.ref.pid, *worker.family()]
    for pid in host:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: boottime() > over)
    assert worker.alive()
    for pid in host:
        os.kill(pid, signal.SIGCONT)
    record = worker.record()
    assert record.lease_lost
    assert record.exit_code == -9


def test_a_lease_that_was_over_before_the_go_starts_nothing(rig: Rig) -> None:
    worker = rig.spawn("/bin/sh", "-c", "echo started")
    hold_lease(worker, -1)
    worker.spawned.go()
    record = worker.record()
    assert record.lease_lost
    assert record.never_started
    assert worker.log == ""
