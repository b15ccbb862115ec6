"""What machines ask of a server: whether it lives, whether it can serve, and its figures."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.rest.boards import Boards
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.surfaces.rest.metrics import Figures, Look, exposition
from hermes_kanban.verbs.standing import gateway_view


class Probes:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(self, desk: Desk, boards: Boards, figures: Figures) -> None:
        self._desk = desk
        self._boards = boards
        self._figures = figures

    async def healthz(self, _: Request) -> Response:
        """That this answers is all there is to tell."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _: Request) -> Response:
        """Whether every board that is served here can be read; which one not is no stranger's
        business."""
        for slug in self._boards.names():
            try:
                await self._desk.look(slug, kb.get_board)
            except Exception:
                return PlainTextResponse("not ready\n", 503, {"Retry-After": "5"})
        return PlainTextResponse("ok\n")

    async def metrics(self, _: Request) -> Response:
        """The figures of the boards and of this server, as Prometheus reads them."""
        looks = [await self._look(slug) for slug in self._boards.names()]
        text, media_type = exposition(looks, self._figures)
        return Response(text, media_type=media_type)

    async def _look(self, slug: str) -> Look:
        def look(conn: kb.BoardConnection) -> Look:
            gateway = gateway_view(conn)
            return Look(slug, kb.stats(conn), gateway, conn.config.kanban.max_in_progress)

        try:
            return await self._desk.look(slug, look)
        except kb.KanbanError:
            return Look(slug)
