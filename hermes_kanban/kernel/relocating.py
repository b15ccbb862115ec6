"""Moving a board from one store to another, with everything, and back.

The board is checked, copied in one transaction, compared row by row as a hash of both, checked and
replayed where it arrived; only then the place that it left is marked. Its id stays, and all others.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import msgspec

from hermes_kanban.kernel.check import Violation, check, replay_differences
from hermes_kanban.kernel.fingerprint import TABLES, Fingerprint, Table, fingerprint
from hermes_kanban.kernel.hosts import names_of_hosts
from hermes_kanban.kernel.live import LiveRun, is_dead, live_runs
from hermes_kanban.machine import machine
from hermes_kanban.model.errors import InUse, KanbanError, NotFound
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import Processes
from hermes_kanban.store import backup_files, contents, moved, replace
from hermes_kanban.store.contents import Content
from hermes_kanban.store.files import make_folder
from hermes_kanban.store.moved import Mark
from hermes_kanban.store.places import Draft, Found, Place
from hermes_kanban.store.protocol import WAIT_SECONDS, BoardConnection

LOOK_SECONDS: Final = 0.5
_OWN: Final = "boards"
_NAMED: Final = 3
_ROWS_AT_ONCE: Final = 1_000
# A host that drains goes on draining; whatever else is to be known of hosts, they say themselves.
_DRAINING: Final = ("host_id", "name", "state", "drained_at", "drained_by")
_HOSTS: Final = f"SELECT {', '.join(_DRAINING)} FROM hosts WHERE state = 'draining'"
_ATTACHED: Final = "SELECT DISTINCT sha256 FROM task_attachments"

Done = Literal["moved", "finished", "already", "looked"]
Progress = Callable[[str, int, int | None], None]
"""Hears what is being done, how far it has come, and how much there is of it if that is known."""


class Relocated(msgspec.Struct, frozen=True):
    """What came of a move.

    ``done``: it was moved; a move that was killed near its end was finished; it had been moved
    before; or it was only looked whether it can be. ``gone`` are contents of refused work, by
    SHA-256, that the board had lost before.
    """

    board: str
    done: Done
    source: str
    target: str
    rows: dict[str, int] = {}
    files: int = 0
    bytes: int = 0
    hash: str = ""
    gone: list[str] = []


def relocate(
    paths: BoardPaths,
    source: Place,
    target: Place,
    *,
    processes: Processes | None = None,
    wait_seconds: float = 0.0,
    dry_run: bool = False,
    told: Progress = lambda *_: None,
) -> Relocated:
    """Move the board whose files are ``paths`` from one place to another; all of it, or nothing.

    Refused while a gateway serves it or a run lives (``processes`` can tell), whose end is waited
    for ``wait_seconds``; while it is not sound; and where another board is. The place that it
    was moved from before is replaced, and a board that never held anything. May be repeated after a
    kill at any moment. Raises InUse, BoardMoved, NotFound, KanbanError.
    """
    here, there = source.look(), target.look()
    if (done := _done_before(here, there, target)) is not None:
        if done == "finished" and not dry_run:
            target.let_in()
        return Relocated(paths.slug, done, source.location, target.location)
    _refuse(paths.slug, here, there, source, target)
    target.may_come()
    deadline = time.monotonic() + wait_seconds
    with _at_rest(paths, source, deadline), _leaving(source, processes, deadline) as conn:
        broken = check(conn, True, told=lambda count: told("checking tasks", count, None))
        _must_be_sound(broken, source.location, "see: hermes-kanban check --fix")
        move = _Move(conn, told)
        if not dry_run:
            mark = Mark(os.urandom(16).hex(), int(time.time()), source.location)
            with target.coming(move.board, there) as draft:
                move.copy(draft)
                move.verify(draft, target.location)
                draft.keep(mark)
            host_id, host = machine().host, conn.config.host.name
            left = Mark(mark.move, mark.at, target.location, host_id=host_id, host=host)
            source.leave(conn, left)
    if not dry_run:
        target.let_in()
    done = "looked" if dry_run else "moved"
    return move.outcome(paths.slug, done, source, target)


def _done_before(here: Found, there: Found, target: Place) -> Done | None:
    """What a move before this one has left to do, if it came so far that it is not made again."""
    if here.state != "away" or here.mark is None or here.board_id != there.board_id:
        return None
    if there.state == "coming" and there.mark is not None and there.mark.move == here.mark.move:
        return "finished"
    if there.state in ("board", "unused") and here.mark.place == target.location:
        return "already"
    return None


def _refuse(slug: str, here: Found, there: Found, source: Place, target: Place) -> None:
    if here.state == "absent":
        raise NotFound("board", slug, f"there is none at {source.location}")
    if here.mark is not None:
        version = moved.AWAY if here.state == "away" else moved.COMING
        raise moved.error(source.location, version, here.mark)
    if (there.state, there.board_id) == ("board", here.board_id):
        raise InUse(
            f"the board {slug} is there already, or a copy of it with the same id",
            target.location,
            "if that is the same database by another address, there is nothing to move",
        )
    replaced = there.state in ("away", "coming") and there.board_id == here.board_id
    if there.state not in ("absent", "unused") and not replaced:
        raise InUse(f"there is a board {slug} already", target.location, target.clearing)


@contextlib.contextmanager
def _at_rest(paths: BoardPaths, source: Place, deadline: float) -> Iterator[None]:
    """While this lasts no gateway serves the board; it is waited for until the deadline."""
    served = "a gateway serves this board"
    make_folder(paths.root)  # a board of a database may not have been here yet
    while True:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(replace.held(paths.dispatcher_lock, served))
                stack.enter_context(replace.held(paths.notifier_lock, served))
                stack.enter_context(source.at_rest())
            except InUse:
                if time.monotonic() >= deadline:
                    raise
            else:
                yield
                return
        time.sleep(LOOK_SECONDS)


@contextlib.contextmanager
def _leaving(
    source: Place, processes: Processes | None, deadline: float
) -> Iterator[BoardConnection]:
    """The board under its writer lock, once no run lives; workers may write until then."""
    while True:
        with source.leaving(WAIT_SECONDS) as conn:
            alive = [run for run in live_runs(conn) if not is_dead(run, processes)]
            if not alive:
                yield conn
                return
            hosts = names_of_hosts(conn)
        if time.monotonic() >= deadline:
            named = [_named(run, hosts) for run in alive[:_NAMED]]
            away = hosts and any(run.host not in (None, machine().host) for run in alive)
            end = "start the gateway there until they have ended" if away else _END
            raise InUse(
                "runs of this board may live",
                ", ".join(named) + (", …" if alive[_NAMED:] else ""),
                f"{end}, or reclaim their tasks",
            )
        time.sleep(LOOK_SECONDS)


_END: Final = "let them end (--wait SECONDS)"


def _named(run: LiveRun, hosts: dict[str, str]) -> str:
    """Its end is known on its own host alone, so that is named."""
    by = f"process {run.worker_pid}" if run.registered else f"claimed by {run.claimer}"
    where = f" on {hosts.get(run.host, run.host)}" if run.host and hosts else ""
    return f"run {run.id} of {run.task_id} ({by}{where})"


def _must_be_sound(found: list[Violation], location: str, hint: str) -> None:
    if found:
        first = f"{found[0].noun} {found[0].row_id} {found[0].text}"
        raise KanbanError(
            f"{len(found)} invariants are broken at {location}, such as: {first}; nothing was"
            f" moved; {hint}"
        )


class _Move:
    """What is moved: the rows and contents of the board that ``conn`` sees."""

    def __init__(self, conn: BoardConnection, told: Progress) -> None:
        self._conn = conn
        self._told = told
        self._print = Fingerprint()
        columns = ("board_id", *TABLES[0].columns)
        row = conn.execute(f"SELECT {', '.join(columns)} FROM {_OWN}").fetchone()
        self.board: dict[str, Any] = dict(zip(columns, tuple(row), strict=True))
        self._counts = {table.name: _count(conn, table) for table in TABLES}
        self._contents, self._gone = self._kept()

    def _kept(self) -> tuple[list[Content], list[str]]:
        """The contents to bring, and those of refused work that the board has lost."""
        files, attached = self._conn.files, {name for (name,) in self._conn.execute(_ATTACHED)}
        kept, gone = [], []
        for content in backup_files.named_in(self._conn):
            if files.has(content):
                kept.append(content)
            elif content.sha256 in attached:
                raise KanbanError(
                    f"the attached file {content.sha256[:12]}… is not with the board; nothing was"
                    " moved; run hermes-kanban gc on the host where it was attached"
                )
            else:
                gone.append(content.sha256)
        return kept, gone

    def copy(self, draft: Draft) -> None:
        """Everything, tables before those that name their rows."""
        total, done = sum(self._counts.values()), 0
        for table in TABLES:
            rows = self._rows(table, done, total)
            if table.name == _OWN:
                list(rows)  # is there already
            else:
                draft.load(table.name, table.columns, rows)
            done += self._counts[table.name]
        draft.load("hosts", _DRAINING, self._conn.stream(_HOSTS))
        for number, content in enumerate(self._contents, 1):
            self._bring(draft, content)
            self._told("bringing files", number, len(self._contents))
        draft.conn.raise_counters(self._conn.counters())
        draft.settle()

    def _rows(self, table: Table, done: int, total: int) -> Iterator[tuple[Any, ...]]:
        for number, row in enumerate(self._conn.stream(table.rows), 1):
            self._print.add(table.name, row)
            yield row
            if number % _ROWS_AT_ONCE == 0:
                self._told("copying rows", done + number, total)

    def _bring(self, draft: Draft, content: Content) -> None:
        if not self._conn.files.bring(content):
            raise KanbanError(f"the attached file {content.sha256[:12]}… is damaged")
        file = contents.open_kept(self._conn.paths.root, content)
        if file is None:
            raise KanbanError(f"the attached file {content.sha256[:12]}… was removed meanwhile")
        try:
            draft.conn.files.keep(content, file)
        except contents.Changed:
            raise KanbanError(f"the attached file {content.sha256[:12]}… is damaged") from None
        finally:
            os.close(file)

    def verify(self, draft: Draft, location: str) -> None:
        """That the draft holds the same, is sound, and is what its events replay to."""
        self._told("comparing", 0, None)
        if fingerprint(draft.conn) != self._print.value():
            raise KanbanError(f"{location} holds other rows than were sent; nothing was moved")
        lost = [one for one in self._contents if not draft.conn.files.has(one)]
        if lost:
            raise KanbanError(f"{location} did not keep {len(lost)} attached files")
        if _given_out(self._conn) != _given_out(draft.conn):
            raise KanbanError(f"{location} would give out numbers that were given out before")

        def heard(count: int) -> None:
            self._told("checking the copy", count, None)

        hint = "please report this"
        _must_be_sound(check(draft.conn, True, told=heard), location, hint)
        _must_be_sound(replay_differences(draft.conn), location, hint)

    def outcome(self, slug: str, done: Done, source: Place, target: Place) -> Relocated:
        """What was moved, or would be."""
        return Relocated(
            board=slug,
            done=done,
            source=source.location,
            target=target.location,
            rows=self._counts,
            files=len(self._contents),
            bytes=sum(one.size for one in self._contents),
            hash="" if done == "looked" else self._print.value(),
            gone=self._gone,
        )


def _given_out(conn: BoardConnection) -> dict[str, int]:
    return {table: number for table, number in conn.counters().items() if number}


def _count(conn: BoardConnection, table: Table) -> int:
    count: int = conn.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]
    return count
