"""The command tree: finds the command that was asked for, and loads only that one."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, Final

import click

from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.session import BOARD, JSON, Session, ToldBySession, begin, epilog

PROGRAM: Final = "hermes-kanban"
_ROOM: Final = "hermes_kanban.surfaces.cli."

# Heading → module → its commands, in the order in which help shows them.
SECTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "Set up": {
        "up": ("up", "down"),
        "setup": ("init", "boards", "profiles"),
        "clients": ("setup",),
        "doctoring": ("doctor",),
        "servicing": ("service",),
        "completing": ("completion",),
        "selftest": ("selftest",),
    },
    "File and plan tasks": {
        "creating": ("create",),
        "listing": ("list",),
        "showing": ("show",),
        "editing": ("edit", "assign", "prioritise", "schedule", "link", "unlink", "comment"),
    },
    "Do a task": {
        "taking": ("ready",),
        "working": (
            "claim",
            "heartbeat",
            "complete",
            "block",
            "request-review",
            "wait-for",
        ),
        "attaching": ("attach", "attachments"),
        "showing": ("context",),
        "mcp": ("mcp",),
        "delivering": ("deliver",),
        "priming": ("prime",),
    },
    "Decide about tasks": {
        "deciding": (
            "triage",
            "accept",
            "promote",
            "unblock",
            "approve",
            "request-changes",
            "reopen",
            "reclaim",
            "cancel",
            "archive",
            "adopt",
            "dismiss",
        ),
        "history": ("undo",),
    },
    "See what happens": {
        "showing": ("why", "runs", "events"),
        "diagnosing": ("diagnostics",),
        "history": ("diff",),
        "following": ("log", "tail"),
        "watching": ("watch",),
        "web": ("board", "web"),
        "numbers": ("stats", "assignees"),
    },
    "Run the board": {
        "running": ("gateway", "dispatch", "pause", "resume", "daemon"),
        "hosts": ("hosts",),
        "notifying": ("notify",),
    },
    "Look after the board": {
        "upkeep": ("check", "replay", "backup", "restore", "purge", "gc"),
        "importing": ("import",),
        "moving": ("export", "migrate"),
        "relocating": ("move",),
    },
}
MODULES: Final = {
    command: module
    for modules in SECTIONS.values()
    for module, commands in modules.items()
    for command in commands
}


class LazyGroup(ToldBySession, click.Group):
    """A group that imports the module of a command when the command is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def names(self) -> list[str]:
        """What a command may be called."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = MODULES.get(cmd_name)
        if module is None:
            return None
        loaded = import_module(_ROOM + module)
        command: click.Command = getattr(loaded, f"{cmd_name.replace('-', '_')}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in MODULES and not name.startswith("-"):
            if ctx.resilient_parsing:  # a shell asks how to go on: not so
                return None, None, args
            from hermes_kanban.surfaces.cli.groups import Group, unknown

            found = (self.get_command(ctx, one) for one in self.list_commands(ctx))
            groups = [one for one in found if isinstance(one, Group)]
            raise unknown(name, self.names(), ctx, groups)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, modules in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (name, self._summary(ctx, name))
                        for names in modules.values()
                        for name in names
                    ]
                )

    def _summary(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(60) if command else ""


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib import metadata

        click.echo(f"{PROGRAM} {metadata.version(PROGRAM)}")
        ctx.exit()


def _start(**values: Any) -> None:
    begin(values)


_CODES: Final = [one for one in errors.EXIT_CODES.items() if one[0] != errors.INTERRUPTED]

cli = LazyGroup(
    PROGRAM,
    callback=_start,
    params=[
        BOARD,
        JSON,
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        ),
    ],
    help="A durable board on which agents and people share work.\n\n"
    "Tasks are filed here, claimed by workers that the gateway starts, and handed over with their"
    f" results. Exit codes: {', '.join(f'{code} {text}' for code, text in _CODES)}.",
    epilog=epilog(
        """
        hermes-kanban create "Write the report" --assignee writer
        hermes-kanban list --status ready
        hermes-kanban why t_abc234
        hermes-kanban gateway run
        """
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
    invoke_without_command=False,
)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; never a traceback for a user's mistake."""
    try:
        code = cli.main(
            args=arguments or ["--help"],
            prog_name=PROGRAM,
            standalone_mode=False,
            obj=Session(),
        )
        sys.stdout.flush()
    except BrokenPipeError:
        _mute_stdout()
        return errors.FAILED
    except (KeyboardInterrupt, click.Abort):
        return errors.INTERRUPTED
    except errors.EXPECTED as error:
        sys.stderr.write(f"{PROGRAM}: {errors.one_line(error)}\n")
        return errors.exit_code(error)
    return code if isinstance(code, int) else errors.DONE


def _mute_stdout() -> None:
    """Whoever read our output has gone: nothing may be written at exit either.

    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
