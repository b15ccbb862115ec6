"""Three hosts, one PostgreSQL: whatever befalls them, nothing is done twice or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.judge import judge
from tests.hosts.team import LEASE_SECONDS, team
from tests.hosts.torment import Torment

# Shorter than what an agent of a long task takes: who is away for that long has lost its work.
LEASE: dict[str, float] = {"lease_seconds": 3, "host_margin_seconds": 1}


def test_work_goes_on_elsewhere_whatever_befalls_a_host(tmp_path: Path) -> None:
    with team(tmp_path, tls=True, caps=(1, 1, 4), **LEASE) as crew:
        ash, oak, elm = crew.members
        elm.kill_gateway()
        crew.file_long(2)
        crew.wait_for(lambda: crew.at_work(ash) and crew.at_work(oak))
        lost = crew.at_work(ash) + crew.at_work(oak)
        elm.start()
        ash.host.cut_off()
        oak.host.freeze()
        crew.wait_for(lambda: crew.taken_over(lost))
        ash.host.connect()
        oak.host.thaw()
        lost += crew.at_work(elm)
        elm.crash()
        crew.file(4)
        crew.file_for_gpu()
        crew.database.kill()
        oak.kill_gateway()
        ash.host.set_clock(900)
        crew.database.start()
        oak.start()
        crew.wait_for(lambda: crew.taken_over(lost))
        elm.boot()
        crew.wait_for_all()
        figures = judge(crew)
    assert len(lost) == 4, figures


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_faults(tmp_path: Path, seed: int) -> None:
    # With a lease that outlasts every fault, agents live on and are told what is kept.
    lease = LEASE_SECONDS if seed % 4 < 2 else 60
    with team(tmp_path, tls=seed % 2 == 1, lease_seconds=lease) as crew:
        torment = Torment(crew, seed)
        torment.run(100)
        crew.wait_for_all()
        figures = judge(crew)
    print(f"\nfaults: {dict(torment.counts)}\nfound: {dict(figures)}")
