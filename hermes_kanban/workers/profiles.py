"""Which profile runs a task, and by what limits."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from hermes_kanban.config import Profile
from hermes_kanban.model import KanbanError, Task


class SpawnRefused(KanbanError):
    """The task cannot be started as it is configured; the message says what to change."""


def profile_of(task: Task, profiles: Mapping[str, Profile]) -> Profile:
    """The profile that ``task`` is assigned to.

    Raises SpawnRefused if there is none by that name.
    """
    if task.assignee is None:
        raise SpawnRefused(f"task {task.id} has no assignee; assign it to a profile")
    profile = profiles.get(task.assignee)
    if profile is None:
        near = difflib.get_close_matches(task.assignee, profiles, n=1)
        hint = f"assign the task to {near[0]}, or " if near else ""
        raise SpawnRefused(
            f"no profile {task.assignee} is configured; {hint}add it under profiles: in config.yaml"
        )
    return profile


def max_runtime_seconds(task: Task, profile: Profile) -> int | None:
    """How long a run may take: the task's own limit, else the profile's, else no limit."""
    if task.max_runtime_seconds is not None:
        return task.max_runtime_seconds
    return profile.max_runtime_seconds
