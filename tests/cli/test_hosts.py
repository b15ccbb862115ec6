"""Where a task runs, and which hosts start nothing and why: what a terminal says of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.machine import machine
from hermes_kanban.workers.process import identity_of
from tests.support.several_hosts import sit_at

on_a_server = pytest.mark.stores("postgres")


@pytest.fixture(autouse=True)
def _machine() -> Iterator[None]:
    yield
    machine.cache_clear()


def join(conn: kb.BoardConnection, host_id: str, name: str) -> None:
    """A host whose gateway was heard of just now."""
    host = kb.Host(host_id=host_id, name=name, gateway_pid=1, profiles=("writer",))
    kb.join_host(conn, host, host_id)


@on_a_server
def test_where_a_task_runs_is_said_where_several_hosts_are(
    cli: Any, board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn, task = board.conn, kb.create_task(board.conn, title="Paint", assignee="writer")
    sit_at("id-of-rack", monkeypatch)
    assert kb.claim_task(conn, task, identity=identity_of(os.getpid())) is not None
    join(conn, "id-of-rack", "rack")
    for words in (("show", task), ("runs", task), ("why", task), ("watch", "--once")):
        assert "rack" not in cli(*words).out, "nobody has to be told of the only one"
    sit_at("id-of-desk", monkeypatch)
    join(conn, "id-of-desk", "desk")
    for words in (("show", task), ("runs", task)):
        head, row = cli(*words).out.split("RUN ")[1].splitlines()[:2]
        assert (head.split()[2], row.split()[3]) == ("HOST", "rack")
    assert "works on it on host rack; see" in " ".join(cli("why", task).out.split())
    assert "host" in cli("watch", "--once").out
    assert " rack " in cli("watch", "--once").out
    for words in (("show", task), ("runs", task)):
        assert cli(*words, "--json").json["runs"][0]["host"] == "id-of-rack"
    assert cli("watch", "--json").json["workers"][0]["host"] == "id-of-rack"
    conn.execute("UPDATE hosts SET last_seen_at = 1 WHERE name = 'rack'")
    assert "rack, whose gateway is not heard of: it is given up" in " ".join(
        cli("why", task).out.split()
    )


@on_a_server
def test_an_event_of_a_host_names_it(cli: Any, board: Any) -> None:
    join(board.conn, "id-of-rack", "rack")
    assert cli("hosts", "drain", "rack", "--reason", "new disk").code == 0
    joined, drained = cli("events").out.splitlines()[-2:]
    assert joined.endswith("host_joined       board  system rack")
    assert drained.endswith("host_drained      board  person:ann rack: new disk")


def test_why_a_host_drains_is_said(cli: Any, board: Any) -> None:
    join(board.conn, machine().host, "desk")
    task = kb.create_task(board.conn, title="Paint", assignee="writer")
    assert cli("hosts", "drain", "desk", "--reason", "new disk").code == 0
    listed = cli("hosts", "list").out.splitlines()[-1]
    assert listed.startswith("desk drains, as person:ann asked for ")
    assert listed.endswith(": new disk")
    assert cli("hosts", "--json").json["hosts"][0]["drained_reason"] == "new disk"
    assert "desk drains, as person:ann asked for: new disk" in cli("why", task).out
    assert cli("hosts", "resume", "desk").code == 0
    assert "drains" not in cli("hosts", "list").out
    assert cli("hosts", "--json").json["hosts"][0]["drained_reason"] is None


@on_a_server
def test_hosts_of_one_name_are_told_apart_by_what_names_them(cli: Any, board: Any) -> None:
    for host_id in ("abcdef-one", "abcdex-two"):
        join(board.conn, host_id, "rack")
    join(board.conn, "id-of-desk", "desk")
    rows = [line.split("  ")[0] for line in cli("hosts", "list").out.splitlines()[1:]]
    assert rows == ["desk", "rack (abcdef)", "rack (abcdex)"]
    assert "one of these ids" in cli("hosts", "drain", "rack").err
    assert cli("hosts", "drain", "abcdex").code == 0
    assert cli("hosts", "list").out.splitlines()[3].split()[2] == "draining"
