"""``doctor``: every check of this installation, with its remedy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from hermes_kanban import present
from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.session import Session, command

if TYPE_CHECKING:
    from hermes_kanban.doctor import Finding

_SIGNS: Final = {"ok": "ok", "warning": "warn", "fault": "FAIL", "mended": "done"}
_COLOURS: Final = {"ok": "green", "warning": "yellow", "fault": "red", "mended": "cyan"}
_NAME: Final = 15


@command(
    "doctor",
    click.Option(["--fix"], is_flag=True, help="Mend what is safe for anybody to mend."),
    examples="""
    hermes-kanban doctor
    hermes-kanban doctor --fix
    """,
)
def doctor_command(session: Session, fix: bool) -> int:
    """Check this installation, and say what to do.

    Python, SQLite, home, rights, disk, configuration, clock, boards, gateway, destinations, page,
    service, profiles and agents, and whether each reaches the board. Exit code 1 if something
    cannot work as it is; a warning is none. The rows of a board are checked by: hermes-kanban check
    """
    from hermes_kanban.doctor import examine

    if fix:
        session.may_write()
    found = []
    for one in examine(mend=fix):
        found.append(one)
        if not session.as_json:
            sys.stdout.write("".join(f"{line}\n" for line in _lines(session, one)))
            sys.stdout.flush()
    value = [
        {"check": one.check, "state": one.state, "text": one.text, "remedy": one.remedy}
        for one in found
    ]
    session.answer("findings", value, [_sum(found)])
    return errors.FAILED if any(one.state == "fault" for one in found) else errors.DONE


def _lines(session: Session, found: Finding) -> list[str]:
    from textwrap import wrap

    sign = present.paint(_SIGNS[found.state].ljust(5), _COLOURS[found.state], session.colour)
    room = max(20, session.width - 5 - _NAME)
    told = wrap(present.clean(found.text), room, break_long_words=False, break_on_hyphens=False)
    lines = [f"{sign}{found.check.ljust(_NAME)}{told[0] if told else ''}"]
    lines += [" " * (5 + _NAME) + line for line in told[1:]]
    if found.remedy:
        lines.append(" " * (5 + _NAME) + "→ " + present.clean(found.remedy))
    return lines


def _sum(found: list[Finding]) -> str:
    faults = sum(one.state == "fault" for one in found)
    warnings = sum(one.state == "warning" for one in found)
    mendable = any(one.mend is not None for one in found)
    told = f"{_count(faults, 'fault')}, {_count(warnings, 'warning')}"
    return f"{told}; some can be mended by: hermes-kanban doctor --fix" if mendable else told


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
