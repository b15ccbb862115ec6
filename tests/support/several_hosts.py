"""Several hosts at one board: each with a connection, a configuration and processes of its own."""

from __future__ import annotations

from typing import Any

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.config import Config
from hermes_kanban.kernel import hosts
from hermes_kanban.kernel.dispatch import DispatchReport
from hermes_kanban.kernel.live import live_runs
from hermes_kanban.machine import HOST_ID, machine
from hermes_kanban.model import Identity, Run
from tests.support.boards import ABoard, MemoryProcesses, a_profile


class Supervisor:
    """A process that waits for its go (``ports.Spawned``)."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.pid = identity.pid

    def go(self) -> None:
        pass

    def abandon(self) -> None:
        raise AssertionError("what was claimed was not started")


class AHost:
    """A host of ``board`` by its name, which is its id too; ``offers`` are its capabilities."""

    def __init__(
        self, board: ABoard, name: str, *offers: str, profiles: dict[str, dict[str, Any]]
    ) -> None:
        self.name = name
        self.conn = board.connect()
        self.processes = MemoryProcesses(name)
        config: Config = self.conn.config
        self.conn.config = msgspec.structs.replace(
            config,
            host=msgspec.structs.replace(config.host, name=name, capabilities=offers),
            profiles={key: a_profile(**one) for key, one in profiles.items()},
        )

    def configure(self, **settings: object) -> None:
        """Settings of ``kanban:``, for this host."""
        kanban = msgspec.structs.replace(self.conn.config.kanban, **settings)
        self.conn.config = msgspec.structs.replace(self.conn.config, kanban=kanban)

    @property
    def row(self) -> kb.Host:
        """What its row is to say."""
        pid = self.processes.me.pid
        return hosts.describe(self.conn.config, self.name, gateway_pid=pid, version="1.0")

    def join(self) -> bool:
        """Its gateway begins."""
        return kb.join_host(self.conn, self.row, self.processes.boot)

    def look(self, **keys: Any) -> DispatchReport:
        """One look of its dispatcher."""
        given: dict[str, Any] = {
            "spawn_fn": lambda task, run: Supervisor(self.processes.start()),
            "processes": self.processes,
            "free_mib": lambda: 10_000,
        }
        return kb.dispatch_once(self.conn, **(given | keys))

    def start(self, **keys: Any) -> list[str]:
        """What one look of its dispatcher starts."""
        return [task for task, _, _ in self.look(**keys).spawned]

    def run_of(self, task_id: str) -> Run:
        """The newest run of a task."""
        run = kb.latest_run(self.conn, task_id)
        assert run is not None
        return run

    def exit(self, task_id: str, **facts: object) -> None:
        """The process of the task's run ends, and is seen to."""
        (live,) = [one for one in live_runs(self.conn) if one.task_id == task_id]
        now = self.conn.clock.now()
        self.processes.exit(live.worker(self.conn), at=now, **({"exit_code": 0} | facts))
        self.look(max_spawn=0)


def sit_at(host: str, monkeypatch: Any) -> None:
    """Whoever only asks sits at that host from now on; undone with the test."""
    monkeypatch.setenv(HOST_ID, host)
    machine.cache_clear()
