"""The last words of the demonstration: what came out, where it lies, and what to type next."""

from __future__ import annotations

import shlex

from hermes_kanban import kernel as kb
from hermes_kanban.demo import plan
from hermes_kanban.demo.home import MEASURER, Home
from hermes_kanban.demo.news import Retry


def lines(conn: kb.BoardConnection, home: Home, retries: list[Retry], *, stays: bool) -> list[str]:
    """The whole ending; ``stays`` when the gateway goes on after it."""
    return [
        "",
        *_outcome(conn),
        *(f"retried  {retry.line()}" for retry in retries),
        "",
        *_places(conn, home),
        "",
        "In another terminal:" if stays else "Next:",
        *(f"  {command}" for command in [home.exports(), *_commands(conn, home, retries, stays)]),
        "",
        _last(home, stays),
    ]


def _outcome(conn: kb.BoardConnection) -> list[str]:
    tasks = plan.tasks(conn)
    if not tasks:
        return ["this board has no sample plan"]
    if left := len(plan.unfinished(conn)):
        count = f"{left} of the plan's {len(tasks)} tasks are left"
        return [f"NOT finished: {count}", *plan.obstacles(conn)]
    return [f"finished  all {len(tasks)} tasks of the plan are done"]


def _places(conn: kb.BoardConnection, home: Home) -> list[str]:
    runs = home.shown(conn.paths.runs)
    report = [f"report   {home.shown(home.report)}"] if home.report.exists() else []
    return [
        *report,
        f"board    {home.shown(conn.paths.database)}",
        f"logs     {home.shown(home.gateway_log)}, of each worker {runs}/RUN/log",
    ]


def _commands(conn: kb.BoardConnection, home: Home, retries: list[Retry], stays: bool) -> list[str]:
    commands = ["hermes-kanban list", "hermes-kanban check --deep"]
    if retries:
        commands.insert(1, f"hermes-kanban runs {retries[0].task_id}")
    by_key = {task.idempotency_key: task for task in plan.tasks(conn)}
    if report := by_key.get(f"{plan.KEY}report"):
        commands.insert(1, f"hermes-kanban context {report.id}")
    inventory = by_key.get(f"{plan.KEY}inventory")
    if stays and inventory:
        commands.append("hermes-kanban watch")
        commands.append(
            f'hermes-kanban create "Measure again" --assignee {MEASURER}'
            f" --parent {inventory.id} --body 'package: gateway'"
        )
    return commands


def _last(home: Home, stays: bool) -> str:
    anew = f"rm -r {shlex.quote(home.shown(home.folder))}"
    if stays:
        return f"The gateway goes on until Ctrl-C. To begin anew after that: {anew}"
    return f"To see this board with the gateway up: make run. To begin anew: {anew}"
