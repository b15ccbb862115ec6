"""What the process of this command is to the run that its environment names.

Loaded only inside workers: for everybody else a command pays nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from hermes_kanban.paths import board_paths
from hermes_kanban.surfaces.cli.errors import Conflict
from hermes_kanban.workers import lineage


class Standing(NamedTuple):
    """The run of the environment, whether this process is of its agent, and which agent it has."""

    run_id: int
    binding: lineage.Binding
    agent: lineage.Agent | None

    def check(self, *, as_person: bool, task: str | None) -> None:
        """Raises Conflict if this process may not write."""
        if as_person:
            if self.agent is not None:
                pid = self.agent.identity.pid
                raise Conflict(
                    f"an agent ({self.agent.program}, pid {pid}) that works in a run is no person;"
                    " leave --as-person out, or let a person do it"
                )
        elif self.binding.nested:
            raise Conflict(
                f"this process belongs to a nested agent ({self.binding.caller}) and may only read;"
                f" only the agent of run {self.run_id} may act on {task or 'its task'};"
                " use --as-person only if you are a person"
            )


def stand(run_id: int) -> Standing:
    """Where this process stands; binds the run to its agent if it is the first to come."""
    pid = os.getpid()
    binding = lineage.bind(_folder(run_id, pid), pid, "cli")
    return Standing(run_id, binding, lineage.agent_in_run(pid))


def _folder(run_id: int, pid: int) -> Path:
    """By the supervisor above: the environment of some agents does not tell where the board is."""
    above = lineage.run_above(pid)
    if above is not None and above.name == str(run_id):
        return above
    return board_paths().run_dir(run_id)
