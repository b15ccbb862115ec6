"""What subscribers are owed by the events alone, and what reached them in the simulated world."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.simulation.judgement import demand

NOTIFIER = "notifier"
ATTENTION = frozenset({"gave_up", "review_requested", "completed", "approved"})


class Wanted:
    """One subscription as it was asked for, and the events it is to hear of."""

    def __init__(
        self,
        sub_id: int,
        task_id: str | None,
        filter: dict[str, Any],
        start: int,
        place: str,
        mode: str,
    ):
        self.id = sub_id
        self.place = place
        self.mode = mode
        self.start = start
        self.task_id = task_id
        self.kinds = frozenset(filter["kinds"])
        self.assignee: list[str] | None = filter.get("assignee")
        self.ended = False
        self.events: list[int] = []

    def hears(self, event: Any, assignee: str | None, was_done: bool) -> bool:
        """Whether an event is one of those asked for."""
        if event.task_id is None and (self.task_id or self.assignee):
            return False
        if self.task_id is not None and event.task_id != self.task_id:
            return False
        if self.assignee is not None and assignee not in self.assignee:
            return False
        return (
            "all" in self.kinds
            or event.kind in self.kinds
            or ("attention" in self.kinds and _needs_attention(event, was_done))
        )


def _needs_attention(event: Any, was_done: bool) -> bool:
    if event.kind == "triaged":
        return bool(event.actor == "system")
    if event.kind == "blocked":
        kind = event.payload.get("task", {}).get("block_kind")
        return kind in ("needs_input", "capability")
    if event.kind == "archived":
        return not was_done
    return event.kind in ATTENTION


class Mail:
    """The outside: what arrived where, under which key, and what nobody can be told."""

    def __init__(self) -> None:
        self.wanted: dict[int, Wanted] = {}
        self.arrived: dict[tuple[int, int], str] = {}
        self.told: set[tuple[str, int]] = set()
        self.woken: set[str] = set()
        self.wakes: dict[str, str] = {}
        self.newest: dict[int, int] = {}
        self.hopeless = 0
        self.attempts: dict[tuple[int, int], int] = {}
        self.again: set[int] = set()
        self.messages = 0
        self.letters: dict[str, list[int]] = {}
        self.decided: dict[int, int] = {}
        self._past: list[tuple[Any, str | None, bool]] = []

    def learn(self, event: Any, assignee: str | None, was_done: bool) -> None:
        """An event has happened, to a task of that assignee that had been completed or not."""
        self._past.append((event, assignee, was_done))
        if event.payload.get("woken"):
            self.woken.add(event.task_id)
        if event.kind == "created" and event.actor == NOTIFIER:
            key = event.payload["task"]["idempotency_key"]
            demand(key not in self.wakes, "13", f"an agent is woken twice by {key}")
            self.wakes[key] = event.task_id
        for wanted in self.wanted.values():
            if event.id > wanted.start and self._hears(wanted, event, assignee, was_done):
                wanted.events.append(event.id)

    def _hears(self, wanted: Wanted, event: Any, assignee: str | None, was_done: bool) -> bool:
        """What a wake made, and what its runs created, wakes nobody."""
        if wanted.mode == "wake" and event.task_id in self.woken:
            return False
        return wanted.hears(event, assignee, was_done)

    def follow(self, rows: list[Any]) -> None:
        """The subscriptions as they are now: id, task, filter, start, end, and how."""
        for sub_id, task_id, filter, start, ended_at, place, mode, *_ in rows:
            wanted = self.wanted.get(sub_id)
            if wanted is None:
                wanted = Wanted(sub_id, task_id, json.loads(filter), start, place, mode)
                self.wanted[sub_id] = wanted
                wanted.events = [
                    past[0].id
                    for past in self._past
                    if past[0].id > start and self._hears(wanted, *past)
                ]
            wanted.ended = ended_at is not None
        for sub_id in self.wanted.keys() - {row[0] for row in rows}:
            self.wanted[sub_id].ended = True

    def decide(self, task: str, question: int, memory: list[Any]) -> None:
        """A question was decided, by what has been committed: nobody may have been first."""
        first = self.decided.get(question)
        undone = [one for one in memory if one[1] == task and one[2] == "undone"]
        reopened = first is not None and any(one[0] > first for one in undone)
        demand(first is None or reopened, "20", f"question {question} of {task} decided twice")
        self.decided[question] = memory[-1][0]

    def judge_heirs(self, rows: list[Any], ties: list[tuple[str, str]]) -> None:
        """What came below a task just now has every subscription that the task hands down."""
        live: dict[str, set[tuple[Any, ...]]] = {}
        for _, task_id, filter, _, ended_at, *how, _ in rows:
            if ended_at is None and task_id is not None:
                live.setdefault(task_id, set()).add((filter, *how))
        for above, below in ties:
            handed_down = {one for one in live.get(above, ()) if '"inherit":true' in (one[3] or "")}
            missing = handed_down - live.get(below, set())
            demand(not missing, "13", f"{below} has not got of {above}: {missing}")

    def judge_trees(self, rows: list[Any], below: Callable[[str], set[str]]) -> None:
        """What was handed down is in the tree of a live subscription that hands it down."""
        live = {row[0]: row[1] for row in rows if row[4] is None}
        trees: dict[int, set[str]] = {}
        for sub_id, task_id, *_, root_id in rows:
            if root_id is None or sub_id not in live:
                continue
            demand(root_id in live, "13", f"{sub_id} has outlived {root_id}, which handed it down")
            if root_id not in trees:
                trees[root_id] = below(live[root_id])
            demand(task_id in trees[root_id], "13", f"{task_id} has left the tree of {root_id}")

    def forget(self, events: set[int]) -> None:
        """Of these events nobody is told any more."""
        self._past = [past for past in self._past if past[0].id not in events]
        for wanted in self.wanted.values():
            wanted.events = [one for one in wanted.events if one not in events]

    def tried(self, delivery: Any, events: list[int], ahead: int | None) -> None:
        """Somebody tries to send these events, with ``delivery`` at their head.

        ``ahead`` is an older event of its subscription that waits, if there is one.
        """
        for event_id in events:
            key = (delivery.sub_id, event_id)
            self.attempts[key] = self.attempts.get(key, 0) + 1
        demand(
            ahead is None or delivery.sub_id in self.again,
            "28",
            f"event {delivery.event_id} is sent while {ahead} of the same subscription waits",
        )

    def arrive(self, sub_id: int, events: list[int], letter: str) -> None:
        """A message about these events has reached its destination, under the key ``letter``."""
        # What was purged since is not in it any more.
        before = [one for one in self.letters.setdefault(letter, events) if one in events]
        demand(before == events, "13", f"{letter} came with {events} and before with {before}")
        for event_id in events:
            key = (sub_id, event_id)
            known = self.arrived.get(key)
            demand(known in (None, letter), "13", f"{key} came under another key")
            if known is None:
                newest = self.newest.get(sub_id, 0)
                demand(
                    event_id > newest or sub_id in self.again,
                    "28",
                    f"event {event_id} came after {newest}",
                )
                self.newest[sub_id] = max(newest, event_id)
            self.arrived[key] = letter
            self.told.add((self.wanted[sub_id].place, event_id))
        self.messages += 1

    def judge(self, rows: list[Any]) -> None:
        """What the outbox says of deliveries is what came of them."""
        for sub_id, event_id, state, reason in rows:
            key = (sub_id, event_id)
            if state == "delivered" and self.wanted[sub_id].mode != "wake":
                place = (self.wanted[sub_id].place, event_id)
                arrived = key in self.arrived or place in self.told
                demand(arrived, "13", f"{key} is marked delivered and never arrived")
            if state == "dead" and "attempts" in reason:
                tried = self.attempts.get(key, 0)
                demand(tried >= 20, "28", f"{key} was given up after {tried} attempts")

    def judge_wakes(self, rows: list[Any]) -> None:
        """In the end nobody is still to be woken, and who was to be has a task for it."""
        for sub_id, event_id, state, key, wake_at, dropped_at, receipt, digest in rows:
            wanted = self.wanted[sub_id]
            if wanted.ended or wanted.mode == "notify":
                continue
            demand(wake_at is None, "28", f"an agent waits to be woken by {key}")
            if wanted.mode == "wake" and state == "delivered":
                made = receipt in self.wakes.values()
                demand(made, "13", f"{key} has woken nobody, and says {receipt}")
            was_dropped = dropped_at is not None or sub_id in self.again or state == "dead"
            if digest or was_dropped or self._is_of_a_wake(event_id):
                continue
            demand(key in self.wakes, "13", f"nobody was woken by {key}")

    def _is_of_a_wake(self, event_id: int) -> bool:
        return any(past[0].id == event_id and past[0].task_id in self.woken for past in self._past)

    def judge_all_owed(self, rows: list[Any]) -> None:
        """In the end each live subscription's events arrived, or are dead with a reason."""
        states = {(row[0], row[1]): row[2] for row in rows}
        for wanted in self.wanted.values():
            if wanted.ended:
                continue
            for event_id in wanted.events:
                state = states.pop((wanted.id, event_id), "missing")
                demand(
                    state in ("delivered", "dead"),
                    "28",
                    f"event {event_id} is {state} for subscription {wanted.id}",
                )
            extra = [key for key in states if key[0] == wanted.id]
            demand(not extra, "13", f"owed without being asked for: {extra}")
