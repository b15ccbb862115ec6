"""What could end the gateway, halt it, or make a service of it fall silent, and does not."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.gateway.test_ends import started
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

QUICK = shell("echo done")
NEVER = {"dispatch_interval_seconds": 3600}


def told(gateways: Gateways, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in gateways.log_lines()]
    return [line for line in lines if line["event"] == event]


def does_a_task(gateways: Gateways, conn: kb.BoardConnection) -> None:
    """A new task is started long before the interval would have it looked at."""
    task_id = kb.create_task(conn, title="now", assignee="quick")
    wait_until(
        lambda: kb.get_task(conn, task_id).status == "done",
        timeout=30,
        message=f"{gateways.story(task_id)}: {gateways.errors()[-1500:]}",
    )


FAILING = """
import os, pathlib
import gateway.sources
from gateway.__main__ import main

flag, counter = pathlib.Path(os.environ["FLAG"]), gateway.sources._ChangeCounter
changed = counter.changed

async def fail_once(self):
    if flag.exists():
        flag.unlink()
        raise OSError(5, "Input/output error")
    return await changed(self)

counter.changed = fail_once
main()
"""


@pytest.mark.stores("sqlite")
def test_a_board_is_followed_again_after_that_failed(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, **NEVER)
    conn = gateways.open()
    gateways.program = ("-c", FAILING)
    flag = gateways.home / "flag"
    gateways.start(FLAG=str(flag))
    bell = conn.paths.doorbell(conn.board_id)
    for times in (1, 2):
        flag.touch()
        wait_until(lambda times=times: len(told(gateways, "board.opened")) > times)
        # Only who follows the board hears of what nobody rings for.
        wait_until(bell.exists)
        bell.unlink()
        does_a_task(gateways, conn)


@pytest.mark.stores("sqlite")
def test_a_board_that_was_removed_and_made_anew_is_served(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, **NEVER)
    gateways.open()
    kb.create_board("other")
    gateways.start()
    with_files = kb.connect("other")
    does_a_task(gateways, with_files)
    folder = with_files.paths.root
    with_files.close()
    folder.rename(gateways.home / "away")
    kb.create_board("other")
    anew = kb.connect("other")
    does_a_task(gateways, anew)
    anew.close()
    assert "taken away or replaced" in told(gateways, "board.gone")[0]["error"]
    shutil.rmtree(gateways.home / "away")


@pytest.mark.stores("sqlite")
def test_a_bell_that_cannot_be_hung_keeps_nobody_from_work(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, **NEVER)
    conn = gateways.open()
    conn.paths.doorbell(conn.board_id).mkdir(parents=True)
    gateways.start()
    does_a_task(gateways, conn)
    assert told(gateways, "watcher.failed") == []


@pytest.mark.stores("sqlite")
def test_a_gateway_starts_beside_a_damaged_board(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    kb.create_board("other")
    other = kb.connect("other")
    gateways.conn = other
    broken = gateways.home / "boards" / "default"
    broken.mkdir()
    (broken / "board.db").write_bytes(b"no board at all" * 1000)
    gateways.start(wait=False)
    does_a_task(gateways, other)
    assert "is not an intact board" in told(gateways, "board.refused")[0]["error"]


NO_FAREWELL = """
import gateway.host_row
from gateway.__main__ import main

leave, fails = gateway.host_row.HostRow.leave, [True]

def fail_once(self, conn):
    if fails:
        fails.clear()
        raise RuntimeError("can't start new thread")
    leave(self, conn)

gateway.host_row.HostRow.leave = fail_once
main()
"""


def test_a_role_is_let_go_whatever_else_fails(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    gateways.program = ("-c", NO_FAREWELL)
    gateways.start()
    gateways.configure({"quick": QUICK}, dispatch_in_gateway=False)
    wait_until(lambda: told(gateways, "watcher.failed"))
    gateways.configure({"quick": QUICK})
    does_a_task(gateways, conn)


@pytest.mark.parametrize("kind", ["loop", "pipe"])
def test_a_record_that_cannot_be_read_holds_up_no_other_run(gateways: Gateways, kind: str) -> None:
    gate = gateways.home / "gate"
    waiting = shell(f"echo up; while [ ! -e {gate} ]; do sleep 0.02; done; exit 7")
    gateways.configure({"quick": QUICK, "waiting": waiting})
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="x", assignee="waiting", max_retries=0)
    record = conn.paths.run_dir(started(gateways, task_id).id) / "exit.json"
    if kind == "loop":
        record.symlink_to(record.name)
    else:
        os.mkfifo(record)
    does_a_task(gateways, conn)
    assert told(gateways, "watcher.failed") == []
    gate.touch()
    assert gateways.wait_for_exit(task_id).exit_code == 7


def test_pipes_in_place_of_a_workers_files_hold_up_nobody(gateways: Gateways) -> None:
    """The log of an agent with tools is read at its end; hand-overs are looked for all the time."""
    client = gateways.home / "bin" / "claude"
    client.parent.mkdir()
    root = gateways.home / "boards" / "default"
    client.write_text(
        f"#!/bin/sh\ncd {root}/runs/$HERMES_KANBAN_RUN_ID && rm -f log && mkfifo log\n"
    )
    client.chmod(0o755)
    handing_in = shell(f"mkdir -p {root}/handovers/7 && mkfifo {root}/handovers/7/asked.json")
    profiles = {"quick": QUICK, "tools": {"runtime": "claude"}, "handing-in": handing_in}
    gateways.configure(profiles)
    conn = gateways.open()
    gateways.start(PATH=f"{client.parent}:{os.environ['PATH']}")
    for name, outcome in (("tools", "protocol_violation"), ("handing-in", "completed")):
        task_id = kb.create_task(conn, title="x", assignee=name, max_retries=0)
        assert gateways.wait_for_exit(task_id).outcome == outcome
        does_a_task(gateways, conn)
    wait_until(lambda: told(gateways, "handover.refused"))
    assert (root / "handovers" / "7-1.refused").is_dir()


def test_a_log_that_nobody_reads_halts_nothing(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    reader, writer = os.pipe()
    with open(reader, "rb"):
        filler = os.fdopen(writer, "wb", buffering=0)
        os.set_blocking(writer, False)
        while filler.write(bytes(4096)):
            pass
        os.set_blocking(writer, True)
        gateway = subprocess.Popen(
            [sys.executable, "-m", "gateway"], stdin=subprocess.DEVNULL, stderr=filler
        )
        gateways.processes.append(gateway)
        filler.close()
        does_a_task(gateways, conn)
        gateway.terminate()
        assert gateway.wait(60) == 0
    assert told(gateways, "gateway.stopped")


def test_connections_without_number_fill_no_log(gateways: Gateways) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gateways.configure({"quick": QUICK}, web={"in_gateway": True, "port": port})
    conn = gateways.open()
    gateway = gateways.start()
    wait_until(lambda: told(gateways, "web.listening"))
    does_a_task(gateways, conn)
    limits = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    files = max(int(name) for name in os.listdir(f"/proc/{gateway.pid}/fd")) + 1
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (files, limits[1]))
    with contextlib.ExitStack() as clients:
        for _ in range(30):
            clients.enter_context(socket.create_connection(("127.0.0.1", port)))
        wait_until(lambda: "socket.accept() out of system resource" in gateways.errors())
        # Read or not for want of a descriptor: it is told once the loop has come round.
        gateways.configure({"quick": QUICK}, web={"in_gateway": True, "port": port}, max_spawn=3)
        wait_until(lambda: '"config.re' in gateways.errors())
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, limits)
        does_a_task(gateways, conn)
    assert gateways.errors().count("socket.accept() out of") < 50
    assert gateway.poll() is None


COUNTING = """
import os
import gateway.dispatcher
from gateway.__main__ import main

del os.pidfd_open
look = gateway.dispatcher.disk_free_mib

def count(conn):
    with open(os.environ["LOOKS"], "a") as looks:
        looks.write(".")
    return look(conn)

gateway.dispatcher.disk_free_mib = count
main()
"""


def test_where_no_exit_can_be_waited_for_it_is_looked_for_now_and_then(
    gateways: Gateways,
) -> None:
    """As on macOS, and where too many files are open."""
    gate, looks = gateways.home / "gate", gateways.home / "looks"
    waiting = shell(f"echo up; while [ ! -e {gate} ]; do sleep 0.05; done")
    gateways.configure({"waiting": waiting}, **NEVER)
    conn = gateways.open()
    gateways.program = ("-c", COUNTING)
    gateways.start(LOOKS=str(looks))
    task_id = kb.create_task(conn, title="x", assignee="waiting")
    started(gateways, task_id)
    before, began = size(looks), time.monotonic()
    wait_until(lambda: size(looks) >= before + 4)
    assert time.monotonic() - began > 1  # not one after the other
    gate.touch()
    gateways.wait_for(task_id, "done")


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
