"""Workers that nobody starts: ``ready --claim`` and ``complete --claim-next``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.cli.conftest import Cli

PAGE = Path(__file__).parents[2] / "docs" / "own-workers.md"
PROGRAMS = Path(sys.executable).parent


def _take(cli: Cli, *more: str) -> Any:
    done = cli("ready", "--claim", "--assignee", "bee", "--json", *more)
    assert done.code == 0, done.err
    return done.json


def _proof(answer: Any) -> list[str]:
    return ["--run", str(answer["run"]["id"]), "--lock", answer["run"]["claim_lock"]]


def test_a_task_is_taken_and_the_answer_says_how_to_go_on(cli: Cli, board: Any) -> None:
    task = board.task(assignee="bee")
    answer = _take(cli, "--ttl", "5m", "--claimer", "bee-1")
    assert answer["task"]["id"] == answer["run"]["task_id"] == task
    assert answer["run"]["lease_seconds"] in range(298, 301)
    assert kb.get_run(board.conn, answer["run"]["id"]).claimer == "bee-1"
    none = cli("ready", "--claim", "--assignee", "bee", "--json")
    assert none.code == 3
    assert (none.json["task"], none.json["run"]) == (None, None)


def test_the_commands_that_it_prints_are_those_that_go_on(cli: Cli, board: Any) -> None:
    task = board.task(assignee="bee")
    printed = cli("ready", "--claim").out.replace("\\\n", " ")
    commands = [one.split()[1:] for one in re.findall(r"hermes-kanban .*", printed)]
    assert [one[0] for one in commands] == ["context", "heartbeat", "complete", "block"]
    for words in commands[:3]:
        assert cli(*words).code == 0, words
    assert board.status(task) == "done"


def test_one_is_handed_in_and_the_next_is_taken(cli: Cli, board: Any) -> None:
    first, second = board.task(assignee="bee"), board.task(assignee="bee")
    board.task(assignee="ant", priority=9)
    taken = _take(cli, "--claimer", "bee-1")
    words = ["complete", first, "--summary", "done", "--claim-next", "--json"]
    done = cli(*words, *_proof(taken), "--ttl", "90s")
    assert done.code == 0, done.err
    assert done.json["task"]["status"] == "done"
    assert done.json["next"]["id"] == done.json["run"]["task_id"] == second
    assert done.json["run"]["lease_seconds"] in range(88, 91)
    assert kb.get_run(board.conn, done.json["run"]["id"]).claimer == "bee-1"
    last = cli("complete", second, "--claim-next", "--json", *_proof(done.json))
    assert last.code == 0
    assert (last.json["next"], last.json["run"]) == (None, None)


def test_a_late_hand_over_is_refused_kept_and_takes_nothing(cli: Cli, board: Any) -> None:
    task = board.task(assignee="bee")
    taken = _take(cli)
    kb.reclaim_task(board.conn, task)
    kb.block_task(board.conn, task, reason="look first")
    board.task(assignee="bee")
    done = cli("complete", task, "--result", "late", "--claim-next", *_proof(taken))
    assert done.code == 4
    assert "refused" in done.error
    [fenced] = [one for one in kb.list_events(board.conn, task) if one.kind == "fenced"]
    assert "late" in json.dumps(fenced.payload)
    assert len(kb.ready_tasks(board.conn, assignees=["bee"])) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("complete", "t_abc234", "--claim-next"),
        ("complete", "t_abc234", "t_def567", "--claim-next", "--run", "1", "--lock", "x"),
        ("complete", "t_abc234", "--ttl", "5m"),
        ("ready", "--ttl", "5m"),
    ],
)
def test_what_belongs_together_is_asked_for(cli: Cli, board: Any, words: tuple[str, ...]) -> None:
    done = cli(*words)
    assert done.code == 2
    assert "--" in done.error


def test_the_worker_of_a_gateway_takes_no_other_task(cli: Cli, board: Any, worker: kb.Task) -> None:
    board.task(assignee="bee")
    done = cli("complete", "--claim-next")
    assert done.code == 2
    assert board.status(worker.id) == "running"


def test_of_processes_that_ask_at_once_each_gets_another(cli: Cli, board: Any) -> None:
    tasks = {board.task(assignee="bee") for _ in range(3)}
    words = [str(PROGRAMS / "hermes-kanban"), "ready", "--claim", "--json"]
    asked = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(5)]
    told = [json.loads(one.communicate(timeout=120)[0]) for one in asked]
    assert sorted(one.returncode for one in asked) == [0, 0, 0, 3, 3]
    assert {one["task"]["id"] for one in told if one["task"]} == tasks


def test_the_worker_of_the_page_does_its_tasks(tmp_path: Path, board: Any) -> None:
    tasks = [board.task(title, assignee="bee") for title in ("Count", "Fail", "Write")]
    other = board.task("Other")
    agent = tmp_path / "your-agent"
    agent.write_text(
        '#!/bin/sh\nif grep -q "Fail"; then echo "no key"; exit 1; fi\necho "did it"\n'
    )
    agent.chmod(0o755)
    [script] = re.findall(r"```sh title=.*?\n(.*?)```", PAGE.read_text(), re.DOTALL)
    script = script.replace("sleep 60", "sleep 1")
    path = f"{tmp_path}:{PROGRAMS}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-u", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert [board.status(task) for task in tasks] == ["done", "blocked", "done"]
    assert board.status(other) == "ready"
    assert [run.summary for run in kb.list_runs(board.conn, tasks[0])] == ["did it\n"]
    assert kb.check(board.conn) == []
