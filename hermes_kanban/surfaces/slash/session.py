"""What a command has when it was given in a chat: the board, an answer to fill, and who acts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli.session import Session

if TYPE_CHECKING:
    from hermes_kanban.surfaces.cli.admission import Admission
    from hermes_kanban.surfaces.cli.standing import Standing

COLUMNS: Final = 72


class SlashSession(Session):
    """One command of a chat; ``answered`` is what it said, ``noted`` what it warned of.

    ``task_id`` is the task it spoke of.

    With an ``actor`` nothing of this process's environment counts. Without one it acts as whoever
    this process is: the login, or the worker.
    """

    at_terminal = False

    def __init__(
        self, conn: kb.BoardConnection, *, actor: str | None = None, place: str | None = None
    ) -> None:
        super().__init__()
        self._conn = conn
        self._actor = actor
        self.place = place
        self.board = conn.paths.slug
        self.answered: list[str] = []
        self.noted: list[str] = []
        self.task_id: str | None = None

    def close(self) -> None:
        """Nothing: whoever opened the board closes it."""

    # How it answers

    def warn(self, text: str) -> None:
        """Say something that does not change the outcome."""
        self.noted.append(f"({present.clean(text)})")

    def answer(self, noun: str, value: Any, lines: Iterable[str], **more: Any) -> None:
        """The command's whole output."""
        if noun == "task" and isinstance(value, dict):
            self.task_id = value.get("id")
        super().answer(noun, value, lines, **more)

    def write(self, text: str) -> None:
        """Into the answer."""
        self.answered.append(text)

    @property
    def colour(self) -> bool:
        """Chats have none."""
        return False

    @property
    def at_screen(self) -> bool:
        """Chats break lines by themselves."""
        return False

    @property
    def width(self) -> int:
        """What a phone held sideways shows."""
        return COLUMNS

    # Who acts

    def standing(self) -> Standing | None:
        """None for whoever was named."""
        return None if self._actor is not None else super().standing()

    def admission(self) -> Admission | None:
        """None for whoever was named."""
        return None if self._actor is not None else super().admission()

    def own_task(self) -> str | None:
        """None for whoever was named."""
        return None if self._actor is not None else super().own_task()

    def author(self, task_id: str | None = None) -> dict[str, Any]:
        """Who writes a task, link or comment."""
        return super().author(task_id) if self._actor is None else self.actor()

    def by(self, task_id: str) -> dict[str, Any]:
        """Who acts on the task."""
        return super().by(task_id) if self._actor is None else self.actor()

    def actor(self) -> dict[str, Any]:
        """Whoever was named."""
        return super().actor() if self._actor is None else {"actor": self._actor}
