"""``selftest``: the crash test, on the user's own disk."""

from __future__ import annotations

import os

import click

from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.session import Session, command

STAGE_NAMES = ("disk", "steps", "races", "workers", "history")
CHAOS_MINUTES = 5.0


@command(
    "selftest",
    click.Option(["--chaos"], is_flag=True, help="Go on with random kills on mixed load."),
    click.Option(
        ["--minutes"],
        type=click.FloatRange(min=0, min_open=True, max=10_000),
        metavar="N",
        help="How long chaos goes on; default 5. Implies --chaos.",
    ),
    click.Option(
        ["--seed"], type=click.IntRange(min=0), metavar="N", help="Repeat these random choices."
    ),
    click.Option(
        ["--only"], multiple=True, type=click.Choice(STAGE_NAMES), help="Only this stage; repeat."
    ),
    click.Option(["--keep"], is_flag=True, help="Keep the boards of the test when all held."),
    examples="""
        hermes-kanban selftest
        hermes-kanban selftest --chaos --minutes 30
        hermes-kanban selftest --only disk --json
    """,
)
def selftest_command(
    session: Session,
    chaos: bool,
    minutes: float | None,
    seed: int | None,
    only: tuple[str, ...],
    keep: bool,
) -> int:
    """Try here whether crashes lose or double anything.

    On your own disk, in a home of its own inside yours: your boards are not touched. Writers are
    killed at every step, processes race, workers and gateways are killed under load. Exit code 1
    and the evidence kept if something did not hold.
    """
    if session.board is not None:
        raise click.UsageError("the self-test makes boards of its own; leave --board out")
    from hermes_kanban.config import load
    from hermes_kanban.paths import board_paths
    from hermes_kanban.selftest import runner
    from hermes_kanban.selftest.show import show_for
    from hermes_kanban.selftest.words import last_words

    home = board_paths().home
    stages = tuple(name for name in STAGE_NAMES if name in only) if only else STAGE_NAMES
    if chaos or minutes is not None:
        stages += (runner.CHAOS,)
    wanted = runner.Wanted(
        stages=stages,
        minutes=minutes or CHAOS_MINUTES,
        seed=int.from_bytes(os.urandom(4)) if seed is None else seed,
        keep=keep,
        min_free_mb=load(home).kanban.min_free_mb,
    )
    runner.check_room(home, wanted.min_free_mb)
    report = runner.run(home, wanted, show_for(list(stages), as_json=session.as_json))
    session.answer("selftest", report, last_words(report, session.width, session.colour))
    if report.interrupted:
        return errors.INTERRUPTED
    return errors.DONE if report.held else errors.FAILED
