"""What machines ask of a server: whether it lives, whether it can serve, and its figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import anyio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.rest.boards import Boards
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.surfaces.rest.metrics import Figures, Look, exposition
from hermes_kanban.surfaces.rest.problems import internal, problem_of
from hermes_kanban.verbs.standing import gateway_view

ANSWER_SECONDS: Final = 3.0
"""How long a board may take before a machine, which asks again soon, is told that it does not."""

T = TypeVar("T")


class Probes:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(self, desk: Desk, boards: Boards, figures: Figures) -> None:
        self._desk = desk
        self._boards = boards
        self._figures = figures
        self._late: dict[str, _Asking[Any]] = {}

    async def healthz(self, _: Request) -> Response:
        """That this answers is all there is to tell."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _: Request) -> Response:
        """Whether every board that is served here can be read, and else why not; which one not is
        no stranger's business."""
        slugs = list(self._boards.names())
        if not slugs:
            return _not_ready("No board is open")
        for slug in slugs:
            try:
                await self._ask(slug, kb.get_board)
            except Exception as error:
                return _not_ready((problem_of(error) or internal()).body.title)
        return PlainTextResponse("ok\n")

    async def metrics(self, _: Request) -> Response:
        """The figures of the boards and of this server, as Prometheus reads them."""
        looks = {slug: Look(slug) for slug in self._boards.names()}
        async with anyio.create_task_group() as group:
            for slug in looks:
                group.start_soon(self._look, slug, looks)
        text, media_type = exposition(list(looks.values()), self._figures)
        return Response(text, media_type=media_type)

    async def _look(self, slug: str, looks: dict[str, Look]) -> None:
        def look(conn: kb.BoardConnection) -> Look:
            gateway = gateway_view(conn)
            return Look(slug, kb.stats(conn), gateway, conn.config.kanban.max_in_progress)

        try:
            looks[slug] = await self._ask(slug, look)
        except kb.KanbanError:
            return

    async def _ask(self, slug: str, call: Callable[[kb.BoardConnection], T]) -> T:
        """``call`` with the board. Raises BoardUnreachable where that takes too long.

        It goes on in its thread, for as long as a frozen server stays so; until it is over no
        other is asked, since each would take a connection from the board's readers.
        """
        late = self._late.get(slug)
        if late is None or late.is_over:
            asking = _Asking(call)
            with anyio.move_on_after(ANSWER_SECONDS):
                return await self._desk.look(slug, asking)
            if asking.has_begun:
                self._late[slug] = asking
        raise kb.BoardUnreachable("the database does not answer")


class _Asking(Generic[T]):
    """A call that knows how far it is."""

    def __init__(self, call: Callable[[kb.BoardConnection], T]) -> None:
        self._call = call
        self.has_begun = self.is_over = False

    def __call__(self, conn: kb.BoardConnection) -> T:
        self.has_begun = True
        try:
            return self._call(conn)
        finally:
            self.is_over = True


def _not_ready(why: str) -> Response:
    return PlainTextResponse(f"not ready: {why}\n", 503, {"Retry-After": "5"})
