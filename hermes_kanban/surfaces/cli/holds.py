"""Why a task does not run, as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli.prose import sentence
from hermes_kanban.surfaces.cli.session import Session

_ENDS: Final = 5
_NEAREST: Final = 500


def hold_lines(session: Session, holds: Sequence[kb.Hold]) -> list[str]:
    """Each hold with its reason, its times, and what lifts it."""
    lines = []
    for hold in holds:
        code = session.paint(f"{hold.code}:", present.hold_colour(hold.code))
        told = sentence(session, hold.text, f"  {hold.code}: ")
        lines += [told[0].replace(f"{hold.code}:", code, 1), *told[1:]]
        for name, at in (("since", hold.since), ("until", hold.until)):
            if at is not None:
                when = present.moment_and_ago(at, session.now)
                lines.append(f"    {session.paint(f'{name:<9}', 'dim')}  {when}")
        lifted = sentence(session, hold.lifted_by, f"    {'lifted by':<9}  ")
        dimmed = session.paint("lifted by", "dim")
        lines += [lifted[0].replace("lifted by", dimmed, 1), *lifted[1:]]
    return lines


def end_lines(session: Session, task: kb.Task) -> list[str]:
    """Where a long wait ends: the open tasks at the top of what this one waits for.

    Empty where they are its own parents, which are named already.
    """
    if task.status != "todo":
        return []
    found = kb.tree(session.conn, task.id, limit=_NEAREST)
    nodes = {one.id: one for one in found.nodes}
    above: dict[str, list[str]] = {}
    for link in found.links:
        parent = nodes[link.parent_id]
        if link.released_at is None and parent.status != "done":
            above.setdefault(link.child_id, []).append(parent.id)
    seen, edge = {task.id}, [task.id]
    while edge:
        edge = [one for child in edge for one in above.get(child, ()) if one not in seen]
        edge = list(dict.fromkeys(edge))
        seen.update(edge)
    # One at the edge of what was looked at has parents that are not among them.
    ends = [one for one in seen - {task.id} if not nodes[one].open_parents]
    if not set(ends) - set(above.get(task.id, ())):
        return []
    shown = sorted(ends, key=lambda one: (-nodes[one].priority, nodes[one].created_at, one))
    lines = [task_line(session, one, nodes[one].status, nodes[one].title) for one in shown[:_ENDS]]
    left = len(shown) - _ENDS
    return ["", "In the end it waits for", *lines, *([f"  … {left} more"] if left > 0 else [])]


def task_line(session: Session, task_id: str, status: str, title: str, note: str = "") -> str:
    """Another task on one line: its id, status and title."""
    kept = present.shorten(present.clean(title), session.width - 22 - present.cells(note))
    shown = session.paint(f"{status:<8}", present.STATUS_COLOURS.get(status))
    return f"  {task_id}  {shown}  {kept}{note}".rstrip()
