"""A home with one board, a gateway, and one real client that works for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from hermes_kanban import kernel as kb
from tests.agents.fetch import CLIENTS
from tests.agents.people import BOSS, HABITS, PROFILE, Habit
from tests.support.gateways import Gateways
from tests.support.model import ModelEndpoint
from tests.support.waiting import wait_until

# Stands in the client's place, and starts it with tools whose server does not come up.
SABOTEUR = """\
#!{python}
import os, pathlib

def broken(text):
    return text.replace("hermes_kanban.surfaces.cli.main", "hermes_kanban.no_such_module")

run = pathlib.Path({runs!r}, os.environ["HERMES_KANBAN_RUN_ID"])
for file in run.iterdir():
    if file.name not in ("spec.json", "log", "supervisor.err"):
        file.write_text(broken(file.read_text()))
env = {{name: broken(value) for name, value in os.environ.items()}}
argv = pathlib.Path("/proc/self/cmdline").read_text().split("\\0")[2:-1]
os.execve({client!r}, [{client!r}, *map(broken, argv)], env)
"""
# What a client may take on two busy cores, from its start to its end.
RUN_SECONDS = 180.0


class Office:
    """Opens the board for business and looks at what became of its tasks."""

    def __init__(self, client: str, person: Path, model: ModelEndpoint, gateways: Gateways) -> None:
        self.client = client
        self.habit: Habit = HABITS[client]
        self.person = person
        self.model = model
        self.gateways = gateways
        self.conn: kb.BoardConnection

    def open(
        self,
        *,
        kanban: dict[str, Any] | None = None,
        web: dict[str, Any] | None = None,
        broken: bool = False,
        **profile: Any,
    ) -> None:
        """Set the client up, write the configuration with these profile keys, start a gateway.

        With ``broken`` the tool server of the client's runs does not come up.
        """
        own = self.habit.settle(self.person, self.model.url)
        env = {**own.pop("env", {}), **profile.pop("env", {})}
        keys = {"runtime": self.client, **own, **profile, "env": env}
        boss = {"runtime": self.client, "orchestrator": True, "may_assign": [PROFILE]}
        self.gateways.configure({PROFILE: keys, BOSS: boss}, web=web, **(kanban or {}))
        if self.habit.setup:
            self._set_up()
        if broken:
            self._break_the_tools()
        self.conn = self.gateways.open()
        self.gateways.start()

    def file(self, title: str, **fields: Any) -> str:
        """A task for the client."""
        return kb.create_task(self.conn, title=title, assignee=PROFILE, **fields)

    def wait_for(self, task_id: str, *statuses: str) -> kb.Task:
        """Wait until the task has one of these statuses."""
        return self.gateways.wait_for(task_id, *statuses, timeout=RUN_SECONDS)

    def wait_for_end(self, task_id: str) -> kb.Run:
        """Wait until the newest run is over and its process gone; says what there was if not."""
        try:
            return self.gateways.wait_for_exit(task_id, timeout=RUN_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output(task_id)}") from None

    def wait_for_outcome(self, task_id: str, outcome: str) -> kb.Run:
        """Wait until the newest run is over; it must have ended so."""
        run = self.wait_for_end(task_id)
        assert run.outcome == outcome, (run.outcome, run.error, self.output(task_id)[-2000:])
        return run

    def run(self, task_id: str) -> kb.Run:
        """The newest run."""
        found = kb.latest_run(self.conn, task_id)
        assert found is not None
        return found

    def output(self, task_id: str) -> str:
        """What the client printed in its newest run."""
        log = self.conn.paths.run_dir(self.run(task_id).id) / "log"
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def processes(self, run: kb.Run) -> list[psutil.Process]:
        """Those that live and were started by that run, its supervisor too."""
        return [one for one in psutil.process_iter() if _belongs(one, run)]

    def wait_until_nobody_is_left(self, run: kb.Run) -> None:
        """Wait until no process of the run lives; they are named if one does."""
        wait_until(
            lambda: not self.processes(run),
            message=f"of run {run.id} there are left: {_named(self.processes(run))}",
        )

    def _break_the_tools(self) -> None:
        client = CLIENTS[self.client]
        program = self.person / "bin" / client.program
        program.parent.mkdir()
        runs = str(self.gateways.home / "boards" / "default" / "runs")
        real = str(client.programs / client.program)
        text = SABOTEUR.format(python=sys.executable, runs=runs, client=real)
        program.write_text(text, "utf-8")
        program.chmod(0o755)
        os.environ["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        settings = self.person / ".gemini" / "settings.json"
        if self.client == "gemini":
            text = settings.read_text("utf-8")
            settings.write_text(text.replace('"mcp"', '"no-such-command"'), "utf-8")

    def _set_up(self) -> None:
        words = ["setup", self.client, *self.habit.setup, "--yes"]
        done = subprocess.run(
            [sys.executable, "-m", "hermes_kanban.surfaces.cli.main", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _belongs(process: psutil.Process, run: kb.Run) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        env = process.environ()
    except psutil.Error:
        return False
    lock: str | None = env.get("HERMES_KANBAN_CLAIM_LOCK")
    return lock == run.claim_lock


def _named(processes: Iterable[psutil.Process]) -> list[str]:
    found = []
    for one in processes:
        try:
            found.append(f"{one.pid} {' '.join(one.cmdline())[:100]}")
        except psutil.Error:
            continue
    return found
