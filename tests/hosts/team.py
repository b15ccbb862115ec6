"""Three hosts with a gateway each, one PostgreSQL, agents that tell of themselves, and tails."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import psycopg
import pytest
import yaml

from hermes_kanban import kernel as kb
from hermes_kanban.store.pgnames import schema_of
from tests.hosts import agent
from tests.hosts.building import ROOT, Building, Host, building
from tests.hosts.database import Database, give_password
from tests.support.waiting import wait_until

T = TypeVar("T")

NAMES: Final = ("ash", "oak", "elm")
CAPS: Final = (3, 3, 3)
SKEWS: Final = (0, 420, -660)  # minutes apart
LEASE_SECONDS: Final = 6
MARGIN_SECONDS: Final = 3
ENDINGS: Final = ("command", "tools", "remote", "quiet")
# What takes longer than a lease holds.
LONG: Final = "long"
LONG_SECONDS: Final = 5
GPU: Final = "gpu"
HAVE_GPU: Final = ("oak", "elm")
TAILS: Final = ("command", "socket")
_CLI: Final = (sys.executable, "-m", "hermes_kanban.surfaces.cli.main")


class Member:
    """A host of the team: its gateway is a service, its tails are too."""

    def __init__(
        self, host: Host, database: Database, shared: Path, cap: int, **kanban: Any
    ) -> None:
        self.host = host
        self.name = host.name
        self.shared = shared
        self.gateway: subprocess.Popen[bytes] | None = None
        self.log = host.folder / "gateway.err"
        self.ends: list[int] = []  # exit codes of gateways that nobody had killed
        self._tails: dict[str, subprocess.Popen[bytes]] = {}
        password = give_password(host, database, by_libpq=host.name == NAMES[0])
        self._configure(database, kanban | password | {"max_in_progress": cap})

    def _configure(self, database: Database, kanban: dict[str, Any]) -> None:
        clock = self.host.clock_variables() | {"TRUE_TIME": str(time.time() - time.monotonic())}
        work = [sys.executable, "-S", agent.__file__, str(self.shared)]
        profiles: dict[str, dict[str, Any]] = {
            how: {"argv": [*work, how, "0.5"], "env": clock} for how in ENDINGS
        }
        profiles["remote"]["transport"] = "http"
        profiles[LONG] = {"argv": [*work, "command", str(LONG_SECONDS)], "env": clock}
        # What only some hosts have.
        profiles[GPU] = {"argv": [*work, "command", "0.2"], "env": clock, "requires": [GPU]}
        offers = [GPU] if self.name in HAVE_GPU else []
        settings = {
            "database": database.address,
            "lease_seconds": LEASE_SECONDS,
            "host_margin_seconds": MARGIN_SECONDS,
            "dispatch_interval_seconds": 1,
            "max_retries": 1_000,
            "max_runs": 1_000,
            "backoff_base_seconds": 1,
            "backoff_max_seconds": 2,
            "stop_grace_seconds": 0.5,
            "linger_seconds": 5,
            "min_free_mb": 1,
        }
        config = {
            "kanban": settings | kanban,
            "profiles": profiles,
            "host": {"name": self.name, "capabilities": offers},
            "web": {"in_gateway": True},
        }
        (self.host.home / "config.yaml").write_text(yaml.safe_dump(config))

    def start(self) -> None:
        """Start the gateway, as the host's service manager does; it may take its time."""
        self.gateway = self.host.start(sys.executable, "-m", "gateway", output=self.log)

    def boot(self) -> None:
        """Start the host, and what runs on it."""
        self.host.boot()
        self.start()
        self.start_tails()

    def tend(self) -> None:
        """What a service manager does: start the gateway again if it ended by itself."""
        if self.gateway is not None and self.gateway.poll() is not None:
            self.ends.append(self.gateway.returncode)
            self.start()

    def crash(self) -> None:
        """The host is gone, and all that ran on it."""
        self.gateway = None
        self.host.crash()

    def kill_gateway(self) -> None:
        """kill -9; nobody starts it again here."""
        assert self.gateway is not None
        children = Path(f"/proc/{self.gateway.pid}/task/{self.gateway.pid}/children")
        # One that was just started may not have come to its host yet.
        for pid in wait_until(lambda: children.read_text().split()):
            self.host.kill(int(pid))
        self.gateway.wait(30)
        self.gateway = None

    def supervisors(self) -> list[int]:
        """Pids of the supervisors of the host's workers."""
        return [pid for pid in self.host.processes() if b"supervisor" in _command(pid)]

    def start_tails(self) -> None:
        for how in TAILS:
            program = str(ROOT / "tests/hosts/tail.py")
            log = self.host.folder / f"tail.{how}.err"
            command = [sys.executable, program, str(self.tail_file(how)), how]
            self._tails[how] = self.host.start(*command, output=log)

    def tail_file(self, how: str) -> Path:
        return self.host.folder / f"tail.{how}"

    def words_of_tail(self, how: str) -> str:
        """What a tail says of itself, and whether it lives."""
        said = (self.host.folder / f"tail.{how}.err").read_text()[-2000:]
        ended = self._tails[how].poll()
        return f"{said}it {'lives' if ended is None else f'ended with {ended}'}"

    def words_at_end(self) -> str:
        """What gateways that nobody killed ended with, and what was logged around it."""
        said = "".join(line for line in self.log.open() if '"level":"info"' not in line)[-6000:]
        return f"gateways of {self.name} gave up with {self.ends}: {said}"

    def told(self, how: str) -> list[int]:
        """The ids that a tail wrote down."""
        text = self.tail_file(how).read_bytes() if self.tail_file(how).exists() else b""
        return [int(line) for line in text[: text.rfind(b"\n") + 1].split()]

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command line of ours, typed on the host."""
        return self.host.ask(*_CLI, *words)

    def errors(self) -> str:
        return self.log.read_text()[-4000:] if self.log.exists() else ""


class Team:
    """The hosts together; ``conn`` is the board as the test sees it, whatever is cut off."""

    def __init__(
        self,
        place: Building,
        database: Database,
        shared: Path,
        caps: tuple[int, int, int],
        **kanban: Any,
    ) -> None:
        self.shared = shared
        self.database = database
        for folder in ("traces", "locks"):
            (shared / folder).mkdir(parents=True)
        self.members = [
            Member(place.host(name), database, shared, cap, **kanban)
            for name, cap in zip(NAMES, caps, strict=True)
        ]
        for member, skew in zip(self.members, SKEWS, strict=True):
            member.host.set_clock(skew)
        # The messages of whichever host is the notifier then: a line each, with its key.
        self.messages = shared / "messages"
        tell = ["subscribe", f"command:tee -a {self.messages}", "--kind", "completed"]
        for words in (["init"], ["notify", *tell]):
            made = self.members[0].ask(*words)
            assert made.returncode == 0, made.stderr
        for member in self.members:
            member.start()
            member.start_tails()
        self.conn = kb.connect()
        self._session: psycopg.Connection | None = None

    def file(self, count: int) -> list[str]:
        """File trees of four: two tasks that are free, one that waits for both, one for that."""
        made: list[str] = []
        with kb.batch(self.conn):
            for number in range(count):
                parents = {2: made[-2:], 3: made[-1:]}.get(number % 4, [])
                how = ENDINGS[(number + number // 4) % len(ENDINGS)]
                made.append(kb.create_task(self.conn, title=how, assignee=how, parents=parents))
        return made

    def file_for_gpu(self) -> None:
        """File a task that not every host can run."""
        kb.create_task(self.conn, title=GPU, assignee=GPU)

    def file_long(self, count: int) -> None:
        """File tasks that take their agents longer than a short lease holds."""
        with kb.batch(self.conn):
            for _ in range(count):
                kb.create_task(self.conn, title=LONG, assignee=LONG)

    def at_work(self, member: Member) -> list[int]:
        """The open runs whose agents have said that they live there."""
        rows = self.ask_database("SELECT id FROM task_runs WHERE ended_at IS NULL")
        open_ones = {run for (run,) in rows}
        said = [lines[0] for path in self.traces() if (lines := decoded(path))]
        return [
            line["run"] for line in said if line["host"] == member.name and line["run"] in open_ones
        ]

    def traces(self) -> list[Path]:
        """What agents said of themselves, a file a run."""
        return list((self.shared / "traces").iterdir())

    def taken_over(self, runs: list[int]) -> bool:
        """Whether the tasks of all of these have later runs whose agents have begun."""
        tasks = dict(self.ask_database("SELECT id, task_id FROM task_runs"))
        begun = [(tasks[run], run) for run in (int(path.suffix[1:]) for path in self.traces())]
        return all(any(task == tasks[run] and at > run for task, at in begun) for run in runs)

    def ask_database(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the board, asked past the kernel."""
        if self._session is None or self._session.closed:
            self._session = self.database.connect()
            self._session.execute(f'SET search_path = "{schema_of("default")}"'.encode())
        try:
            return self._session.execute(sql.encode()).fetchall()
        except psycopg.OperationalError:  # the server died since; it answers when we ask
            self._session.close()
            return self.ask_database(sql)

    def unfinished(self) -> int:
        """Tasks that are not done, and processes of which nobody knows the end."""
        (row,) = self.ask_database(
            "SELECT (SELECT count(*) FROM tasks WHERE status <> 'done')"
            " + (SELECT count(*) FROM task_runs WHERE ended_at IS NULL"
            " OR worker_pid IS NOT NULL AND exited_at IS NULL)"
        )
        return int(row[0])

    def wait_for(self, condition: Callable[[], T]) -> T:
        """Until that comes true; a failure tells what is open and what gateways say."""
        try:
            return wait_until(condition, pause=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None

    def wait_for_all(self) -> None:
        """Until everything is done; it fails once nothing was written for two minutes."""
        try:
            wait_until(
                lambda: self.unfinished() == 0,
                timeout=120,
                progress=lambda: self.ask_database("SELECT max(id) FROM task_events"),
                pause=0.25,
            )
        except AssertionError:
            raise AssertionError(f"the board stands still\n{self.story()}") from None

    def story(self) -> str:
        """What is open, and what gateways say, for whoever looks at a failure."""
        rows = self.ask_database("SELECT id, status FROM tasks WHERE status <> 'done' LIMIT 10")
        runs = self.ask_database(
            "SELECT id, task_id, ended_at, exited_at, error FROM task_runs"
            " WHERE ended_at IS NULL OR exited_at IS NULL LIMIT 10"
        )
        said = "\n".join(f"{member.name}: {member.errors()}" for member in self.members)
        return f"{rows} {runs}\n{said}"

    def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self.conn.close()
            if self._session is not None:
                self._session.close()


@contextlib.contextmanager
def team(
    folder: Path, *, tls: bool = False, caps: tuple[int, int, int] = CAPS, **kanban: Any
) -> Iterator[Team]:
    """A team at work on an empty board, for as long as the block takes.

    ``caps`` say how many workers each host has at most, and ``kanban`` what else is configured.
    """
    with pytest.MonkeyPatch.context() as patch, building(folder) as place:
        for name in [name for name in os.environ if name.startswith("HERMES_")]:
            patch.delenv(name)
        database = Database(place.host("db", writable_shm=True), tls=tls)
        patch.setenv("HERMES_KANBAN_HOME", str(folder / "judge"))
        patch.setenv("HERMES_KANBAN_DATABASE", database.outside)
        made = Team(place, database, folder / "shared", caps, **kanban)
        try:
            yield made
        finally:
            made.close()


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def decoded(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a trace."""
    text = path.read_bytes()
    return [msgspec.json.decode(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
