"""The board's verbs as the tools of one caller."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban.paths import board_paths
from hermes_kanban.surfaces.mcp.toolbox import CallResult, Tool
from hermes_kanban.verbs import Caller, Verb, offered, perform
from hermes_kanban.verbs.schema import request_schema
from hermes_kanban.verbs.table import needless
from hermes_kanban.workers.skills import InstalledSkills

# Beside the board's own errors: a file that is not there, and numbers that no row can hold.
_EXPECTED: Final = (kb.KanbanError, sqlite3.Error, OSError, OverflowError, UnicodeError)
# Of these it may take the same call later: it has no room or no time, or cannot be reached.
_LATER: Final = (sqlite3.Error, OSError)

Use = Callable[[], AbstractContextManager[kb.BoardConnection]]


class BoardToolbox:
    """The verbs that a caller may call; none where nobody is in force.

    ``find_caller`` is asked once, when the tools are first wanted. Each call has a connection for
    itself, so that calls may overlap, and a board that was restored or came back is found again:
    what ``use`` lends, else one of its own to ``board``.
    """

    def __init__(
        self,
        find_caller: Callable[[], Caller | None],
        *,
        board: str | None = None,
        use: Use | None = None,
    ) -> None:
        self._find_caller = find_caller
        self._board = board
        self._use = use or (lambda: closing(kb.connect(board, for_worker=True)))
        self._lock = threading.Lock()
        self._found: tuple[Caller | None, dict[str, Verb], list[Tool]] | None = None

    @property
    def caller(self) -> Caller | None:
        """Who calls, None where nobody is in force."""
        return self._offer()[0]

    def tools(self) -> list[Tool]:
        """The caller's tools, in the order of the verb table."""
        return self._offer()[2]

    def call(self, name: str, arguments: dict[str, Any]) -> CallResult:
        """Call a verb; whatever the board says no to is an error that tells what to do."""
        # Whoever lists the tools need not load what is only needed to call one.
        from hermes_kanban.surfaces.mcp import texts

        caller, verbs, _ = self._offer()
        assert caller is not None
        verb = verbs[name]
        try:
            if verb.ends_run and caller.run_id is not None:
                return self._end_run(caller, verb, arguments)
            return _patiently(lambda: self._perform(caller, verb, arguments))
        except _EXPECTED as error:
            told = texts.problem(error, arguments)
            return CallResult(told, is_error=True, later=_reason(error, told))

    def _perform(self, caller: Caller, verb: Verb, arguments: dict[str, Any]) -> CallResult:
        """One try; raises BoardUnreachable, and what keeps the board from being opened at all."""
        from hermes_kanban.surfaces.mcp import texts

        with self._use() as conn:
            conn.skills = InstalledSkills()
            try:
                answered = perform(conn, caller, verb, arguments)
                return CallResult(texts.answer(verb, answered, _cautions(conn, verb, arguments)))
            except kb.BoardUnreachable:
                raise
            except kb.AcceptedBefore:
                return CallResult(f"{caller.task_id}: handed in; your run is over, so stop here")
            except _EXPECTED as error:
                told = texts.problem(error, arguments, _workspace(conn, caller))
                return CallResult(told, is_error=True, later=_reason(error, told))

    def _end_run(self, caller: Caller, verb: Verb, arguments: dict[str, Any]) -> CallResult:
        """A board that is away must not cost the work: what was handed in waits for it."""
        try:
            answer = self._perform(caller, verb, arguments)
        except kb.BoardUnreachable:
            from hermes_kanban.verbs import keeping
            from hermes_kanban.verbs.perform import decode

            told = keeping.hand_in(
                board_paths(self._board),
                lambda: kb.connect(self._board, for_worker=True),
                caller,
                verb,
                decode(verb, arguments),
            )
            answer = CallResult(told.text)
        if caller.kept is not None and caller.kept.files is not None:
            import shutil  # slow to import, and few calls bring files

            # Taken, or to come again with a call that names them rightly.
            shutil.rmtree(caller.kept.files, ignore_errors=True)
        return answer

    def _offer(self) -> tuple[Caller | None, dict[str, Verb], list[Tool]]:
        with self._lock:
            if self._found is None:
                caller = self._find_caller()
                verbs = {verb.tool: verb for verb in offered(caller) if verb.tool is not None}
                if caller is not None and caller.kept is not None:
                    verbs = {name: verb for name, verb in verbs.items() if verb.ends_run}
                tools = [] if caller is None else [tool_of(caller, verb) for verb in verbs.values()]
                self._found = caller, verbs, tools
            return self._found


def _reason(error: Exception, told: str) -> str:
    return told if isinstance(error, _LATER) else ""


def _patiently(ask: Callable[[], CallResult]) -> CallResult:
    try:
        return ask()
    except kb.FateUnknown:
        raise
    except kb.BoardUnreachable:
        from hermes_kanban.verbs.keeping import patiently

        return patiently(ask)


def tool_of(caller: Caller, verb: Verb) -> Tool:
    """A verb as a tool of this caller."""
    return Tool(
        name=verb.tool or "",
        description=verb.sentence,
        schema=request_schema(verb.request, without=needless(caller, verb)),
        read_only=not verb.changes,
        destructive=verb.destructive,
        idempotent=verb.idempotent,
    )


def _cautions(conn: kb.BoardConnection, verb: Verb, arguments: dict[str, Any]) -> list[str]:
    """Why what was just created may not start, where that is its profile's hosts."""
    assignee = arguments.get("assignee")
    if verb.name != "create" or not assignee:
        return []
    from hermes_kanban.cautions import about_assignee

    return [caution.text for caution in about_assignee(conn, assignee)]


def _workspace(conn: kb.BoardConnection, caller: Caller) -> str | None:
    """The folder in which the caller works, whose paths it may be told."""
    from hermes_kanban.kernel.workspaces import directory

    if caller.task_id is None:
        return None
    try:
        return str(directory(kb.get_task(conn, caller.task_id), conn.paths))
    except _EXPECTED:
        return None
