"""Which commands can be given in a chat, and why the others cannot.

Left out is what reads or writes files of the gateway's machine, starts programs there, goes on
without end, removes what cannot be brought back, or is for workers alone.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from hermes_kanban.surfaces.cli.groups import Group
from hermes_kanban.surfaces.cli.root import MODULES, SECTIONS, LazyGroup
from hermes_kanban.surfaces.cli.session import AS_PERSON, BOARD, JSON, LOCK, RUN, Session

ALLOWED: Final = frozenset(
    {
        *("create", "list", "show", "edit", "assign", "prioritise", "schedule", "link", "unlink"),
        *("comment", "complete", "block", "attachments"),
        *("triage", "accept", "promote", "unblock", "approve", "request-changes", "reopen"),
        *("reclaim", "cancel", "archive", "adopt", "dismiss", "undo"),
        *("why", "runs", "events", "diff", "log", "stats", "assignees", "boards"),
        *("ready", "diagnostics", "pause", "resume", "hosts", "notify"),
    }
)
READING: Final = frozenset(
    {
        *(
            "list",
            "ready",
            "diagnostics",
            "show",
            "attachments",
            "why",
            "runs",
            "events",
            "diff",
            "log",
            "stats",
        ),
        *("assignees", "boards"),
    }
)
"""Commands that change nothing, so that it is no matter how often they are given."""
_READING_PARTS: Final = frozenset({"list", "outbox", "test"})

_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "boards": ("list",),
    "hosts": ("list", "drain", "resume"),
    "notify": ("subscribe", "list", "unsubscribe", "test", "outbox", "retry", "drop"),
}
_SAYS: Final[Mapping[str, str]] = {"boards": "List the boards."}
_WITHOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "complete": ("artifacts", "claim_next", "ttl"),
    "ready": ("claim", "claimer", "ttl"),
    "attachments": ("save",),
    "log": ("follow",),
}

PLATFORMS: Final = ("matrix", "telegram", "slack", "discord")
_FILES: Final = "it reads or writes files of the machine that the board is on"
_PROGRAMS: Final = "it starts programs on the machine that the board is on"
_WORKERS: Final = "it is for workers"
_ENDLESS: Final = "it goes on without end"
_PEOPLE: Final = "its answers are for people"
_LOSES: Final = "what it removes or replaces cannot be brought back"
_WHY_NOT: Final[Mapping[str, str]] = {
    "attach": _FILES,
    "backup": _FILES,
    "board": "its link lets whoever follows it in as a person",
    "check": _LOSES,
    "claim": _WORKERS,
    "completion": _FILES,
    "context": _WORKERS,
    "daemon": _PROGRAMS,
    "deliver": _WORKERS,
    "dispatch": _PROGRAMS,
    "doctor": _FILES,
    "down": _PROGRAMS,
    "export": _FILES,
    "gateway": _PROGRAMS,
    "gc": _LOSES,
    "heartbeat": _WORKERS,
    "import": _FILES,
    "init": _FILES,
    "mcp": _WORKERS,
    "migrate": _FILES,
    "move": _FILES,
    "prime": _WORKERS,
    "profiles": _FILES,
    "purge": _LOSES,
    "replay": _FILES,
    "request-review": _WORKERS,
    "restore": _LOSES,
    "selftest": _PROGRAMS,
    "service": _PROGRAMS,
    "setup": _FILES,
    "tail": _ENDLESS,
    "up": _PROGRAMS,
    "wait-for": _WORKERS,
    "watch": _ENDLESS,
    "web": _PROGRAMS,
}


def changes_the_board(words: Sequence[str]) -> bool:
    """Whether a command may write; a test message does not, and takes its time."""
    if words[0] not in ("notify", "hosts"):
        return words[0] not in READING
    part = next((word for word in words[1:] if not word.startswith("-")), "list")
    return part not in _READING_PARTS


def not_here(name: str) -> str:
    """Why a command of the command line cannot be given in a chat."""
    return f"{name} cannot be given in a chat: {_WHY_NOT.get(name, 'it is for a terminal')}"


class SlashGroup(LazyGroup):
    """The command tree as a chat has it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in MODULES if name in ALLOWED]

    def names(self) -> list[str]:
        return [*(name for name in MODULES if name in ALLOWED), "help"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ALLOWED:
            return None
        found = super().get_command(ctx, cmd_name)
        return None if found is None else _for_chats(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in MODULES and name not in ALLOWED:
            raise Unfit(not_here(name))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, modules in SECTIONS.items():
            names = [one for each in modules.values() for one in each if one in ALLOWED]
            if names:
                with formatter.section(heading):
                    formatter.write_dl([(name, self._summary(ctx, name)) for name in names])


class Unfit(click.ClickException):
    """A command, or an option of one, that is not for chats."""


@functools.cache
def _for_chats(command: click.Command) -> click.Command:
    """A command without what is not for chats."""
    if isinstance(command, Group):
        parts = _PARTS[command.name or ""]
        says = _SAYS.get(command.name or "", command.help or "")
        group = Group(command.name or "", help=says, default=command.default)
        group.params = [_fit(param, ()) for param in command.params]
        group.add(*(_for_chats(command.commands[part]) for part in parts))
        return group
    without = _WITHOUT.get(command.name or "", ())
    fit = copy.copy(command)
    fit.params = [_fit(param, without) for param in command.params]
    fit.help = _told(command.help or "")
    lines = (command.epilog or "").split("\n")
    left = [line for line in lines if not _NOT_HERE.search(line)]
    fit.epilog = "\n".join(left) if left[-1].startswith("  ") else None
    return fit


_NOT_HERE: Final = re.compile(r" --(json|save|artifact|follow|claim[a-z-]*|ttl)\b|@[a-z]|-f$")
_OF_FILES: Final = re.compile(
    r"[;,]? ?(?:@FILE, or - for stdin|@FILE or -|- for stdin|or copy one out"
    r'|"-" reads [a-z ]+ from standard input)'
    r"|\n\n *A file that exists is never replaced\."
)


def _told(text: str) -> str:
    """A help text without what it says of files and of standard input."""
    left = re.sub(r"^; |\s+\.$", "", _OF_FILES.sub("", text).strip())
    return left if text.startswith(left[:1]) else left[:1].upper() + left[1:]


def _fit(param: click.Parameter, without: tuple[str, ...]) -> click.Parameter:
    if isinstance(param, click.Argument) and param.name == "destination":
        fit: click.Parameter = copy.copy(param)
        fit.required = False
        fit.callback = _to_a_chat
        return fit
    if not isinstance(param, click.Option):
        return param
    option = copy.copy(param)
    if param.name not in without and param not in (LOCK, AS_PERSON, RUN, JSON):
        option.help = _told(param.help or "")
        return option
    option.hidden = True
    option.callback = _refuse
    return option


def _to_a_chat(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """Chats subscribe chats, first of all the one that they are in: no program, no other host."""
    place = ctx.ensure_object(Session).place
    if value in (None, "", "here"):
        if place is None:
            raise Unfit("which chat? name one, such as matrix:ROOM, or matrix alone for its home")
        return place
    if value.partition(":")[0] not in PLATFORMS:
        raise Unfit(f"{value} cannot be subscribed in a chat: only chats can")
    return value


_OF_WORKERS: Final = frozenset(
    {"run", "lock", "as_person", "claim", "claim_next", "claimer", "ttl"}
)


def _refuse(_: click.Context, param: click.Parameter, value: Any) -> Any:
    if value:
        why = _ENDLESS if param.name == "follow" else _FILES
        why = _WORKERS if param.name in _OF_WORKERS else why
        why = _PEOPLE if param.name == "as_json" else why
        raise Unfit(f"{param.opts[-1]} cannot be given in a chat: {why}")
    return value


def tree() -> SlashGroup:
    """The command tree, as chats have it."""
    return SlashGroup(
        "kanban",
        callback=_start,
        params=[BOARD],
        help="Tasks that agents and people work on.\n\n"
        "What can be done from a chat; the rest is done on the board's machine.",
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=False,
    )


def _start(**values: Any) -> None:
    del values
    click.get_current_context().ensure_object(Session)
