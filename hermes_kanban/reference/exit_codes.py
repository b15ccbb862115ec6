"""Every exit code."""

from __future__ import annotations

from typing import Final

from hermes_kanban.kernel.recover import EX_TEMPFAIL
from hermes_kanban.reference.markdown import Page, code, one_line, prose, table
from hermes_kanban.surfaces.cli.errors import CODES, EXIT_CODES


def _body() -> str:
    rows = [(code(number), text, _causes(number)) for number, text in EXIT_CODES.items()]
    commands = table(("code", "meaning", "such as"), rows)
    workers = table(
        ("code", "meaning"),
        [
            ("`0`", "Done: `complete` of the profile's `on_exit_zero`, else `protocol_violation`."),
            (code(EX_TEMPFAIL), "`rate_limited`: tried again later; no failure is counted."),
            ("any other", "`crashed`: tried again until `max_retries`."),
        ],
    )
    return (
        f"## Of commands\n\n{commands}\n## Of workers\n\nHow the gateway takes the end of a worker"
        f" that has not finished its run by a verb:\n\n{workers}"
    )


def _causes(number: int) -> str:
    """The errors that end with it, in the first sentence of each."""
    kinds = [kind for kind, one in CODES if one == number and kind.__module__.startswith("hermes")]
    return prose(" ".join(_sentence(kind) for kind in kinds))


def _sentence(kind: type[Exception]) -> str:
    return one_line(kind.__doc__).partition(";")[0].partition(". ")[0].rstrip(".") + "."


PAGE: Final = Page(
    "exit-codes.md",
    "Exit codes",
    """\
What a command ends with, and how the gateway takes what a worker ends with. Anything but `0`
comes with one line on standard error that says what was wrong and what to do.""",
    _body,
)
