"""``completion``: the words of a command line, completed by the shell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from hermes_kanban.surfaces.cli.session import Session, command

PROGRAM: Final = "hermes-kanban"
_VARIABLE: Final = "_HERMES_KANBAN_COMPLETE"
# Where each shell looks by itself, below the user's folder or what the variable names.
_PLACES: Final = {
    "bash": ("XDG_DATA_HOME", ".local/share", f"bash-completion/completions/{PROGRAM}"),
    "zsh": ("XDG_DATA_HOME", ".local/share", f"zsh/site-functions/_{PROGRAM}"),
    "fish": ("XDG_CONFIG_HOME", ".config", f"fish/completions/{PROGRAM}.fish"),
}


@command(
    "completion",
    click.Argument(["shell"], type=click.Choice(tuple(_PLACES))),
    click.Option(["--install"], is_flag=True, help="Write it where the shell looks for it."),
    examples="""
    hermes-kanban completion bash --install
    source <(hermes-kanban completion bash)
    """,
)
def completion_command(session: Session, shell: str, install: bool) -> None:
    """Print what lets a shell complete our command lines."""
    from click.shell_completion import get_completion_class

    from hermes_kanban.surfaces.cli.root import cli

    made = get_completion_class(shell)
    assert made is not None
    text = made(cli, {}, PROGRAM, _VARIABLE).source().strip()
    file = _place(shell)
    lines = [text]
    if install:
        from hermes_kanban.store.files import replace_file

        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, text.encode(), 0o644)
        lines = [f"written: {file}", "it works in shells that start from now on"]
        if shell == "zsh":
            lines.append(f"before compinit, ~/.zshrc must have: fpath=({file.parent} $fpath)")
    session.answer(
        "completion",
        {"shell": shell, "file": str(file), "text": text, "written": install},
        lines,
    )


def _place(shell: str) -> Path:
    variable, usual, name = _PLACES[shell]
    named = os.environ.get(variable)
    return (Path(named) if named else Path.home() / usual) / name
