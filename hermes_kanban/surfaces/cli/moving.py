"""``export`` and ``migrate``: a board on its way elsewhere, or to a newer schema."""

from __future__ import annotations

import contextlib
import gzip
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.progress import counted
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

_STDOUT: Final = "-"
_COMPRESSED: Final = ".gz"


@command(
    "export",
    click.Argument(["file"], metavar="FILE"),
    click.Option(["--without-files"], is_flag=True, help="Leave out what attached files hold."),
    AS_PERSON,
    examples="""
    hermes-kanban export board.jsonl.gz
    hermes-kanban export - | ssh elsewhere hermes-kanban import jsonl -
    """,
)
def export_command(session: Session, file: str, without_files: bool) -> None:
    """Write all of the board, with its files, as JSON lines.

    FILE may end in .gz, and - is standard output. A file that exists is never replaced. It holds
    what the board holds, claim locks and tokens' hashes too: keep it as private. Logs and
    workspaces are not part of it. An empty board takes it with: hermes-kanban import jsonl FILE
    """
    session.may_write()
    conn = session.conn
    with _target(file) as out, counted(session, "exporting") as told:
        done = kb.export_board(conn, out, files=not without_files, progress=told)
    for missing in done.missing:
        session.warn(f"the file {missing[:12]}… is not on this machine and is left out")
    if file == _STDOUT:
        return
    rows = sum(done.tables.values())
    lines = [file, f"{rows:,} rows and {done.files:,} files", f"hash {done.fingerprint}"]
    session.answer("export", done, lines, file=file)


@contextlib.contextmanager
def _target(file: str) -> Iterator[Callable[[bytes], object]]:
    """Where the lines go; a file is private, and is there when all of it is on the disk."""
    if file == _STDOUT:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    path = Path(file).absolute()
    if os.path.lexists(path):
        raise kb.InvalidInput("file", "a name that is not taken yet", f"{path} exists")
    if not path.parent.is_dir():
        raise kb.NotFound("folder", path.parent, "make it first, or name another")
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as plain:
            if path.suffix == _COMPRESSED:
                with gzip.open(plain, "wb") as packed:
                    yield packed.write
            else:
                yield plain.write
            plain.flush()
            os.fsync(plain.fileno())
        os.rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@command(
    "jsonl",
    click.Argument(["file"], metavar="FILE"),
    AS_PERSON,
    examples="""
    hermes-kanban boards create copy
    hermes-kanban import jsonl board.jsonl.gz --board copy
    """,
)
def import_jsonl(session: Session, file: str) -> None:
    """A board that export wrote, into an empty one: all of it, or nothing.

    What was running is reclaimed, and no id of before is used again. Stop the gateway of the other
    board first, or both send what is owed to the same destinations.
    """
    session.actor()
    conn = session.conn
    with _source(file) as lines, counted(session, "importing") as told:
        done = kb.load_board(
            conn, lines, "standard input" if file == _STDOUT else file, progress=told
        )
    if broken := kb.check(conn):
        session.warn(f"{len(broken)} invariants are broken in it; see: hermes-kanban check --fix")
    rows = sum(done.tables.values())
    lines_ = [f"{rows:,} rows and {done.files:,} files", f"hash {done.fingerprint}"]
    lines_ += [f"reclaimed run {run_id}" for run_id in done.reclaimed]
    session.answer("import", done, lines_)


@contextlib.contextmanager
def _source(file: str) -> Iterator[Iterator[bytes]]:
    if file == _STDOUT:
        yield iter(sys.stdin.buffer)
        return
    path = Path(file)
    if not path.exists():
        raise kb.NotFound("file", path, "give the path of what hermes-kanban export wrote")
    if path.is_dir():
        raise kb.InvalidInput(str(path), "a file that hermes-kanban export wrote", "is a folder")
    with open(path, "rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if not packed:
            yield iter(plain)
            return
        with gzip.open(plain) as unpacked:
            yield _unpacked(unpacked, path)


def _unpacked(lines: Any, path: Path) -> Iterator[bytes]:
    import zlib

    try:
        yield from lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        allowed = "a whole file that hermes-kanban export wrote"
        raise kb.InvalidInput(str(path), allowed, f"was cut off or damaged ({error})") from None


@command(
    "migrate",
    click.Option(["--all", "every"], is_flag=True, help="Every board of the home."),
    click.Option(["--dry-run"], is_flag=True, help="Only say which schema each board has."),
    examples="""
    hermes-kanban migrate --all --dry-run
    hermes-kanban migrate --all
    """,
)
def migrate_command(session: Session, every: bool, dry_run: bool) -> int:
    """Bring boards to this version's schema, each after a backup.

    Whatever opens an older board does the same; this does it at a time of your choice, before a
    gateway of the new version starts. Exit code 1 if a board could not be brought along.
    """
    from hermes_kanban.store.opening import board_slugs, migrated_board, schema_version
    from hermes_kanban.store.schema import SCHEMA_VERSION

    boards: list[str | None] = [*board_slugs()] if every else [session.board]
    found: list[dict[str, Any]] = []
    lines, failed = [], False
    for board in boards:
        try:
            version = schema_version(board)
            made = [] if dry_run else migrated_board(board)
        except kb.KanbanError as error:
            found.append({"board": board, "error": str(error)})
            lines.append(f"{board or 'the board'}: {error}")
            failed = True
            continue
        now = version if dry_run else SCHEMA_VERSION
        found.append({"board": board, "before": version, "after": now, "backups": made})
        name = board or "the board"
        if version == SCHEMA_VERSION:
            lines.append(f"{name} has schema {version}, the newest")
        elif dry_run:
            lines.append(f"{name} has schema {version}; this version's is {SCHEMA_VERSION}")
        else:
            lines.append(f"{name} went from schema {version} to {now}")
            lines += [f"  backup {one}" for one in made]
    session.answer("boards", found, lines or ["there is no board"])
    return errors.FAILED if failed else errors.DONE
