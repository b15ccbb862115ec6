"""``diagnostics``: what is the matter with the board, with the commands that help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.prose import sentence
from hermes_kanban.surfaces.cli.session import Session, command

if TYPE_CHECKING:
    from hermes_kanban.diagnostics import Finding

_NAMED: Final = 5
_COLOURS: Final = {"fault": "red", "asks": "yellow", "note": "dim"}


@command(
    "diagnostics",
    examples="""
    hermes-kanban diagnostics
    hermes-kanban diagnostics --json
    """,
)
def diagnostics_command(session: Session) -> int:
    """Say what stops the board, and what waits for you.

    Each finding comes with the commands that help; words in capitals are to be filled in. Exit code
    1 if something stops work. For the installation there is doctor, for the board's rows check.
    """
    from hermes_kanban.diagnostics import diagnose

    found = diagnose(session.conn_with_skills)
    lines = [line for one in found for line in _lines(session, one)]
    session.answer("findings", found, [*lines, _sum(session, found)])
    # In a chat it is an answer like any other.
    stopped = session.at_terminal and any(one.level == "fault" for one in found)
    return errors.FAILED if stopped else errors.DONE


def _lines(session: Session, one: Finding) -> list[str]:
    code = session.paint(f"{one.code}:", _COLOURS[one.level])
    about = _about(session, one)
    told = sentence(session, one.text, f"{one.code}: ")
    lines = [told[0].replace(f"{one.code}:", code, 1), *told[1:], *about]
    for way in one.commands:
        lines += [
            session.paint(line, "command") for line in present.command_lines(way, session.width)
        ]
    return [*lines, ""]


def _about(session: Session, one: Finding) -> list[str]:
    """The tasks that a finding is about."""
    since = "" if one.since is None else present.ago(one.since, session.now)
    if not one.tasks:
        return []
    if one.count > 1:
        more = ", …" if one.count > _NAMED else ""
        return [f"  {', '.join(one.tasks[:_NAMED])}{more}"]
    task = kb.get_task(session.conn, one.tasks[0])
    told = f"  {task.id}  {present.clean(task.title)}"
    return [f"{present.shorten(told, session.width - len(since) - 2)}  {since}".rstrip()]


def _sum(session: Session, found: list[Finding]) -> str:
    faults = sum(one.level == "fault" for one in found)
    asks = sum(one.level == "asks" for one in found)
    if not faults and not asks:
        return session.paint("nothing stops the board, and nothing waits for you", "good")
    return f"{faults} {'thing stops' if faults == 1 else 'things stop'} work, {asks} for you"
