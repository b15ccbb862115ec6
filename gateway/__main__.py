"""``python -m gateway``: run the gateway in the foreground until a signal."""

from __future__ import annotations

import os
import sys

import anyio
import click

from gateway.runner import GatewayRunner
from hermes_kanban import kernel as kb
from hermes_kanban import logs, oserrors
from hermes_kanban.config import load
from hermes_kanban.kernel.boards import board_slugs
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
        _open_first(boards)
        runner = GatewayRunner(boards=boards)
    except kb.ConfigError as error:
        return _refuse(error, 2)
    except (kb.KanbanError, OSError) as error:
        return _refuse(error, 1)
    anyio.run(runner.run)
    return 0


def _open_first(boards: list[str] | None) -> None:
    """Open the board, or make the first, so that who starts the gateway sees what is wrong with it.

    A host may start before its database does, or before it takes writes: the runner waits. So it
    does for a board that is damaged where there are others, which go on.
    """
    try:
        kb.init_db(boards[0] if boards else None)
    except (kb.BoardUnreachable, kb.BoardBusy, kb.NotNow):
        return
    except kb.ConfigError:
        raise
    except (kb.KanbanError, OSError):
        if not _are_several(boards):
            raise


def _are_several(boards: list[str] | None) -> bool:
    if boards:
        return len(boards) > 1
    return not os.environ.get("HERMES_KANBAN_DB") and len(board_slugs()) > 1


def _refuse(error: kb.KanbanError | OSError, code: int) -> int:
    sys.stderr.write(f"gateway: {oserrors.told(error)}\n")
    return code


if __name__ == "__main__":
    main()
