"""The last words of a self-test: whether all held, what did not, and where to look."""

from __future__ import annotations

import textwrap

from hermes_kanban import present
from hermes_kanban.selftest.findings import Finding, Report


def last_words(report: Report, width: int, colour: bool) -> list[str]:
    """Everything that is told at the end, as lines."""
    if broken := report.broken():
        said = [_paragraph(broken, width, colour)]
    elif report.interrupted:
        held = sum(one.mark == "held" for stage in report.stages for one in stage.findings)
        said = [f"Interrupted after {report.seconds:.0f} s; {held} things were tried and held."]
    else:
        word = present.paint("All held", "green", colour)
        said = [f"{word}, in {report.seconds:.0f} s, seed {report.seed}."]
    if report.home:
        said += [f"Kept in {report.home}"]
    else:
        said += ["Nothing was kept."]
    if report.look:
        said += ["To look at it:", *(f"  {command}" for command in report.look)]
    return said


def _paragraph(broken: list[Finding], width: int, colour: bool) -> str:
    many = "One thing" if len(broken) == 1 else f"{len(broken)} things"
    text = "; ".join(present.clean(one.text) for one in broken)
    whole = textwrap.fill(f"{many} did not hold: {text}.", width)
    return present.paint(whole, "red", colour)
