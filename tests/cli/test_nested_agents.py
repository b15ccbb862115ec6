"""Commands inside real workers: the run's agent may write, an agent that it started may not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile
from hermes_kanban.paths import board_paths
from hermes_kanban.workers import lineage
from hermes_kanban.workers.spawn import Spawner
from tests.support import stores
from tests.support.actors import SHELL, Actor, Stage
from tests.workers.conftest import Rig, Worker

PROGRAM = str(Path(sys.executable).with_name("hermes-kanban"))


class Scene:
    """A running task whose worker is a real process under a real supervisor."""

    def __init__(self, board: Any, rig: Rig, stage: Stage) -> None:
        self.board, self.rig, self.stage = board, rig, stage
        self.task = board.claimed()
        self.run_dir = board_paths().run_dir(self.task.current_run_id)

    def agent(self, name: str, *through: str) -> Actor:
        """Start the task's agent."""
        actor = self.stage.actor()
        argv = (*through, self.stage.program(name), "-p", "work")
        run = kb.latest_run(self.board.conn, self.task.id)
        assert run is not None
        spawned = Spawner(
            paths=board_paths(),
            board=kb.list_boards()[0][1],
            profiles={"writer": Profile(argv=argv, env=self.stage.environment(actor))},
            prompt_for=lambda task, run: "work",
            database=stores.address(),
        )(self.task, run)
        ref = self.rig.reference(spawned, run, self.run_dir)
        self.rig.workers.append(Worker(self.rig, spawned, ref))
        spawned.go()
        assert actor.pid
        return actor

    @property
    def status(self) -> str:
        return str(self.board.status(self.task.id))


@pytest.fixture
def scene(board: Any, rig: Rig, tmp_path: Path) -> Iterator[Scene]:
    stage = Stage(tmp_path / "stage")
    yield Scene(board, rig, stage)
    rig.clean_up()
    stage.close()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "rig")


def test_the_runs_own_agent_finishes_its_task(scene: Scene) -> None:
    claude = scene.agent("claude")
    assert claude.call(PROGRAM, "comment", "half done").code == 0
    done = claude.call(PROGRAM, "complete", "--summary", "written")
    assert done.code == 0, done.err
    assert scene.status == "done"


@pytest.mark.parametrize(
    "words",
    [
        ["complete", "--summary", "mine"],
        ["block", "which one?"],
        ["heartbeat"],
        ["comment", "hello"],
        ["request-review"],
        ["create", "Another"],
        ["edit", "OTHER", "--title", "x"],
        ["claim", "OTHER"],
    ],
    ids=lambda words: words[0],
)
def test_a_nested_agent_may_not_write(scene: Scene, words: list[str]) -> None:
    other = scene.board.task()
    codex = scene.agent("claude").shell("codex", "exec", "help")
    before = scene.board.events()
    done = codex.call(PROGRAM, *[other if word == "OTHER" else word for word in words])
    assert done.code == 4
    assert len(done.err.splitlines()) == 1
    assert done.err.endswith(
        f"this process belongs to a nested agent (codex, pid {codex.pid}) and may"
        f" only read; only the agent of run {scene.task.current_run_id} may act on"
        f" {scene.task.id}; use --as-person only if you are a person\n"
    )
    assert scene.board.events() == before


def test_a_nested_agent_may_read_and_takes_nothing_by_it(scene: Scene) -> None:
    claude = scene.agent("claude")
    codex = claude.shell("codex")
    for verb in ("show", "context", "list", "why", "runs"):
        assert codex.call(PROGRAM, verb).code == 0
    assert not lineage.reached_board(scene.run_dir)
    assert claude.call(PROGRAM, "complete").code == 0


def test_run_and_lock_given_by_hand_are_no_way_round(scene: Scene) -> None:
    codex = scene.agent("claude").shell("codex")
    proof = ["--run", str(scene.task.current_run_id), "--lock", str(scene.task.claim_lock)]
    assert codex.call(PROGRAM, "complete", scene.task.id, *proof).code == 4
    assert scene.status == "running"


def test_no_agent_in_a_run_passes_for_a_person(scene: Scene) -> None:
    claude = scene.agent("claude")
    codex = claude.shell("codex")
    for agent in (codex, claude):
        done = agent.call(PROGRAM, "complete", scene.task.id, "--as-person")
        assert done.code == 4
        assert "is no person" in done.err
        assert len(done.err.splitlines()) == 1
    assert scene.status == "running"


def test_a_plain_script_in_a_run_may_act_as_the_person_who_wrote_it(scene: Scene) -> None:
    script = scene.agent("job.py", *SHELL)
    other = scene.board.task()
    assert script.call(PROGRAM, "complete", other, "--as-person").code == 0
    assert script.call(PROGRAM, "complete").code == 0
    assert scene.status == "done"


def test_a_command_that_only_reads_tells_that_the_run_reached_the_board(scene: Scene) -> None:
    claude = scene.agent("claude")
    assert not lineage.reached_board(scene.run_dir)
    assert claude.call(PROGRAM, "show").code == 0
    assert lineage.reached_board(scene.run_dir)


def test_the_run_is_found_where_the_environment_does_not_tell_the_board(scene: Scene) -> None:
    codex = scene.agent("claude").shell("codex")
    home = ("/usr/bin/env", "-u", "HERMES_KANBAN_DB", f"HERMES_KANBAN_HOME={scene.stage.folder}")
    assert codex.call(*home, PROGRAM, "create", "x").code == 4


# What an agent may do by commands is what it may do by its tools


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create", "more work"], "may not create"),
        (["approve", "OTHER"], "may not approve"),
        (["unblock", "OTHER"], "may not unblock"),
        (["cancel", "OTHER"], "may not cancel"),
        (["assign", "OTHER", "reader"], "may not assign"),
        (["comment", "OTHER", "hello"], "OTHER is not your task"),
        (["complete", "OTHER", "--summary", "mine"], "OTHER is not your task"),
        (["block", "OTHER", "which?"], "OTHER is not your task"),
        (["purge", "OTHER", "--yes"], "may not purge"),
        (["undo", "OTHER"], "may not undo"),
        (["pause"], "may not pause"),
        (["claim", "OTHER"], "may not claim"),
        (["board"], "may not board"),
        (["web", "--port", "0"], "may not web"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_agent_changes_no_more_by_commands(scene: Scene, words: list[str], told: str) -> None:
    other = scene.board.task()
    claude = scene.agent("claude")
    before = kb.newest_event_id(scene.board.conn)
    done = claude.call(PROGRAM, *(word.replace("OTHER", other) for word in words))
    assert (done.code, done.out) == (4, "")
    assert told.replace("OTHER", other) in done.err
    assert kb.newest_event_id(scene.board.conn) == before


def test_another_board_is_out_of_its_reach(scene: Scene) -> None:
    assert kb.create_board("elsewhere")
    conn = kb.connect("elsewhere")
    before = kb.newest_event_id(conn)
    claude = scene.agent("claude")
    done = claude.call(PROGRAM, "create", "far away", "--board", "elsewhere")
    assert done.code == 4
    assert "elsewhere is not that of your run" in done.err
    assert kb.newest_event_id(conn) == before
    conn.close()


def test_a_plain_script_is_as_free_as_its_author(scene: Scene) -> None:
    script = scene.agent("worker-script")
    done = script.call(PROGRAM, "create", "more work")
    assert done.code == 0, done.err
