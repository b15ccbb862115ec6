"""A board as lines of JSON, all of it, and a board of such lines again.

The first line says what it is. Each row is ``{"table": …, "row": {column: value}}``, tables before
those that name their rows. Each attached file follows in pieces, ``{"file": sha256, "size": …,
"data": base64}``. The last line has the number of lines before it, their SHA-256, and the
fingerprint of the rows: it tells whatever was cut off or changed.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import finish
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.kernel.fingerprint import TABLES, Fingerprint, Table, fingerprint, rows
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.store import backup_files, contents
from hermes_kanban.store.contents import Content
from hermes_kanban.store.protocol import BoardConnection, Transaction, reading, takes_long, write
from hermes_kanban.store.schema import SCHEMA_VERSION

FORMAT: Final = "hermes-kanban board"
VERSION: Final = 1
PIECE_BYTES: Final = 384 * 1024
_ROWS_AT_ONCE: Final = 500
# Processes of the other board: runs that are open, and those whose process has not exited.
_UNENDED: Final = (
    "SELECT id, task_id FROM task_runs WHERE worker_pid IS NOT NULL AND exited_at IS NULL"
    " ORDER BY id"
)
_OPEN_RUNS: Final = """
SELECT r.id, r.task_id FROM task_runs r JOIN tasks t ON t.current_run_id = r.id
WHERE r.ended_at IS NULL AND t.status = 'running' ORDER BY r.id
"""
_TABLES: Final = {table.name: table for table in TABLES}
_OWN: Final = "boards"

Progress = Callable[[int], None]
_encode = msgspec.json.Encoder().encode


class Exported(msgspec.Struct, frozen=True):
    """What was written. ``missing`` are attached files that are not on this machine."""

    lines: int
    tables: dict[str, int]
    files: int
    missing: list[str]
    fingerprint: str


class Loaded(msgspec.Struct, frozen=True):
    """What came of a board's lines; ``reclaimed`` are the runs that were open in them."""

    board: str
    lines: int
    tables: dict[str, int]
    files: int
    fingerprint: str
    reclaimed: list[int]


@takes_long
def export_board(
    conn: BoardConnection,
    out: Callable[[bytes], object],
    *,
    files: bool = True,
    progress: Progress = lambda _: None,
) -> Exported:
    """Hand all of the board, as of one moment, to ``out``, a line at a time.

    Memory is that of one line. ``files`` False leaves the content of attachments out.
    """
    told = _Lines(out, progress)
    counts: dict[str, int] = {}
    print_ = Fingerprint()
    with reading(conn):
        told.write(
            {
                "format": FORMAT,
                "version": VERSION,
                "schema": SCHEMA_VERSION,
                "exported_at": conn.clock.now(),
                "board_id": conn.board_id,
                "counters": conn.counters(),
            }
        )
        for table, row in rows(conn):
            print_.add(table.name, row)
            counts[table.name] = counts.get(table.name, 0) + 1
            told.write({"table": table.name, "row": dict(zip(table.columns, row, strict=True))})
        wanted = backup_files.named_in(conn) if files else []
    missing = [one.sha256 for one in wanted if not _tell_file(conn, one, told)]
    told.end(print_.value())
    return Exported(told.count, counts, len(wanted) - len(missing), missing, print_.value())


class _Lines:
    """Lines on their way out, counted and summed."""

    def __init__(self, out: Callable[[bytes], object], progress: Progress) -> None:
        self._out = out
        self._progress = progress
        self._digest = hashlib.sha256()
        self.count = 0

    def write(self, value: dict[str, Any]) -> None:
        line = _encode(value) + b"\n"
        self._digest.update(line)
        self._out(line)
        self.count += 1
        if self.count % _ROWS_AT_ONCE == 0:
            self._progress(self.count)

    def end(self, value: str) -> None:
        last = {"end": self.count, "sha256": self._digest.hexdigest(), "fingerprint": value}
        self._out(_encode(last) + b"\n")


def _tell_file(conn: BoardConnection, content: Content, told: _Lines) -> bool:
    """The pieces of one content; False if it is not here."""
    here = conn.files.bring(content)
    descriptor = contents.open_kept(conn.paths.root, content) if here else None
    if descriptor is None:
        return False
    with open(descriptor, "rb") as file:
        first = True
        while (piece := file.read(PIECE_BYTES)) or first:
            data = base64.b64encode(piece).decode()
            told.write({"file": content.sha256, "size": content.size, "data": data})
            first = False
    return True


@takes_long
def load_board(
    conn: BoardConnection,
    lines: Iterator[bytes],
    name: str,
    *,
    progress: Progress = lambda _: None,
) -> Loaded:
    """Give an empty board everything that ``export_board`` told of another.

    One transaction: all of it, or InvalidInput that says what is wrong with ``name``, and nothing.
    What was running is reclaimed: its processes belong to the other board.
    """
    reader = _Reader(lines, name, progress)
    header = reader.header()
    counters = _counters(header, name)
    with contextlib.ExitStack() as stack, write(conn, "import") as tx:
        _must_be_empty(tx)
        files = _Files(conn, name, stack)
        told = _load(tx, reader, files)
        files.finish()
        conn.raise_counters(counters)
        found = fingerprint(conn, told.columns)
        if found != reader.fingerprint:
            problem = "holds other rows than its last line says"
            raise InvalidInput(name, "an export as it was written", problem)
        reclaimed = _reclaim(tx)
    return Loaded(conn.paths.slug, reader.count, told.counts, files.count, found, reclaimed)


def _reclaim(tx: Transaction) -> list[int]:
    """Close what was running; a process of the other board is not this one's to stop or await."""
    reclaimed = []
    for run_id, task_id in tx.all(_OPEN_RUNS):
        why = "the board was imported from an export"
        finish.reclaim_in(tx, task_state(tx, task_id), "system", why)
        reclaimed.append(run_id)
    for run_id, task_id in tx.all(_UNENDED):
        task = task_state(tx, task_id)
        end = {"exited_at": lifecycle.moment(tx, task)}
        lifecycle.update_run(tx, run_id, end)
        facts = {"run": {"id": run_id} | end, "error": "its process is of the exported board"}
        lifecycle.record(tx, task, "exited", "system", facts, run_id=run_id)
    return reclaimed


def _must_be_empty(tx: Transaction) -> None:
    for table in TABLES:
        if table.name != _OWN and tx.one(f"SELECT 1 FROM {table.name} LIMIT 1") is not None:
            hint = "an empty one; make one with: hermes-kanban boards create NAME"
            raise InvalidInput("board", hint, "holds something already")


def _counters(header: dict[str, Any], name: str) -> dict[str, int]:
    found = header.get("counters")
    try:
        return msgspec.convert(found, dict[str, int])
    except msgspec.ValidationError:
        raise InvalidInput(f"{name}, line 1,", "a line of an export", "names no counters") from None


class _Reader:
    """The lines of an export: told apart, counted, and compared with what the last one says."""

    def __init__(self, lines: Iterator[bytes], name: str, progress: Progress) -> None:
        self._lines = lines
        self._name = name
        self._progress = progress
        self._digest = hashlib.sha256()
        self.count = 0
        self.fingerprint = ""

    @property
    def where(self) -> str:
        """The line that was read last, for an error."""
        return f"{self._name}, line {self.count},"

    def header(self) -> dict[str, Any]:
        """The first line. Raises InvalidInput for what is no export, or a newer one's."""
        found = self._next()
        if found is None or found.get("format") != FORMAT:
            raise InvalidInput(self._name, "a file that hermes-kanban export wrote", "is none")
        version, schema = found.get("version"), found.get("schema")
        if version != VERSION or not isinstance(schema, int) or schema > SCHEMA_VERSION:
            hint = "one of this version or an earlier one; upgrade hermes-kanban to read it"
            raise InvalidInput(self._name, hint, "is an export of a newer hermes-kanban")
        return found

    def rest(self) -> Iterator[dict[str, Any]]:
        """Every line up to the last, which is compared and not given."""
        while (found := self._next()) is not None:
            if "end" in found:
                self._compare(found)
                return
            yield found
            if self.count % _ROWS_AT_ONCE == 0:
                self._progress(self.count)
        raise InvalidInput(self._name, "a whole export", f"ends after line {self.count}: cut off")

    def _next(self) -> dict[str, Any] | None:
        line = next(self._lines, None)
        if line is None:
            return None
        self.count += 1
        try:
            found = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(self.where, "a line of an export", f"is no JSON ({error})") from None
        if not isinstance(found, dict):
            raise InvalidInput(self.where, "a line of an export", "is no object")
        if "end" not in found:
            self._digest.update(line)
        return found

    def _compare(self, last: dict[str, Any]) -> None:
        if last.get("end") != self.count - 1 or last.get("sha256") != self._digest.hexdigest():
            raise InvalidInput(
                self._name, "an export as it was written", "was changed since, or lost some lines"
            )
        self.fingerprint = str(last.get("fingerprint"))


class _Told(msgspec.Struct):
    """Which columns the lines told of each table, and how many rows."""

    columns: dict[str, tuple[str, ...]] = {}
    counts: dict[str, int] = {}


def _load(tx: Transaction, reader: _Reader, files: _Files) -> _Told:
    told = _Told()
    for line in reader.rest():
        if "file" in line:
            files.take(line, reader.where)
            continue
        table, row = _row_of(line, reader.where)
        told.columns.setdefault(table.name, tuple(row))
        told.counts[table.name] = told.counts.get(table.name, 0) + 1
        _store(tx, table, row, reader.where)
    return told


def _store(tx: Transaction, table: Table, row: dict[str, Any], where: str) -> None:
    try:
        if table.name == _OWN:
            tx.run(_UPDATE_BOARD, dict.fromkeys(table.columns) | row)
            return
        said = {column: value for column, value in row.items() if value is not None}
        tx.run(lifecycle.insert_sql(table.name, tuple(said)), said)
    except (tx.conn.Error, OverflowError) as error:
        if tx.conn.translated(error) is not error:
            raise
        hint = "a row that the board can hold"
        raise InvalidInput(where, hint, f"cannot be stored ({error})") from None


_UPDATE_BOARD: Final = """
UPDATE boards SET name = :name, icon = :icon, default_workdir = :default_workdir,
    paused_at = :paused_at, paused_by = :paused_by
"""


def _row_of(line: dict[str, Any], where: str) -> tuple[Table, dict[str, Any]]:
    table, row = _TABLES.get(str(line.get("table"))), line.get("row")
    if table is None or not isinstance(row, dict) or not row.keys() <= set(table.columns):
        raise InvalidInput(where, "a row of a known table", "is none")
    for column, value in row.items():
        if isinstance(value, (dict, list)):
            what = f"cannot be stored ({column} is neither a text nor a number)"
            raise InvalidInput(where, "a row that the board can hold", what)
    return table, row


class _Files:
    """The attached files on their way in, each kept once all of its pieces have come."""

    def __init__(self, conn: BoardConnection, name: str, stack: contextlib.ExitStack) -> None:
        self._conn = conn
        self._name = name
        self._content: Content | None = None
        self._draft = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self.count = 0

    def take(self, line: dict[str, Any], where: str) -> None:
        """One piece."""
        try:
            content = Content(str(line["file"]), int(line["size"]))
            data = base64.b64decode(line["data"], validate=True)
        except (KeyError, ValueError, TypeError):
            raise InvalidInput(where, "a piece of a file", "is none") from None
        if content != self._content:
            self.finish()
            self._content = content
        self._draft.write(data)

    def finish(self) -> None:
        """Keep the file whose pieces have all come."""
        if self._content is None:
            return
        self._draft.flush()
        read = contents.of_file(self._draft.fileno())
        try:
            kept = contents.keep(self._conn.paths.root, read, self._content)
        except contents.Changed:
            problem = f"has the file {self._content.sha256[:12]}…, which is not whole"
            raise InvalidInput(self._name, "an export as it was written", problem) from None
        try:
            self._conn.files.keep(self._content, kept)
        finally:
            os.close(kept)
        self._content = None
        self._draft.seek(0)
        self._draft.truncate()
        self.count += 1
