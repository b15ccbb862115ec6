"""An upgrade while processes of this version write, killed at every step until it is let through.

After each death the board is of the old version or of the new one, nothing between; a backup that
is there is whole; and what the writers saw return is on the board and in the backup beside it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.stress.power import REPOSITORY, environment
from tests.stress.test_mixed_verbs import Board, acknowledged
from tests.stress.upgrading import NEXT_VERSION, THIS_VERSION
from tests.support.injector import TAKING_ROOM
from tests.support.tracing import Call, follow
from tests.support.waiting import wait_until

FILE_CALLS = TAKING_ROOM | {"fsync", "fdatasync", "unlink", "unlinkat"}
PATIENCE_SECONDS = 120
STEEPNESS = 8


class Upgrade:
    """A board that processes of this version write to, and the next version that opens it."""

    def __init__(self, folder: Path, writers: int) -> None:
        self.home, self.told = folder / "home", folder / "told"
        self.told.mkdir()
        self.env = environment(self.home)
        self.root = self.home / "boards/default"
        self.figures: Counter[str] = Counter()
        self.writers = [
            self.start("worker", f"u{number}", str(self.told / str(number)), str(folder / "never"))
            for number in range(writers)
        ]
        wait_until(lambda: self.events() > 50, timeout=PATIENCE_SECONDS)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=REPOSITORY,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tests.stress.upgrading", *arguments]

    def events(self) -> int:
        if not (self.root / "board.db").exists():
            return 0
        return int(str(rows(self.root / "board.db", "SELECT count(*) FROM task_events")[0][0]))

    def die_at_statement(self, number: int) -> bool:
        """Let the next version open the board and die there; False once it got through."""
        mover = self.start("next", str(number))
        _, errors = mover.communicate(timeout=PATIENCE_SECONDS)
        assert mover.returncode in (0, -signal.SIGKILL), errors
        return mover.returncode != 0

    def die_at_call(self, number: int) -> bool:
        """The same, at a call that changes files, with the call itself not made."""
        code = follow(self.command("next", "0"), _Killer(self.home, number), env=self.env)
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def judge(self) -> None:
        """Old or new, each backup whole; and what writes goes on, or has ended."""
        self.figures["deaths"] += 1
        ((version,),) = rows(self.root / "board.db", "PRAGMA user_version")
        self.figures[f"of version {version}"] += 1
        assert version in (THIS_VERSION, NEXT_VERSION)
        columns = rows(self.root / "board.db", "SELECT name FROM pragma_table_info('tasks')")
        assert (("label",) in columns) == (version == NEXT_VERSION)
        for backup in self.root.glob("backups/*.db"):
            self.judge_backup(backup)
        if version == THIS_VERSION:
            aim = self.events() + 3
            wait_until(lambda: self.events() > aim, timeout=PATIENCE_SECONDS, message=self.said())

    def judge_backup(self, backup: Path) -> None:
        assert rows(backup, "PRAGMA integrity_check") == [("ok",)]
        assert rows(backup, "PRAGMA user_version") == [(THIS_VERSION,)]

    def said(self) -> str:
        ended = [one for one in self.writers if one.poll() is not None]
        return "the writers do not go on: " + "".join(one.communicate()[1] for one in ended)

    def end(self) -> None:
        """All writers have met the new version; every verb that returned is there, and saved."""
        for writer in self.writers:
            _, errors = writer.communicate(timeout=PATIENCE_SECONDS)
            assert writer.returncode == 0, errors
        checked = subprocess.run(
            self.command("check"), cwd=REPOSITORY, env=self.env, capture_output=True, text=True,
            timeout=PATIENCE_SECONDS, check=True,
        )  # fmt: skip
        assert checked.stdout == "sound\n"
        (backup,) = self.root.glob("backups/*.db")
        self.judge_backup(backup)
        for file in (self.root / "board.db", backup):
            conn = sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)
            conn.row_factory = sqlite3.Row
            board = Board(conn)
            for told in acknowledged(self.told):
                assert board.lacks(told) == [], f"{told} is not in {file.name}"
                self.figures["acknowledged"] += file == backup
            conn.close()

    def close(self) -> None:
        for writer in self.writers:
            if writer.poll() is None:
                writer.kill()
                writer.communicate()


class _Killer:
    """Kills the program as it enters its n-th call that changes files below the home."""

    names = FILE_CALLS

    def __init__(self, home: Path, number: int) -> None:
        self._home, self._left = str(home.resolve()), number

    def entered(self, call: Call) -> None:
        if call.name in ("write", "pwrite64", "ftruncate", "fallocate", "fsync", "fdatasync"):
            place = os.readlink(f"/proc/{call.pid}/fd/{call.number(0)}")
        else:
            place = str(call.path(*((1, 0) if call.name.endswith("at") else (0,))))
        if place.startswith(self._home):
            self._left -= 1
            if self._left == 0:
                os.kill(call.pid, signal.SIGKILL)

    def left(self, call: Call, result: int) -> None:
        del call, result


def rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    conn = sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)
    found = conn.execute(sql).fetchall()
    conn.close()
    return found


@pytest.fixture
def upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upgrade]:
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path / "home"))
    kb.connect().close()
    made = Upgrade(tmp_path, writers=2)
    yield made
    print(f"\n{dict(made.figures)}")
    made.close()


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.torture)])
def test_a_migration_killed_at_a_statement(upgrade: Upgrade, stride: int) -> None:
    number = 1
    while upgrade.die_at_statement(number):
        upgrade.judge()
        number += stride
    upgrade.end()


@pytest.mark.parametrize("stride", [43, pytest.param(3, marks=pytest.mark.torture)])
def test_a_migration_killed_at_a_file_operation(upgrade: Upgrade, stride: int) -> None:
    number = 1
    while upgrade.die_at_call(number):
        upgrade.judge()
        # The board grows meanwhile, and with it what its backup takes.
        number += max(stride, number // STEEPNESS)
    upgrade.end()
