"""A board with profiles that may more and less, and who calls on it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile
from hermes_kanban.verbs import VERBS, Answer, Caller, orchestrator, perform, person, worker
from tests.support.boards import ABoard

PROFILES = {
    "coder": Profile(runtime="claude"),
    "finder": Profile(runtime="claude", tools=("why", "attach", "attachments", "wait_for")),
    "splitter": Profile(runtime="claude", may_assign=("coder",)),
    "lead": Profile(runtime="claude", orchestrator=True, may_assign=("coder", "finder")),
    "second": Profile(runtime="claude", orchestrator=True),
}


class Verbs:
    """Calls verbs on a board as whoever is named."""

    def __init__(self, board: ABoard) -> None:
        self.board = board
        self.conn = board.conn

    def call(self, caller: Caller, verb: str, **arguments: Any) -> Answer:
        """The verb's answer."""
        return perform(self.conn, caller, VERBS[verb], arguments)

    def person(self, verb: str, **arguments: Any) -> Any:
        """What a person is answered."""
        return self.call(person("person:ada"), verb, **arguments).result

    def task(self, profile: str | None = None, **fields: Any) -> str:
        """A task of that profile."""
        made: str = self.person("create", title="a task", assignee=profile, **fields).id
        return made

    def worker(self, profile: str, task: str | None = None) -> Caller:
        """The worker of a task that is at work now."""
        task = task or self.task(profile)
        claimed = kb.claim_task(self.conn, task, claimer="dispatcher")
        assert claimed is not None
        return worker(
            task,
            claimed.current_run_id or 0,
            claimed.claim_lock,
            profile=profile,
            profiles=self.conn.config.profiles,
        )

    def lead(self) -> Caller:
        """A session of the orchestrating profile, without a run."""
        found = orchestrator("lead", self.conn.config.profiles)
        assert found is not None
        return found


@pytest.fixture
def verbs(board: ABoard) -> Verbs:
    """Verbs on a fresh board."""
    board.conn.config = msgspec.structs.replace(board.conn.config, profiles=PROFILES)
    return Verbs(board)
