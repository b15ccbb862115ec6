"""The manual page ``hermes-kanban(1)``, made from the commands: ``python -m`` this, with a file.

One page for all commands, in the sections of the help. It is made when a wheel is built and is no
part of the source. (click-man leaves out what help shows as examples, and commands that are loaded
when they are wanted.)
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import click

from hermes_kanban.config import setting_variables
from hermes_kanban.surfaces.cli.root import PROGRAM, SECTIONS, cli

_ENVIRONMENT: Final = {
    "HERMES_KANBAN_HOME": "The home: configuration, profiles, boards. Default:"
    " HERMES_HOME/hermes-kanban, else ~/.hermes/hermes-kanban.",
    "HERMES_KANBAN_BOARD": "The board, where --board is not given. Default: default.",
    "HERMES_KANBAN_DB": "A board named by its file, wherever it lies.",
    "NO_COLOR": "Set to anything: no colours.",
}
_FILES: Final = {
    "config.yaml": "Configuration; every key may be missing.",
    "profiles/NAME.yaml": "A profile: how an agent is started.",
    "boards/NAME/board.db": "A board, an SQLite database.",
    "boards/NAME/backups/": "Its backups.",
    "gateway.log": "What the gateway did, one JSON object a line.",
    "web.token": "The token of the web board.",
}


def page() -> str:
    """The page in the language of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    context = click.Context(cli, info_name=PROGRAM)
    yield f'.TH "{PROGRAM.upper()}" "1" "" "{PROGRAM} {metadata.version(PROGRAM)}" "User Commands"'
    yield ".SH NAME"
    yield f"{_text(PROGRAM)} \\- a durable board on which agents and people share work"
    yield ".SH SYNOPSIS"
    yield f".B {_text(PROGRAM)}"
    yield _text("[--board SLUG] [--json] COMMAND [ARGUMENTS]")
    yield ".SH DESCRIPTION"
    yield from _prose(cli.help or "")
    yield ".SH OPTIONS"
    yield from _options(cli, context)
    for heading, modules in SECTIONS.items():
        yield f'.SH "{_text(heading.upper())}"'
        for name in (name for names in modules.values() for name in names):
            command = cli.get_command(context, name)
            assert command is not None
            yield from _command(command, click.Context(command, context, name))
    yield ".SH EXIT STATUS"
    yield from _terms(
        {
            "0": "Done.",
            "1": "Failed.",
            "2": "Misuse, or a bad configuration.",
            "3": "Not found.",
            "4": "Conflict: refused, lost, or no longer so.",
        }
    )
    yield ".SH ENVIRONMENT"
    yield from _terms(_ENVIRONMENT)
    yield ".PP"
    yield _text(
        "Every key of config.yaml has a variable that wins over it: kanban.max_spawn is"
        f" HERMES_KANBAN_MAX_SPAWN, and so on for {len(setting_variables())} keys."
    )
    yield ".SH FILES"
    yield "In the home:"
    yield from _terms(_FILES)


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    words = context.command_path.removeprefix(f"{PROGRAM} ")
    yield f'.SS "{_text(words)} {_text(usage)}"'
    yield from _prose(command.help or "")
    yield from _options(command, context)
    yield from _examples(command.epilog or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _command(below, click.Context(below, context, name))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    of_all = () if command is cli else ("board", "as_json")
    records = [
        option.get_help_record(context)
        for option in command.params
        if isinstance(option, click.Option) and option.name not in of_all
    ]
    yield from _terms(dict(record for record in records if record is not None))


def _examples(epilog: str) -> Iterator[str]:
    lines = [line for line in epilog.splitlines() if line.startswith("  ")]
    if lines:
        yield from (".PP", ".nf", ".RS")
        yield from (_text(line.strip()) for line in lines)
        yield from (".RE", ".fi")


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, told in terms.items():
        yield ".TP"
        yield f"\\fB{_text(term)}\\fR"
        yield _text(told) or "\\&"


def _prose(text: str) -> Iterator[str]:
    for at, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(text))):
        if at:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Characters that man(7) takes for its own: backslash, minus, a dot or quote that begins."""
    found = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{found}" if found[:1] in (".", "'") else found


def main() -> None:
    """Write the page to the file named on the command line, or to standard output."""
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(page(), "utf-8")
    else:
        sys.stdout.write(page())


if __name__ == "__main__":
    main()
