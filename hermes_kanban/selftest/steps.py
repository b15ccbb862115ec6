"""Stage 2: a verb that is killed at any of its steps is wholly there or not at all."""

from __future__ import annotations

import os
from collections import Counter
from typing import Final

from hermes_kanban.selftest.findings import Broke
from hermes_kanban.selftest.talking import listen
from hermes_kanban.selftest.trial import Trial

ABOUT: Final = "each verb is killed between any two statements, before and after its commit"
NURSERIES_MOST: Final = 4
LAST_WORDS_BYTES: Final = 2000


def run(trial: Trial) -> None:
    """Let nurseries kill every verb at every step. Broke if one of them fails by itself."""
    shares = min(NURSERIES_MOST, os.cpu_count() or 1)
    errors = trial.place.home / "steps.err"
    nurseries = [
        trial.children.start(
            "hermes_kanban.selftest.nursery",
            trial.place.board(f"steps{share}"),
            str(share),
            str(shares),
            errors=errors,
            talks=True,
        )
        for share in range(shares)
    ]
    told: Counter[str] = Counter()
    for _, line in listen(nurseries, trial.tick):
        if text := line.get("doing"):
            trial.doing(text)
        elif text := line.get("broke"):
            trial.broke(text, line.get("board"))
        else:
            told.update(line.get("done", {}))
    if any(nursery.wait() for nursery in nurseries):
        said = errors.read_text("utf-8", "replace")[-LAST_WORDS_BYTES:].strip()
        raise Broke(f"the verbs could not all be tried: {said.splitlines()[-1:] or 'no reason'}")
    trial.count(**told)
    if trial.report.held:
        trial.held(
            f"{told['verbs']} verbs, {told['kills']} kills: each time the board was sound and the"
            " verb wholly there or not at all"
        )
        trial.held(f"each of the {told['acknowledged']} that had been acknowledged was there")
