"""What a worker is told: its task, its parents' results, earlier attempts, comments.

Bounded at 64 KiB. When it is too long, the oldest comments go first, then the oldest attempts,
then long results and bodies are cut in the middle. Text that people or agents wrote is fenced with
a marker drawn for this context, so that it cannot pretend to be the frame around it.
"""

from __future__ import annotations

from typing import Final

from hermes_kanban.kernel import reads
from hermes_kanban.kernel.workspaces import branch_of, directory
from hermes_kanban.model.records import Comment, Run, Task
from hermes_kanban.store.sqlite import BoardConnection, fetch_all, reading

CONTEXT_BYTES: Final = 64 * 1024
SHOWN_COMMENTS: Final = 50
SHOWN_ATTEMPTS: Final = 10
SHOWN_PARENTS: Final = 100
_LEAST_PART_BYTES: Final = 512

_PARENTS: Final = """
SELECT p.id, p.title, p.status, p.result, r.summary, r.metadata
FROM task_links l
JOIN tasks p ON p.id = l.parent_id
LEFT JOIN task_runs r ON r.id = (
    SELECT max(x.id) FROM task_runs x WHERE x.task_id = p.id AND x.outcome IN
        ('completed', 'review'))
WHERE l.child_id = :id ORDER BY p.seq LIMIT :limit
"""


def build_worker_context(
    conn: BoardConnection, task_id: str, *, limit_bytes: int = CONTEXT_BYTES
) -> str:
    """The worker's briefing as Markdown of at most ``limit_bytes`` bytes; NotFound if no task."""
    with reading(conn):
        task = reads.get_task(conn, task_id)
        parents = fetch_all(conn, _PARENTS, {"id": task_id, "limit": SHOWN_PARENTS})
        attempts = [run for run in _attempts(conn, task_id) if run.ended_at is not None]
        comments = _comments(conn, task_id)
    fence = conn.randomness.token()[:8]
    frame = _Frame(conn, task, fence)
    return frame.fit(limit_bytes, parents, attempts, comments)


def _attempts(conn: BoardConnection, task_id: str) -> list[Run]:
    rows = fetch_all(
        conn,
        f"SELECT {reads.RUN_COLUMNS} FROM task_runs r WHERE r.task_id = :id"
        " ORDER BY r.id DESC LIMIT :limit",
        {"id": task_id, "limit": SHOWN_ATTEMPTS},
    )
    return [reads.run_of(row) for row in reversed(rows)]


def _comments(conn: BoardConnection, task_id: str) -> list[Comment]:
    rows = fetch_all(
        conn,
        "SELECT id, task_id, run_id, author, body, created_at FROM task_comments"
        " WHERE task_id = :id ORDER BY id DESC LIMIT :limit",
        {"id": task_id, "limit": SHOWN_COMMENTS},
    )
    return [Comment(*row) for row in reversed(rows)]


class _Frame:
    """The parts of one context, and how they are cut until they fit."""

    def __init__(self, conn: BoardConnection, task: Task, fence: str) -> None:
        self._conn = conn
        self._task = task
        self._fence = fence

    def fit(
        self, limit: int, parents: list[tuple[str, ...]], runs: list[Run], comments: list[Comment]
    ) -> str:
        part = limit
        runs, comments = list(runs), list(comments)
        left_out: list[str] = []
        while True:
            text = self._render(part, parents, runs, comments, left_out)
            if len(text.encode()) <= limit:
                return text
            if comments:
                del comments[0]
                left_out = ["older comments were left out"]
            elif runs:
                del runs[0]
                left_out = ["older comments and attempts were left out"]
            elif part > _LEAST_PART_BYTES:
                part //= 2
            else:
                return _clip(text, limit)

    def _render(
        self,
        part: int,
        parents: list[tuple[str, ...]],
        runs: list[Run],
        comments: list[Comment],
        left_out: list[str],
    ) -> str:
        sections = [self._head(part)]
        sections += [self._parent(row, part) for row in parents]
        if runs:
            sections.append("## Earlier attempts\n" + "\n".join(map(self._attempt, runs)))
        if comments:
            sections.append("## Comments\n" + "\n".join(map(self._comment, comments)))
        sections += [f"({note})" for note in left_out]
        return "\n\n".join(sections) + "\n"

    def _head(self, part: int) -> str:
        task = self._task
        lines = [
            f"# Task {task.id}: {_one_line(task.title)}",
            f"assignee: {task.assignee or '-'}  tenant: {task.tenant or '-'}"
            f"  priority: {task.priority}  attempt: {self._attempt_number()}",
            f"workspace: {directory(task, self._conn.paths)}",
        ]
        if branch := branch_of(task):
            lines.append(f"branch: {branch}")
        if task.skills:
            lines.append(f"skills: {', '.join(task.skills)}")
        if task.body:
            lines.append(self._fenced("body", task.body, part))
        return "\n".join(lines)

    def _attempt_number(self) -> int:
        count: int = fetch_all(
            self._conn,
            "SELECT count(*) FROM task_runs WHERE task_id = :id AND claim_lock IS NOT NULL",
            {"id": self._task.id},
        )[0][0]
        return max(1, count)

    def _parent(self, row: tuple[str, ...], part: int) -> str:
        parent_id, title, status, result, summary, metadata = row
        lines = [f"## Parent {parent_id} ({status}): {_one_line(title)}"]
        for name, text in (("summary", summary), ("result", result), ("metadata", metadata)):
            if text:
                lines.append(self._fenced(name, text, part))
        return "\n".join(lines)

    def _attempt(self, run: Run) -> str:
        said = run.error or run.summary or ""
        return f"- run {run.id} ended as {run.outcome}: " + self._fenced("why", said, 2048)

    def _comment(self, comment: Comment) -> str:
        return f"- {comment.author} at {comment.created_at}: " + self._fenced(
            "comment", comment.body, 8192
        )

    def _fenced(self, name: str, text: str, limit: int) -> str:
        """Untrusted text between markers that it cannot know."""
        return f"<{name} {self._fence}>\n{_clip(text, limit)}\n</{name} {self._fence}>"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _clip(text: str, limit: int) -> str:
    """Cut the middle out of a text that is longer than ``limit`` bytes."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    half = max(0, (limit - 40) // 2)
    head = encoded[:half].decode(errors="ignore")
    tail = encoded[len(encoded) - half :].decode(errors="ignore")
    return f"{head}\n[{len(encoded) - 2 * half} bytes cut]\n{tail}"
