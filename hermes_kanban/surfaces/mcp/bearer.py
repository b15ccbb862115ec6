"""Whose token it is: the run behind a bearer of the HTTP transport."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.hosts import elsewhere, name_of
from hermes_kanban.paths import board_paths
from hermes_kanban.store.opening import board_slugs
from hermes_kanban.surfaces.mcp.board import BoardToolbox, Use
from hermes_kanban.surfaces.mcp.inforce import instructions
from hermes_kanban.surfaces.mcp.protocol import Protocol
from hermes_kanban.surfaces.mcp.uploads import folder_of
from hermes_kanban.tokens import parse_token
from hermes_kanban.verbs import Caller, worker
from hermes_kanban.workers.lineage import bind

REMEMBERED: Final = 1000

Lend = Callable[[str], AbstractContextManager[kb.BoardConnection]]


class Bearers:
    """Finds what serves the bearer of a token; None for one that no open run has.

    ``boards`` tells what may be reached: by slug, the name by which the board is opened; ``use``
    lends a connection to one of them. Who was known while the board could be reached is believed
    while it cannot: each call asks the board again, and what ends a run is kept until it answers.
    """

    def __init__(self, boards: Callable[[], Mapping[str, str | None]], use: Lend) -> None:
        self._boards = boards
        self._use = use
        self._known: OrderedDict[str, Caller] = OrderedDict()

    def __call__(
        self, token: str, *, kept: bool = False, uploaded: bool = False
    ) -> Protocol | None:
        """``kept``: for a hand-over that waited, also of a run that is over; nothing else then.

        ``uploaded``: for one whose files were uploaded. Raises BoardUnreachable for a bearer that
        is not known yet.
        """
        found = self._who(token, kept)
        if found is None:
            return None
        caller, board, slug = found
        if uploaded:
            files = _uploads(caller, board)
            caller = msgspec.structs.replace(caller, kept=kb.Kept(files))
        return _protocol(caller, board, partial(self._use, slug))

    def uploads(self, token: str, *, kept: bool = False) -> Path | None:
        """Where the files of the bearer's run wait; None and BoardUnreachable as for a call."""
        found = self._who(token, kept)
        return None if found is None else _uploads(found[0], found[1])

    def _who(self, token: str, kept: bool) -> tuple[Caller, str | None, str] | None:
        """The caller, the name by which its board is opened, and its slug."""
        parts = parse_token(token)
        if parts is None:
            return None
        try:
            boards = self._boards()
            if parts.board not in boards:
                _look_for(parts.board)
                return None
            board = boards[parts.board]
            caller = self._find(parts.board, parts.hash, kept)
        except kb.BoardUnreachable:
            caller = self._known.get(parts.hash)
            if caller is None:
                raise
            board = parts.board
        if caller is None:
            self._known.pop(parts.hash, None)
            return None
        if not kept:
            self._remember(parts.hash, caller)
        return caller, board, parts.board

    def _remember(self, token_hash: str, caller: Caller) -> None:
        # Calls overlap: each step stands alone, whichever of them another takes between.
        self._known.pop(token_hash, None)
        self._known[token_hash] = caller
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _find(self, board: str, token_hash: str, kept: bool) -> Caller | None:
        with self._use(board) as conn:
            run = kb.run_of_token(conn, token_hash, or_ended=kept)
            if run is None:
                return None
            bind(conn.paths.run_dir(run.id), None, "http")
            away = elsewhere(conn, run)
            return worker(
                run.task_id,
                run.id,
                run.claim_lock,
                profile=run.profile,
                profiles=conn.config.profiles,
                kept=kb.Kept() if kept else None,
                elsewhere=None if away is None else name_of(conn, away),
            )


def _look_for(board: str) -> None:
    """Raises BoardUnreachable unless there is no such board: it may be served here soon."""
    if board in board_slugs():
        raise kb.BoardUnreachable(f"board {board} is not served here, or not yet")


def _uploads(caller: Caller, board: str | None) -> Path:
    return folder_of(board_paths(board).root, caller.run_id or 0)


def _protocol(caller: Caller, board: str | None, use: Use) -> Protocol:
    toolbox = BoardToolbox(lambda: caller, board=board, use=use)
    return Protocol(toolbox, lambda: instructions(caller))
