"""The small process that holds one worker: its tree, its log, its limits and its exit record.

It outlives the gateway, opens no database and imports next to nothing, since every worker waits
for it to start: ``os``, ``json``, ``signal``, ``re`` and ``typing`` each cost more than all the
rest. Started in a session of its own as
``python -I -S -c '<append the package's folder to sys.path>; main()' <run folder>`` with the go
pipe as standard input; a ``G`` there starts the agent, end of file means exit without a start.

SIGTERM asks for a stop (the agent's tree is terminated, and killed after the grace), SIGUSR1
kills at once, SIGHUP and SIGINT do nothing. Where the run's folder says until when its lease
holds (see ``kernel.leases``), the tree is killed once that has passed unrenewed. The last thing
it does, once no process of the tree is left, is to write ``exit.json``; see ``ports.ExitRecord``
for its fields.
"""

import errno
import posix
import select
import sys
import time

from hermes_kanban.workers.runfiles import read_lease, read_spec, reserve_record, write_record
from hermes_kanban.workers.runlog import RunLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Any
else:
    import _signal

GO_FD = 0
CHUNK_BYTES = 65536
PIPE_BYTES = 1 << 20
RECORD_RETRY_SECONDS = 60.0
# Waits are timed by a clock that stands still while the host sleeps; leases are not.
LEASE_LOOK_SECONDS = 1.0
SUPERVISOR_OOM_SCORE = 200
AGENT_OOM_SCORE = 500
NOT_EXECUTED = 127

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_REQUESTS = (_signal.SIGTERM, _signal.SIGUSR1)
# On macOS, CLOCK_MONOTONIC goes on while the machine sleeps.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def main() -> None:
    """Hold the run whose folder is the first argument, then end this process."""
    folder = sys.argv[1]
    shed_descriptors()
    signals = Signals()
    set_process_control(_PR_SET_CHILD_SUBREAPER, 1)
    raise_oom_score(SUPERVISOR_OOM_SCORE)
    Supervisor(folder, read_spec(folder), signals).run()
    # Nothing is left to tidy, and the gateway waits for this exit.
    posix._exit(0)


class Supervisor:
    """One run from its go to its exit record."""

    def __init__(self, folder: str, spec: "dict[str, Any]", signals: "Signals") -> None:
        self._folder = folder
        self._spec = spec
        self._signals = signals
        self._log = RunLog(spec["log"], spec["log_rotate_bytes"], spec["log_cap_bytes"])
        self._started_at: int | None = None
        self._exit_code: int | None = None
        self._spawn_failed: str | None = None
        self._stopped = self._timed_out = self._lease_lost = False
        self._held_until: float | None = None
        self._deadline: float | None = None
        self._kill_at: float | None = None
        self._child = 0
        self._status: int | None = None

    def run(self) -> None:
        """Wait for the go, prepare, run the agent, clear its tree, write the record."""
        reserve_record(self._folder)
        if self._wait_for_go():
            self._held_until = read_lease(self._folder)
            if limit := self._spec["max_runtime_seconds"]:
                self._deadline = time.monotonic() + limit
            self._prepare()
            if self._may_start():
                self._run_agent()
        self._write_record()

    def _wait_for_go(self) -> bool:
        while not self._stopped:
            if GO_FD in wait_readable(None, GO_FD, self._signals.pipe):
                return posix.read(GO_FD, 1) == b"G"
            self._take_signals()
        return False

    def _may_start(self) -> bool:
        self._look_at_lease()
        return not (self._spawn_failed or self._stopped or self._timed_out or self._lease_lost)

    def _prepare(self) -> None:
        from hermes_kanban.workers import prepare

        place = self._spec["workspace"]
        try:
            if place["kind"] == "dir":
                prepare.directory(place["path"])
            elif place["kind"] == "scratch":
                prepare.scratch(place["root"], place["path"])
            else:
                # Git may take long: as a child it can be stopped and is timed like the agent.
                status, reason = self._run_child(self._prepare_worktree)
                # Whoever ends git ends the preparation: that is no failure of its own.
                if status != 0 and self._may_start():
                    self._spawn_failed = reason or f"preparing the workspace ended with {status}"
        except prepare.WorkspaceFailed as failure:
            self._spawn_failed = str(failure)

    def _prepare_worktree(self) -> str | None:
        from hermes_kanban.workers import prepare

        place, env = self._spec["workspace"], self._spec["env"]
        try:
            prepare.worktree(
                place["root"], place["path"], place["repository"], place["branch"], env
            )
        except prepare.WorkspaceFailed as failure:
            return str(failure)
        return None

    def _run_agent(self) -> None:
        started_at = int(time.time())
        status, self._spawn_failed = self._run_child(self._execute)
        if not self._spawn_failed:
            self._started_at, self._exit_code = started_at, status

    def _run_child(self, body: "Callable[[], str | None]") -> tuple[int | None, str | None]:
        """Run ``body`` in a child until it and all it started are gone.

        Returns its exit code (negative: the signal), and the reason it gave for a failure.
        """
        self._child, self._status = 0, None
        try:
            output, output_end = posix.pipe()
            reason, reason_end = posix.pipe()
            self._fork(body, output_end, reason_end)
        except OSError as error:
            # Too many files are open, or too many processes run.
            return None, f"no process can be started: {error.strerror}"
        posix.close(output_end)
        posix.close(reason_end)
        posix.set_blocking(output, False)
        failure = self._attend(output, reason)
        self._clear_tree()
        # Nobody of the tree writes any more; a stranger that holds the pipe is not waited for.
        self._copy(output, PIPE_BYTES)
        posix.close(output)
        posix.close(reason)
        return self._status, failure

    def _fork(self, body: "Callable[[], str | None]", output: int, reason: int) -> None:
        # Held back over the fork: the child must not take a signal with the parent's handlers.
        held = _signal.pthread_sigmask(_signal.SIG_BLOCK, _REQUESTS)
        supervisor = posix.getpid()
        try:
            self._child = posix.fork()
            if self._child == 0:
                run_as_child(supervisor, self._spec["stdin"], output, reason, body)
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, held)

    def _attend(self, output: int, reason: int) -> str | None:
        """Copy output and enforce limits until the child has exited; returns its failure."""
        watched = [self._signals.pipe, output, reason]
        failure = b""
        while self._status is None:
            ready = wait_readable(self._seconds_left(), *watched)
            if self._signals.pipe in ready:
                self._take_signals()
                self._reap()
            if output in ready and not self._copy(output, CHUNK_BYTES):
                watched.remove(output)
            if reason in ready:
                part = posix.read(reason, CHUNK_BYTES)
                failure += part
                if not part:
                    watched.remove(reason)
            self._enforce_limits()
        if reason in watched:
            posix.set_blocking(reason, False)
            failure += read_available(reason)
        return failure.decode("utf-8", "replace") or None

    def _execute(self) -> str | None:
        return execute(self._spec["argv"], self._spec["env"], self._spec["cwd"])

    def _copy(self, output: int, limit: int) -> bool:
        """Move at most ``limit`` waiting bytes to the log; False at the end of the output."""
        while limit > 0:
            try:
                data = posix.read(output, min(limit, CHUNK_BYTES))
            except BlockingIOError:
                return True
            if not data:
                return False
            self._log.write(data)
            limit -= len(data)
        return True

    def _seconds_left(self) -> float | None:
        until = self._kill_at if self._kill_at is not None else self._deadline
        left = None if until is None else max(0.0, until - time.monotonic())
        if self._held_until is None:
            return left
        return LEASE_LOOK_SECONDS if left is None else min(left, LEASE_LOOK_SECONDS)

    def _take_signals(self) -> None:
        for signal in self._signals.taken():
            if signal == _signal.SIGTERM and self._kill_at is None:
                self._stopped = True
                self._terminate()
            elif signal == _signal.SIGUSR1:
                self._stopped = not self._timed_out
                self._kill_at = time.monotonic()

    def _look_at_lease(self) -> None:
        """Whether it still holds; a file that is gone renews nothing."""
        if self._held_until is None or self._lease_lost:
            return
        now = time.clock_gettime(_BOOT_CLOCK)
        if now >= self._held_until:
            self._held_until = read_lease(self._folder) or self._held_until
            self._lease_lost = now >= self._held_until

    def _enforce_limits(self) -> None:
        now = time.monotonic()
        self._look_at_lease()
        if self._lease_lost and (self._kill_at is None or self._kill_at > now):
            # At once: another host may be about to start the task.
            self._kill_at = now
        if self._kill_at is None and self._deadline is not None and now >= self._deadline:
            self._timed_out = True
            self._terminate()
        elif self._kill_at is not None and now >= self._kill_at:
            self._signal_tree(_signal.SIGKILL)
            self._kill_at = now + 0.05

    def _terminate(self) -> None:
        self._kill_at = time.monotonic() + self._spec["stop_grace_seconds"]
        # A stopped process acts on a SIGTERM only once it is continued.
        self._signal_tree(_signal.SIGTERM, _signal.SIGCONT)

    def _signal_tree(self, *signals: int) -> list[int]:
        """The pids it found; none where it cannot look, and whoever kills asks again and again."""
        if not self._child:
            return []
        try:
            from hermes_kanban.workers import tree

            if tree.HAS_PROC:
                return tree.signal_descendants(posix.getpid(), *signals)
        except OSError:
            return []
        for signal in signals:
            try:
                posix.killpg(self._child, signal)
            except OSError:
                break
        return [self._child]

    def _reap(self) -> bool:
        """Collect what has exited, orphans of the tree too; False once no child is left."""
        while True:
            try:
                pid, status = posix.waitpid(-1, posix.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._child:
                self._status = posix.waitstatus_to_exitcode(status)

    def _clear_tree(self) -> None:
        """Kill and collect all that the child left behind.

        As subreaper this process is the parent of every orphan of the tree, so to have no child
        is to have no descendant: exact, and free in the usual case.
        """
        pause, said = 0.001, False
        while self._reap():
            left = self._signal_tree(_signal.SIGKILL)
            wait_readable(pause, self._signals.pipe)
            self._take_signals()
            pause = min(pause * 2, 0.5)
            if pause == 0.5 and not said:
                said = True
                complain(f"waiting for processes that do not die: {left}")

    def _write_record(self) -> None:
        until, pause, tail = time.monotonic() + RECORD_RETRY_SECONDS, 0.05, self._log.tail()
        while True:
            try:
                write_record(self._folder, self._record(tail))
            except OSError as error:
                if time.monotonic() > until:
                    complain(f"the exit record could not be written: {error}")
                    return
                tail = tail[-256:]
                time.sleep(pause)
                pause = min(pause * 2, 2.0)
            else:
                return

    def _record(self, tail: str) -> "dict[str, object]":
        spec = self._spec
        return {
            "v": 1,
            "board_id": spec["board_id"],
            "run_id": spec["run_id"],
            "claim_lock": spec["claim_lock"],
            "exited_at": int(time.time()),
            "started_at": self._started_at,
            "exit_code": self._exit_code,
            "never_started": self._started_at is None and not self._spawn_failed,
            "spawn_failed": self._spawn_failed,
            "timed_out": self._timed_out,
            "stopped": self._stopped,
            "lease_lost": self._lease_lost,
            "on_exit_zero": spec["on_exit_zero"],
            "runtime": spec["runtime"],
            "tail": tail,
        }


class Signals:
    """Signals as bytes on a pipe, so that one poll waits for them and for output."""

    def __init__(self) -> None:
        self.pipe, write_end = posix.pipe()
        posix.set_blocking(self.pipe, False)
        posix.set_blocking(write_end, False)
        _signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for signal in (*_REQUESTS, _signal.SIGCHLD):
            _signal.signal(signal, lambda *_: None)
        for signal in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGPIPE, _signal.SIGXFSZ):
            _signal.signal(signal, _signal.SIG_IGN)
        # The spawner starts this process with them blocked: until here they would have killed it.
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, _REQUESTS)

    def taken(self) -> bytes:
        """The numbers of the signals that came since the last call."""
        return read_available(self.pipe)


def run_as_child(
    supervisor: int,
    stdin: str | None,
    output: int,
    reason: int,
    body: "Callable[[], str | None]",
) -> None:
    """In the forked child: cut it loose from the supervisor, then run ``body``. Never returns."""
    try:
        posix.setpgid(0, 0)
        set_process_control(_PR_SET_PDEATHSIG, _signal.SIGKILL)
        if posix.getppid() != supervisor:
            posix._exit(NOT_EXECUTED)
        raise_oom_score(AGENT_OOM_SCORE)
        posix.dup2(posix.open(stdin or "/dev/null", posix.O_RDONLY | posix.O_CLOEXEC), 0)
        posix.dup2(output, 1)
        posix.dup2(output, 2)
        restore_signals()
        failure = body()
    except BaseException as error:
        failure = f"{type(error).__name__}: {error}"
    if failure:
        posix.write(reason, failure.encode("utf-8", "surrogateescape"))
    posix._exit(NOT_EXECUTED if failure else 0)


def execute(argv: list[str], env: dict[str, str], cwd: str) -> str:
    """Become ``argv`` in the folder ``cwd``; returns only if that failed, with the reason."""
    try:
        posix.chdir(cwd)
    except OSError as error:
        return f"cannot enter the working directory {cwd}: {error.strerror}"
    name = argv[0]
    if "/" in name:
        return _execute_file(name, argv, env) or f"{name} does not exist"
    path = env.get("PATH", "")
    denied = None
    for folder in path.split(":"):
        failure = _execute_file(f"{folder or '.'}/{name}", argv, env)
        denied = denied or failure
    return denied or f"command not found: {name} (PATH is {path})"


def _execute_file(file: str, argv: list[str], env: dict[str, str]) -> str | None:
    """Returns why ``file`` cannot be run, None if there is no such file."""
    try:
        posix.execve(file, argv, env)
    except (FileNotFoundError, NotADirectoryError):
        if posix.access(file, posix.F_OK):
            return f"cannot run {file}: the interpreter that its first line names does not exist"
        return None
    except OSError as error:
        if error.errno == errno.E2BIG:
            return f"cannot run {file}: arguments too long; give the prompt by stdin or file"
        if error.errno == errno.ENOEXEC:
            return f"cannot run {file}: neither a program nor a script with a #! line"
        return f"cannot run {file}: {error.strerror}"


def shed_descriptors() -> None:
    """Close everything but the standard three, whatever the spawner left open."""
    for name in posix.listdir("/dev/fd"):
        if int(name) > 2:
            try:
                posix.close(int(name))
            except OSError:
                continue


def set_process_control(option: int, value: int) -> None:
    """``prctl(option, value)``, where there is one."""
    if sys.platform != "linux":
        return
    try:
        import _ctypes

        program: Any = None
        function = _ctypes.dlsym(_ctypes.dlopen(program, 0), "prctl")
        result = _ctypes.call_function(function, (option, value, 0, 0, 0))
    except (ImportError, AttributeError):
        import ctypes

        result = ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    if result != 0:
        complain(f"prctl({option}, {value}) was refused")


def raise_oom_score(score: int) -> None:
    """Let the kernel, short of memory, take this process before the gateway."""
    try:
        file = posix.open("/proc/self/oom_score_adj", posix.O_RDWR | posix.O_CLOEXEC)
    except OSError:
        return
    try:
        if int(posix.read(file, 16)) < score:
            posix.write(file, b"%d" % score)
    except OSError as error:
        complain(f"oom_score_adj stays as it is: {error}")
    finally:
        posix.close(file)


def restore_signals() -> None:
    """Default dispositions and nothing blocked, as a program expects to be started."""
    for signal in range(1, _signal.NSIG):
        if signal not in (_signal.SIGKILL, _signal.SIGSTOP):
            try:
                _signal.signal(signal, _signal.SIG_DFL)
            except (OSError, ValueError):
                continue
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


def wait_readable(seconds: float | None, *files: int) -> set[int]:
    """Those of ``files`` that can be read, or are at their end, within ``seconds``."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    # Rounded up: a deadline must have passed when the wait for it ends.
    return {file for file, _ in poll.poll(None if seconds is None else int(seconds * 1000) + 1)}


def read_available(file: int) -> bytes:
    """All that a non-blocking pipe holds now."""
    parts = b""
    while True:
        try:
            part = posix.read(file, CHUNK_BYTES)
        except BlockingIOError:
            return parts
        if not part:
            return parts
        parts += part


def complain(problem: str) -> None:
    """Leave a line in the run's ``supervisor.err``."""
    try:
        posix.write(2, f"{problem}\n".encode("utf-8", "replace"))
    except OSError:
        return
