"""Commands that have commands of their own, such as ``boards create``."""

from __future__ import annotations

from typing import Any

import click

from hermes_kanban.surfaces.cli.session import BOARD, JSON, begin


class Group(click.Group):
    """A group that takes the common options, suggests near names, and may have a default."""

    def __init__(self, name: str, *, help: str, default: str | None = None) -> None:
        super().__init__(
            name, help=help, callback=_start, params=[BOARD, JSON], no_args_is_help=False
        )
        self._default = default

    def add(self, *commands: click.Command) -> None:
        """Take these commands in, in the order given."""
        for one in commands:
            self.add_command(one)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        wants_default = all(one in ("--json",) for one in args)
        if wants_default:
            args = [*args, self._default or "--help"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            raise click.UsageError(f"there is no command {name!r}{self._near(name)}", ctx)
        return super().resolve_command(ctx, args)

    def _near(self, name: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, self.commands, n=1)
        return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(self.commands)}"


def _start(**values: Any) -> None:
    begin(values)
