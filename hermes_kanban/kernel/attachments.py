"""Attachments: files of a task that outlive the workspace in which they were made.

The file comes first: it is copied and synced before the writer lock is asked for, and the row that
names it is written under the lock, where the file is looked for once more. Whoever removes a file
holds that lock too. So a row always has its file, and a file without a row is ``gc``'s.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from hermes_kanban import lifecycle
from hermes_kanban.kernel import fencing, limits, reads, sources
from hermes_kanban.kernel.fencing import Author, task_state
from hermes_kanban.kernel.sources import Unfit
from hermes_kanban.kernel.workspaces import directory
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import DiskFull, InvalidInput, KanbanError, NotFound
from hermes_kanban.model.records import Attachment
from hermes_kanban.store import contents
from hermes_kanban.store.contents import Content, Read
from hermes_kanban.store.protocol import (
    BoardConnection,
    Transaction,
    fetch_all,
    fetch_one,
    write,
)

TRIES: Final = 3
COLUMNS: Final = ", ".join(Attachment.__struct_fields__)
# What an event tells of the row beside its own task, run and time.
_TOLD: Final = ("id", "name", "size", "media_type", "sha256", "path")

Path_ = str | os.PathLike[str]


def add_attachment(
    conn: BoardConnection,
    task_id: str,
    *,
    path: Path_ | None = None,
    data: bytes | None = None,
    name: str | None = None,
    media_type: str | None = None,
    run_id: int | None = None,
    claim_lock: str | None = None,
    actor: str | None = None,
) -> Attachment:
    """Keep a copy of the file ``path``, or of ``data`` under ``name``, with a task.

    Any task that is not archived. At most 25 MiB; a plain file, no link. A run's path must lie in
    its workspace and counts from there; only a person names any other. The same content under the
    same name is there once: a repeat returns the first. Raises StaleRun for a run that has ended.
    """
    if (path is None) == (data is None):
        raise InvalidInput("file", "either a path or data", "is both or neither")
    reads.must_exist(conn, task_id)
    workspace = _workspace(conn, run_id, claim_lock)
    if path is not None and run_id is None:
        _check_person("file", actor)
    if name is None and path is not None:
        name = os.path.basename(os.fspath(path))
    with contextlib.ExitStack() as stack:
        try:
            if path is None:
                read = contents.of_bytes(data or b"")
            else:
                read, _ = _open(conn, path, workspace, stack)
            staged = keep(conn, read, name or "", media_type, stack)
        except Unfit as problem:
            where = "" if path is None or workspace is None else f" in the workspace {workspace}"
            allowed = f"a plain file{where} of at most {limits.ATTACHMENT_BYTES:,} bytes"
            named = sources.shown(name if path is None else path)
            raise InvalidInput("file", allowed, f"{named} {problem}") from None
        with write(conn, "attach") as tx:
            by = fencing.author(tx, run_id, claim_lock, actor)
            return insert_all(tx, task_state(tx, task_id), by, [staged])[0]


def list_attachments(
    conn: BoardConnection, task_id: str, *, after: int = 0, limit: int = reads.PAGE
) -> list[Attachment]:
    """The task's attachments, oldest first; ``after`` is the last id of the page before."""
    rows = fetch_all(
        conn,
        f"SELECT {COLUMNS} FROM task_attachments"
        " WHERE task_id = :id AND id > :after ORDER BY id LIMIT :limit",
        {"id": task_id, "after": after, "limit": limits.whole("limit", limit, 1, reads.PAGE_LIMIT)},
    )
    return [Attachment(*row) for row in rows]


def find_attachment(conn: BoardConnection, task_id: str, wanted: str | int) -> Attachment:
    """The task's attachment of that name, the newest of several, or of that id; or NotFound."""
    row = fetch_one(conn, _BY_NAME, {"task": task_id, "name": str(wanted)})
    text = str(wanted)
    if row is None and text.isascii() and text.isdecimal() and len(text) < 19:
        row = fetch_one(conn, _BY_ID, {"task": task_id, "id": int(text)})
    if row is None:
        reads.must_exist(conn, task_id)
        raise NotFound("attachment", text, f"see: hermes-kanban attachments {task_id}")
    return Attachment(*row)


_BY_NAME: Final = (
    f"SELECT {COLUMNS} FROM task_attachments WHERE task_id = :task AND name = :name"
    " ORDER BY id DESC LIMIT 1"
)
_BY_ID: Final = f"SELECT {COLUMNS} FROM task_attachments WHERE task_id = :task AND id = :id"


def locate(conn: BoardConnection, attachment: Attachment) -> Path | None:
    """The folder of the board, this one or another of its homes on this host, that has the file.

    What lies beside the rows alone is brought into this one first.
    """
    content = Content(attachment.sha256, attachment.size)
    try:
        if conn.files.bring(content):
            return conn.paths.root
    except OSError as error:
        raise _cannot_write(error, conn.paths.root / contents.FOLDER) from error
    except conn.Error as error:
        raise conn.translated(error) from error
    other = contents.root_named(attachment.path, content)
    return other if other is not None and contents.is_kept(other, content) else None


def is_missing(conn: BoardConnection, attachment: Attachment) -> bool:
    """Whether the board does not have it, nor another of its homes on this host."""
    content = Content(attachment.sha256, attachment.size)
    if conn.files.has(content):
        return False
    other = contents.root_named(attachment.path, content)
    return other is None or not contents.is_kept(other, content)


def attachment_path(conn: BoardConnection, attachment: Attachment) -> Path:
    """Where the file lies: to be read, never to be changed. Raises NotFound if it is not here."""
    root = locate(conn, attachment)
    if root is None:
        raise _not_here(attachment)
    return root / contents.FOLDER / attachment.sha256


def open_attachment(conn: BoardConnection, attachment: Attachment) -> BinaryIO:
    """The file, open for reading. Raises NotFound if it is not here."""
    root = locate(conn, attachment)
    content = Content(attachment.sha256, attachment.size)
    descriptor = None if root is None else contents.open_kept(root, content)
    if descriptor is None:
        raise _not_here(attachment)
    return os.fdopen(descriptor, "rb")


def _not_here(attachment: Attachment) -> NotFound:
    hint = "it was removed from outside, or lies on another host: run hermes-kanban gc there"
    return NotFound("file of attachment", f"{attachment.id} ({attachment.name})", hint)


def save_attachment(conn: BoardConnection, attachment: Attachment, target: Path) -> Path:
    """Copy the file to ``target``, a new name or a folder, and return its path there.

    A file that exists is never replaced. What was copied is compared with the row's SHA-256; raises
    KanbanError, and leaves nothing, if it is not that any more.
    """
    if target.is_dir():
        target /= attachment.name
    with open_attachment(conn, attachment) as source:
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            raise InvalidInput("file", "a name that is not taken", f"{target} exists") from None
        except OSError as error:
            raise _cannot_write(error, target) from None
        try:
            _copy_out(conn, source, descriptor, attachment)
        except BaseException as error:
            target.unlink(missing_ok=True)
            raise _cannot_write(error, target) from error
        finally:
            os.close(descriptor)
    return target


def _copy_out(conn: BoardConnection, source: BinaryIO, target: int, attachment: Attachment) -> None:
    wanted = Content(attachment.sha256, attachment.size)
    found = contents.copy(contents.of_file(source.fileno()), target)
    if found != wanted and conn.files.renew(wanted):
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)
        with open_attachment(conn, attachment) as again:
            found = contents.copy(contents.of_file(again.fileno()), target)
    if found != wanted:
        raise KanbanError(
            f"the file of attachment {attachment.id} is damaged: its content is not what was"
            " attached; nothing was saved"
        )


# Keeping files before there is a row.


class Staged(NamedTuple):
    """A file that is kept already; ``file`` is a descriptor of it, which outlives its name."""

    name: str
    media_type: str
    content: Content
    file: int


class HandedIn:
    """The files that a hand-over declares; ``problems`` name those that cannot be attached."""

    def __init__(self) -> None:
        self.staged: list[Staged] = []
        self.problems: list[str] = []
        self.allowed = ""

    def evidence(self, tx: Transaction) -> dict[str, Any]:
        """What a refusal keeps of them: enough to attach them when it is adopted."""
        if not self.staged:
            return {}
        for one in self.staged:
            _make_sure(tx.conn, one)
        return {"artifacts": [_facts(one) for one in self.staged]}

    def attach(self, tx: Transaction, task: TaskState, by: Author) -> dict[str, Any]:
        """Write their rows; the fact that names them. Raises InvalidInput naming every problem."""
        if self.problems:
            raise InvalidInput("artifacts", self.allowed, "; ".join(self.problems))
        rows = insert_all(tx, task, by, self.staged)
        return {"artifacts": [row.id for row in rows]} if rows else {}


@contextlib.contextmanager
def handed_in(
    conn: BoardConnection,
    task_id: str,
    artifacts: Iterable[Path_],
    run_id: int | None,
    actor: str | None = None,
    kept: fencing.Kept | None = None,
) -> Iterator[HandedIn]:
    """Keep the files that a run of the task declares, or a person; none if one of them is wrong."""
    if isinstance(artifacts, (str, os.PathLike)):
        raise InvalidInput("artifacts", "a list of paths", "is one path")
    paths = list(dict.fromkeys(artifacts))
    if len(paths) > limits.ARTIFACTS:
        raise InvalidInput("artifacts", f"{limits.ARTIFACTS} at most", f"are {len(paths)}")
    files = HandedIn()
    with contextlib.ExitStack() as stack:
        if paths:
            reads.must_exist(conn, task_id)
            if run_id is None:
                _check_person("artifacts", actor)
            # A run that is none of the task's is refused as such.
            if run_id is None or _task_of(conn, run_id) == task_id:
                workspace = None if run_id is None else _directory(conn, task_id)
                if kept is not None and kept.files is not None:
                    workspace = kept.files
                _hand_in(conn, files, paths, workspace, stack)
        yield files


def _hand_in(
    conn: BoardConnection,
    files: HandedIn,
    paths: list[Path_],
    workspace: Path | None,
    stack: contextlib.ExitStack,
) -> None:
    where = "" if workspace is None else f" in the workspace {workspace}"
    most = f"{limits.ATTACHMENT_BYTES:,} bytes each, {limits.ARTIFACTS_BYTES:,} together"
    files.allowed = f"plain files{where}, at most {most}"
    readable, total = [], 0
    for path in paths:
        try:
            read, size = _open(conn, path, workspace, stack)
            name = sources.file_name(os.path.basename(os.fspath(path)))
            readable.append((path, name, read))
            total += size
        except Unfit as problem:
            files.problems.append(f"{sources.shown(path)} {problem}")
        except InvalidInput as error:
            files.problems.append(f"{sources.shown(path)}: its {error}")
    if total > limits.ARTIFACTS_BYTES:
        files.problems.append(f"have {total:,} bytes together")
    for path, name, read in readable if not files.problems else ():
        try:
            files.staged.append(keep(conn, read, name, None, stack))
        except Unfit as problem:
            files.problems.append(f"{sources.shown(path)} {problem}")


def _open(
    conn: BoardConnection, path: Path_, workspace: Path | None, stack: contextlib.ExitStack
) -> tuple[Read, int]:
    """How to read a file that was named, and its size. Raises Unfit."""
    descriptor = stack.enter_context(sources.opened(path, workspace, conn.paths))
    size = os.fstat(descriptor).st_size
    if size > limits.ATTACHMENT_BYTES:
        raise Unfit(f"has {size:,} bytes")

    def read(count: int, offset: int) -> bytes:
        try:
            return os.pread(descriptor, count, offset)
        except OSError as error:
            raise Unfit(f"cannot be read ({error.strerror or error})") from None

    return read, size


def keep(
    conn: BoardConnection,
    read: Read,
    name: str,
    media_type: str | None,
    stack: contextlib.ExitStack,
) -> Staged:
    """Keep a source and hold its copy open. Raises Unfit, InvalidInput, or that it has no room."""
    name = sources.file_name(name)
    kind = sources.media_type(media_type, name)
    for _ in range(TRIES):
        content = contents.measure(read, limits.ATTACHMENT_BYTES)
        if content.size > limits.ATTACHMENT_BYTES:
            raise Unfit(f"has over {limits.ATTACHMENT_BYTES:,} bytes")
        try:
            kept = contents.keep(conn.paths.root, read, content)
        except contents.Changed:
            continue
        except OSError as error:
            raise _cannot_write(error, conn.paths.root / contents.FOLDER) from error
        stack.callback(os.close, kept)
        return Staged(name, kind, content, kept)
    raise Unfit("changed while it was read; attach it when it is finished")


def _workspace(conn: BoardConnection, run_id: int | None, claim_lock: str | None) -> Path | None:
    """Where the run works; None for a person. Raises NotFound or StaleRun."""
    if run_id is None:
        return None
    run = reads.get_run(conn, run_id)
    # Said before its files are looked for, which may be gone; under the lock it is asked again.
    if run.ended_at is not None or claim_lock not in (None, run.claim_lock):
        raise fencing.stale(conn, run_id, run.task_id)
    return _directory(conn, run.task_id)


def _check_person(field: str, actor: str | None) -> None:
    """An agent without a run has no workspace, and may not hand over what it can read elsewhere."""
    by = limits.actor(actor)
    if not by.startswith("person:"):
        raise InvalidInput(field, "a file of a run's workspace, or named by a person", f"is {by}'s")


def _directory(conn: BoardConnection, task_id: str) -> Path:
    return directory(reads.get_task(conn, task_id), conn.paths)


def _task_of(conn: BoardConnection, run_id: int) -> str | None:
    row = fetch_one(conn, "SELECT task_id FROM task_runs WHERE id = :run", {"run": run_id})
    return None if row is None else str(row[0])


# Rows.


def insert_all(
    tx: Transaction, task: TaskState, by: Author, staged: list[Staged]
) -> list[Attachment]:
    """A row and an event for each that is not there yet; all of them, in order."""
    known = [tx.one(_SAME, _key(task, one)) for one in staged]
    new = len({(one.name, one.content) for one, row in zip(staged, known, strict=True) if not row})
    most = limits.ATTACHMENTS_PER_RUN
    fencing.check_run_quota(tx, by.run_id, "attachments", most, new)
    return [_insert(tx, task, by, one) for one in staged]


def _insert(tx: Transaction, task: TaskState, by: Author, staged: Staged) -> Attachment:
    lifecycle.transition("attach", task["status"])
    _make_sure(tx.conn, staged)
    if (row := tx.one(_SAME, _key(task, staged))) is not None:
        return Attachment(*row)
    columns = {
        "task_id": task["id"],
        "run_id": by.run_id,
        # Below the board's folder, so that both can be moved together.
        "path": f"{contents.FOLDER}/{staged.content.sha256}",
        "created_at": lifecycle.moment(tx, task),
    } | _facts(staged)
    said = {column: value for column, value in columns.items() if value is not None}
    columns["id"] = tx.insert(lifecycle.insert_sql("task_attachments", tuple(said)), said)
    part = {name: columns[name] for name in _TOLD}
    facts = {"attachment": part}
    lifecycle.apply(tx, "attach", task, actor=by.actor, run_id=by.run_id, facts=facts)
    return Attachment(**columns)


_SAME: Final = (
    f"SELECT {COLUMNS} FROM task_attachments"
    " WHERE task_id = :task AND name = :name AND sha256 = :sha256 ORDER BY id LIMIT 1"
)


def _key(task: TaskState, staged: Staged) -> dict[str, Any]:
    return {"task": task["id"], "name": staged.name, "sha256": staged.content.sha256}


def _facts(staged: Staged) -> dict[str, Any]:
    return {
        "name": staged.name,
        "size": staged.content.size,
        "media_type": staged.media_type,
        "sha256": staged.content.sha256,
    }


def _make_sure(conn: BoardConnection, staged: Staged) -> None:
    """Under the lock: beside the rows, or again where a purge or ``gc`` removed it meanwhile."""
    try:
        conn.files.keep(staged.content, staged.file)
    except OSError as error:
        raise _cannot_write(error, conn.paths.root / contents.FOLDER) from error


def attach_refused(
    tx: Transaction, task: TaskState, by: Author, kept: list[dict[str, Any]]
) -> dict[str, Any]:
    """Attach what a refused hand-over had brought; the facts that name it, and what is gone."""
    found: list[int] = []
    gone: list[str] = []
    for facts in kept:
        content = Content(facts["sha256"], facts["size"])
        here = tx.conn.files.bring(content)
        file = contents.open_kept(tx.conn.paths.root, content) if here else None
        if file is None:
            gone.append(facts["name"])
            continue
        try:
            staged = Staged(facts["name"], facts["media_type"], content, file)
            found.append(_insert(tx, task, by, staged).id)
        finally:
            os.close(file)
    named: dict[str, Any] = {"artifacts": found} if found else {}
    return named | ({"artifacts_gone": gone} if gone else {})


def _cannot_write(error: BaseException, place: Path) -> BaseException:
    """The board's own error for a file that could not be written; any other comes back as it is."""
    if not isinstance(error, OSError) or isinstance(error, KanbanError):
        return error
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"no room to write {place} ({error}); nothing was changed; free some space")
    what = "check the rights of its folder and the room on its disk"
    return KanbanError(f"cannot write {place} ({error}); {what}")
