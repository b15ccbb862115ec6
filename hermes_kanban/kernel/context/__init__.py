"""What a worker is told: its task, its parents' results, what was tried before, and what was said.

Bounded at 64 KiB. When it is too long, the oldest comments go first, then the oldest history, then
the oldest attempts. If that is not enough, long texts are cut in the middle, to three quarters of
the room, and the newest of what went comes back into the rest; at last the youngest parents go. A
line at the end says what was left out. What people and agents wrote stands between markers that it
cannot know, without control characters and recognisable secrets.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hermes_kanban.kernel import limits
from hermes_kanban.kernel.context import frame, material, pages
from hermes_kanban.kernel.context.untrusted import Fence, marks
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.store.protocol import BoardConnection, reading

CONTEXT_BYTES: Final = 64 * 1024
PAGE_BYTES: Final = 6 * 1024


class ContextPage(msgspec.Struct, frozen=True):
    """One page of a context; ``next_page`` is None on the last, ``mark`` the marker in it."""

    text: str
    page: int
    pages: int
    next_page: int | None
    mark: str

    def front(self, limit_bytes: int) -> str:
        """As much of the text as fits into so many bytes (256 at least), with its markers."""
        return pages.split(self.text, self.mark, limit_bytes)[0]


def build_worker_context(
    conn: BoardConnection,
    task_id: str,
    *,
    limit_bytes: int = CONTEXT_BYTES,
    since_run: int | None = None,
) -> str:
    """The worker's briefing as Markdown of at most ``limit_bytes`` bytes; NotFound if no task.

    With ``since_run`` only what is new to a worker that goes on with that run's conversation.
    """
    limits.whole("limit_bytes", limit_bytes, pages.PAGE_BYTES_LEAST)
    return _compose(conn, task_id, limit_bytes, own=True, since_run=since_run)[0]


def context_page(
    conn: BoardConnection,
    task_id: str,
    *,
    page: int = 1,
    page_bytes: int = PAGE_BYTES,
    own: bool = True,
) -> ContextPage:
    """One page, of at most ``page_bytes`` bytes, of what ``build_worker_context`` gives.

    A reader that is not the task's ``own`` worker is not told where that works.
    The same between calls, markers included, as long as what it tells does not change. Raises
    InvalidInput for a page that there is not.
    """
    limits.whole("page_bytes", page_bytes, pages.PAGE_BYTES_LEAST)
    text, mark = _compose(conn, task_id, CONTEXT_BYTES, own=own)
    found = pages.split(text, mark, page_bytes)
    if not isinstance(page, int) or not 1 <= page <= len(found):
        raise InvalidInput("page", f"1 to {len(found)}", f"is {page!r}")
    following = page + 1 if page < len(found) else None
    return ContextPage(found[page - 1], page, len(found), following, mark)


def _compose(
    conn: BoardConnection, task_id: str, limit: int, *, own: bool, since_run: int | None = None
) -> tuple[str, str]:
    """The text and the marker in it, which no other part of it contains."""
    with reading(conn):
        told = material.read(conn, task_id, own=own)
        if since_run is not None:
            told = material.since(conn, told, since_run)
    for mark in marks(conn.board_id, told.texts()):
        fence = Fence(mark)
        text = frame.fit(told, fence, limit)
        if not fence.torn:
            break
    # The barest of all is longer than a very small limit.
    return (text if len(text.encode()) <= limit else pages.split(text, mark, limit)[0]), mark
