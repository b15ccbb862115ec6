"""Stage 4: gateways, supervisors and agents are killed while they work."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from typing import Final

from hermes_kanban import kernel as kb
from hermes_kanban.selftest.findings import Broke, many
from hermes_kanban.selftest.moments import MOMENTS
from hermes_kanban.selftest.place import WORKER
from hermes_kanban.selftest.scene import Scene
from hermes_kanban.selftest.trial import Trial

ABOUT: Final = "gateways, supervisors and agents are killed while they work"
KILLS: Final = {"gateway": 5, "supervisor": 8, "agent": 8}
BUSY: Final = 6
DEATH_SECONDS: Final = 60.0
# The moment of death is what is random.
PAUSE_SECONDS: Final = 0.12


def run(trial: Trial) -> None:
    """Kill at every known moment, then at random moments; then let all be done and judge."""
    with contextlib.closing(Scene(trial, "workers")) as scene:
        _at_every_moment(scene)
        _at_random(scene)
        scene.settle()
        scene.stop_gateways()
        _judge(scene)


def _at_every_moment(scene: Scene) -> None:
    """A gateway that dies at that very moment, one after the other, and always work to do."""
    for name, about in MOMENTS.items():
        scene.trial.doing(f"a gateway dies {about}")
        with kb.batch(scene.conn):
            first = kb.create_task(scene.conn, title=name, assignee=WORKER)
            kb.create_task(scene.conn, title="and then", assignee=WORKER, parents=[first])
        doomed = scene.trial.children.start(
            "hermes_kanban.selftest.doomed",
            name,
            scene.slug,
            errors=scene.trial.place.home / "gateway.err",
        )
        _wait_for_death(scene, doomed, about)
        scene.kills["gateway"] += 1


def _wait_for_death(scene: Scene, doomed: subprocess.Popen[str], about: str) -> None:
    trial = scene.trial
    what = f"a gateway that was to die {about} did not come to that"
    trial.until(lambda: doomed.poll() is not None, what, scene.slug, DEATH_SECONDS)
    if doomed.returncode != -signal.SIGKILL:
        code = doomed.returncode
        raise Broke(f"a gateway ended with {code} instead of dying {about}", scene.slug)


def _at_random(scene: Scene) -> None:
    trial, chance = scene.trial, scene.trial.chance
    kinds = [kind for kind, times in KILLS.items() for _ in range(times)]
    chance.shuffle(kinds)
    gateway = scene.start_gateway()
    for number, kind in enumerate(kinds):
        _keep_busy(scene)
        trial.doing(f"kill {number + 1} of {len(kinds)}: {kind}")
        if kind == "gateway":
            scene.kill_gateway(gateway)
            gateway = scene.start_gateway()
        else:
            trial.until(lambda: _strike(scene, kind), f"no {kind} came to work", scene.slug)  # noqa: B023
        trial.rest(chance.uniform(0, PAUSE_SECONDS))


def _strike(scene: Scene, kind: str) -> int:
    _keep_busy(scene)
    return scene.strike(kind, scene.trial.chance)


def _keep_busy(scene: Scene) -> None:
    """There is always work, and some of it waits for other work."""
    if scene.unfinished() < BUSY:
        with kb.batch(scene.conn):
            first = kb.create_task(scene.conn, title="first", assignee=WORKER)
            for title in ("second", "third"):
                kb.create_task(scene.conn, title=title, assignee=WORKER, parents=[first])


def _judge(scene: Scene) -> None:
    trial, conn = scene.trial, scene.conn
    scene.judge_leftovers()
    tasks = kb.list_tasks(conn, limit=1_000)
    undone = [task.id for task in tasks if task.status != "done"]
    if undone:
        raise Broke(
            f"{many(len(undone), 'task')} not done in the end, {undone[0]} among them", scene.slug
        )
    scene.judge_witness()
    again = scene.judge_notices()
    trial.judge_board(conn, scene.slug)
    runs = sum(len(kb.list_runs(conn, task.id)) for task in tasks)
    kills = dict(scene.kills)
    trial.count(tasks=len(tasks), runs=runs, kills=kills, notices_repeated=again)
    killed = ", ".join(many(count, kind) for kind, count in sorted(kills.items()))
    trial.held(
        f"{len(MOMENTS)} gateways died between claim, start, registration, go, exit and notice, and"
        f" more at random; killed in all: {killed}"
    )
    trial.held(
        f"all {len(tasks)} tasks ended done, in {runs} runs; none was ever at work twice at once,"
        " children of agents included"
    )
    trial.held("no process is left over")
    trial.held(f"every notice arrived, {again} of them again, each with one key")
