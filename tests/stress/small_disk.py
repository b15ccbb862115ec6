"""Programs that run with a home on a small file system of their own, and fill it.

unshare --user --map-root-user --mount python -m tests.stress.small_disk PROGRAM FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

MEBIBYTE = 1 << 20
DISK_MEBIBYTES = 24
# Word of the full disk goes elsewhere: there is no room for it in the log.
FILL = """
head -c 1G /dev/zero > filler
touch {gate}.full
while [ ! -e {gate} ]; do sleep 0.02; done
exit 3
"""


def verbs(home: Path) -> None:
    """Verbs on a disk that fills up: each that raises has changed nothing, and all go on later."""
    conn = kb.connect()
    ballast = home / "ballast"
    ballast.write_bytes(b"x" * (DISK_MEBIBYTES - 8) * MEBIBYTE)
    tasks, refused = 0, 0
    while refused < 20:
        before = (kb.newest_event_id(conn), len(kb.list_tasks(conn, limit=10_000)))
        try:
            kb.create_task(conn, title="fill", body="y" * 100_000)
        except kb.DiskFull:
            refused += 1
            assert before == (kb.newest_event_id(conn), len(kb.list_tasks(conn, limit=10_000)))
            continue
        tasks += 1
    conn.close()
    conn = kb.connect()
    assert len(kb.list_tasks(conn, limit=10_000)) == tasks > 20
    ballast.unlink()
    kb.complete_task(conn, kb.create_task(conn, title="room again"))
    assert kb.check(conn, deep=True) == []
    conn.close()


def worker(home: Path) -> None:
    """A worker fills the disk under the gateway; its exit code is known once there is room."""
    gate = Path(sys.argv[3])
    gateways = Gateways(home)
    gateways.configure(
        {"filler": shell(FILL.format(gate=gate)), "quick": shell("exit 0")},
        min_free_mb=4,
        max_retries=0,
        dispatch_interval_seconds=0.2,
    )
    conn = gateways.open()
    gateway = gateways.start()
    task_id = kb.create_task(conn, title="fill", assignee="filler")
    gateways.wait_for(task_id, "running")
    wait_until(gate.with_name(gate.name + ".full").exists, message="the disk never fills")
    refused(conn)
    gate.touch()
    record = conn.paths.run_dir(1) / "exit.json"
    wait_until(record.exists, message="the supervisor left no record")
    wait_until(lambda: "DiskFull" in gateways.errors() or "no room" in gateways.errors())
    assert kb.get_task(conn, task_id).status == "running"
    health = gateways.health()
    assert health is not None and health.degraded
    for file in conn.paths.workspaces.rglob("filler"):
        file.unlink()
    run = gateways.wait_for_exit(task_id, timeout=90)
    assert (run.outcome, run.exit_code) == ("crashed", 3), run
    quick = kb.create_task(conn, title="room again", assignee="quick")
    gateways.wait_for(quick, "done")
    assert kb.check(conn, deep=True) == []
    assert gateway.poll() is None
    gateways.close()


def refused(conn: kb.BoardConnection) -> None:
    """The log may have some room left; then there is none."""
    try:
        for _ in range(1_000):
            kb.create_task(conn, title="no room", body="y" * 100_000)
    except kb.DiskFull:
        return
    raise AssertionError("the disk is not full")


def main() -> None:
    program, folder = {"verbs": verbs, "worker": worker}[sys.argv[1]], Path(sys.argv[2])
    size = f"size={DISK_MEBIBYTES}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
    home = folder / "home"
    home.mkdir()
    os.environ["HERMES_KANBAN_HOME"] = str(home)
    program(home)


if __name__ == "__main__":
    main()
