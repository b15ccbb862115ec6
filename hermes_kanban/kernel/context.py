"""What a worker is told: its task, its parents' results, earlier attempts, comments and answers.

Bounded at 64 KiB. When it is too long, the oldest comments go first, then the oldest attempts,
then long results and bodies are cut in the middle, and at last the youngest parents go; a line at
the end says what was left out. Text that people or agents wrote is fenced with a marker drawn for
this context, so that it cannot pretend to be the frame around it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.kernel import reads
from hermes_kanban.kernel.workspaces import branch_of, directory
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Run, Task
from hermes_kanban.store.protocol import BoardConnection, fetch_all, reading

CONTEXT_BYTES: Final = 64 * 1024
SHOWN_COMMENTS: Final = 50
SHOWN_ATTEMPTS: Final = 10
SHOWN_PARENTS: Final = 100
_LEAST_PART_BYTES: Final = 256

_PARENTS: Final = """
SELECT p.id, p.title, p.status, p.result, r.summary, r.metadata
FROM task_links l
JOIN tasks p ON p.id = l.parent_id
LEFT JOIN task_runs r ON r.id = (
    SELECT max(x.id) FROM task_runs x WHERE x.task_id = p.id AND x.outcome IN
        ('completed', 'review'))
WHERE l.child_id = :id ORDER BY p.seq LIMIT :limit
"""


class ContextPage(msgspec.Struct, frozen=True):
    """One page of a worker's briefing; ``next_page`` is None on the last."""

    text: str
    page: int
    pages: int
    next_page: int | None


class _Said(NamedTuple):
    """A comment, or the words that came with a verb."""

    at: int
    author: str
    body: str


def build_worker_context(
    conn: BoardConnection, task_id: str, *, limit_bytes: int = CONTEXT_BYTES
) -> str:
    """The worker's briefing as Markdown of at most ``limit_bytes`` bytes; NotFound if no task."""
    with reading(conn):
        task = reads.get_task(conn, task_id)
        parents = fetch_all(conn, _PARENTS, {"id": task_id, "limit": SHOWN_PARENTS + 1})
        attempts = _attempts(conn, task_id)
        said = _said(conn, task_id)
        fence = conn.randomness.token()[:8]
        return _Frame(conn, task, fence).fit(limit_bytes, parents, attempts, said)


def context_page(
    conn: BoardConnection, task_id: str, *, page: int = 1, page_bytes: int = CONTEXT_BYTES
) -> ContextPage:
    """One page of the briefing, of at most ``page_bytes`` bytes.

    Raises InvalidInput for a page that there is not.
    """
    text = build_worker_context(conn, task_id)
    pages = _pages(text, page_bytes)
    if not 1 <= page <= len(pages):
        raise InvalidInput("page", f"1 to {len(pages)}", f"is {page}")
    return ContextPage(pages[page - 1], page, len(pages), page + 1 if page < len(pages) else None)


def _pages(text: str, page_bytes: int) -> list[str]:
    pages, current = [], b""
    for line in text.encode().splitlines(keepends=True):
        rest = line
        while len(current) + len(rest) > page_bytes:
            room = page_bytes - len(current) if not current else 0
            cut = rest[:room].decode(errors="ignore").encode()
            pages.append((current + cut).decode())
            current, rest = b"", rest[len(cut) :]
        current += rest
    return [*pages, current.decode()] if current or not pages else pages


def _attempts(conn: BoardConnection, task_id: str) -> list[Run]:
    rows = fetch_all(
        conn,
        f"SELECT {reads.RUN_COLUMNS} FROM task_runs r"
        " WHERE r.task_id = :id AND r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT :limit",
        {"id": task_id, "limit": SHOWN_ATTEMPTS + 1},
    )
    return [reads.run_of(row) for row in reversed(rows)]


def _said(conn: BoardConnection, task_id: str) -> list[_Said]:
    """The newest comments, and what people answered when they unblocked or reopened the task."""
    newest = {"id": task_id, "limit": SHOWN_COMMENTS + 1}
    comments = [_Said(*row) for row in fetch_all(conn, _COMMENTS, newest)]
    answers = [
        _Said(event.created_at, event.actor, event.payload["reason"])
        for event in map(reads.event_of, fetch_all(conn, _ANSWERS, newest))
        if event.payload.get("reason")
    ]
    return sorted([*reversed(comments), *reversed(answers)], key=lambda one: one.at)


_COMMENTS: Final = (
    "SELECT created_at, author, body FROM task_comments WHERE task_id = :id"
    " ORDER BY id DESC LIMIT :limit"
)
_ANSWERS: Final = (
    f"SELECT {reads.EVENT_COLUMNS} FROM task_events WHERE task_id = :id"
    " AND kind IN ('unblocked', 'reopened') ORDER BY id DESC LIMIT :limit"
)


class _Frame:
    """The parts of one context, and how they are cut until they fit."""

    def __init__(self, conn: BoardConnection, task: Task, fence: str) -> None:
        self._conn = conn
        self._task = task
        self._fence = fence

    def fit(self, limit: int, parents: list[Any], runs: list[Run], said: list[_Said]) -> str:
        part = limit
        shown_parents, shown_runs = parents[:SHOWN_PARENTS], runs[-SHOWN_ATTEMPTS:]
        shown_said = said[-SHOWN_COMMENTS:]
        while True:
            left_out = [
                note
                for note, cut in (
                    ("older comments were left out", len(shown_said) < len(said)),
                    ("older attempts were left out", len(shown_runs) < len(runs)),
                    ("further parents were left out", len(shown_parents) < len(parents)),
                )
                if cut
            ]
            text = self._render(part, shown_parents, shown_runs, shown_said, left_out)
            if len(text.encode()) <= limit:
                return text
            if shown_said:
                del shown_said[0]
            elif shown_runs:
                del shown_runs[0]
            elif part > _LEAST_PART_BYTES:
                part //= 2
            elif shown_parents:
                del shown_parents[-1]
            else:
                return _clip(text, limit)

    def _render(
        self,
        part: int,
        parents: list[Any],
        runs: list[Run],
        said: list[_Said],
        left_out: list[str],
    ) -> str:
        sections = [self._head(part)]
        sections += [self._parent(row, part) for row in parents]
        if runs:
            sections.append("## Earlier attempts\n" + "\n".join(map(self._attempt, runs)))
        if said:
            sections.append("## Comments\n" + "\n".join(map(self._comment, said)))
        sections += [f"({note})" for note in left_out]
        return "\n\n".join(sections) + "\n"

    def _head(self, part: int) -> str:
        task = self._task
        lines = [
            f"# Task {task.id}",
            self._fenced("title", task.title, part),
            f"assignee: {task.assignee or '-'}  tenant: {task.tenant or '-'}"
            f"  priority: {task.priority}  attempt: {self._attempt_number()}",
            f"workspace: {directory(task, self._conn.paths)}",
        ]
        if branch := branch_of(task):
            lines.append(f"branch: {_one_line(branch)}")
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

    def _parent(self, row: Any, part: int) -> str:
        parent_id, title, status, result, summary, metadata = row
        lines = [f"## Parent {parent_id} ({status})"]
        told = {"title": title, "summary": summary, "result": result, "metadata": metadata}
        for name, text in told.items():
            if text:
                lines.append(self._fenced(name, text, part))
        return "\n".join(lines)

    def _attempt(self, run: Run) -> str:
        said = run.error or run.summary or ""
        return f"- run {run.id} ended as {run.outcome}: " + self._fenced("why", said, 2048)

    def _comment(self, said: _Said) -> str:
        author = _one_line(said.author)
        return f"- {author} at {said.at}: " + self._fenced("comment", said.body, 8192)

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
