"""Many faults at random, while agents work: what befalls whom, and when, is drawn from a seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Final

from hermes_kanban import kernel as kb
from tests.hosts import faults
from tests.hosts.faults import Act
from tests.hosts.team import LEASE_SECONDS, MARGIN_SECONDS, Member, Team

AT_ONCE: Final = 2
BUSY: Final = 16
# Short ones are ridden out; long ones outlast every lease.
SHORT_SECONDS: Final = (0.0, LEASE_SECONDS)
LONG_SECONDS: Final = (LEASE_SECONDS + MARGIN_SECONDS, 2 * LEASE_SECONDS + MARGIN_SECONDS)
PAUSE_SECONDS: Final = (0.2, 2.0)


class Torment:
    """Begins faults and ends them; ``counts`` says how many of which."""

    def __init__(self, team: Team, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._team = team
        self._chance = random.Random(seed)
        # Whom it befell (None: the server), until when, and what ends it.
        self._under_way: list[tuple[Member | None, float, Act]] = []

    def run(self, count: int) -> None:
        """So many faults one after the other and beside each other; then all is well again."""
        while sum(self.counts.values()) < count:
            self._end_those_due()
            self._keep_busy()
            if len(self._under_way) < AT_ONCE:
                self._begin_one()
            for member in self._team.members:
                member.tend()
            time.sleep(self._chance.uniform(*PAUSE_SECONDS))
        self.heal()

    def heal(self) -> None:
        """End what is under way."""
        for _, _, end in self._under_way:
            end()
        self._under_way.clear()
        for member in self._team.members:
            member.tend()

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
        if any(whom is None for whom, _, _ in self._under_way):
            return
        (left,) = self._team.ask_database("SELECT count(*) FROM tasks WHERE status <> 'done'")[0]
        if left < BUSY:
            try:
                self._team.file(4)
                self._team.file_long(1)
                self._team.file_for_gpu()
            except (kb.BoardUnreachable, kb.BoardBusy):
                self.counts["not filed"] += 1
