"""The process whose children are killed at every step of every verb; it judges what they leave.

Children are forked: they need not start an interpreter each, and no thread, no terminal and no
connection is carried over. Says what it does in lines of JSON on standard output.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.invariants.attached import altered_files, missing_files
from hermes_kanban.paths import board_paths
from hermes_kanban.selftest.abrupt import Abrupt
from hermes_kanban.selftest.still import SameChance, StillClock
from hermes_kanban.selftest.verbs import VERBS, Given, Verb
from hermes_kanban.store import contents

PREPARED_WITH, ACTED_WITH = 1, 2
CREATION: Final = "create a board"
RESTORE: Final = "restore a backup"
NAMES: Final = (*VERBS, CREATION, RESTORE)
LATER_SECONDS: Final = 100
TELL_SECONDS: Final = 0.1
_TOLD: Final = b"+"
_STEPS: Final = b"#"
_RAISED: Final = b"!"

Rows = dict[str, list[tuple[Any, ...]]]


class Half(Exception):
    """A verb was neither wholly there nor wholly absent, or something else did not hold."""


class Nursery:
    """Kills verbs on one board, which is put back as it was after each of them.

    Of all verbs it takes every ``shares``-th, from the ``share``-th on.
    """

    def __init__(self, slug: str, share: int, shares: int) -> None:
        self._slug = slug
        self._names = NAMES[share::shares]
        self._root = board_paths(slug).root
        self._drafts = board_paths(slug).home / "drafts" / slug
        self._told_at = 0.0
        self.kills = 0
        self.acknowledged = 0

    def run(self) -> None:
        """Every verb, every step; a verb that does not hold leaves its board under another name."""
        # Loaded here once, not by each child anew.
        for name in dir(kb):
            getattr(kb, name)
        # A collection in a child would copy every page of memory that it looks at.
        gc.disable()
        gc.freeze()
        self._drafts.mkdir(mode=0o700, parents=True)
        kb.create_board(self._slug)
        empty = self._set_aside("empty")
        for name in self._names:
            self._attempt(name, empty)
        told = {"kills": self.kills, "verbs": len(self._names), "acknowledged": self.acknowledged}
        tell({"done": told})

    def _attempt(self, name: str, empty: Path) -> None:
        try:
            if name == CREATION:
                self._creation()
            elif name == RESTORE:
                self._restore(empty)
            else:
                self._verb(name, VERBS[name], empty)
        except Half as half:
            kept = self._root.with_name(f"{name.replace(' ', '-')}-{self._slug}")
            with contextlib.suppress(FileNotFoundError):
                self._root.rename(kept)
            tell({"broke": f"{name}: {half}", "board": kept.name})

    def _set_aside(self, name: str) -> Path:
        """Keep the board, which nobody has open, to begin from again."""
        kept = self._drafts / f"{name}.db"
        shutil.copyfile(self._root / "board.db", kept)
        _copy_files(self._root / contents.FOLDER, kept.with_suffix(".files"))
        return kept

    def _put_back(self, kept: Path) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(mode=0o700, parents=True)
        shutil.copyfile(kept, self._root / "board.db")
        _copy_files(kept.with_suffix(".files"), self._root / contents.FOLDER)

    # A verb on a board

    def _verb(self, name: str, verb: Verb, empty: Path) -> None:
        self._put_back(empty)
        given = self._prepared(verb)
        draft = self._set_aside("verb")
        absent = self._sound_rows()
        self._put_back(draft)
        steps, _ = self._child(lambda at: self._act(verb, given, at), None)
        whole = self._sound_rows()
        if whole == absent:
            raise Half("it changed nothing")
        committed_at = 0
        for at in range(1, steps + 1):
            self._say(name, at, steps)
            self._put_back(draft)
            _, told = self._child(lambda at: self._act(verb, given, at), at)
            where = f"killed at step {at} of {steps}"
            found = self._left(where)
            if found not in (absent, whole):
                raise Half(f"{where} it was there by half: {differences(found, absent, whole)}")
            if found == whole:
                committed_at = committed_at or at
            elif committed_at:
                raise Half(f"{where} it was gone, and at step {committed_at} it was there")
            elif told:
                raise Half(f"{where} it was gone although it had been acknowledged")

    def _prepared(self, verb: Verb) -> Given:
        chance = SameChance(PREPARED_WITH)
        with self._opened(clock=StillClock(), randomness=chance) as conn:
            return verb.prepare(conn)

    def _act(self, verb: Verb, given: Given, at: int | None) -> Abrupt:
        clock, chance = StillClock(LATER_SECONDS), SameChance(ACTED_WITH)
        conn = kb.connect(self._slug, clock=clock, randomness=chance)
        abrupt = Abrupt(at)
        with abrupt:
            verb.act(conn, given)
        return abrupt

    # The creation of a board

    def _creation(self) -> None:
        self._clear()
        steps, _ = self._child(self._create, None)
        for at in range(1, steps + 1):
            self._say(CREATION, at, steps)
            self._clear()
            _, told = self._child(self._create, at)
            where = f"killed at step {at} of {steps}"
            if told and not self._root.exists():
                raise Half(f"{where} the board was gone although it had been acknowledged")
            try:
                kb.create_board(self._slug)
                self._sound_rows()
            except kb.KanbanError as error:
                raise Half(f"{where} it left a board that cannot be used: {error}") from None
        self._clear()

    def _clear(self) -> None:
        """No board, and nothing of what a killed creation began."""
        for folder in (self._root, *self._root.parent.glob(f".{self._slug}.*")):
            shutil.rmtree(folder, ignore_errors=True)

    def _create(self, at: int | None) -> Abrupt:
        abrupt = Abrupt(at)
        with abrupt:
            kb.create_board(self._slug)
        return abrupt

    # A restore in place

    def _restore(self, empty: Path) -> None:
        file = self._drafts / "backup.db"
        self._put_back(empty)
        with self._opened() as conn:
            given = VERBS["complete"].prepare(conn)
            kb.backup(conn, file)
            kb.reclaim_task(conn, given["id"])
            kb.create_task(conn, title="of after the backup")
        draft = self._set_aside("changed")
        old = self._restored_rows("")
        steps, _ = self._child(lambda at: self._take_back(file, at), None)
        new = self._restored_rows("")
        done_at = 0
        for at in range(1, steps + 1):
            self._say(RESTORE, at, steps)
            self._put_back(draft)
            _, told = self._child(lambda at: self._take_back(file, at), at)
            where = f"killed at step {at} of {steps}"
            found = self._restored_rows(where)
            if found not in (old, new):
                raise Half(f"{where} it was there by half: {differences(found, old, new)}")
            if found == new:
                done_at = done_at or at
            elif done_at or told:
                raise Half(f"{where} the old board was there again")

    def _restored_rows(self, where: str) -> Rows:
        """What the board holds, but for what every restore makes anew."""
        try:
            held = self._sound_rows()
        except (Half, kb.KanbanError) as error:
            raise Half(f"{where} {error}") from None
        return {name: found for name, found in held.items() if name not in _MADE_ANEW}

    def _take_back(self, file: Path, at: int | None) -> Abrupt:
        abrupt = Abrupt(at)
        with abrupt:
            kb.restore(file, self._slug, clock=StillClock(LATER_SECONDS))
        return abrupt

    # What they share

    def _child(self, act: Callable[[int | None], Abrupt], at: int | None) -> tuple[int, bool]:
        """Let a child act; how many steps it took, and whether it acknowledged."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _live(act, at, writer)
        os.close(writer)
        with open(reader, "rb") as stream:
            said = stream.read()
        _, status = os.waitpid(pid, 0)
        told, _, raised = said.partition(_RAISED)
        if raised:
            raise Half(f"it raised: {raised.decode(errors='replace')}")
        if at is not None:
            if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                raise Half(f"it did not come to step {at}")
            self.kills += 1
            self.acknowledged += told.startswith(_TOLD)
        return int(told.partition(_STEPS)[2] or 0), told.startswith(_TOLD)

    @contextlib.contextmanager
    def _opened(self, **ports: Any) -> Iterator[kb.BoardConnection]:
        """The board for a judge, which has nobody to fear: it need not wait for the disk."""
        with contextlib.closing(kb.connect(self._slug, **ports)) as conn:
            conn.execute("PRAGMA synchronous = OFF")
            yield conn

    def _sound_rows(self) -> Rows:
        """What the board holds, and every invariant of it checked."""
        with self._opened() as conn:
            found = kb.check(conn, deep=True)
            held = rows(conn)
        if found:
            first = f"invariant {found[0].invariant}: {found[0].text}"
            raise Half(f"it leaves a board with {len(found)} broken invariants; {first}")
        return held

    def _left(self, where: str) -> Rows:
        """What a kill left; its pages are checked, its rows will be compared with sound ones."""
        with self._opened() as conn:
            (verdict,) = conn.execute("PRAGMA integrity_check(1)").fetchone()
            held = rows(conn)
            lost = [*missing_files(conn), *altered_files(conn)]
        if verdict != "ok":
            raise Half(f"{where} it left a damaged file: {verdict}")
        if lost:
            raise Half(f"{where} it left an attachment that {lost[0].text}")
        return held

    def _say(self, name: str, at: int, steps: int) -> None:
        now = time.monotonic()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            tell({"doing": f"{name}: killed at step {at} of {steps}; {self.kills} kills so far"})


def _live(act: Callable[[int | None], Abrupt], at: int | None, writer: int) -> None:
    """The life of a child: it acts, acknowledges, and is killed on the way or goes."""
    try:
        abrupt = act(at)
        abrupt.step()
        os.write(writer, _TOLD)
        abrupt.step()
        os.write(writer, _STEPS + str(abrupt.steps).encode())
    except BaseException:
        os.write(writer, _RAISED + traceback.format_exc().strip().splitlines()[-1].encode())
    finally:
        os._exit(0)


def _copy_files(source: Path, target: Path) -> None:
    """Let ``target`` be a folder with the same attached files, or none."""
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target)


def rows(conn: kb.BoardConnection) -> Rows:
    """Everything that the board holds, table by table."""
    tables = [name for (name,) in conn.execute(_TABLES)]
    found = {name: map(tuple, conn.execute(f'SELECT * FROM "{name}"')) for name in tables}
    return {name: sorted(held, key=repr) for name, held in found.items()}


_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"


_MADE_ANEW: Final = frozenset({"boards", "sqlite_sequence", "task_events"})


def differences(found: Rows, absent: Rows, whole: Rows) -> str:
    """In which tables what was found is neither, and in which it is one of them."""
    words = []
    for name, held in found.items():
        before, after = absent.get(name), whole.get(name)
        if before != after:
            state = "written" if held == after else "not written" if held == before else "neither"
            words.append(f"{name} {state}")
    return ", ".join(words)


def tell(line: dict[str, Any]) -> None:
    """One line for the self-test."""
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    Nursery(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).run()
