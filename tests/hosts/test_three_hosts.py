"""Three hosts, one PostgreSQL: whatever befalls them, nothing is done twice or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.judge import judge
from tests.hosts.team import LEASE_SECONDS, MARGIN_SECONDS, Member, Team, team
from tests.hosts.torment import Torment
from tests.support.waiting import wait_until


def at_work(crew: Team, member: Member) -> list[int]:
    """The runs of the host whose agents work."""
    name = f"'{member.machine_id}'"
    rows = crew.ask_database(
        "SELECT id FROM task_runs WHERE ended_at IS NULL AND worker_pid IS NOT NULL"
        f" AND worker_host = {name}"
    )
    return [run for (run,) in rows]


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_faults(tmp_path: Path, seed: int) -> None:
    with team(tmp_path) as crew:
        torment = Torment(crew, seed)
        torment.run(100)
        crew.wait_for_all()
        figures = judge(crew)
    print(f"\nfaults: {dict(torment.counts)}\nfound: {dict(figures)}")


_ = (LEASE_SECONDS, MARGIN_SECONDS, wait_until)
