"""Which skills are installed, as the kernel asks it before it starts a task."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from hermes_kanban.ports import UnknownSkills

if TYPE_CHECKING:
    from hermes_kanban.config import Profile
    from hermes_kanban.workers.runtimes.base import SkillList

# A look at the folders serves this long; a skill that is installed is seen after it.
KEPT_SECONDS: Final = 5.0
KEPT_LISTS: Final = 256


class InstalledSkills:
    """This host's skills (``ports.Skills``); runtimes are loaded only when one is asked for."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._kept: dict[tuple[str, str | None], tuple[float, Profile, SkillList | None]] = {}

    def unknown(
        self, name: str, profile: Profile, wanted: Sequence[str], workspace: str | None
    ) -> UnknownSkills | None:
        """Those of ``wanted`` that the profile's runtime does not find; None if it cannot say."""
        found = self._list(name, profile, workspace)
        if found is None:
            return None
        missing = tuple(skill for skill in dict.fromkeys(wanted) if skill not in found.names)
        return UnknownSkills(missing, profile.runtime, str(found.where)) if missing else None

    def _list(self, name: str, profile: Profile, workspace: str | None) -> SkillList | None:
        key, now = (name, workspace), self._clock()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] < KEPT_SECONDS and kept[1] == profile:
            return kept[2]
        if len(self._kept) >= KEPT_LISTS:
            self._kept.clear()
        found = self._look(name, profile, workspace)
        self._kept[key] = (now, profile, found)
        return found

    def _look(self, name: str, profile: Profile, workspace: str | None) -> SkillList | None:
        from pathlib import Path

        from hermes_kanban.workers.profiles import SpawnRefused
        from hermes_kanban.workers.runtimes import runtime_named
        from hermes_kanban.workers.runtimes.base import SkillQuery

        try:
            runtime = runtime_named(profile.runtime)
        except SpawnRefused:
            return None
        if runtime.list_skills is None:
            return None
        return runtime.list_skills(
            SkillQuery(
                name=name,
                profile=profile,
                workspace=None if workspace is None else Path(workspace),
                environ=self._environ,
            )
        )
