"""Stage 5: a board's events alone tell what its rows are, and a backup brings all of it back."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban.selftest.findings import Broke, many
from hermes_kanban.selftest.trial import Trial

ABOUT: Final = "the boards of this test, told again from their events and from a backup"
_ROWS: Final = {
    "tasks": "SELECT * FROM tasks ORDER BY seq",
    "runs": "SELECT * FROM task_runs ORDER BY id",
    "links": "SELECT * FROM task_links ORDER BY parent_id, child_id",
}


def run(trial: Trial) -> None:
    """Replay every board that the stages before have left. Broke at the first that differs."""
    found = [slug for slug, _ in kb.list_boards()] or [_a_board(trial)]
    events = 0
    for slug in found:
        trial.doing(f"{slug}")
        with contextlib.closing(kb.connect(slug)) as conn:
            events += trial.judge_board(conn, slug)
            judge_replay(conn, slug)
    trial.count(boards=len(found), events=events)
    boards = many(len(found), "board")
    trial.held(f"{events} events of {boards}, replayed from nothing, give exactly the rows")
    trial.held("every invariant holds and every page of the files is sound")
    _there_and_back(trial, found[-1])


def _a_board(trial: Trial) -> str:
    """A few tasks of every kind, where no stage has left any."""
    slug = trial.place.board("history")
    kb.create_board(slug)
    with contextlib.closing(kb.connect(slug)) as conn:
        parent = kb.create_task(conn, title="first")
        kb.create_task(conn, title="second", parents=[parent])
        kb.block_task(conn, parent, reason="which one?")
        kb.unblock_task(conn, parent)
        kb.claim_task(conn, parent)
        kb.complete_task(conn, parent, result="42")
        kb.reopen_task(conn, parent)
        kb.archive_task(conn, parent)
    return slug


def judge_replay(conn: kb.BoardConnection, slug: str) -> None:
    """Broke unless the board's events, added up from nothing, give exactly its rows."""
    told = kb.replay(conn)
    for noun, sql in _ROWS.items():
        rows = [dict(row) for row in conn.execute(sql)]
        again: list[dict[str, Any]] = getattr(told, noun)
        if len(rows) != len(again):
            raise Broke(f"the events tell of {len(again)} {noun}, the rows are {len(rows)}", slug)
        for row, one in zip(rows, again, strict=True):
            wrong = [column for column, value in one.items() if row[column] != value]
            if wrong:
                name = row.get("id") or f"{row.get('parent_id')}→{row.get('child_id')}"
                text = f"of {noun} {name} the events tell another {', '.join(wrong)} than the row"
                raise Broke(text, slug)


def _there_and_back(trial: Trial, slug: str) -> None:
    """Back a board up, restore it where there is none, and over what it became meanwhile."""
    trial.doing(f"backup of {slug}")
    again = trial.place.board("restored")
    with contextlib.closing(kb.connect(slug)) as conn:
        file = kb.backup(conn, trial.place.home / "backup.db")
        before = _content(conn)
    kb.restore(file, again)
    _judge_restored(trial, again, before)
    with contextlib.closing(kb.connect(again)) as conn:
        for task in kb.list_tasks(conn, status="done", limit=5):
            kb.reopen_task(conn, task.id)
        kb.create_task(conn, title="of after the backup")
    kept = kb.restore(file, again).kept
    _judge_restored(trial, again, before)
    if kept is None or not Path(kept).is_file():
        raise Broke("restoring a backup kept no copy of what the board held before", again)
    trial.count(backup_bytes=file.stat().st_size)
    trial.held("a backup restored, into a new board and over a changed one, gives the same rows")


def _judge_restored(trial: Trial, slug: str, before: dict[str, list[tuple[Any, ...]]]) -> None:
    with contextlib.closing(kb.connect(slug)) as conn:
        after = _content(conn)
        wrong = [noun for noun, rows in before.items() if after[noun] != rows]
        if wrong:
            raise Broke(f"a restored backup has other {', '.join(wrong)} than the board had", slug)
        trial.judge_board(conn, slug)
        judge_replay(conn, slug)


def _content(conn: kb.BoardConnection) -> dict[str, list[tuple[Any, ...]]]:
    return {noun: [tuple(row) for row in conn.execute(sql)] for noun, sql in _ROWS.items()}
