"""Several boards in one database: what one does, no other waits for or hears of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from hermes_kanban import kernel as kb
from tests.support import stores
from tests.support.boards import ABoard
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")


def test_no_board_waits_for_another_or_hears_of_it(board: ABoard) -> None:
    kb.create_board("other")
    other, waiting = kb.connect("other", wait_seconds=0.2), kb.connect(wait_seconds=0.2)
    with psycopg.connect(stores.address(), autocommit=True) as listener:
        listener.execute("LISTEN kanban_default")
        with kb.batch(board.conn):
            board.create("held")
            kb.create_task(other, title="at once")
            with pytest.raises(kb.BoardBusy):
                kb.create_task(waiting, title="not while it is held")
            assert [one.channel for one in listener.notifies(timeout=0.2)] == []
        (heard,) = listener.notifies(timeout=30, stop_after=1)
    assert heard.channel == "kanban_default"
    assert [task.title for task in kb.list_tasks(other)] == ["at once"]
    assert [task.title for task in kb.list_tasks(board.conn)] == ["held"]
    other.close()
    waiting.close()


def test_two_gateways_serve_a_board_each_and_one_serves_both(
    gateways: Gateways, tmp_path: Path
) -> None:
    gateways.configure({"quick": shell("true")})
    boards = {"default": gateways.open()}
    kb.create_board("other")
    boards["other"] = kb.connect("other")
    for slug in boards:
        start(gateways, tmp_path / slug, slug)
    each = {slug: done(conn) for slug, conn in boards.items()}
    for process in gateways.processes:
        process.terminate()
    for process in gateways.processes:
        assert process.wait(30) == 0
    for slug in boards:
        log = (tmp_path / slug / "gateway.log").read_text()
        spawned = [json.loads(line) for line in log.splitlines() if "worker.spawned" in line]
        assert [(one["board"], one["task"]) for one in spawned] == [(slug, each[slug])]
    start(gateways, tmp_path / "both", "all")
    for conn in boards.values():
        done(conn)
        assert kb.check(conn) == []
    boards["other"].close()


def done(conn: kb.BoardConnection) -> str:
    """Create a task and wait until it is done."""
    task_id = kb.create_task(conn, title="now", assignee="quick")
    wait_until(lambda: kb.get_task(conn, task_id).status == "done", timeout=60)
    return task_id


def start(gateways: Gateways, home: Path, boards: str) -> None:
    home.mkdir()
    settings = (gateways.home / "config.yaml").read_text()
    served = "all" if boards == "all" else f"[{boards}]"
    (home / "config.yaml").write_text(settings.replace("kanban:", f"kanban:\n  boards: {served}"))
    with (home / "err").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway"],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            env=os.environ | {"HERMES_KANBAN_HOME": str(home)},
        )
    gateways.processes.append(process)
