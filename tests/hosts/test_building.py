"""What the tests of several machines stand on: that hosts are machines, and faults are felt."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hosts.building import Building, Host
from tests.support.waiting import wait_until

LOOK = """
import json, os, socket, time
from hermes_kanban.machine import machine
from pathlib import Path
print(json.dumps({
    "host": machine().host, "boot": machine().boot, "pidns": machine().pidns,
    "name": socket.gethostname(), "wall": time.time(), "monotonic": time.monotonic(),
    "uptime": time.clock_gettime(time.CLOCK_BOOTTIME),
    "pids": [int(name) for name in os.listdir("/proc") if name.isdigit()],
}))
"""
SERVE = """
import socket, time
server = socket.create_server(("", 7777))
while True:
    peer = server.accept()[0]
    peer.settimeout(1)
    try:
        print(peer.recv(9), flush=True)
        peer.sendall(b"answer")
    except OSError:
        pass
    peer.close()
"""
CALL = """
import socket, sys
with socket.create_connection((sys.argv[1], 7777), 0.4) as peer:
    peer.sendall(b"call")
    print(peer.recv(9).decode())
"""


def look(host: Host) -> dict[str, Any]:
    done = host.ask(sys.executable, "-c", LOOK)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def answers(caller: Host, server: Host) -> bool:
    """Whether a call gets an answer soon."""
    done = caller.ask(sys.executable, "-SE", "-c", CALL, server.address)
    return done.stdout == "answer\n"


def test_each_host_is_a_machine_of_its_own(place: Building) -> None:
    ash, oak = place.host("ash"), place.host("oak")
    oak.set_clock(420)
    seen = [look(host) for host in (ash, oak)]
    for fact in ("host", "boot", "pidns", "name"):
        assert seen[0][fact] != seen[1][fact], fact
    assert [len(each["pids"]) for each in seen] == [2, 2]  # the first one, and who looks
    apart = [each["wall"] - each["monotonic"] for each in seen]
    assert apart[1] - apart[0] == pytest.approx(420, abs=0.1)
    assert abs(seen[0]["uptime"] - seen[1]["uptime"]) > 1
    ash.crash()
    ash.boot()
    again = look(ash)
    assert again["host"] == seen[0]["host"]
    assert again["boot"] != seen[0]["boot"]


@pytest.mark.parametrize(
    "fault",
    [
        lambda ash, _: ash.unplug(),
        lambda ash, _: ash.cut_off(),
        lambda ash, oak: ash.lose_what_is_sent_to(oak),
        lambda ash, oak: oak.lose_what_is_sent_to(ash),
        lambda _, oak: oak.freeze(),
        lambda _, oak: oak.crash(),
    ],
    ids=["unplugged", "cut off", "mute", "deaf", "frozen", "gone"],
)
def test_a_fault_is_felt_and_mended(
    place: Building, tmp_path: Path, fault: Callable[[Host, Host], None]
) -> None:
    ash, oak = place.host("ash"), place.host("oak")

    def serve() -> None:
        oak.start(sys.executable, "-SE", "-c", SERVE, output=tmp_path / "heard")
        wait_until(lambda: answers(ash, oak))

    serve()
    fault(ash, oak)
    assert not answers(ash, oak)
    if not oak.runs:
        oak.boot()
        serve()
        return
    if oak.is_frozen:
        oak.thaw()
    for host in (ash, oak):
        host.connect()
    wait_until(lambda: answers(ash, oak))


def test_nothing_outlives_the_building(place: Building) -> None:
    ash = place.host("ash")
    ash.start("sleep", "1000")
    pids = wait_until(ash.processes)
    ash.freeze()
    place.close()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
