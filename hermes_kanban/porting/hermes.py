"""A Hermes board: the SQLite file that installed versions of hermes-agent make (0.19 was seen).

Columns are read by name and missing ones are empty, since versions differ. The file is only read.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.foreign import (
    ForeignComment,
    ForeignFile,
    ForeignOutcome,
    ForeignRun,
    ForeignTask,
)
from hermes_kanban.porting.reading import AT_WORK, Choices, Reading, status_of

WANTED: Final = "the kanban.db of a Hermes home"
STATUSES: Final = {
    "triage": "triage",
    "todo": "ready",
    "ready": "ready",
    "running": "ready",
    "review": "review",
    "blocked": "blocked",
    "scheduled": "blocked",
    "done": "done",
    "archived": "archived",
}
OUTCOMES: Final[dict[str, ForeignOutcome]] = {
    "completed": "completed",
    "blocked": "blocked",
    "scheduled": "blocked",
    "review": "review",
    "crashed": "crashed",
    "failed": "crashed",
    "gave_up": "crashed",
    "timed_out": "timed_out",
    "spawn_failed": "spawn_failed",
    "rate_limited": "rate_limited",
    "reclaimed": "reclaimed",
    "released": "reclaimed",
}
_NEVER_ENDED: Final = 2**62
# Kept in the first event: the board has no column for them.
_REST: Final = (
    "project_id",
    "session_id",
    "goal_mode",
    "goal_max_turns",
    "workflow_template_id",
    "current_step_key",
    "last_failure_error",
    "block_recurrences",
)
_OURS: Final = 0x484B4231

Row = dict[str, Any]


def read(file: Path, choices: Choices) -> Reading:
    """The board's tasks, oldest first. Raises NotFound or InvalidInput."""
    notes: list[str] = []
    return Reading("hermes", _tasks(file, choices, notes), notes)


def _tasks(file: Path, choices: Choices, notes: list[str]) -> Iterator[ForeignTask]:
    with _opened(file) as conn:
        board = _Board(conn, file, choices.statuses)
        yield from board.tasks()
        if subscriptions := board.count("kanban_notify_subs"):
            notes.append(
                f"{subscriptions} subscriptions are not brought: chats are other ones here;"
                " see: hermes-kanban notify subscribe --help"
            )


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    if not file.exists():
        raise NotFound("file", file, f"give the path of {WANTED}")
    if not file.is_file():
        raise InvalidInput(str(file), WANTED, "is no file")
    # What a running gateway wrote last lies in the log; without one nothing is made beside it.
    log = file.with_name(file.name + "-wal")
    mode = "ro" if log.exists() and log.stat().st_size else "ro&immutable=1"
    conn = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None
    )
    try:
        conn.row_factory = lambda cursor, row: dict(
            zip([column[0] for column in cursor.description], row, strict=True)
        )
        conn.execute("BEGIN")
        _judge(conn, file)
        yield conn
    except sqlite3.Error as error:
        raise InvalidInput(str(file), WANTED, f"cannot be read ({error})") from None
    finally:
        conn.close()


def _judge(conn: sqlite3.Connection, file: Path) -> None:
    if _value(conn, "PRAGMA application_id") == _OURS:
        hint = "a board of another program; for ours: hermes-kanban restore, or import jsonl"
        raise InvalidInput(str(file), hint, "is a board of hermes-kanban")
    tables = {row["name"] for row in conn.execute("SELECT name FROM sqlite_master").fetchall()}
    if not {"tasks", "task_links", "task_comments"} <= tables:
        raise InvalidInput(str(file), WANTED, "is an SQLite file without the tables of a board")
    pages, size = (_value(conn, f"PRAGMA {name}") for name in ("page_count", "page_size"))
    log = file.with_name(file.name + "-wal")
    if os.stat(file).st_size < pages * size and not log.exists():
        raise InvalidInput(str(file), f"a whole copy of {WANTED}", "was cut off")
    found = _value(conn, "PRAGMA quick_check(1)")
    if found != "ok":
        raise InvalidInput(str(file), f"an intact {WANTED}", f"is damaged: {found}")


def _value(conn: sqlite3.Connection, sql: str) -> Any:
    (value,) = conn.execute(sql).fetchone().values()
    return value


class _Board:
    """The open file; rows that belong to one task are fetched with it."""

    def __init__(self, conn: sqlite3.Connection, file: Path, statuses: Mapping[str, str]) -> None:
        self._conn = conn
        self._file = file
        self._statuses = statuses
        tables = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        self._tables = {row["name"] for row in tables}
        assignees = conn.execute(
            "SELECT DISTINCT assignee FROM tasks WHERE assignee IS NOT NULL"
        ).fetchall()
        self._profiles = {row["assignee"] for row in assignees}

    def count(self, table: str) -> int:
        """How many rows a table has; none if it is not there."""
        if table not in self._tables:
            return 0
        found: int = _value(self._conn, f"SELECT count(*) FROM {table}")
        return found

    def tasks(self) -> Iterator[ForeignTask]:
        """Every task."""
        for row in self._conn.execute("SELECT * FROM tasks ORDER BY created_at, rowid"):
            yield self._task(row)

    def _of(self, table: str, task_id: str, order: str = "id") -> list[Row]:
        if table not in self._tables:
            return []
        sql = f"SELECT * FROM {table} WHERE task_id = ? ORDER BY {order}"
        return self._conn.execute(sql, (task_id,)).fetchall()

    def _task(self, row: Row) -> ForeignTask:
        task_id = row["id"]
        where = f"{self._file}, task {task_id},"
        was = str(row["status"])
        events = self._of("task_events", task_id)
        status = status_of(was, STATUSES, self._statuses, where)
        notes = []
        if was == "running":
            notes.append(AT_WORK)
        if was == "scheduled":
            notes.append("it was scheduled without a time: it is blocked here until unblocked")
        kind = row.get("block_kind")
        if status == "blocked" and kind not in (None, "needs_input", "capability"):
            notes.append(f"its block of the kind {kind} waits for a person, as it did there")
        parents = self._conn.execute(
            "SELECT parent_id FROM task_links WHERE child_id = ? ORDER BY parent_id", (task_id,)
        ).fetchall()
        tries = row.get("max_retries")
        return ForeignTask(
            id=task_id,
            title=str(row["title"]),
            status=status,
            was=was,
            body=row.get("body"),
            assignee=row.get("assignee"),
            tenant=row.get("tenant"),
            priority=int(row.get("priority") or 0),
            skills=self._skills(row, where),
            model=row.get("model_override"),
            workspace=_workspace(row),
            branch=row.get("branch_name"),
            idempotency_key=row.get("idempotency_key"),
            max_runtime_seconds=row.get("max_runtime_seconds"),
            # There it is the failure at which it stops, here how many failures are forgiven.
            max_retries=None if tries is None else max(0, int(tries) - 1),
            created_by=self._by(row.get("created_by") or "hermes"),
            created_at=row.get("created_at"),
            ended_at=_ended(row, events),
            completed=was == "archived" and row.get("completed_at") is not None,
            result=row.get("result"),
            block_kind=kind,
            block_reason=_reason(was, events) if status == "blocked" else None,
            parents=[one["parent_id"] for one in parents],
            comments=[
                ForeignComment(
                    str(one["id"]), self._by(one["author"]), one["body"], one["created_at"]
                )
                for one in self._of("task_comments", task_id)
            ],
            runs=[
                self._run(one, events, notes)
                for one in self._of("task_runs", task_id, "started_at, id")
            ],
            files=[self._attachment(one) for one in self._of("task_attachments", task_id)],
            rest={name: row[name] for name in _REST if row.get(name)},
            notes=notes,
        )

    def _by(self, name: str) -> str:
        return f"profile:{name}" if name in self._profiles else f"person:{name}"

    @staticmethod
    def _skills(row: Row, where: str) -> list[str]:
        try:
            return msgspec.json.decode(row.get("skills") or "[]", type=list[str])
        except msgspec.DecodeError:
            problem = f"has the skills {row['skills']!r:.60}"
            raise InvalidInput(where, "a JSON list of names", problem) from None

    @staticmethod
    def _run(row: Row, events: list[Row], notes: list[str]) -> ForeignRun:
        said = row.get("outcome") or "reclaimed"
        outcome = OUTCOMES.get(said)
        metadata = _object(row.get("metadata"))
        if outcome != said and row.get("outcome"):
            notes.append(f"a run that ended as {said} is {outcome or 'reclaimed'} here")
            metadata = (metadata or {}) | {"hermes_outcome": said}
        error = row.get("error")
        if outcome == "blocked":
            error = error or row.get("summary")
        if row.get("ended_at") is None:
            error = error or "it was at work when it was imported"
        claims = [e for e in events if e["kind"] == "claimed" and e["run_id"] == row["id"]]
        lock = _object(claims[0]["payload"]).get("lock") if claims else row.get("claim_lock")
        ended = row.get("ended_at")
        lasted = ended is None or ended > row["started_at"]
        return ForeignRun(
            key=str(row["id"]),
            profile=row.get("profile"),
            claimer=f"hermes {lock}" if lock else "hermes",
            started_at=row["started_at"],
            ended_at=_NEVER_ENDED if ended is None else ended,
            outcome=outcome or "reclaimed",
            summary=row.get("summary"),
            error=error,
            metadata=metadata or None,
            claimed=bool(claims) or lasted or outcome not in ("completed", "blocked"),
        )

    def _attachment(self, row: Row) -> ForeignFile:
        path = Path(row["stored_path"])
        if not path.is_file():
            # A board that was copied with what lies beside it.
            path = self._file.parent.joinpath("kanban", *path.parts[-3:])
        return ForeignFile(
            row["filename"],
            path=str(path),
            media_type=row.get("content_type"),
            at=row.get("created_at"),
        )


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {"unreadable": text}
    return found if isinstance(found, dict) else {"value": found}


def _workspace(row: Row) -> str | None:
    kind, path = row.get("workspace_kind") or "scratch", row.get("workspace_path")
    return f"{kind}:{path}" if kind != "scratch" and path else str(kind)


def _ended(row: Row, events: list[Row]) -> int | None:
    """When it got to where it is; None if the board says nothing of it."""
    kind = {"done": "completed", "archived": "archived", "blocked": "blocked"}.get(row["status"])
    times = [event["created_at"] for event in events if event["kind"] == kind]
    at: int | None = times[-1] if times else row.get("completed_at")
    return at


def _reason(was: str, events: list[Row]) -> str | None:
    for event in reversed(events):
        if event["kind"] == was:
            reason = _object(event["payload"]).get("reason")
            prefix = "scheduled: " if was == "scheduled" else ""
            return f"{prefix}{reason}" if reason else None
    return None
