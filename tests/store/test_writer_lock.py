"""One writer at a time, in the order they came, with a bounded wait that names the holder."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store.writer_lock import WriterLock
from tests.support.waiting import wait_until


def test_a_busy_board_names_who_holds_it(tmp_path: Path) -> None:
    holder, other = WriterLock(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    holder.acquire("import-exit", 1)
    with pytest.raises(kb.BoardBusy, match=f"process {os.getpid()} \\(import-exit\\)"):
        other.acquire("create", 0.05)
    holder.release()


def test_a_waiter_that_gave_up_lets_go_when_its_turn_comes(tmp_path: Path) -> None:
    holder, quitter = WriterLock(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    third = WriterLock(tmp_path / "lock")
    holder.acquire("a", 1)
    with pytest.raises(kb.BoardBusy):
        quitter.acquire("b", 0.05)
    holder.release()
    third.acquire("c", 10)
    third.release()
    quitter.acquire("b", 10)
    quitter.release()


def test_waiters_get_it_one_after_another(tmp_path: Path) -> None:
    holder = WriterLock(tmp_path / "lock")
    holder.acquire("first", 1)
    order: list[int] = []

    def wait_in_line(number: int) -> None:
        lock = WriterLock(tmp_path / "lock")
        lock.acquire(f"waiter {number}", 20)
        order.append(number)
        lock.release()
        lock.close()

    threads = []
    for number in range(5):
        thread = threading.Thread(target=wait_in_line, args=(number,))
        thread.start()
        threads.append(thread)
        wait_until(lambda number=number: waiting(tmp_path / "lock") > number)
    holder.release()
    for thread in threads:
        thread.join(20)
    assert order == [0, 1, 2, 3, 4]


def waiting(file: Path) -> int:
    """How many wait for the lock, as the kernel lists them."""
    inode = file.stat().st_ino
    lines = Path("/proc/locks").read_text().splitlines()
    return sum(f":{inode} " in line and "->" in line for line in lines)


def test_the_gateway_does_not_wait_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path))
    conn = kb.connect()
    quick = kb.connect(wait_seconds=0.05)
    with kb.batch(conn):
        began = time.monotonic()
        with pytest.raises(kb.BoardBusy, match="batch"):
            kb.create_task(quick, title="x")
        assert time.monotonic() - began < 10
    kb.create_task(quick, title="x")
    conn.close()
    quick.close()
