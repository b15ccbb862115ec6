"""Many faults at random, while agents work: what befalls whom, and when, is drawn from a seed."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from typing import Final

from hermes_kanban import kernel as kb
from hermes_kanban.verbs.keeping import PATIENCE_SECONDS
from tests.hosts import faults
from tests.hosts.faults import Act
from tests.hosts.team import LEASE_SECONDS, MARGIN_SECONDS, Member, Team

AT_ONCE: Final = 2
BUSY: Final = 16
# Short ones are ridden out; long ones outlast a short lease, and the patience of who hands in.
SHORT_SECONDS: Final = (0.0, LEASE_SECONDS)
LONG_SECONDS: Final = (LEASE_SECONDS + MARGIN_SECONDS, 1.5 * PATIENCE_SECONDS)
# Between two faults work goes on: for so many events, or so long where it cannot.
EVENTS: Final = (2, 24)
STANDSTILL_SECONDS: Final = 8.0


class Torment:
    """Begins faults and ends them; ``counts`` says how many of which."""

    def __init__(self, team: Team, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._team = team
        self._chance = random.Random(seed)
        # Whom it befell (None: the server), until when, and what ends it.
        self._under_way: list[tuple[Member | None, float, Act]] = []
        self._next_event = self._next_time = 0.0

    def run(self, count: int) -> None:
        """So many faults one after the other and beside each other; then all is well again."""
        while sum(self.counts.values()) < count:
            self._end_those_due()
            self._keep_busy()
            if len(self._under_way) < AT_ONCE and self._work_went_on():
                self._begin_one()
            for member in self._team.members:
                member.tend()
            time.sleep(self._chance.uniform(0.05, 0.2))
        self.heal()

    def heal(self) -> None:
        """End what is under way."""
        for _, _, end in self._under_way:
            end()
        self._under_way.clear()
        for member in self._team.members:
            member.tend()

    def _work_went_on(self) -> bool:
        reached = self._newest_event()
        if reached < self._next_event and time.monotonic() < self._next_time:
            return False
        self._next_event = reached + self._chance.randrange(*EVENTS)
        self._next_time = time.monotonic() + STANDSTILL_SECONDS
        return True

    def _newest_event(self) -> int:
        if self._is_server_away():
            return 0
        return int(self._team.ask_database("SELECT coalesce(max(id), 0) FROM task_events")[0][0])

    def _is_server_away(self) -> bool:
        return any(whom is None for whom, _, _ in self._under_way)

    def _begin_one(self) -> None:
        suffer = [whom for whom, _, _ in self._under_way]
        whole = [member for member in self._team.members if member not in suffer]
        member = self._chance.choice(whole)
        on_server = None not in suffer and self._chance.random() < 0.15
        fault = self._chance.choice(faults.OF_THE_SERVER if on_server else faults.OF_HOSTS)
        end = fault(self._team, member, self._chance)
        self.counts[fault.__name__] += 1
        lasts = self._chance.uniform(*self._chance.choice((SHORT_SECONDS, LONG_SECONDS)))
        until = time.monotonic() + lasts
        if end is not faults.nothing:
            self._under_way.append((None if on_server else member, until, end))

    def _end_those_due(self) -> None:
        now = time.monotonic()
        for each in [each for each in self._under_way if each[1] <= now]:
            each[2]()
            self._under_way.remove(each)

    def _keep_busy(self) -> None:
        if self._is_server_away():
            return
        (left,) = self._team.ask_database("SELECT count(*) FROM tasks WHERE status <> 'done'")[0]
        if left < BUSY:
            # A host that stands still may hold the board for a while.
            with contextlib.suppress(kb.BoardUnreachable, kb.BoardBusy):
                self._team.file(4)
                self._team.file_long(1)
                self._team.file_for_gpu()
