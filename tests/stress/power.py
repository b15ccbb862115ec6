"""Recording programs that work on a board, and judging what a disk may hold of that."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.stress.recorded import state_of
from tests.support.disk import (
    Fates,
    all_kept,
    all_lost,
    by_coin,
    image_at,
    last_torn,
    names_by_coin,
    put,
)
from tests.support.recorder import Recording, record

REPOSITORY = Path(__file__).parents[2]
Contents = dict[str, bytes | None]
SUPERVISOR = "import sys; from hermes_kanban.workers.supervisor import main; main()"


def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder, in memory where that can be: thousands of images are made and opened."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    place = memory / f"hermes-kanban-{os.getpid()}-{tmp_path.name}"
    place.mkdir()
    yield place
    shutil.rmtree(place, ignore_errors=True)


def board_of_version(version: int, home: Path) -> Path:
    """Make the default board as that version left one; its folder."""
    folder = home / "boards" / "default"
    folder.mkdir(parents=True)
    as_it_was = REPOSITORY / "tests" / "store" / "boards" / f"schema-{version}.sql"
    with contextlib.closing(sqlite3.connect(folder / "board.db")) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.executescript(as_it_was.read_text("utf-8"))
    return folder


def supervisor_command(folder: Path, *, exit_code: int) -> list[str]:
    """Make the folder of a run whose agent exits like that; how its supervisor is started."""
    folder.mkdir()
    spec = {
        "v": 1, "board_id": "b", "run_id": 1, "task_id": "t_1", "claim_lock": "lock",
        "argv": ["/bin/sh", "-c", f"echo some output; exit {exit_code}"], "env": {}, "cwd": "/",
        "workspace": {"kind": "dir", "path": "/"}, "stdin": None, "log": f"{folder}/log",
        "log_rotate_bytes": 1 << 20, "log_cap_bytes": 1 << 20, "max_runtime_seconds": None,
        "stop_grace_seconds": 1.0, "on_exit_zero": "complete",
        "runtime": "command",
    }  # fmt: skip
    (folder / "spec.json").write_text(json.dumps(spec))
    return [sys.executable, "-c", SUPERVISOR, str(folder)]


def environment(home: Path, **variables: str) -> dict[str, str]:
    """This process's, with that home, and with no other word about boards."""
    kept = {name: value for name, value in os.environ.items() if "HERMES" not in name}
    return kept | {"HERMES_KANBAN_HOME": str(home), "PYTHONPATH": str(REPOSITORY)} | variables


def recording_of(program: str, root: Path, home: str = "", **variables: str) -> Recording:
    """Record a program of ``tests.stress.recorded`` below ``root``; ``home`` is a path in it."""
    root.mkdir(exist_ok=True)
    argv = [sys.executable, "-m", "tests.stress.recorded", program]
    made = record(argv, root, env=environment(root / home, **variables))
    assert_complete(made, root)
    return made


def assert_complete(made: Recording, root: Path) -> None:
    """Played back whole, the recording is what lies there; the shared memory apart."""
    found = image_at(made, len(made.operations), all_kept).contents()
    real = {
        str(path.relative_to(root)): None if path.is_dir() else path.read_bytes()
        for path in root.rglob("*")
        if not path.is_socket()
    }
    differing = {name for name in found.keys() | real.keys() if found.get(name) != real.get(name)}
    assert {name for name in differing if not name.endswith("-shm")} == set()


class Judge:
    """Writes out the images of one recording and holds each against what was told by then.

    ``database`` is where the board lies below the root. With ``last_may_go`` the last verbs may be
    missing, but no verb in part.
    """

    def __init__(
        self,
        made: Recording,
        folder: Path,
        patch: pytest.MonkeyPatch,
        *,
        database: str = "boards/default/board.db",
        last_may_go: bool = False,
    ) -> None:
        self.made = made
        self._folder, self._patch, self._database = folder, patch, database
        self._last_may_go = last_may_go
        self._states = [json.loads(line)["state"] for line in made.told(len(made.operations))]
        self._seen: set[int] = set()
        self.figures: Counter[str] = Counter()

    def look(self, point: int, fates: Fates) -> None:
        """Open what the disk holds if the power goes before that operation."""
        self.figures["images"] += 1
        contents = image_at(self.made, point, fates).contents()
        told = len(self.made.told(point))
        key = hash((frozenset(contents.items()), told))
        if key in self._seen:
            return
        self._seen.add(key)
        self.figures["opened"] += 1
        place = self._folder / f"image-{len(self._seen)}"
        put(contents, place)
        try:
            self.judge(place, contents, told)
        except BaseException as error:
            error.add_note(f"before operation {point} of {len(self.made.operations)}, {told} told")
            near = self.made.operations[max(0, point - 3) : point + 1]
            error.add_note("\n".join(str(one._replace(data=one.data[:40])) for one in near))
            raise
        shutil.rmtree(place)

    def judge(self, place: Path, contents: Contents, told: int) -> None:
        """The board opens, holds what was told, is sound and goes on."""
        if told and not self._last_may_go:
            assert self._database in contents, "a board that had been told of is gone"
        self._patch.setenv("HERMES_KANBAN_DB", str(place / self._database))
        conn = kb.connect()
        if self._database in contents:
            self._compare(state_of(conn), told)
        found = kb.check(conn, deep=True)
        assert found == [], found
        task_id = kb.create_task(conn, title="it goes on")
        assert kb.complete_task(conn, task_id)
        conn.close()

    def _compare(self, state: str, told: int) -> None:
        """What was told is there, at most the verb under way too, and nothing else."""
        first = 0 if self._last_may_go else max(0, told - 1)
        allowed = self._states[first : told + 1]
        assert state in allowed, "the board is in no state that a verb left it in"
        self.figures["with verbs missing"] += bool(told) and state not in self._states[told - 1 :]

    def look_everywhere(
        self, points: Iterable[int], seeds: Callable[[int], Iterable[int]] = lambda point: [point]
    ) -> None:
        """Every kind of image at each of these points."""
        for point in points:
            self.look(point, all_kept)
            self.look(point, all_lost)
            if point and self.made.operations[point - 1].kind == "write":
                self.look(point, last_torn(point - 1))
            for seed in seeds(point):
                self.look(point, by_coin(seed))
                self.look(point, names_by_coin(seed))

    def report(self, name: str) -> None:
        """Print what was done."""
        kinds = Counter(one.kind for one in self.made.operations)
        total = len(self.made.operations)
        print(f"\n{name}: {total} operations {dict(kinds)}, {dict(self.figures)}")


def every_point(made: Recording) -> range:
    """Before each operation, and after the last."""
    return range(len(made.operations) + 1)


def some_points(made: Recording, count: int) -> list[int]:
    """That many of them, always the same."""
    return sorted(random.Random(1).sample(every_point(made), count))
