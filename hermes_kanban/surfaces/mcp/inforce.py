"""Who calls: the run that a process was started for, or an orchestrating profile; else nobody."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from hermes_kanban import guidance
from hermes_kanban import kernel as kb
from hermes_kanban.config import load_last_good
from hermes_kanban.paths import BoardPaths, board_paths
from hermes_kanban.verbs import Caller, offered, orchestrator, worker

if TYPE_CHECKING:
    from hermes_kanban.workers.lineage import Via


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """What a process was told: the run it belongs to, or the profile it acts for, and the board.

    ``via`` says how it reaches the board, by which its agent is told.
    """

    task_id: str | None = None
    run_id: int | None = None
    claim_lock: str | None = None
    profile: str | None = None
    board: str | None = None
    via: Via = "mcp"

    def caller(self) -> Caller | None:
        """Who that is on the board. None if neither a run nor an orchestrating profile is."""
        paths = board_paths(self.board)
        profiles = load_last_good(paths.home).profiles
        if self.task_id is None or self.run_id is None:
            return orchestrator(self.profile, profiles) if self.profile else None
        return worker(
            self.task_id,
            self.run_id,
            self.claim_lock,
            # The run's own first: a client's own settings may name the profile of its sessions.
            profile=self._profile_of_run(self.run_id) or self.profile,
            profiles=profiles,
            read_only=_reading(paths, self.run_id, self.via),
        )

    def _profile_of_run(self, run_id: int) -> str | None:
        try:
            conn = kb.connect(self.board, for_worker=True)
            try:
                return kb.get_run(conn, run_id).profile
            finally:
                conn.close()
        except (kb.NotFound, kb.BoardUnreachable):
            return None  # each call will say so, and asks for the rights again


def instructions(caller: Caller | None) -> str:
    """What a client is told beside the tools; nothing where there are none."""
    if caller is None:
        return ""
    if caller.read_only:
        return guidance.READER.format(task=caller.task_id, context="kanban_show")
    names = {verb.name: verb.tool for verb in offered(caller) if verb.tool is not None}
    return guidance.guide(names, task=caller.task_id, may_assign=caller.rights.may_assign)


def _reading(paths: BoardPaths, run_id: int, via: Via) -> str | None:
    """Why this process may only read, where the run belongs to another agent."""
    from hermes_kanban.workers.lineage import bind

    binding = bind(paths.run_dir(run_id), os.getpid(), via)
    if binding.nested:
        return f"this run belongs to another agent than {binding.caller}"
    return None
