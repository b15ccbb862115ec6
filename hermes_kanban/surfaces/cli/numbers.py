"""``stats`` and ``assignees``: the board in numbers."""

from __future__ import annotations

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.model.words import STATUSES
from hermes_kanban.surfaces.cli.session import Session, command

_OPEN = tuple(status for status in STATUSES if status not in ("done", "archived"))


@command("stats", examples="hermes-kanban stats --json")
def stats_command(session: Session) -> None:
    """Show the board in numbers.

    Tasks by status, what runs, and how the runs of the last day ended.
    """
    from hermes_kanban.kernel.hosts import names_of_hosts
    from hermes_kanban.workers.workspace import quarantined

    found = kb.stats(session.conn)
    oldest = found.oldest_ready_seconds
    lines = [f"{status:<10}{found.tasks[status]:>7}" for status in STATUSES]
    lines += ["", f"in progress {found.in_progress}"]
    if oldest is not None:
        lines.append(f"oldest ready task {present.duration(oldest)}")
    if found.outcomes_last_day:
        ended = ", ".join(f"{count} {kind}" for kind, count in found.outcomes_last_day.items())
        lines.append(f"last day: {ended}")
    kept = [str(path) for path in quarantined(session.conn.paths)]
    if kept:
        here = " on this host" if names_of_hosts(session.conn) else ""
        lines += ["", f"worktrees in quarantine{here}, with work that is nowhere else:"]
        lines += [f"  {path}" for path in kept]
    session.answer("stats", found, lines, quarantined=kept)


@command("assignees", examples="hermes-kanban assignees")
def assignees_command(session: Session) -> None:
    """Count open tasks by assignee, and say which has no profile."""
    found = kb.assignees(session.conn)
    profiles = session.conn.config.profiles
    rows = [
        (
            assignee,
            *(str(counts.get(status, 0) or "") for status in _OPEN),
            "" if assignee in profiles or assignee == "-" else "no such profile",
        )
        for assignee, counts in found.items()
    ]
    value = [
        {"assignee": None if name == "-" else name, "tasks": counts, "profile": name in profiles}
        for name, counts in found.items()
    ]
    headers = ("ASSIGNEE", *(status.upper() for status in _OPEN), "NOTE")
    lines = present.table(headers, rows, width=session.width, colour=session.colour)
    session.answer("assignees", value, lines if rows else ["no open tasks"])
