"""Whose token it is: the run behind a bearer of the HTTP transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.inforce import instructions
from hermes_kanban.surfaces.mcp.protocol import Protocol
from hermes_kanban.tokens import parse_token
from hermes_kanban.verbs import Caller, worker
from hermes_kanban.workers.lineage import bind


class Bearers:
    """Finds what serves the bearer of a token; None for one that no open run has.

    ``boards`` tells what may be reached: by slug, the name by which the board is opened.
    """

    def __init__(self, boards: Callable[[], Mapping[str, str | None]]) -> None:
        self._boards = boards

    def __call__(self, token: str) -> Protocol | None:
        parts = parse_token(token)
        boards = self._boards()
        if parts is None or parts.board not in boards:
            return None
        board = boards[parts.board]
        conn = kb.connect(board, for_worker=True)
        try:
            run = kb.run_of_token(conn, parts.hash)
            if run is None:
                return None
            bind(conn.paths.run_dir(run.id), None, "http")
            caller = worker(
                run.task_id,
                run.id,
                run.claim_lock,
                profile=run.profile,
                profiles=conn.config.profiles,
            )
        finally:
            conn.close()
        return _protocol(caller, board)


def _protocol(caller: Caller, board: str | None) -> Protocol:
    toolbox = BoardToolbox(lambda: caller, board=board)
    return Protocol(toolbox, lambda: instructions(caller))
