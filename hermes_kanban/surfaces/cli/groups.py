"""Commands that have commands of their own, such as ``boards create``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import click

from hermes_kanban.surfaces.cli.session import BOARD, JSON, ToldBySession, begin, epilog

_FEW: Final = 10
_EXAMPLES: Final = 5


class Group(ToldBySession, click.Group):
    """A group that takes the common options, suggests near names, and may have a default."""

    def __init__(self, name: str, *, help: str, default: str | None = None) -> None:
        super().__init__(
            name, help=help, callback=_start, params=[BOARD, JSON], no_args_is_help=False
        )
        self.default = default

    def add(self, *commands: click.Command) -> None:
        """Take these commands in, in the order given."""
        for one in commands:
            self.add_command(one)
        firsts = [one.epilog.splitlines()[2] for one in commands if one.epilog]
        self.epilog = epilog("\n".join(firsts[:_EXAMPLES]))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence(one)) for name, one in self.commands.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        wants_default = all(one in ("--json",) for one in args)
        if wants_default:
            args = [*args, self.default or "--help"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            if ctx.resilient_parsing:  # a shell asks how to go on: not so
                return None, None, args
            raise unknown(name, self.commands, ctx)
        return super().resolve_command(ctx, args)


def sentence(command: click.Command) -> str:
    """The first sentence of a command's help, whole."""
    return command.get_short_help_str(len(command.help or ""))


def unknown(
    name: str, known: Collection[str], ctx: click.Context, groups: Iterable[Group] = ()
) -> click.UsageError:
    """The error for a command that is not there, with the one that was meant, or all of few.

    ``groups`` are those in which it may be one.
    """
    from hermes_kanban.surfaces.cli.meant import near

    inside = [f"{group.name} {name}" for group in groups if name in group.commands]
    found = inside[0] if inside else near(name, known)
    hint = f"; did you mean {found!r}?" if found else ""
    if not found and len(known) <= _FEW:
        hint = f"; there are {', '.join(known)}"
    return click.UsageError(f"there is no command {name!r}{hint}", ctx)


def _start(**values: Any) -> None:
    begin(values)
