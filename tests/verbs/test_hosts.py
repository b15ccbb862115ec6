"""What people are told of the board's places where several hosts share it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

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


@pytest.mark.stores("postgres")
def test_what_lies_on_another_host_is_not_taken_for_what_lies_here(
    verbs: Verbs, tmp_path: Path
) -> None:
    conn, me = verbs.conn, identity_of(os.getpid())
    assert me is not None
    repository = tmp_path / "site"
    for words in (("init", "-q", str(repository)), ("-C", str(repository), "commit", "-qm", "x")):
        named = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
        allowed = ("--allow-empty",) if "commit" in words else ()
        subprocess.run(["git", *named, *words, *allowed], check=True)
    (repository / "new.txt").write_text("new")
    (conn.paths.workspaces).mkdir(parents=True)
    told = {}
    for name in ("rack", me.host):
        for kind in ("scratch", f"dir:{repository}"):
            task = verbs.task("coder", workspace=kind)
            # An earlier attempt may have been here.
            (conn.paths.workspaces / task).mkdir()
            identity = msgspec.structs.replace(me, host=name)
            assert kb.claim_task(conn, task, identity=identity) is not None
            found = verbs.person("workspace", task_id=task)
            assert found.host == name
            shown = found.path and found.path.replace(task, "TASK")
            told[name, found.kind] = shown, found.present, [one.path for one in found.files]
            here = str(conn.paths.workspaces) in verbs.person("context", task_id=task).text
            assert here == (name == me.host and kind == "scratch")
    scratch = str(conn.paths.workspaces / "TASK")
    assert told == {
        ("rack", "scratch"): (None, False, []),
        ("rack", "dir"): (str(repository), False, []),
        (me.host, "scratch"): (scratch, True, []),
        (me.host, "dir"): (str(repository), True, ["new.txt"]),
    }
    waits = verbs.person("workspace", task_id=verbs.task("coder"))
    assert (waits.host, waits.path is None, waits.present) == (None, False, False)
