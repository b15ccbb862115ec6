"""Every command with its options and examples."""

from __future__ import annotations

import inspect
from typing import Final

import click

from hermes_kanban.reference.markdown import Page, code, prose, table
from hermes_kanban.surfaces.cli.root import PROGRAM, SECTIONS, cli
from hermes_kanban.surfaces.cli.session import BOARD, JSON

_EXAMPLES: Final = "\b\nExamples:\n"


def _body() -> str:
    root = click.Context(cli, info_name=PROGRAM)
    parts = [f"## Everywhere\n\n{_options([*cli.params, _help(root)], root)}"]
    for heading, modules in SECTIONS.items():
        parts.append(f"## {heading}\n")
        names = [name for commands in modules.values() for name in commands]
        for name in names:
            command = cli.get_command(root, name)
            assert command is not None
            parts += _command(command, click.Context(command, root, info_name=name))
    return "\n".join(parts)


def _command(command: click.Command, context: click.Context) -> list[str]:
    """A command, or a group and then each of its own."""
    parts = [_told(command, context)]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            parts += _command(child, click.Context(child, context, info_name=name))
    return parts


def _told(command: click.Command, context: click.Context) -> str:
    path = context.command_path.removeprefix(f"{PROGRAM} ")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"### {path}", f"```text\n{usage}\n```", prose(inspect.cleandoc(command.help or ""))]
    own = [one for one in command.params if one not in (BOARD, JSON)]
    if options := _options(own, context):
        parts.append(options)
    if command.epilog:
        examples = command.epilog.removeprefix(_EXAMPLES)
        parts.append(f"```text\n{inspect.cleandoc(examples)}\n```")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _help(context: click.Context) -> click.Parameter:
    found = click.Command(PROGRAM, context_settings=cli.context_settings).get_help_option(
        click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    )
    assert found is not None
    return found


def _options(parameters: list[click.Parameter], context: click.Context) -> str:
    rows = [
        (code(record[0]), prose(record[1]))
        for one in parameters
        if isinstance(one, click.Option) and (record := one.get_help_record(context))
    ]
    return table(("option", "meaning"), rows) if rows else ""


PAGE: Final = Page(
    "cli.md",
    "Command line",
    """\
Every command, its options and examples, as `--help` shows them. Each answers in JSON with
`--json`, on one line that begins with `{"v": 1`, and ends with an [exit code](exit-codes.md); a
mistake is told in one line on standard error.""",
    _body,
)
