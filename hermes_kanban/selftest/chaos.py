"""The long form: everything at once, killed and stopped at random, for as long as is asked.

In rounds, each on a board of its own: people and gateways and workers under a rain of signals, then
calm, in which all must come to its end, and then the judgement.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Final

from hermes_kanban.selftest.findings import Broke, many
from hermes_kanban.selftest.history import judge_replay
from hermes_kanban.selftest.scene import Scene
from hermes_kanban.selftest.trial import Trial

ABOUT: Final = "mixed load, and random kills and stops of everything"
ROUND_SECONDS: Final = 12.0
ROUND_SECONDS_LEAST: Final = 4.0
PEOPLE, GATEWAYS = 2, 2
PAUSE_SECONDS: Final = 0.15
STOPPED_SECONDS: Final = 1.0
STOP_PATIENCE_SECONDS: Final = 20.0
_TARGETS: Final = ("gateway", "person", "supervisor", "supervisor", "agent", "agent", "agent")
_STOPPING: Final = 0.3


def run(trial: Trial) -> None:
    """One round after the other until the time is over; one at least."""
    deadline = time.monotonic() + trial.seconds
    total: Counter[str] = Counter()
    while not total["rounds"] or time.monotonic() < deadline - ROUND_SECONDS_LEAST:
        total["rounds"] += 1
        left = deadline - time.monotonic()
        seconds = max(ROUND_SECONDS_LEAST, min(ROUND_SECONDS, left))
        with contextlib.closing(Round(trial, total["rounds"])) as one:
            one.rain(time.monotonic() + seconds)
            one.calm()
            total.update(one.judge())
        shutil.rmtree(one.scene.conn.paths.root)
        trial.passed(f"round {total['rounds']} held; {_shown(total)} so far")
        trial.count(**total)
    trial.held(f"{total['rounds']} rounds: {_shown(total)}")
    trial.held(
        "after each round all came to its end, no task was at work twice at once, what had been"
        " acknowledged was there, the events gave the rows, no process was left"
    )


def _shown(total: Counter[str]) -> str:
    return (
        f"{total['kills']} kills, {total['stops']} stops, {total['events']} events,"
        f" {total['runs']} runs"
    )


class Round:
    """One board in the rain."""

    def __init__(self, trial: Trial, number: int) -> None:
        self.trial = trial
        self.scene = Scene(trial, f"chaos{number}")
        self._chance = trial.chance
        self._acknowledged = trial.place.home / f"acknowledged-{number}"
        self._errors = trial.place.home / f"people-{number}.err"
        self._people: list[subprocess.Popen[str]] = []
        self._stopped: dict[int, float] = {}
        self._stops = 0

    def close(self) -> None:
        """The board is not needed any more."""
        self.scene.revive(self._stopped)
        self.scene.close()

    def rain(self, until: float) -> None:
        """Signals to everybody, at random, until that moment of the monotonic clock."""
        for _ in range(GATEWAYS):
            self.scene.start_gateway()
        for _ in range(PEOPLE):
            self._send_a_person()
        while time.monotonic() < until:
            self._strike(self._chance.choice(_TARGETS))
            self._revive(time.monotonic())
            self._look_after_people()
            kills = sum(self.scene.kills.values())
            left = until - time.monotonic()
            self.trial.doing(f"{self.scene.slug}: {kills} kills, {self._stops} stops, {left:.0f} s")
            self.trial.rest(self._chance.uniform(0, PAUSE_SECONDS))

    def calm(self) -> None:
        """Nobody is hurt any more: all must end."""
        self.scene.revive(self._stopped)
        self._stopped.clear()
        self._send_people_home()
        self.scene.settle()
        self.scene.stop_gateways()

    def judge(self) -> dict[str, int]:
        """Broke if something does not hold; else the round's counts."""
        scene = self.scene
        scene.judge_leftovers()
        scene.judge_witness()
        scene.judge_notices()
        self._judge_acknowledged()
        events = self.trial.judge_board(scene.conn, scene.slug)
        judge_replay(scene.conn, scene.slug)
        (runs,) = scene.conn.execute("SELECT count(*) FROM task_runs").fetchone()
        kills = sum(scene.kills.values())
        return {"kills": kills, "stops": self._stops, "events": events, "runs": runs}

    # Signals

    def _strike(self, kind: str) -> None:
        stops = self._chance.random() < _STOPPING
        if kind in ("gateway", "person"):
            among = self.scene.gateways if kind == "gateway" else self._people
            victim = self._chance.choice(among)
            if stops:
                victim.send_signal(signal.SIGSTOP)
                self._note_stop(victim.pid)
            elif kind == "gateway":
                self.scene.kill_gateway(victim)
                self.scene.start_gateway()
            else:
                self._kill_person(victim)
        elif stops:
            self._note_stop(self.scene.strike(kind, self._chance, signal.SIGSTOP))
        else:
            self.scene.strike(kind, self._chance)

    def _note_stop(self, pid: int) -> None:
        if pid:
            self._stops += 1
            until = time.monotonic() + self._chance.uniform(0, STOPPED_SECONDS)
            self._stopped.setdefault(pid, until)

    def _revive(self, now: float) -> None:
        due = [pid for pid, until in self._stopped.items() if until <= now]
        self.scene.revive(due)
        for pid in due:
            del self._stopped[pid]

    # People

    def _send_a_person(self) -> None:
        seed = str(self._chance.getrandbits(32))
        arguments = (self.scene.slug, seed, str(self._acknowledged))
        module = "hermes_kanban.selftest.person"
        self._people.append(self.trial.children.start(module, *arguments, errors=self._errors))

    def _kill_person(self, person: subprocess.Popen[str]) -> None:
        person.kill()
        person.wait()
        self._people.remove(person)
        self.scene.kills["person"] += 1
        self._send_a_person()

    def _look_after_people(self) -> None:
        for person in self._people:
            if person.poll() is not None:
                raise Broke(
                    f"a person met what they should not: {self._complaint()}", self.scene.slug
                )

    def _send_people_home(self) -> None:
        for person in self._people:
            person.terminate()
        for person in self._people:
            try:
                code = person.wait(STOP_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                raise Broke("a person never came back from a verb", self.scene.slug) from None
            # One that had hardly come in is ended by the signal itself.
            if code not in (0, -signal.SIGTERM):
                raise Broke(
                    f"a person met what they should not: {self._complaint()}", self.scene.slug
                )
        self._people.clear()

    def _complaint(self) -> str:
        said = self._errors.read_text("utf-8", "replace").strip().splitlines()
        return said[-1] if said else "nothing was said"

    def _judge_acknowledged(self) -> None:
        """Each thing that the board said it had done is an event of its own."""
        told = Counter(_whole_lines(self._acknowledged))
        rows = self.scene.conn.execute(
            "SELECT kind, task_id, count(*) FROM task_events WHERE task_id IS NOT NULL"
            " GROUP BY kind, task_id"
        )
        there = {f"{kind} {task_id}": count for kind, task_id, count in rows}
        lost = [what for what, times in told.items() if there.get(what, 0) < times]
        if lost:
            text = f"gone although acknowledged: {many(len(lost), 'verb')}, {lost[0]} among them"
            raise Broke(text, self.scene.slug)


def _whole_lines(file: Path) -> list[str]:
    try:
        return file.read_text("ascii", "replace").split("\n")[:-1]
    except FileNotFoundError:
        return []
