"""Three hosts, one PostgreSQL: whatever befalls them, nothing is done twice or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.judge import judge
from tests.hosts.team import team
from tests.hosts.torment import Torment

# Shorter than what an agent of a long task takes: who is away for that long has lost its work.
LEASE: dict[str, float] = {"lease_seconds": 3, "host_margin_seconds": 1, "max_in_progress": 1}


def test_work_goes_on_elsewhere_whatever_befalls_a_host(tmp_path: Path) -> None:
    with team(tmp_path, tls=True, **LEASE) as crew:
        ash, oak, elm = crew.members
        crew.file_long(3)
        crew.file(4)
        crew.wait_for(lambda: all(crew.at_work(member) for member in crew.members))
        cut_off, frozen = crew.at_work(ash), crew.at_work(oak)
        ash.host.cut_off()
        oak.host.freeze()
        crew.wait_for(lambda: crew.ended(cut_off + frozen))
        ash.host.connect()
        oak.host.thaw()
        crew.database.kill()
        oak.kill_gateway()
        elm.host.set_clock(900)
        crew.database.start()
        oak.start()
        crew.file_long(3)
        lost = crew.wait_for(lambda: crew.at_work(elm))
        elm.crash()
        crew.wait_for(lambda: crew.ended(lost))
        elm.boot()
        crew.wait_for_all()
        assert [member.ends for member in crew.members] == [[], [], []]
        figures = judge(crew)
    assert figures["runs reclaimed"] >= 3, figures


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_faults(tmp_path: Path, seed: int) -> None:
    with team(tmp_path) as crew:
        torment = Torment(crew, seed)
        torment.run(100)
        crew.wait_for_all()
        figures = judge(crew)
    print(f"\nfaults: {dict(torment.counts)}\nfound: {dict(figures)}")
