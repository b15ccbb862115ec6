"""Processes named so that none is taken for another, and the end of a worker's whole tree.

Implements ``ports.Processes``. A pid alone is never trusted: a process is its host, boot, pid
namespace, pid and raw start ticks, and a signal goes through a pidfd checked against those.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import subprocess
import time
from pathlib import Path

import msgspec

from hermes_kanban.machine import machine
from hermes_kanban.model import Identity
from hermes_kanban.ports import Clock, ExitRecord, Liveness, SystemClock, WorkerRef
from hermes_kanban.regular import read_regular
from hermes_kanban.workers import environment, tree
from hermes_kanban.workers.conclusions import conclude

# After being told to kill, a supervisor that is still there by then is itself in trouble.
KILL_PATIENCE_SECONDS = 2.0
EMPTY_SCANS = 2
# These say nothing of a file: the next try may find it good.
_OUR_OWN_TROUBLE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

_RECORD = msgspec.json.Decoder(ExitRecord)


@functools.cache
def _own_identity(pid: int) -> Identity | None:
    """This process, which cannot become another; a fork of it has a pid of its own."""
    return identity_of(pid)


def identity_of(pid: int) -> Identity | None:
    """The process that has ``pid`` now, None if there is none that lives."""
    ticks = _start_ticks(pid)
    if ticks is None:
        return None
    here = machine()
    return Identity(here.host, here.boot, here.pidns, pid, ticks)


class Stop(msgspec.Struct):
    """How far the stop of one worker has come; times are monotonic seconds.

    ``orphans`` are processes of a lost supervisor, pid to start ticks, which came to this process
    as process 1 and which it must collect.
    """

    terminated_at: float
    killed_at: float | None = None
    empty_scans: int = 0
    orphans: dict[int, int] = {}


class SystemProcesses:
    """The process table of this host, for the kernel.

    Keeps in memory only how far each stop has come: a new process starts its grace anew.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._stops: dict[tuple[str, int], Stop] = {}

    def identity(self, pid: int | None = None) -> Identity | None:
        """The process of that pid, by default this very one; None if there is none."""
        return _own_identity(os.getpid()) if pid is None else identity_of(pid)

    def liveness(self, identity: Identity) -> Liveness:
        """Whether that process lives; ``elsewhere`` if it cannot be seen from here."""
        here = machine()
        if identity.host != here.host:
            return "elsewhere"
        if identity.boot != here.boot:
            return "dead"
        if identity.pidns != here.pidns:
            return "elsewhere"
        _reap(identity.pid, identity.start_ticks)
        return "alive" if _start_ticks(identity.pid) == identity.start_ticks else "dead"

    def stop(self, worker: WorkerRef, grace_seconds: float) -> bool:
        """Advance a stop without waiting; True once the worker's whole tree is confirmed gone.

        The supervisor is asked first, told to kill after the grace, and killed with all of its
        tree if it does not. Gone means: the supervisor is, and either it left its record, which
        it writes last, or two scans in a row found nobody.
        """
        now = self._clock.monotonic()
        state = self._state(worker)
        if state == "elsewhere":
            return False
        stop = self._stops.get((worker.board_id, worker.run_id))
        if state == "alive" and worker.identity is not None:
            if stop is None:
                self._stops[worker.board_id, worker.run_id] = Stop(now)
                _signal(worker.identity, signal.SIGTERM, signal.SIGCONT)
            else:
                _press(worker, worker.identity, stop, now, grace_seconds)
            return False
        if self._record(worker) is not None:
            return True
        if stop is None:
            stop = self._stops[worker.board_id, worker.run_id] = Stop(now)
        return _clear(worker, stop, now, grace_seconds)

    def exit_record(self, worker: WorkerRef) -> ExitRecord | None:
        """The record of exactly this run, with its runtime's reading; any other is set aside."""
        record = self._record(worker)
        if record is None:
            return None
        return msgspec.structs.replace(record, conclusion=conclude(worker, record))

    def _record(self, worker: WorkerRef) -> ExitRecord | None:
        """The file as it is; garbage, what cannot be read and another run's are set aside."""
        file = worker.run_dir / "exit.json"
        try:
            record = _RECORD.decode(read_regular(file))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (msgspec.DecodeError, UnicodeDecodeError):
            _set_aside(file)
            return None
        except OSError as error:
            if error.errno in _OUR_OWN_TROUBLE:
                raise
            _set_aside(file)
            return None
        ours = (worker.board_id, worker.run_id, worker.claim_lock)
        if (record.board_id, record.run_id, record.claim_lock) != ours:
            _set_aside(file)
            return None
        return record

    def settle(self, worker: WorkerRef) -> None:
        """The worker's end is committed: drop its record and forget it."""
        self._stops.pop((worker.board_id, worker.run_id), None)
        if worker.identity is not None:
            _reap(worker.pid, worker.identity.start_ticks)
        with contextlib.suppress(OSError):
            (worker.run_dir / "exit.json").unlink()

    def watch(self, worker: WorkerRef) -> int | None:
        """A pidfd that becomes readable when the supervisor exits; the caller closes it.

        None if it is gone already, is elsewhere, or the system has no pidfds.
        """
        if worker.identity is None or self.liveness(worker.identity) != "alive":
            return None
        try:
            handle = os.pidfd_open(worker.pid)
        except (AttributeError, OSError):
            return None
        # Looked at again with the handle held: now it cannot be another process.
        if _start_ticks(worker.pid) == worker.identity.start_ticks:
            return handle
        os.close(handle)
        return None

    def _state(self, worker: WorkerRef) -> Liveness:
        # A worker without an identity is only known by its environment, as a lost one's tree is.
        return "dead" if worker.identity is None else self.liveness(worker.identity)


def _press(
    worker: WorkerRef, supervisor: Identity, stop: Stop, now: float, grace_seconds: float
) -> None:
    """The supervisor was terminated before and still lives."""
    if stop.killed_at is None:
        if now >= stop.terminated_at + grace_seconds:
            stop.killed_at = now
            _signal(supervisor, signal.SIGUSR1, signal.SIGCONT)
    elif now >= stop.killed_at + KILL_PATIENCE_SECONDS:
        # Found first, killed after: an orphan is no longer known as its descendant.
        _signal_tree(worker, stop, signal.SIGKILL)
        _signal(supervisor, signal.SIGKILL)


def _clear(worker: WorkerRef, stop: Stop, now: float, grace_seconds: float) -> bool:
    """Nobody holds the tree any more: find what is left of it and kill it."""
    supervised = worker.identity is not None
    forced = supervised or now >= stop.terminated_at + grace_seconds
    signals = (signal.SIGKILL,) if forced else (signal.SIGTERM, signal.SIGCONT)
    for pid, start_ticks in stop.orphans.items():
        _reap(pid, start_ticks)
    found = _signal_tree(worker, stop, *signals)
    stop.empty_scans = 0 if found else stop.empty_scans + 1
    return stop.empty_scans >= EMPTY_SCANS


def _signal_tree(worker: WorkerRef, stop: Stop, *signals: int) -> bool:
    """Signal every process of the run but its supervisor; False if there is none."""
    if not tree.HAS_PROC:
        return _kill_group(worker)
    among = tree.processes()
    found = run_processes(worker, among)
    for pid in found:
        tree.send(pid, among[pid][3], *signals)
        if among[pid][1] == os.getpid() == 1 and pid != worker.pid:
            stop.orphans[pid] = among[pid][3]
    return bool(found)


def run_processes(worker: WorkerRef, among: dict[int, tree.Stat]) -> set[int]:
    """The pids of ``among`` that belong to the run, without its supervisor.

    Those are the processes whose environment names the run and its claim lock, those of the
    supervisor's session, and whatever descends from either or from a session one of them leads.
    Never this process, its ancestors or process 1.
    """
    spared = _line_of(os.getpid(), among) | {1, worker.pid}
    found = {pid for pid in among.keys() - spared if _carries(pid, worker)}
    found |= _session_of_supervisor(worker, among)
    if _is_ours(worker, among):
        found |= tree.descendants({worker.pid}, among)
    while True:
        leaders = {pid for pid in found if among[pid][2] == pid}
        members = {pid for pid, stat in among.items() if stat[2] in leaders}
        grown = (found | members | tree.descendants(found, among)) - spared
        if grown == found:
            # Without an identity the registered process has no supervisor's part to play.
            return found | (_plain_worker(worker, among) - _line_of(os.getpid(), among))
        found = grown


def _carries(pid: int, worker: WorkerRef) -> bool:
    variables = tree.read_environ(pid)
    return (
        f"{environment.RUN_ID}={worker.run_id}".encode() in variables
        and f"{environment.CLAIM_LOCK}={worker.claim_lock}".encode() in variables
    )


def _session_of_supervisor(worker: WorkerRef, among: dict[int, tree.Stat]) -> set[int]:
    """The members of its session, unless its pid has meanwhile become another's."""
    if worker.identity is None or (worker.pid in among and not _is_ours(worker, among)):
        return set()
    since = worker.identity.start_ticks
    return {p for p, stat in among.items() if stat[2] == worker.pid != p and stat[3] >= since}


def _is_ours(worker: WorkerRef, among: dict[int, tree.Stat]) -> bool:
    found = among.get(worker.pid)
    if found is None:
        return False
    if worker.identity is None:
        return found[1] == os.getpid()
    return found[3] == worker.identity.start_ticks


def _plain_worker(worker: WorkerRef, among: dict[int, tree.Stat]) -> set[int]:
    """A worker registered by pid alone: ours if it is our child, since that pid cannot be reused,
    or if its environment says so."""
    if worker.identity is not None or worker.pid not in among:
        return set()
    known = _is_ours(worker, among) or _carries(worker.pid, worker)
    return {worker.pid} if known else set()


def _line_of(pid: int, among: dict[int, tree.Stat]) -> set[int]:
    line: set[int] = set()
    while pid in among and pid not in line:
        line.add(pid)
        pid = among[pid][1]
    return line


def _signal(identity: Identity, *signals: int) -> bool:
    if tree.HAS_PROC:
        return tree.send(identity.pid, identity.start_ticks, *signals)
    if _start_ticks(identity.pid) != identity.start_ticks:
        return False
    with contextlib.suppress(OSError):
        for number in signals:
            os.kill(identity.pid, number)
    return True


def _kill_group(worker: WorkerRef) -> bool:
    """Without ``/proc``: the processes of the supervisor's session, as ``ps`` knows them."""
    found = False
    for line in _command_output("ps", "-axo", "pid=,sess=,pgid=").splitlines():
        pid, session, group = (int(word, 0) for word in line.split())
        if worker.pid in (session, group) and pid not in (worker.pid, os.getpid()):
            found = True
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    return found


def _reap(pid: int, start_ticks: int) -> None:
    """Collect a process that this one started, or inherited as process 1.

    Only exactly that one: whoever else waits for a child of this process finds it.
    """
    if tree.HAS_PROC:
        found = tree.read_stat(pid)
        if found is None or found[0] != "Z" or found[3] != start_ticks:
            return
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _start_ticks(pid: int) -> int | None:
    """None for a process that is gone or only a zombie."""
    if tree.HAS_PROC:
        found = tree.read_stat(pid)
        return None if found is None or found[0] in tree.DEAD_STATES else found[3]
    started = _command_output("ps", "-o", "stat=,lstart=", "-p", str(pid)).strip()
    if not started or started.startswith("Z"):
        return None
    when = " ".join(started.split()[1:])
    return int(time.mktime(time.strptime(when, "%a %b %d %H:%M:%S %Y")))


def _set_aside(file: Path) -> None:
    """One that cannot even be moved is left: its run must not keep all others from being judged."""
    with contextlib.suppress(OSError):
        _move_aside(file)


def _move_aside(file: Path) -> None:
    number = 1
    while True:
        target = file.with_name(f"{file.name}.foreign-{number}")
        try:
            # A link cannot replace what was set aside before.
            os.link(file, target, follow_symlinks=False)
        except FileExistsError:
            number += 1
        except (FileNotFoundError, PermissionError):
            if file.is_dir():
                file.rename(target)
            return
        else:
            file.unlink()
            return


def _command_output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
