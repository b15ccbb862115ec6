"""What a connection remembers of the tasks that it claimed, so that to close one needs no look.

It is never taken for true: the server is asked with the writes (``BoardConnection.foresee``).
"""

from __future__ import annotations

from typing import Any, Final

REMEMBERED: Final = 256
_MOST_LEFT_OUT: Final = 64


class Recall:
    """States of tasks by the run that was opened, the newest ``REMEMBERED``, each to be had once.

    Where they turn out not to be so (children wait for the tasks of this board, say), fewer and
    fewer are given: after each that was not, twice as many are left out, up to 64.
    """

    def __init__(self) -> None:
        self._states: dict[int, dict[str, Any]] = {}
        self._left_out = self._to_leave_out = 0

    def keep(self, run_id: int, state: dict[str, Any]) -> None:
        """Remember the state that opening a run has left."""
        self._states[run_id] = state
        if len(self._states) > REMEMBERED:
            del self._states[next(iter(self._states))]

    def take(self, run_id: int) -> dict[str, Any] | None:
        """What is remembered, if it is worth trying."""
        state = self._states.pop(run_id, None)
        if state is None or not self._to_leave_out:
            return state
        self._to_leave_out -= 1
        return None

    def was_so(self, so: bool) -> None:
        """What was taken last turned out to be so, or not."""
        self._left_out = 0 if so else min(max(1, 2 * self._left_out), _MOST_LEFT_OUT)
        self._to_leave_out = self._left_out
