"""A real gateway holds a task back whose agent would not find a skill, and says so."""

from __future__ import annotations

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways
from tests.support.waiting import wait_until


def test_a_task_waits_until_its_skill_is_installed(gateways: Gateways) -> None:
    home = gateways.home / "agent"
    program = home / ".local" / "bin" / "claude"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    path = f"{program.parent}:/usr/bin:/bin"
    gateways.configure(
        {"coder": {"runtime": "claude", "env": {"HOME": str(home), "PATH": path}}},
        dispatch_interval_seconds=1,
        stuck_ticks=2,
    )
    conn = gateways.open()
    task = kb.create_task(conn, title="Draw", assignee="coder", skills=["maps"])
    free = kb.create_task(conn, title="Write", assignee="coder")
    gateways.start()

    wait_until(
        lambda: (
            (found := gateways.health()) is not None and found.stuck.get("unknown_skill") == [task]
        ),
        message=f"it is not stuck: {gateways.story(task)}",
    )
    assert kb.latest_run(conn, task) is None
    assert kb.latest_run(conn, free) is not None

    skill = home / ".claude" / "skills" / "maps"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: maps\ndescription: Draws maps.\n---\n")
    wait_until(
        lambda: kb.latest_run(conn, task) is not None,
        message=f"it does not start: {gateways.health()}",
    )
