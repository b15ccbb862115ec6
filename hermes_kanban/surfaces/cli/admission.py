"""What an agent may change by our command line: what it may by its tools, and no more.

Asked only where a known agent program works in a run; a plain script of a profile, which is as
free as the person who wrote it, is not.
"""

from __future__ import annotations

import os

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import NotAllowed
from hermes_kanban.verbs import VERBS, Caller, worker
from hermes_kanban.verbs.perform import as_the_board_knows
from hermes_kanban.verbs.rights import check_assignee, check_link, check_task, check_verb


class Admission:
    """The rights of the agent whose run the environment names, on one board."""

    def __init__(self, conn: kb.BoardConnection) -> None:
        own = os.environ.get("HERMES_KANBAN_BOARD")
        if own is not None and conn.paths.slug != own:
            raise NotAllowed(
                f"board {conn.paths.slug} is not that of your run", own, "leave --board out"
            )
        self._conn = conn
        self._caller = _caller(conn)

    def check(self, command: str, task_id: str | None) -> None:
        """Raises NotAllowed unless the agent may give that command, on the task that it names."""
        verb = VERBS.get(command.replace("-", "_"))
        if verb is None:
            raise NotAllowed(
                f"an agent that works in a run may not {command}",
                "what its tools can do: see hermes-kanban prime",
                "leave it to a person",
            )
        check_verb(self._caller, verb)
        if task_id is not None:
            check_task(self._caller, verb, task_id)
        if verb.least == "orchestrator" and self._caller.run_id is not None:
            # It signs as the profile: the run behind that must be current.
            kb.must_be_current(self._conn, self._caller.run_id, self._caller.claim_lock)

    def check_assignee(self, assignee: str | None) -> None:
        """Raises NotAllowed unless the agent may give tasks to that profile."""
        check_assignee(self._caller, assignee)

    def check_link(self, *task_ids: str) -> None:
        """Raises NotAllowed unless the agent may link those tasks."""
        check_link(self._conn, self._caller, *task_ids)


def _caller(conn: kb.BoardConnection) -> Caller:
    told = worker(
        os.environ.get("HERMES_KANBAN_TASK", ""),
        int(os.environ["HERMES_KANBAN_RUN_ID"]),
        os.environ.get("HERMES_KANBAN_CLAIM_LOCK") or None,
        profile=None,
        profiles={},
    )
    return as_the_board_knows(conn, told)
