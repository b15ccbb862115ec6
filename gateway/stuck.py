"""Stuck: tasks that should start and do not, for several ticks in a row."""

from __future__ import annotations

from typing import Final

from hermes_kanban.kernel import DispatchReport

# Holds that are somebody's decision, that outside workers lift by claiming for themselves, or that
# are another host's to lift.
_INTENDED: Final = frozenset(
    {"paused", "no_profile", "unassigned", "elsewhere", "no_host", "draining"}
)


class StuckGauge:
    """Counts ticks without a start; ``reasons`` is non-empty while the board is stuck."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = {}
        self.ticks = 0

    def update(self, report: DispatchReport, threshold: int) -> str | None:
        """Take one tick into account; ``stuck`` or ``unstuck`` when that changed, else None.

        Waiting for a place that a live run will free is not being stuck.
        """
        waiting = _waiting(report)
        if report.spawned or not waiting or report.in_progress:
            was_stuck, self.reasons, self.ticks = bool(self.reasons), {}, 0
            return "unstuck" if was_stuck else None
        self.ticks += 1
        if self.ticks < threshold:
            return None
        newly, self.reasons = not self.reasons, waiting
        return "stuck" if newly else None


def _waiting(report: DispatchReport) -> dict[str, list[str]]:
    waiting = {code: ids for code, ids in report.held.items() if code not in _INTENDED and ids}
    if report.lost:
        waiting["claim_lost"] = report.lost
    if report.spawn_failed:
        waiting["spawn_failed"] = [task for task, _ in report.spawn_failed]
    return waiting
