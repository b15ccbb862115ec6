"""``import``: tasks of other trackers, and boards that ``export`` wrote."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli.groups import Group
from hermes_kanban.surfaces.cli.moving import import_jsonl
from hermes_kanban.surfaces.cli.progress import counted
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

import_command = Group(
    "import",
    help="Bring tasks of other trackers, and exported boards.",
)

_DRY_RUN: Final = click.Option(
    ["--dry-run"], is_flag=True, help="Only say what would be made, and what would be lost."
)
_TRIAGE: Final = click.Option(
    ["--triage"], is_flag=True, help="Let what is open wait in triage; nothing starts by itself."
)
_ASSIGNEE: Final = click.Option(
    ["--assignee"], multiple=True, metavar="THERE=HERE", help="Another name, such as a profile's."
)
_STATUS: Final = click.Option(
    ["--status"], multiple=True, metavar="THERE=HERE", help="What a status of the source means."
)
_SOURCE: Final = click.Option(
    ["--source"], metavar="NAME", help="Remember its tasks under this name instead of its own."
)
_COLUMN: Final = click.Option(
    ["--column"], multiple=True, metavar="FIELD=NAME", help="Which column of the table has a field."
)
_COMMON: Final = (_DRY_RUN, _TRIAGE, _ASSIGNEE, _STATUS, _SOURCE, AS_PERSON)


def _importer(
    kind: str, summary: str, metavar: str, examples: str, *more: click.Parameter
) -> click.Command:
    """The command for one kind of source."""

    @command(
        kind,
        click.Argument(["file"], type=click.Path(path_type=Path), metavar=metavar),
        *more,
        *_COMMON,
        examples=examples,
    )
    def build(
        session: Session,
        file: Path,
        dry_run: bool,
        triage: bool,
        assignee: tuple[str, ...],
        status: tuple[str, ...],
        source: str | None,
        column: tuple[str, ...] = (),
    ) -> None:
        from hermes_kanban.porting.fitting import Fitting
        from hermes_kanban.porting.reading import Choices
        from hermes_kanban.porting.sources import spooled

        by = session.actor()
        fitting = Fitting(_pairs("--assignee", assignee), triage, session.conn.default_workdir)
        choices = Choices(_pairs("--status", status), _pairs("--column", column))
        with counted(session, "reading") as read:
            spool, notes = spooled(kind, file, choices, fitting, name=source, progress=read)
        verb = "looking" if dry_run else "importing"
        with spool, counted(session, verb, len(spool)) as through:
            report = kb.import_tasks(session.conn, spool, dry_run=dry_run, progress=through, **by)
        session.answer("import", report, _lines(report, notes, session.width), remarks=notes)

    build.help = summary
    return build


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in given:
        name, equals, value = pair.rpartition("=")
        if not (equals and name and value):
            raise click.BadParameter(f"{option} {pair!r} is not of the form {option} NAME=OTHER")
        found[name] = value
    return found


def _lines(report: kb.Imported, notes: list[str], width: int) -> list[str]:
    would = "would be " if report.dry_run else ""
    counts = (
        ("read", report.read, f"tasks in {report.source}"),
        ("new", report.made, f"tasks {would}made"),
        ("changed", report.updated, f"tasks {would}brought up to date"),
        ("same", report.unchanged, "tasks as they were at the last import"),
        ("purged", report.purged, "tasks purged here since; they do not come again"),
        ("", report.comments, f"comments {would}brought"),
        ("", report.runs, f"runs {would}brought"),
        ("", report.links, f"links {would}made"),
        ("", report.files, f"files {would}attached"),
        ("", report.other_ids, "tasks with another id here; see: hermes-kanban import ids"),
    )
    lines = []
    for name, count, text in counts:
        if count or name == "read":
            lines += _wrapped(f"{count:,}", text, width)
    for there, ours in report.statuses.items():
        told = ", ".join(f"{count:,} {status}" for status, count in ours.items())
        lines += _wrapped("", f"{present.clean(there)} → {told}", width)
    for text in notes:
        lines += _wrapped("", text, width)
    for note in report.notes:
        more = ", …" if note.tasks > len(note.examples) else ""
        named = ", ".join(map(present.clean, note.examples))
        text = f"{present.clean(note.text)} ({named}{more})"
        lines += _wrapped(f"{note.tasks:,}", text, width)
    return lines


def _wrapped(count: str, text: str, width: int) -> list[str]:
    """A line of the report, under one another where it is longer than the terminal is wide."""
    first, rest = f"{count:>8}  ", " " * 10
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest)


_hermes = _importer(
    "hermes",
    "A Hermes board: the kanban.db of a Hermes home. It is only read, also while it is in use.",
    "KANBAN.DB",
    """
    hermes-kanban import hermes ~/.hermes/kanban.db --dry-run
    hermes-kanban import hermes ~/.hermes/kanban.db
    """,
)
_beads = _importer(
    "beads",
    "Beads: what `bd export` writes, a JSON object a line.",
    "ISSUES.JSONL",
    """
    hermes-kanban import beads .beads/issues.jsonl --triage
    hermes-kanban import beads issues.jsonl --status molecule=triage
    """,
)
_backlog = _importer(
    "backlog",
    "Backlog.md: the folder of a project, with its drafts and what was finished.",
    "FOLDER",
    "hermes-kanban import backlog ./backlog --assignee @ana=writer",
)
_vibe_kanban = _importer(
    "vibe-kanban",
    "Vibe Kanban: the tasks of a project as JSON, as its API answers.",
    "TASKS.JSON",
    "hermes-kanban import vibe-kanban tasks.json --dry-run",
)
_github = _importer(
    "github",
    "GitHub issues as JSON, of `gh issue list --json` or of the REST API.",
    "ISSUES.JSON",
    """
    hermes-kanban import github issues.json --dry-run
    hermes-kanban import github issues.json --triage --assignee octocat=coder
    """,
)
_csv = _importer(
    "csv",
    "CSV with a line of column names, from a spreadsheet or another tracker.",
    "FILE.CSV",
    """
    hermes-kanban import csv tasks.csv --column title=Summary --column parents="Waits for"
    """,
    _COLUMN,
)


@command(
    "ids",
    click.Argument(["foreign_id"], required=False, metavar="[FOREIGN_ID]"),
    examples="""
    hermes-kanban import ids
    hermes-kanban import ids "#12"
    """,
)
def _ids(session: Session, foreign_id: str | None) -> None:
    """Say which task came of what."""
    found = kb.imported_ids(session.conn, foreign_id)
    if foreign_id is not None and not found:
        raise kb.NotFound("imported task", foreign_id, "see: hermes-kanban import ids")
    value: list[dict[str, Any]] = [
        {"source": source, "foreign_id": foreign, "task_id": task}
        for source, foreign, task in found
    ]
    rows = [
        (task, present.clean(foreign), present.clean(source)) for source, foreign, task in found
    ]
    lines = present.table(("TASK", "ID THERE", "SOURCE"), rows, width=session.width, flexible=2)
    session.answer("ids", value, lines if found else ["nothing was imported"])


import_command.add(_hermes, _beads, _backlog, _vibe_kanban, _github, _csv, import_jsonl, _ids)
