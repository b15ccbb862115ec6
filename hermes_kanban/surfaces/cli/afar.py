"""A worker's commands on a machine that has no board: they are its tools, by way of gateways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hermes_kanban import present
from hermes_kanban.surfaces.cli.errors import Conflict
from hermes_kanban.surfaces.cli.session import Session


def call(session: Session, verb: str, asked: Mapping[str, Any], task_id: str = "") -> None:
    """Call the tool of ``verb`` and show its answer; ``asked`` is its request.

    Raises Conflict for what the board does not do, in its own words.
    """
    from hermes_kanban.remote.access import access
    from hermes_kanban.remote.tools import RemoteToolbox
    from hermes_kanban.verbs.table import AGENTS

    arguments = {name: value for name, value in asked.items() if value not in (None, [])}
    if task_id:
        arguments["task_id"] = task_id
    tool = AGENTS[verb].tool or ""
    answer = RemoteToolbox(access()).call(tool, arguments)
    if answer.is_error:
        raise Conflict(answer.text)
    session.answer("answer", {"tool": tool, "text": answer.text}, [present.clean(answer.text)])
