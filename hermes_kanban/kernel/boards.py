"""Boards: creating and listing them, pausing and resuming."""

from __future__ import annotations

from hermes_kanban import lifecycle
from hermes_kanban.config import Server
from hermes_kanban.kernel import limits
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.model.records import Board
from hermes_kanban.paths import board_paths, check_slug
from hermes_kanban.store import opening
from hermes_kanban.store.protocol import BoardConnection, fetch_one, write

_COLUMNS = ", ".join(Board.__struct_fields__)


def create_board(
    slug: str,
    *,
    name: str | None = None,
    icon: str | None = None,
    default_workdir: str | None = None,
) -> bool:
    """Create a board; False if there is one of that slug already."""
    check_slug(slug)
    limits.text("name", name, limits.NAME_CHARACTERS)
    limits.text("icon", icon, limits.NAME_CHARACTERS)
    return opening.create(
        board_paths(slug), name=name or slug, icon=icon, default_workdir=default_workdir
    )


def board_slugs(database: Server | None = None) -> list[str]:
    """The slugs of every board in the home, or of the ``database`` (by default the configured)."""
    return opening.board_slugs(database)


def list_boards() -> list[tuple[str, Board | KanbanError]]:
    """Every board in the home, or the reason why it cannot be opened."""
    found: list[tuple[str, Board | KanbanError]] = []
    for slug in board_slugs():
        try:
            conn = opening.connect(slug)
        except KanbanError as error:
            found.append((slug, error))
            continue
        try:
            found.append((slug, get_board(conn)))
        finally:
            conn.close()
    return found


def get_board(conn: BoardConnection) -> Board:
    """The board's own row."""
    return Board(*fetch_one(conn, f"SELECT {_COLUMNS} FROM boards"))


def pause(conn: BoardConnection, *, reason: str | None = None, actor: str | None = None) -> bool:
    """Nothing new starts, what runs goes on; False if the board is paused already."""
    return _set_paused(conn, True, reason, limits.actor(actor))


def resume(conn: BoardConnection, *, actor: str | None = None) -> bool:
    """Tasks start again; False if the board is not paused."""
    return _set_paused(conn, False, None, limits.actor(actor))


def _set_paused(conn: BoardConnection, paused: bool, reason: str | None, actor: str) -> bool:
    reason = limits.text("reason", reason, limits.REASON_BYTES)
    with write(conn, "pause" if paused else "resume") as tx:
        if (tx.value("SELECT paused_at FROM boards") is not None) == paused:
            return False
        columns = {"paused_at": tx.now, "paused_by": actor} if paused else {}
        columns = {"paused_at": None, "paused_by": None} | columns
        tx.run("UPDATE boards SET paused_at = :paused_at, paused_by = :paused_by", columns)
        kind = "paused" if paused else "resumed"
        facts = {"board": columns} | ({"reason": reason} if reason else {})
        lifecycle.append_event(tx, None, kind, actor, facts)
        return True
