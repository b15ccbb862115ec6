"""``python -m gateway``: run the gateway in the foreground until a signal."""

from __future__ import annotations

import contextlib
import sys

import anyio
import click

from gateway.runner import GatewayRunner
from hermes_kanban import kernel as kb
from hermes_kanban import logs, oserrors
from hermes_kanban.config import load
from hermes_kanban.paths import home


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--board", "boards", multiple=True, help="Serve only this board; repeatable.")
def main(boards: tuple[str, ...]) -> None:
    """Run the gateway in the foreground; the log goes to standard error."""
    sys.exit(run(list(boards) or None))


def run(boards: list[str] | None = None, *, quiet: bool = False) -> int:
    """Run until a signal; 0 after an orderly stop, 2 for a bad configuration, 1 for a bad board.

    A ``quiet`` one logs into its file alone.
    """
    try:
        settings = load(home()).logging
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
        logs.configure(settings, None if quiet else sys.stderr, file=home() / "gateway.log")
        # A host may start before its database does, or before it takes writes: the runner waits.
        with contextlib.suppress(kb.BoardUnreachable, kb.BoardBusy, kb.NotNow):
            kb.init_db(boards[0] if boards else None)
        runner = GatewayRunner(boards=boards)
    except kb.ConfigError as error:
        return _refuse(error, 2)
    except (kb.KanbanError, OSError) as error:
        return _refuse(error, 1)
    anyio.run(runner.run)
    return 0


def _refuse(error: kb.KanbanError | OSError, code: int) -> int:
    sys.stderr.write(f"gateway: {oserrors.told(error)}\n")
    return code


if __name__ == "__main__":
    main()
