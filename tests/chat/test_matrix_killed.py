"""kill -9 of a gateway between every two steps of what it tells and does in a Matrix room.

The server knows a repeat by its transaction id, so whatever dies, everything is there once: each
message, each file, each edit and each answer, and what was said is done once.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.subscriptions import subscribe
from tests.chat.gateway_process import POINTS, main
from tests.chat.room import Room, replied, text_of
from tests.support.dying import KILLED, running
from tests.support.waiting import wait_until

DEATH_SECONDS = 120.0
# After so long something more happens: what died before may have done its part already.
PATIENCE_SECONDS = 2.0
# In the suite one point of each kind; the torture has them all, many times.
FEW = ("after-put", "after-file", "before-mark", "after-do", "before-keep", "before-close-mark")


class Conversation:
    """A board that asks and is answered, and mara, who gives commands."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.conn = room.gateways.conn
        self.asked: list[str] = []
        self.commands: dict[str, int] = {}
        self.diary = kb.create_task(self.conn, title="Diary")
        subscribe(self.conn, destination="matrix")

    def go_on(self) -> None:
        """A run hands in a file for review, an earlier one is approved, mara gives a command."""
        number, conn = len(self.asked), self.conn
        task_id = kb.create_task(conn, title=f"Count {number}.", assignee="someone")
        run = kb.claim_task(conn, task_id, claimer="by-hand")
        assert run is not None
        workspace = conn.paths.workspaces / task_id
        workspace.mkdir(parents=True)
        (workspace / f"report-{number}.txt").write_text(f"{number} words")
        kb.request_review(
            conn,
            task_id,
            summary="Counted",
            artifacts=[f"report-{number}.txt"],
            run_id=run.current_run_id,
            claim_lock=run.claim_lock,
        )
        if self.asked:
            kb.approve_task(conn, self.asked[-1], actor="person:tom")
        self.asked.append(task_id)
        said = self.room.mara.say(self.room.id, f"!kanban comment {self.diary} number {number}")
        self.commands[said] = number

    def at_rest(self) -> bool:
        """Everything is told, edited and answered, what was said last too."""
        owed = "SELECT count(*) FROM deliveries WHERE state = 'waiting'"
        open_ = "SELECT count(*) FROM deliveries WHERE closed_at IS NULL AND receipt IS NOT NULL"
        count = self.conn.execute
        return (
            not count(owed).fetchone()[0]
            and count(open_).fetchone()[0] == 1  # that of the newest review
            and list(self.commands)[-1] in map(replied, self.room.everything_said())
        )

    def progress(self) -> tuple[int, ...]:
        """What grows until it is at rest."""
        grow = (
            "SELECT count(*), count(closed_at) FROM deliveries WHERE state <> 'waiting'",
            "SELECT count(*) FROM said",
        )
        return tuple(one for sql in grow for one in self.conn.execute(sql).fetchone())

    def judge(self) -> None:
        """All is there, once, in its order."""
        heard = self.room.everything_said()
        edits = [one for one in heard if relation(one).get("rel_type") == "m.replace"]
        plain = [one for one in heard if one not in edits]
        texts = [text_of(one) for one in plain]
        numbers = list(range(len(self.asked)))
        reviews = [int(found[1]) for one in texts if (found := REVIEW.match(one))]
        assert reviews == numbers
        files = [int(found[1]) for one in texts if (found := FILE.match(one))]
        assert sorted(files) == numbers
        edited = Counter(relation(one)["event_id"] for one in edits)
        assert set(edited.values()) == {1}
        asked = [one for one in plain if REVIEW.match(text_of(one))]
        # What was decided before it was told says so by itself; the newest is open.
        decided = [one["event_id"] in edited or DECIDED in text_of(one) for one in asked]
        assert decided == [True] * (len(asked) - 1) + [False]
        answered = Counter(replied(one) for one in plain if replied(one) in self.commands)
        assert answered == dict.fromkeys(self.commands, 1)
        bodies = [one.body for one in kb.list_comments(self.conn, self.diary, limit=1_000)]
        assert bodies == [f"number {number}" for number in numbers]
        assert kb.check(self.conn) == []


REVIEW = re.compile(r"Review wanted: Count (\d+)\.")
DECIDED = "Approved by tom."
FILE = re.compile(r"report-(\d+)\.txt$")


def relation(event: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = event["content"].get("m.relates_to", {})
    return found


@pytest.mark.parametrize(
    "kills", [len(FEW), pytest.param(300, marks=pytest.mark.torture)], ids=["few", "many"]
)
def test_killed_between_every_two_steps_all_is_there_once(room: Room, kills: int) -> None:
    errors = room.gateways.home / "gateway.err"
    room.gateways.kill(room.start())  # what was said before it first came was not said to it
    talk = Conversation(room)
    points = FEW if kills == len(FEW) else POINTS
    for number in range(kills):
        point = f"{points[number % len(points)]}:{1 + number // len(points) % 2}"
        with running(main, point, errors=errors) as process:
            deadline = time.monotonic() + DEATH_SECONDS
            while process.is_alive():
                assert time.monotonic() < deadline, f"it does not come to {point}"
                talk.go_on()
                process.join(PATIENCE_SECONDS)
            assert process.exitcode == KILLED
    talk.go_on()
    with running(main, errors=errors) as process:
        try:
            wait_until(talk.at_rest, timeout=60, progress=talk.progress, pause=0.2)
        except AssertionError:
            said = room.gateways.errors()[-8_000:]
            raise AssertionError(f"not at rest, exit code {process.exitcode}: {said}") from None
        talk.judge()
    print(f"{kills} kills, {len(talk.asked)} reviews with a file, as many edits and commands")
