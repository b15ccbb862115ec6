"""What was meant by a word that is not known. Loaded only once there is such a word."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.boards import board_slugs
from hermes_kanban.model.errors import KanbanError

if TYPE_CHECKING:
    from hermes_kanban.surfaces.cli.session import Session

_QUOTED: Final = re.compile(r"'([^']*)' is not one of")


def near(word: str, known: Iterable[str]) -> str | None:
    """The one that was meant: the only one that begins so, else the nearest; None if none is."""
    among = list(known)
    longer = [one for one in among if word and one.startswith(word)]
    found = longer if len(longer) == 1 else get_close_matches(word, among, n=1)
    return found[0] if found else None


def option(error: click.NoSuchOption) -> str:
    """An unknown option, in one sentence with the one that was meant."""
    known: list[str] = []
    if error.ctx is not None:
        params = error.ctx.command.get_params(error.ctx)
        known = [name for one in params for name in (*one.opts, *one.secondary_opts)]
    name = error.option_name
    found = near(name, [one for one in known if one.startswith("--")])
    return f"there is no option {name}" + (f"; did you mean {found}?" if found else "")


def choice(error: click.BadParameter) -> str:
    """A value that is none of those allowed, with the one that was meant."""
    told = error.format_message().rstrip(".")
    kind = error.param.type if error.param is not None else None
    given = _QUOTED.search(told)
    if given is None or not isinstance(kind, click.Choice):
        return told
    found = near(given[1], [str(one) for one in kind.choices])
    return told + (f"; did you mean {found!r}?" if found else "")


def named(session: Session, error: kb.NotFound) -> kb.NotFound:
    """The same error, with the task or board that was meant if one is near."""
    found = None
    # What helps with an error must not be one.
    with contextlib.suppress(KanbanError, OSError):
        if error.noun == "task":
            found = next(iter(kb.near_task_ids(session.conn, str(error.name))), None)
        elif error.noun == "board":
            found = near(str(error.name), board_slugs())
    if found is None or found == str(error.name):  # it is there, only not for this
        return error
    create = f" or create it: hermes-kanban boards create {error.name}"
    said = kb.NotFound(
        error.noun, error.name, f"did you mean {found}?{create if error.noun == 'board' else ''}"
    )
    for note in getattr(error, "__notes__", ()):
        said.add_note(note)
    return said
