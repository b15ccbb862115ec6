"""The short answer of verbs: which task, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli.session import Session, accepted

Verb = Callable[[str], bool | kb.Refused]
Then = Callable[[], tuple[Sequence[str], Mapping[str, Any]]]


def apply(session: Session, tasks: Sequence[str], verb: Verb, *, then: Then | None = None) -> None:
    """Call ``verb`` on each task, on all or on none, and tell what they are now.

    ``then`` is done afterwards, in a transaction of its own, and adds to the answer.
    """
    if len(tasks) == 1:
        changed = [_call(verb, tasks[0])]
    else:
        with kb.batch(session.conn):
            changed = [_call(verb, task_id) for task_id in tasks]
    tell(session, tasks, changed, *(([], {}) if then is None else then()))


def _call(verb: Verb, task_id: str) -> bool:
    with about(task_id):
        return accepted(verb(task_id))


@contextmanager
def about(task_id: str) -> Iterator[None]:
    """An error raised inside says which task it speaks of."""
    try:
        yield
    except kb.KanbanError as error:
        error.add_note(task_id)
        raise


def tell(
    session: Session,
    tasks: Sequence[str],
    changed: Sequence[bool],
    more_lines: Sequence[str] = (),
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """``t_abc234 done``, or ``unchanged`` where the verb found nothing to do."""
    found = [
        {"id": task_id, "status": kb.get_task(session.conn, task_id).status, "changed": change}
        for task_id, change in zip(tasks, changed, strict=True)
    ]
    lines = [
        _line(session, str(one["id"]), str(one["status"]), bool(one["changed"])) for one in found
    ]
    lines += more_lines
    if len(found) == 1:
        session.answer("task", found[0], lines, **more)
    else:
        session.answer("tasks", found, lines, **more)


def _line(session: Session, task_id: str, status: str, changed: bool) -> str:
    shown = present.paint(status, present.STATUS_COLOURS.get(status), session.colour)
    return f"{task_id} {shown}" if changed else f"{task_id} {shown} (unchanged)"
