"""``python -m hermes_kanban.demo``, which is what ``make run`` does."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hermes_kanban import kernel as kb
from hermes_kanban.demo.home import SOURCE, Home
from hermes_kanban.demo.runner import FAILED, run


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--exit-when-idle", is_flag=True, help="End once the plan is done or cannot be.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=SOURCE / ".board",
    help="Where the board lies. Default: .board in the repository.",
)
def main(exit_when_idle: bool, home: Path) -> None:
    """Watch real workers measure this repository under a real gateway."""
    if not (SOURCE / "pyproject.toml").exists():
        raise click.UsageError(f"{SOURCE} is no checkout: nothing to measure")
    try:
        sys.exit(run(Home(home.absolute()), exit_when_idle=exit_when_idle))
    except (kb.KanbanError, OSError) as error:
        sys.stderr.write(f"make run: {error}\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
