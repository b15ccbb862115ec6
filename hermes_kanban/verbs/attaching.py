"""The verb that keeps a file with a task."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.verbs.verb import Call, Verb
from hermes_kanban.verbs.working import AboutTask


class Attach(AboutTask, kw_only=True):
    path: Annotated[str, Meta(description="a file in your workspace")]
    name: str | None = None


class Attached(msgspec.Struct, frozen=True):
    """The file as it is kept: ``size`` in bytes, ``sha256`` hex."""

    id: int
    task_id: str
    name: str
    size: int
    sha256: str


def _attach(call: Call, asked: Attach) -> Attached:
    kept = kb.add_attachment(
        call.conn, asked.task_id, path=asked.path, name=asked.name, **call.caller.signs
    )
    return Attached(kept.id, kept.task_id, kept.name, kept.size, kept.sha256)


ATTACHING = (
    Verb(
        name="attach",
        request=Attach,
        response=Attached,
        function=_attach,
        sentence="Attach a file from your workspace to the task, so that it is kept.",
        least="extra",
        tool="kanban_attach",
        idempotent=True,
        of_this_host=frozenset({"path"}),
    ),
)
