"""Two gateways, each of a host and a home of its own, at one board: placement, drain, takeover."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.live import LiveRun, live_runs
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")

PROGRAM = (sys.executable, "-m", "hermes_kanban.surfaces.cli.main")
QUICK = shell("true")


class Host:
    """A host by its name, which is its id: a home, its gateway, and its command line."""

    def __init__(self, home: Path, name: str, *capabilities: str) -> None:
        home.mkdir(exist_ok=True)
        self.name = name
        self.gateways = Gateways(home)
        self.variables = {
            "HERMES_KANBAN_HOME": str(home),
            "HERMES_KANBAN_HOST_ID": name,
            "HERMES_KANBAN_HOST_NAME": name,
            "HERMES_KANBAN_HOST_CAPABILITIES": ",".join(capabilities),
        }

    def start(self, **variables: str) -> subprocess.Popen[bytes]:
        return self.gateways.start(**self.variables, **variables)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words],
            capture_output=True, text=True, check=False, timeout=60,
            env=os.environ | self.variables,
        )  # fmt: skip

    def log(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.gateways.log_lines()]

    def lose_power(self, process: subprocess.Popen[bytes], supervisor: int) -> None:
        """The gateway and all processes of that supervisor's session are gone at once."""
        self.gateways.kill(process)
        session = os.getsid(supervisor)
        for pid in [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]:
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(pid) == session:
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def first(gateways: Gateways) -> Host:
    """The host in whose home the test looks at the board."""
    host = Host(gateways.home, "first")
    host.gateways = gateways
    return host


@pytest.fixture
def second(gateways: Gateways, tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "second", "second", "gpu")
    yield host
    host.gateways.close()


def configure(hosts: tuple[Host, ...], profiles: dict[str, Any], **kanban: Any) -> None:
    for host in hosts:
        host.gateways.configure(profiles, **kanban)


def host_of(conn: kb.BoardConnection, task_id: str) -> str | None:
    run = kb.latest_run(conn, task_id)
    assert run is not None
    return run.claimer_identity.host if run.claimer_identity else None


def test_each_task_runs_where_it_can_and_a_drained_host_starts_nothing(
    first: Host, second: Host
) -> None:
    profiles = {
        "painter": shell("echo painted") | {"requires": ["gpu"]},
        "local": QUICK | {"hosts": ["first"]},
    }
    configure((first, second), profiles)
    conn = first.gateways.open()
    gateway, other = first.start(), second.start()
    painted = kb.create_task(conn, title="x", assignee="painter")
    local = kb.create_task(conn, title="x", assignee="local")
    for task in (painted, local):
        first.gateways.wait_for(task, "done")
        first.gateways.wait_for_exit(task)
    assert (host_of(conn, painted), host_of(conn, local)) == ("second", "first")
    shown = first.run("log", painted)
    assert shown.returncode == 3
    assert "on this host; it is on host second" in shown.stderr
    assert second.run("log", painted).stdout.strip() == "painted"
    assert first.run("hosts", "drain", "second", "--reason", "new disk").returncode == 0
    held = kb.create_task(conn, title="x", assignee="painter")
    wait_until(lambda: "host.draining" in second.log())
    why = json.loads(first.run("why", held, "--json").stdout)["why"]
    assert [hold["code"] for hold in why] == ["draining"]
    assert kb.get_task(conn, held).status == "ready"
    assert second.run("hosts", "resume", "second").returncode == 0
    first.gateways.wait_for(held, "done")
    other.terminate()
    assert other.wait(20) == 0
    wait_until(lambda: "host.left" in first.log())
    rows = json.loads(first.run("hosts", "list", "--json").stdout)["hosts"]
    assert [(row["name"], row["presence"]) for row in rows] == [
        ("first", "live"),
        ("second", "left"),
    ]
    assert gateway.poll() is None
    assert "worker.adopted" not in first.log() + second.log()
    assert kb.check(conn, deep=True) == []


def test_caps_of_the_whole_board_hold_over_both(first: Host, second: Host, tmp_path: Path) -> None:
    """Each of many runs sees how many others run: never more than the resource allows."""
    marks = tmp_path / "marks"
    marks.mkdir()
    body = f"cd {marks} && touch $HERMES_KANBAN_TASK && ls | wc -l > ../$HERMES_KANBAN_TASK.seen"
    work = shell(f"{body} && sleep 0.05 && rm $HERMES_KANBAN_TASK")
    configure(
        (first, second),
        {"worker": work | {"resources": {"licence": 1}}},
        resources={"licence": 2},
        max_in_progress=8,
    )
    conn = first.gateways.open()
    first.start(), second.start()
    with kb.batch(conn):
        tasks = [kb.create_task(conn, title="x", assignee="worker") for _ in range(16)]
    for task in tasks:
        first.gateways.wait_for(task, "done", timeout=60)
    seen = [int((tmp_path / f"{task}.seen").read_text()) for task in tasks]
    assert max(seen) <= 2
    # What counts is what the board says: at every claim, with those that had not exited.
    assert most_at_once(conn) == 2


def most_at_once(conn: kb.BoardConnection) -> int:
    """The most places that were taken at one time, by the events in their order."""
    taken, most = 0, 0
    for event in kb.list_events(conn, limit=10_000):
        taken += {"claimed": 1, "exited": -1}.get(event.kind, 0)
        most = max(most, taken)
    return most


def test_a_dead_hosts_task_goes_to_the_other_and_the_dead_one_is_fenced(
    first: Host, second: Host
) -> None:
    profiles = {"worker": shell("test $HERMES_KANBAN_HOST_ID = first || sleep 600")}
    configure((first, second), profiles, lease_seconds=3, host_margin_seconds=1)
    conn = first.gateways.open()
    process = second.start()
    task = kb.create_task(conn, title="x", assignee="worker")
    dead = wait_until(lambda: started(conn, task))
    first.start()
    second.lose_power(process, dead.worker_pid or 0)
    first.gateways.wait_for(task, "done")
    assert (host_of(conn, task), dead.host) == ("first", "second")
    assert kb.get_run(conn, dead.id).outcome == "reclaimed"
    assert "claim.reclaimed" in first.log()
    late = kb.complete_task(
        conn, task, run_id=dead.id, claim_lock=dead.claim_lock, summary="I was only away"
    )
    assert not late
    # It comes back: there is nothing for it to adopt.
    second.start()
    first.gateways.wait_for_exit(task)
    assert "worker.adopted" not in second.log()
    assert kb.check(conn, deep=True) == []


def started(conn: kb.BoardConnection, task_id: str) -> LiveRun | None:
    """The task's run, once its process is known."""
    return next((run for run in live_runs(conn) if run.task_id == task_id and run.registered), None)


def test_a_home_without_a_dispatcher_says_who_starts_the_tasks(
    first: Host, second: Host, tmp_path: Path
) -> None:
    configure((first, second), {"worker": QUICK})
    first.gateways.open()
    dispatcher = first.start()

    def said() -> tuple[str, bool]:
        """What the second host's doctor says of its gateway, and whether that has died."""
        status = second.run("gateway", "status").stdout
        assert "no gateway of this home serves it; first starts its tasks" in status
        found = json.loads(second.run("doctor", "--json").stdout)
        (gateway,) = [one for one in found["findings"] if one["check"] == "gateway"]
        assert "started by first" in gateway["text"]
        return gateway["state"], "has died" in gateway["text"]

    assert said() == ("ok", False)
    # The others have not missed it yet.
    second.gateways.kill(second.start())
    assert said() == ("warning", True)
    twin = Host(tmp_path / "twin", "first")
    configure((twin,), {"worker": QUICK})
    process = twin.gateways.start(wait=False, **twin.variables)
    try:
        wait_until(lambda: "dispatch.standby" in twin.log())
        (line,) = [one for one in twin.gateways.log_lines() if "dispatch.standby" in one]
        assert json.loads(line)["holder"] == str(dispatcher.pid)
    finally:
        process.terminate()
        twin.gateways.close()


def test_a_run_that_keeps_a_board_from_moving_is_told_with_its_host(
    first: Host, second: Host
) -> None:
    configure((first, second), {"worker": shell("sleep 600") | {"hosts": ["second"]}})
    conn = first.gateways.open()
    process = second.start()
    first.start().terminate()  # is known, and gone
    task = kb.create_task(conn, title="x", assignee="worker")
    run = wait_until(lambda: started(conn, task))
    process.terminate()
    assert process.wait(20) == 0
    refused = first.run("move", "--from", os.environ["HERMES_KANBAN_DATABASE"], "--to", "sqlite")
    assert f"(process {run.worker_pid} on second); start the gateway there" in refused.stderr
    second.lose_power(process, run.worker_pid or 0)
