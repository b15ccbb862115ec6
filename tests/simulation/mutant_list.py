"""Every rule that the simulation must miss when it is gone."""

from __future__ import annotations

from typing import Final

from tests.simulation.mutants_of_hosts import OF_HOSTS
from tests.simulation.mutants_of_runs import OF_RUNS
from tests.simulation.mutants_of_tasks import OF_TASKS

MUTANTS: Final = (*OF_RUNS, *OF_HOSTS, *OF_TASKS)
QUICK: Final = (
    "any lock will do",
    "breaker never opens",
    "promotion past open parents",
    "record settled before the commit",
    "marked before it is sent",
)
