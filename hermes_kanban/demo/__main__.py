"""``python -m hermes_kanban.demo``: the main job of this repository, on its own source."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban.demo.mishap import Mishap
from hermes_kanban.demo.plan import configuration, file_plan, source_root
from hermes_kanban.demo.screen import Screen
from hermes_kanban.demo.service import Gateway

TICK_SECONDS: Final = 0.02
DRAW_SECONDS: Final = 0.2
OPEN: Final = ("todo", "ready", "running", "review")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--exit-when-idle", is_flag=True, help="End when the plan is done.")
@click.option("--home", type=click.Path(path_type=Path), help="Default: .board in the checkout.")
def main(exit_when_idle: bool, home: Path | None) -> None:
    """Let real workers measure this source tree; one of them is killed and retried."""
    home = (home or source_root() / ".board").absolute()
    try:
        sys.exit(run(home, exit_when_idle))
    except (kb.KanbanError, OSError) as error:
        sys.exit(f"demo: {error}")


def run(home: Path, exit_when_idle: bool) -> int:
    """Run the plan on the board of ``home``; 0 when every task of it is done."""
    conn = _embedded_board(home)
    gateway = Gateway(home, conn.paths.health)
    screen = Screen(conn)
    try:
        own = gateway.start()
        screen.say("the gateway dispatches" if own else "a gateway is running already: attached")
        mishap = _file_if_empty(conn, home, screen)
        _follow(conn, screen, mishap)
        code = _conclude(conn, home, mishap)
        if not exit_when_idle:
            print("\nThe gateway stays up; Ctrl-C ends it.", flush=True)
            _wait_for_ever()
    except KeyboardInterrupt:
        code = 130
        screen.close()
        print("\nstopping the gateway; workers go on, the next run adopts them", flush=True)
    finally:
        screen.close()
        gateway.stop()
        conn.close()
    return code


def _embedded_board(home: Path) -> kb.BoardConnection:
    for name in ("HERMES_KANBAN_DB", "HERMES_KANBAN_BOARD"):
        os.environ.pop(name, None)
    os.environ["HERMES_KANBAN_HOME"] = str(home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = home / "config.yaml"
    if not config.exists():
        config.write_text(configuration(), "utf-8")
    return kb.connect()


def _file_if_empty(conn: kb.BoardConnection, home: Path, screen: Screen) -> Mishap | None:
    if kb.newest_event_id(conn):
        screen.say("the board has tasks already; none are filed")
        return None
    measuring = file_plan(conn, home / "report.md")
    screen.say(f"filed {len(measuring) + 2} tasks over {source_root()}")
    return Mishap(conn, measuring)


def _follow(conn: kb.BoardConnection, screen: Screen, mishap: Mishap | None) -> None:
    """Show the board until nothing is open or running; let the mishap happen on the way."""
    screen.open()
    drawn = 0.0
    while kb.list_tasks(conn, status=OPEN, limit=1):
        if mishap is not None and mishap.strike() and mishap.killed is not None:
            run = mishap.killed
            screen.say(
                f"killed process {run.worker_pid} of {run.task_id} in the middle of its work"
            )
        if time.monotonic() - drawn >= DRAW_SECONDS:
            screen.show()
            drawn = time.monotonic()
        time.sleep(TICK_SECONDS)
    screen.show()
    screen.close()


def _conclude(conn: kb.BoardConnection, home: Path, mishap: Mishap | None) -> int:
    """Say how it ended, where things lie and what to type next."""
    undone = kb.list_tasks(conn, status=("triage", "blocked"), limit=20)
    for task in undone:
        print(f"{task.id} is {task.status}: {task.block_reason or task.title}")
    if mishap is not None:
        print(f"\n{_what_became_of(conn, mishap)}")
    shell = f"HERMES_KANBAN_HOME={home} {Path(sys.executable).with_name('hermes-kanban')}"
    print(
        f"\nreport  {home / 'report.md'}"
        f"\nboard   {conn.paths.database}"
        f"\nlogs    {conn.paths.runs} (workers), {home / 'gateway.log'} (gateway)"
        f"\n\nNext:\n  {shell} list --all\n  {shell} events\n  {shell} check --deep",
        flush=True,
    )
    missed = mishap is not None and mishap.killed is None
    return 1 if undone or missed else 0


def _what_became_of(conn: kb.BoardConnection, mishap: Mishap) -> str:
    if mishap.killed is None:
        return "no worker could be caught at work, so none was killed"
    runs = kb.list_runs(conn, mishap.killed.task_id)
    story = ", then ".join(f"run {run.id} {run.outcome or 'running'}" for run in runs)
    return f"The killed task {mishap.killed.task_id}: {story}."


def _wait_for_ever() -> None:
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
