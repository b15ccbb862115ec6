"""Pages of rows that may be very long end where they have grown large, and lose none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import limits
from hermes_kanban.verbs.paging import PAGE_BYTES
from tests.verbs.conftest import Verbs

LARGEST = limits.BODY_BYTES + limits.RESULT_BYTES + 100_000


def of_tasks(verbs: Verbs) -> str:
    tasks = [verbs.task(body="b" * limits.BODY_BYTES) for _ in range(9)]
    for task in tasks:
        kb.complete_task(verbs.conn, task, result="r" * limits.RESULT_BYTES)
    return tasks[0]


def of_comments(verbs: Verbs) -> str:
    task = verbs.task()
    for number in range(60):
        kb.add_comment(verbs.conn, task, f"{number}" + "c" * (limits.COMMENT_BYTES - 10))
    return task


def of_runs(verbs: Verbs) -> str:
    task = verbs.task()
    for _ in range(30):
        claimed = kb.claim_task(verbs.conn, task)
        assert claimed is not None
        kb.reclaim_task(verbs.conn, task)
    verbs.conn.execute("UPDATE task_runs SET summary = :long", {"long": "s" * 100_000})
    return task


PAGED: dict[str, tuple[Callable[[Verbs], str], str, str]] = {
    "list": (of_tasks, "tasks", "seq"),
    "events": (of_tasks, "events", "id"),
    "past": (of_tasks, "tasks", "seq"),
    "comments": (of_comments, "comments", "id"),
    "runs": (of_runs, "runs", "id"),
}


@pytest.mark.parametrize("verb", PAGED)
def test_a_page_ends_where_it_is_large_and_the_next_goes_on(verbs: Verbs, verb: str) -> None:
    make, field, key = PAGED[verb]
    task = make(verbs)
    of_task = {"task_id": task} if verb in ("comments", "runs") else {}
    seen: list[int] = []
    sizes: list[int] = []
    after: int | None = 0
    while after is not None:
        found: Any = verbs.person(verb, after=after, limit=1000, **of_task)
        sizes.append(len(msgspec.json.encode(found)))
        seen += [getattr(one, key) for one in getattr(found, field)]
        after = found.after
    assert len(sizes) > 2
    assert max(sizes) <= max(PAGE_BYTES + 10_000, LARGEST)
    assert seen == sorted(set(seen))
    table = {"tasks": "tasks", "events": "task_events"}.get(field, f"task_{field}")
    assert verbs.conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == len(seen)


def test_a_task_says_where_its_thread_goes_on(verbs: Verbs) -> None:
    task = of_comments(verbs)
    shown = verbs.person("show", task_id=task)
    assert len(msgspec.json.encode(shown)) < PAGE_BYTES + 50_000
    rest = verbs.person("comments", task_id=task, after=shown.comments_after, limit=1000)
    found = [one.id for one in (*shown.comments, *rest.comments)]
    while rest.after is not None:
        rest = verbs.person("comments", task_id=task, after=rest.after, limit=1000)
        found += [one.id for one in rest.comments]
    assert found == [one.id for one in kb.list_comments(verbs.conn, task)]
    assert (shown.runs_after, shown.attachments_after) == (None, None)


def test_what_changed_is_told_up_to_a_size(verbs: Verbs) -> None:
    start = kb.newest_event_id(verbs.conn)
    task = of_tasks(verbs)
    found = verbs.person("diff", from_event=start)
    assert found.cut
    assert 0 < len(found.tasks) < 9
    assert len(msgspec.json.encode(found)) <= PAGE_BYTES + 10_000
    one = verbs.person("diff", from_event=start, task_id=task)
    assert ([change.id for change in one.tasks], one.cut) == ([task], False)
