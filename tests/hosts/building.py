"""A building of a test's own: hosts as namespaces of this machine, and the network between them.

A host has its own network, processes, name, machine id, boot, uptime, clock and home folder; of
the others it sees what comes over the bridge. Everything lies in a user namespace, so that no
privileges are needed and nothing reaches the machine's own network. Whoever dies, the test
included, takes all processes of the building along.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.waiting import wait_until

NETWORK: Final = "198.18.0"  # for tests between network devices (RFC 2544), routed nowhere
ROOT: Final = Path(__file__).parents[2]
NOWHERE: Final = "02:00:00:00:00:ff"  # a card that no host has
BRIDGE: Final = "bridge"
CARD: Final = "eth0"

# A building's namespaces; a host has all of these but the first anew, and one of time.
_KINDS: Final = ("--user", "--net", "--mount", "--uts", "--ipc", "--pid")
# Who is root in there is who we are out here; there is no other user, and no group to set.
_AS_WE_ARE: Final = "--preserve-credentials"
# The first process of a host: it reaps whoever is left to it, and ends with its input.
_INIT: Final = (
    "import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); print('up', flush=True)\n"
    "while os.read(0, 100): pass"
)
# What a host finds changed: its ids, its name, and a /dev/shm in which libfaketime keeps nothing,
# since a semaphore of its would be held for ever by a process that was killed.
_FURNISH: Final = """
set -e
mount --bind "$1/boot-id" /proc/sys/kernel/random/boot_id
test ! -e /etc/machine-id || mount --bind "$1/machine-id" /etc/machine-id
mount -t tmpfs -o "$3" tmpfs /dev/shm
hostname "$2"
ip link set lo up
shift 3
exec "$@"
"""
_NO_NAMESPACES: Final = """\
Hosts are user, network and process namespaces, and this machine makes none: {reason}
Allow them (sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces=10000, in a
container --security-opt seccomp=unconfined), or install util-linux and iproute2, which make them.\
"""


def common_time() -> float:
    """Seconds of the clock that is the same on all hosts: for the judge, who stands outside."""
    return time.monotonic()


class Building:
    """The network that hosts are on. ``close`` ends all that runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: list[Host] = []
        self._first = _first(
            [
                "unshare",
                *_KINDS,
                "--map-root-user",
                "--fork",
                "--kill-child",
                "--mount-proc",
                *_init(),
            ]
        )
        self.pid = _youngest(self._first)
        self.run("ip", "link", "add", BRIDGE, "type", "bridge")
        self.run("ip", "link", "set", BRIDGE, "up")

    def run(self, *command: str) -> None:
        """Run one command in the building's own network."""
        enter = ["nsenter", "--target", str(self.pid), "--user", "--net", "--mount"]
        _run([*enter, _AS_WE_ARE, "--", *command])

    def host(self, name: str, **settings: Any) -> Host:
        """A new host, which runs."""
        host = Host(self, name, len(self.hosts) + 1, **settings)
        self.hosts.append(host)
        host.boot()
        return host

    def close(self) -> None:
        for host in self.hosts:
            host.crash()
        _end(self._first)


class Host:
    """A machine. It has an address, a home, and processes that die with it."""

    def __init__(
        self, building: Building, name: str, number: int, *, writable_shm: bool = False
    ) -> None:
        self.name = name
        self.address = f"{NETWORK}.{number}"
        self.card = f"02:00:00:00:00:{number:02x}"
        self.folder = building.folder / name
        self.home = self.folder / "home"
        # [from, until): when all of its processes stood still.
        self.frozen: list[list[float]] = []
        self.off: list[list[float]] = []
        self._building = building
        self._shm = "mode=1777" if writable_shm else "ro"
        self._first: subprocess.Popen[bytes] | None = None
        self._entered: list[subprocess.Popen[bytes]] = []
        self.pid = 0  # its first process, as this machine numbers it
        self.home.mkdir(parents=True)
        self.machine_id = uuid.uuid4().hex
        (self.folder / "machine-id").write_text(f"{self.machine_id}\n")
        (self.folder / "boot-id").touch()
        self.set_clock(0)

    # Its life

    def boot(self) -> None:
        """Start it: a new boot, on the same disk."""
        # In place, since the file is what the namespaces of an earlier boot show.
        (self.folder / "boot-id").write_text(f"{uuid.uuid4()}\n")
        uptime = str(random.Random(self.name + str(len(self.off))).randrange(10**6))
        enter = ["nsenter", "--target", str(self._building.pid), *_KINDS, _AS_WE_ARE, "--"]
        unshare = ["unshare", *_KINDS[1:], "--time", "--boottime", uptime]
        unshare += ["--fork", "--kill-child", "--mount-proc"]
        furnish = ["sh", "-c", _FURNISH, "furnish", str(self.folder), self.name, self._shm]
        self._first = _first([*enter, *unshare, *furnish, *_init()])
        self.pid = _youngest(self._first)
        port, run = self.port, self._building.run
        card = ["peer", "name", CARD, "address", self.card, "netns", str(self.pid)]
        run("ip", "link", "add", port, "type", "veth", *card)
        run("ip", "link", "set", port, "master", BRIDGE, "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", CARD)
        self.run("ip", "link", "set", CARD, "up")
        if self.off:
            self.off[-1][1] = common_time()

    def crash(self) -> None:
        """Pull its plug: all of its processes are gone at once."""
        if self._first is None:
            return
        began = common_time()
        os.kill(self.pid, signal.SIGKILL)
        # The first to end is the last to be gone: those who wait for the others come before.
        for process in self._entered:
            process.send_signal(signal.SIGCONT)
            process.wait(30)
        _end(self._first)
        self._first, self._entered = None, []
        with contextlib.suppress(subprocess.CalledProcessError):  # gone with its other end
            self._building.run("ip", "link", "delete", self.port)
        self.off.append([began, float("inf")])
        self._end_of_ice()

    @property
    def runs(self) -> bool:
        return self._first is not None

    # Its processes

    def run(self, *command: str) -> str:
        """What a command of the machine's own prints there; it sees the true time."""
        return _run([*self._enter(), *command])

    def start(
        self, *command: str, output: Path | None = None, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a program there, as its user would: with the host's home and the host's clock."""
        with (output or Path(os.devnull)).open("ab") as file:
            process = subprocess.Popen(
                [*self._enter(), *self._clocked(), *command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=self.environment() | variables,
                cwd=self.folder,
            )
        self._entered = [each for each in self._entered if each.poll() is None] + [process]
        return process

    def ask(self, *command: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run a program there like ``start``, to its end."""
        return subprocess.run(
            [*self._enter(), *self._clocked(), *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=self.folder,
            timeout=timeout,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """What a login there has."""
        folders = [str(Path(sys.executable).parent), os.defpath]
        return {
            "HOME": str(self.folder),
            "PATH": os.pathsep.join(folders),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "HERMES_KANBAN_HOME": str(self.home),
        }

    def clock_variables(self) -> dict[str, str]:
        """What sets a process's clock by the host's."""
        return {
            "LD_PRELOAD": str(libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def processes(self) -> list[int]:
        """Every process of the host but its first, as this machine numbers them."""
        first = self.pid
        namespace = os.readlink(f"/proc/{first}/ns/pid")
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if int(name) != first and os.readlink(f"/proc/{name}/ns/pid") == namespace:
                    found.append(int(name))
        return found

    def kill(self, pid: int) -> None:
        """kill -9 of one of its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all of its processes, and those that they start meanwhile."""
        wait_until(lambda: not self._stop_those_that_run(), message=f"{self.name} runs on")
        self.frozen.append([common_time(), float("inf")])

    def thaw(self) -> None:
        self._end_of_ice()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        for process in self._entered:  # nsenter stops itself when its child stops
            process.send_signal(signal.SIGCONT)

    @property
    def is_frozen(self) -> bool:
        return bool(self.frozen) and self.frozen[-1][1] == float("inf")

    def _end_of_ice(self) -> None:
        if self.is_frozen:
            self.frozen[-1][1] = common_time()

    def _stop_those_that_run(self) -> list[int]:
        running = [pid for pid in self.processes() if _state(pid) not in ("T", "Z", "X", "")]
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return running

    # Its clock

    def set_clock(self, seconds: float) -> None:
        """How far its wall clock stands from the true time; a step, if processes run."""
        draft = self.folder / "clock.new"
        draft.write_text(f"{seconds:+.3f}\n")
        draft.replace(self.folder / "clock")
        self.clock = seconds

    # Its cable

    @property
    def port(self) -> str:
        """The building's end of its cable."""
        return f"to-{self.name}"

    def unplug(self) -> None:
        """It sees that there is no network."""
        self._building.run("ip", "link", "set", self.port, "down")

    def cut_off(self) -> None:
        """Nothing comes or goes, and nobody is told: a switch that fails."""
        self._building.run("bridge", "link", "set", "dev", self.port, "state", "0")

    def lose_what_is_sent_to(self, other: Host) -> None:
        """What it sends there goes astray; what comes from there arrives."""
        neighbour = ["ip", "neighbour", "replace", other.address, "lladdr", NOWHERE]
        self.run(*neighbour, "nud", "permanent", "dev", CARD)

    def find_again(self, other: Host) -> None:
        """What it sends there arrives again."""
        with contextlib.suppress(subprocess.CalledProcessError):  # it started anew meanwhile
            self.run("ip", "neighbour", "delete", other.address, "dev", CARD)

    def slow_down(self) -> None:
        """Its line is thin."""
        queue = ["root", "tbf", "rate", "64kbit", "burst", "2000", "latency", "400ms"]
        self.run("tc", "qdisc", "replace", "dev", CARD, *queue)

    def connect(self) -> None:
        """Mend whatever is wrong with its network."""
        self._building.run("ip", "link", "set", self.port, "up")
        self._building.run("bridge", "link", "set", "dev", self.port, "state", "3")
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run("tc", "qdisc", "delete", "dev", CARD, "root")
        self.run("ip", "neighbour", "flush", "dev", CARD, "nud", "permanent")
        self.run("ip", "neighbour", "flush", "dev", CARD)

    def _clocked(self) -> list[str]:
        # Set in there only: nsenter would load the library, and leave things in our /dev/shm.
        return ["env", *(f"{name}={value}" for name, value in self.clock_variables().items())]

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self.pid), *_KINDS, "--time", _AS_WE_ARE, "--"]


def libfaketime() -> Path:
    """The library by which a host has a clock of its own."""
    spec = importlib.util.find_spec("libfaketime")
    assert spec is not None and spec.origin is not None, "pip install libfaketime"
    return Path(spec.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"


def _init() -> list[str]:
    return [sys.executable, "-SE", "-c", _INIT]


def _first(command: list[str]) -> subprocess.Popen[bytes]:
    """Start what makes namespaces and waits in them; it says when it is there."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except FileNotFoundError as error:
        raise AssertionError(_NO_NAMESPACES.format(reason=error)) from None
    assert process.stdout is not None and process.stderr is not None
    if process.stdout.readline() != b"up\n":
        process.kill()
        reason = process.stderr.read().decode().strip()
        raise AssertionError(_NO_NAMESPACES.format(reason=reason))
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.close()
    process.send_signal(signal.SIGCONT)
    process.wait(30)
    process.stdout.close()
    process.stderr.close()


def _youngest(process: subprocess.Popen[bytes]) -> int:
    """The last of a chain of processes that each wait for the next."""
    pid = process.pid
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[0])
    return pid


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note(done.stderr)
        raise error
    return done.stdout


@contextlib.contextmanager
def building(folder: Path) -> Iterator[Building]:
    """A building that is torn down at the end."""
    made = Building(folder)
    try:
        yield made
    finally:
        made.close()
