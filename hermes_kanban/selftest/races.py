"""Stage 3: processes that want the same tasks get each of them once."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections import Counter
from typing import Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban.selftest.findings import Broke, many
from hermes_kanban.selftest.talking import listen
from hermes_kanban.selftest.trial import Trial

ABOUT: Final = "many processes claim the same tasks"
PROCESSES_LEAST, PROCESSES_MOST = 8, 16
TASKS_EACH: Final = 20


def run(trial: Trial) -> None:
    """One race, judged by what the racers say and by the board."""
    slug = trial.place.board("races")
    racers = max(PROCESSES_LEAST, min(PROCESSES_MOST, 2 * (os.cpu_count() or 1)))
    kb.create_board(slug)
    with contextlib.closing(kb.connect(slug)) as conn, kb.batch(conn):
        tasks = [kb.create_task(conn, title=f"{n}") for n in range(racers * TASKS_EACH)]
    began, results = _race(trial, slug, racers)
    seconds = time.monotonic() - began
    _judge_words(trial, slug, tasks, results)
    _judge_board(trial, slug, tasks)
    longest = max(one["longest"] for one in results)
    lost = sum(one["lost"] for one in results)
    trial.count(
        processes=racers, tasks=len(tasks), lost_claims=lost, seconds=seconds, longest_wait=longest
    )
    trial.held(
        f"{racers} processes, {len(tasks)} tasks: each was claimed once and completed once;"
        f" {lost} claims came too late and were told so"
    )
    trial.held(f'nobody met "database is locked"; the longest wait was {longest * 1000:.0f} ms')


def _race(trial: Trial, slug: str, count: int) -> tuple[float, list[dict[str, Any]]]:
    errors = {}
    for number in range(count):
        file = trial.place.home / f"racer-{number}.err"
        racer = trial.children.start("hermes_kanban.selftest.racer", slug, errors=file, talks=True)
        errors[racer] = file
    ready, began, results = 0, 0.0, []
    for _, line in listen(list(errors), trial.tick):
        if "ready" in line:
            ready += 1
            trial.doing(f"{ready} of {count} processes are ready")
            if ready == count:
                began = time.monotonic()
                _start(list(errors))
        else:
            results.append(line)
    for racer, file in errors.items():
        if racer.wait() != 0:
            said = file.read_text("utf-8", "replace").strip().splitlines()
            raise Broke(f"a process of the race failed: {said[-1] if said else 'no reason'}", slug)
    return began, results


def _start(racers: list[subprocess.Popen[str]]) -> None:
    for racer in racers:
        # One that has died already is found out at the end.
        with contextlib.suppress(BrokenPipeError):
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()


def _judge_words(trial: Trial, slug: str, tasks: list[str], results: list[dict[str, Any]]) -> None:
    claims = Counter(task for one in results for task in one["claimed"])
    twice = [task for task, times in claims.items() if times > 1]
    if twice:
        raise Broke(f"{many(len(twice), 'task')} claimed twice, {twice[0]} among them", slug)
    if claims.keys() != set(tasks):
        missing = len(set(tasks) - claims.keys())
        raise Broke(f"{many(missing, 'ready task')} claimed by nobody", slug)


def _judge_board(trial: Trial, slug: str, tasks: list[str]) -> None:
    with contextlib.closing(kb.connect(slug)) as conn:
        trial.judge_board(conn, slug)
        done = kb.list_tasks(conn, status="done", limit=len(tasks))
        runs = Counter(run.outcome for task in done for run in kb.list_runs(conn, task.id))
    if len(done) != len(tasks) or runs != {"completed": len(tasks)}:
        raise Broke(f"{len(done)} of {len(tasks)} tasks are done, by runs {dict(runs)}", slug)
