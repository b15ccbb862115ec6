"""A board with a gateway over it and workers that are killed: what stages 4 and chaos share."""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gateway.health import read_health
from hermes_kanban import kernel as kb
from hermes_kanban.kernel import subscriptions
from hermes_kanban.kernel.live import live_runs
from hermes_kanban.selftest.findings import Broke, many
from hermes_kanban.selftest.place import WORKER
from hermes_kanban.selftest.talking import decoded
from hermes_kanban.selftest.trial import Trial
from hermes_kanban.selftest.witness import Witness, begun_twice, twice_at_once
from hermes_kanban.workers import tree

STOP_SECONDS: Final = 20.0
# Keeps a message only if all of it has come, and writes it in one piece.
_KEEP: Final = 'IFS= read -r line && printf "%s\\n" "$line" >> "$0"'
NOTICED: Final = ("completed", "blocked", "archived")


class Scene:
    """One board of the self-test and the processes at work on it."""

    def __init__(self, trial: Trial, stage: str) -> None:
        self.trial = trial
        self.slug = trial.place.board(stage)
        kb.create_board(self.slug)
        self.conn = kb.connect(self.slug)
        self.witness = Witness(trial.place.witness)
        self.gateways: list[subprocess.Popen[str]] = []
        self.kills: Counter[str] = Counter()
        keep = shlex.join(["/bin/sh", "-c", _KEEP, str(trial.place.notices)])
        self._sub = subscriptions.subscribe(
            self.conn, destination=f"command:{keep}", filter={"kinds": list(NOTICED)}
        )

    def close(self) -> None:
        """Nobody needs the board any more."""
        paths, board_id = self.conn.paths, self.conn.board_id
        self.conn.close()
        # A gateway that was killed leaves them; with a long path they lie outside of the home.
        for socket in (paths.doorbell(board_id), paths.notifier_bell(board_id)):
            socket.unlink(missing_ok=True)

    # Gateways

    def start_gateway(self) -> subprocess.Popen[str]:
        """One more gateway; it need not have come up yet."""
        gateway = self.trial.children.gateway(self.slug)
        self.gateways.append(gateway)
        return gateway

    def kill_gateway(self, gateway: subprocess.Popen[str]) -> None:
        """kill -9."""
        gateway.kill()
        gateway.wait()
        self.gateways.remove(gateway)
        self.kills["gateway"] += 1

    def stop_gateways(self) -> None:
        """As a person would, the one that dispatches first; the next then takes over."""
        while self.gateways:
            gateway = self.trial.until(self._dispatching, "no gateway came to dispatch", self.slug)
            gateway.terminate()
            try:
                code = gateway.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                raise Broke("a gateway did not stop when it was asked to", self.slug) from None
            if code != 0:
                raise Broke(f"a gateway ended with {code} when it was asked to stop", self.slug)
            self.gateways.remove(gateway)

    def _dispatching(self) -> subprocess.Popen[str] | None:
        record = read_health(self.conn.paths.health)
        pid = record.pid if record else 0
        for gateway in self.gateways:
            if gateway.poll() is not None:
                raise Broke(f"a gateway ended by itself, with {gateway.returncode}", self.slug)
        return next((one for one in self.gateways if one.pid == pid), None)

    def revive(self, pids: Iterable[int]) -> None:
        """Let what was stopped go on."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    # Victims

    def victims(self, kind: str) -> list[int]:
        """Live supervisors, or whatever their agents said they are."""
        live = [run for run in live_runs(self.conn) if run.registered]
        if kind == "supervisor":
            return [run.worker_pid or 0 for run in live]
        told = self.witness.pids({run.id for run in live})
        return [pid for pid in told if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        """Pids are given out again: only a process that carries the mark is hit."""
        return not tree.HAS_PROC or pid in self.trial.children.marked()

    def strike(self, kind: str, chance: random.Random, number: int = signal.SIGKILL) -> int:
        """Signal one process of that kind; its pid, 0 if there was none."""
        found = self.victims(kind)
        if not found:
            return 0
        victim = chance.choice(found)
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, number)
        if number == signal.SIGKILL:
            self.kills[kind] += 1
        return victim

    # What must hold

    def unfinished(self) -> int:
        """Tasks for workers that may still start, and runs of which something may still live."""
        count: int = self.conn.execute(_UNFINISHED, {"worker": WORKER}).fetchone()[0]
        return count

    def settle(self) -> None:
        """Wait until nothing is left to do; Broke if the board stands still before that."""
        trial = self.trial
        while left := self.unfinished():
            newest = kb.newest_event_id(self.conn)
            trial.doing(f"{left} tasks and runs are to end")
            trial.until(
                lambda: kb.newest_event_id(self.conn) != newest or not self.unfinished(),  # noqa: B023
                f"what should have ended ({left} tasks and runs) did not move",
                self.slug,
            )
        trial.until(
            lambda: not self._owed(), "notices that are owed were not all delivered", self.slug
        )

    def _owed(self) -> int:
        events = "SELECT count(*) FROM task_events WHERE id > :start AND kind IN (:a, :b, :c)"
        start = subscriptions.get_subscription(self.conn, self._sub).start_event_id
        kinds = dict(zip("abc", NOTICED, strict=True))
        (wanted,) = self.conn.execute(events, {"start": start} | kinds).fetchone()
        delivered = "SELECT count(*) FROM deliveries WHERE sub_id = :sub AND state = 'delivered'"
        (made,) = self.conn.execute(delivered, {"sub": self._sub}).fetchone()
        return int(wanted - made)

    def judge_witness(self) -> None:
        """No task was at work twice at once, and no run's agent was started twice."""
        tasks = {task_id for (task_id,) in self.conn.execute("SELECT id FROM tasks")}
        lines = [line for line in self.witness.lines() if line.task_id in tasks]
        if wrong := twice_at_once(lines) or begun_twice(lines):
            raise Broke(f"{many(len(wrong), 'task')} at work twice: {wrong[0]}", self.slug)
        ended = {line.run_id for line in lines if line.word == "end"}
        completed = {
            run
            for (run,) in self.conn.execute(
                "SELECT id FROM task_runs WHERE outcome = 'completed' AND worker_pid IS NOT NULL"
                " AND exit_code = 0"
            )
        }
        if unseen := completed - ended:
            raise Broke(
                f"runs {sorted(unseen)} are completed and never came to their end", self.slug
            )

    def judge_notices(self) -> int:
        """Every notice arrived, each of its copies with one key. Returns how many came again."""
        keys: dict[int, set[str]] = {}
        arrived: Counter[int] = Counter()
        for line in self.trial.place.notices.read_bytes().split(b"\n"):
            message = decoded(line)
            if message is not None and message["board"] == self.slug:
                event = message["event"]["id"]
                arrived[event] += 1
                keys.setdefault(event, set()).add(message["dedup_key"])
        owed = {
            event
            for (event,) in self.conn.execute(
                "SELECT event_id FROM deliveries WHERE sub_id = :sub", {"sub": self._sub}
            )
        }
        if missing := owed - arrived.keys():
            raise Broke(f"{many(len(missing), 'notice')} marked as sent never arrived", self.slug)
        if arrived.keys() - owed:
            raise Broke("notices arrived of which the board knows nothing", self.slug)
        distinct = {key for found in keys.values() for key in found}
        if any(len(found) > 1 for found in keys.values()) or len(distinct) != len(keys):
            raise Broke("one notice came with two keys, or two with the same", self.slug)
        return sum(arrived.values()) - len(arrived)

    def judge_leftovers(self) -> None:
        """With the gateways gone, nothing of it lives."""
        left = self.trial.children.marked()
        if left:
            shown = ", ".join(map(str, sorted(left)))
            raise Broke(f"{many(len(left), 'process')} outlived their runs: {shown}", self.slug)


# A todo task whose parents are all done would have been promoted.
_UNFINISHED: Final = """
SELECT (SELECT count(*) FROM tasks WHERE assignee = :worker AND status IN ('ready', 'running'))
     + (SELECT count(*) FROM task_runs WHERE worker_pid IS NOT NULL AND exited_at IS NULL)
"""
