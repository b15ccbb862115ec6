"""Stage 1: whether the disk keeps the promises that a board is built on."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hermes_kanban.selftest.findings import Broke
from hermes_kanban.selftest.trial import Trial
from hermes_kanban.store import sqlite_version
from hermes_kanban.store.filesystem import file_system, is_share

ABOUT: Final = "whether this disk keeps what a board is built on"
SYNCS_MOST: Final = 200
SYNC_SECONDS: Final = 2.0
PAGE: Final = 4096
RENAMES: Final = 300
PATIENCE_SECONDS: Final = 20.0
# Faster than any disk writes: somebody keeps it in memory.
SUSPICIOUS_SECONDS: Final = 0.000_02
_HOLDER: Final = Path(__file__).with_name("holder.py")

IN_MEMORY: Final = frozenset({"ramfs", "tmpfs"})


def run(trial: Trial) -> None:
    """Try them one by one. Broke if the place is none for a board."""
    folder = trial.place.home / "disk"
    folder.mkdir(mode=0o700)
    for attempt in (_file_system, _sync, _locks, _rename, _sqlite):
        attempt(trial, folder)
    shutil.rmtree(folder)


def _file_system(trial: Trial, folder: Path) -> None:
    kind = file_system(folder)
    free = shutil.disk_usage(folder).free
    trial.count(file_system=kind, free_bytes=free)
    if is_share(kind):
        raise Broke(
            f"{folder} lies on {kind}, a network or shared file system, where locks and shared"
            " memory are not to be trusted; a board belongs on a local disk"
        )
    name = kind or "a file system of unknown kind"
    trial.held(f"{name}, not shared; {free / 2**30:.1f} GiB free")
    if kind in IN_MEMORY:
        trial.note(f"{kind} is kept in memory: a board here is gone after a restart")


def _sync(trial: Trial, folder: Path) -> None:
    handle = os.open(folder / "synced", os.O_WRONLY | os.O_CREAT, 0o600)
    times: list[float] = []
    deadline = time.monotonic() + SYNC_SECONDS
    try:
        while len(times) < SYNCS_MOST and (not times or time.monotonic() < deadline):
            os.pwrite(handle, os.urandom(PAGE), len(times) * PAGE)
            began = time.monotonic()
            os.fsync(handle)
            times.append(time.monotonic() - began)
            trial.doing(f"fsync {len(times)} of {SYNCS_MOST}")
    except OSError as error:
        raise Broke(f"fsync fails: {error.strerror}") from None
    finally:
        os.close(handle)
    times.sort()
    middle, slow = times[len(times) // 2], times[len(times) * 99 // 100]
    trial.count(fsyncs=len(times), fsync_p50=middle, fsync_p99=slow)
    shown = f"half within {_shown(middle)}, 99 of 100 within {_shown(slow)}"
    trial.held(f"{len(times)} fsyncs of a page: {shown}")
    if middle < SUSPICIOUS_SECONDS:
        trial.note("that is faster than a disk can write: a loss of power may lose what was synced")


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def _locks(trial: Trial, folder: Path) -> None:
    kinds: dict[str, Callable[[int, int], object]] = {"flock": fcntl.flock, "posix": fcntl.lockf}
    for kind, take in kinds.items():
        trial.doing(f"{kind} locks between two processes")
        file = folder / f"{kind}.lock"
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for end in ("lets go", "is killed"):
                _judge_lock(trial, kind, file, end, lambda: _taken(take, handle))  # noqa: B023
        finally:
            os.close(handle)
    trial.held("flock and POSIX locks shut other processes out, and end with their holder")


def _judge_lock(trial: Trial, kind: str, file: Path, end: str, taken: Callable[[], bool]) -> None:
    holder = _start(kind, str(file))
    try:
        assert holder.stdin is not None
        assert holder.stdout is not None
        if holder.stdout.readline() != "held\n":
            raise Broke(f"a process cannot take a {kind} lock here")
        if taken():
            raise Broke(f"two processes held the same {kind} lock at once")
        if end == "is killed":
            holder.kill()
        holder.stdin.close()
        holder.wait(PATIENCE_SECONDS)
        trial.until(taken, f"a {kind} lock is not free although its holder {end}")
    finally:
        _end(holder)


def _taken(take: Callable[[int, int], object], handle: int) -> bool:
    """Whether the lock could be had; it is let go at once."""
    try:
        take(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    take(handle, fcntl.LOCK_UN)
    return True


def _rename(trial: Trial, folder: Path) -> None:
    trial.doing("one process renames, one reads")
    file = folder / "renamed"
    file.write_bytes(b"a")
    looks = 0
    renamer = _start("rename", str(file), str(RENAMES))
    try:
        while renamer.poll() is None:
            # Missing, empty or of two letters: somebody saw a rename half done.
            try:
                seen = file.read_bytes()
            except FileNotFoundError:
                raise Broke("a file was missing while another was renamed over it") from None
            if not seen or seen != seen[:1] * len(seen):
                raise Broke("a file was seen half written after a rename")
            looks += 1
        if renamer.returncode != 0:
            raise Broke("a file cannot be renamed over another here")
    finally:
        _end(renamer)
    trial.held(
        f"{RENAMES} renames over a file that was read {looks} times: always one or the other"
    )


def _sqlite(trial: Trial, folder: Path) -> None:
    version = sqlite3.sqlite_version
    trial.count(sqlite=version)
    conn = sqlite3.connect(folder / "try.db", isolation_level=None)
    try:
        (mode,) = conn.execute("PRAGMA journal_mode = WAL").fetchone()
    finally:
        conn.close()
    if mode != "wal":
        raise Broke(f"SQLite cannot keep a write-ahead log here; it chose {mode}")
    trial.held(f"SQLite {version} keeps a write-ahead log here")
    if problem := sqlite_version.caution():
        trial.note(problem)


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_HOLDER), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None and not pipe.closed:
            pipe.close()
