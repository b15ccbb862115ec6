"""What people are told of the board's places where several hosts share it."""

from __future__ import annotations

import os

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.workers.process import identity_of
from tests.verbs.conftest import Verbs


@pytest.mark.stores("postgres")
def test_what_goes_on_where_no_gateway_is_takes_no_place_of_the_others(verbs: Verbs) -> None:
    conn, me = verbs.conn, identity_of(os.getpid())
    assert me is not None
    for name, pid in (("desk", 1), ("rack", None)):
        host = kb.Host(host_id=name, name=name, gateway_pid=pid, max_in_progress=2)
        kb.join_host(conn, host, name)
    for name in ("desk", "rack", "rack"):
        identity = msgspec.structs.replace(me, host=name)
        assert kb.claim_task(conn, verbs.task("coder"), identity=identity) is not None
    found = verbs.person("health")
    assert (found.in_progress, found.max_in_progress) == (3, 4), "desk has a place left"
    assert (found.caps[0].taken, found.caps[0].most) == (3, 4)
