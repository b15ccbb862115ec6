"""Storage: the file is opened by SQLite alone, copied when asked, and never made anew."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.faults.looking import OFTEN, TIMER, looks_for
from tests.support.boards import ABoard
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]

# Python runs this at its start. What SQLite opens itself raises no such event. A new file that is
# made exclusively is nobody's yet, so no lock can be lost with its descriptor.
WATCH = """
import os, sys, traceback
_parts = {"board.db", "board.db-wal", "board.db-shm", "board.db-journal"}
def _watch(event, arguments):
    if event != "open" or not isinstance(arguments[0], (str, bytes)):
        return
    if os.path.basename(os.fsdecode(arguments[0])) in _parts and not arguments[2] & os.O_EXCL:
        with open(os.environ["TEST_OPENED"], "a") as report:
            report.write(f"{sys.argv} {arguments} {traceback.format_stack()[:-1]}\\n")
sys.addaudithook(_watch)
"""
COMMANDS = """
from tests.cli.conftest import Board
from tests.cli.test_every_command import CASES
from hermes_kanban.surfaces.cli.root import run

board = Board()
for name, words, _ in CASES:
    # Without a gateway diagnostics finds something.
    assert run([*name.split(), *words(board)]) == (name == "diagnostics"), name
"""
VERBS = """
from hermes_kanban import kernel as kb
from tests.support import acts

conn = kb.connect()
kb.create_board("other")
again = kb.connect("other")
for name in acts.NAMES:
    acts.prepare(conn, name)()
    again.close()
    again = kb.connect("other")
saved = kb.backup(conn)
assert kb.check(conn, deep=True) == []
kb.replay(conn)
kb.gc(conn)
kb.mend(conn)
kb.restore(saved, "other")
again.close()
conn.close()
"""
CANARY = "import sys; open(sys.argv[1], 'rb').close()"
WORKS = (
    "hermes-kanban create part && hermes-kanban comment 'half way'"
    " && hermes-kanban complete --summary written"
)


@pytest.fixture
def watched(gateways: Gateways, tmp_path: Path) -> dict[str, str]:
    """The variables under which a Python process reports what it opens of a board."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(WATCH, "utf-8")
    # The commands are called with two profiles, as their own tests are.
    gateways.configure({"writer": shell("exit 0"), "reader": shell("exit 0")})
    return {"PYTHONPATH": f"{hook}:{ROOT}", "TEST_OPENED": str(tmp_path / "opened")}


def run(program: str, *arguments: str, **variables: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def nothing_was_opened(gateways: Gateways, watched: dict[str, str]) -> None:
    """Nothing was reported, and the same watch reports what it should."""
    report = Path(watched["TEST_OPENED"])
    assert not report.exists(), report.read_text()
    run(CANARY, str(gateways.home / "boards" / "default" / "board.db"), **watched)
    assert len(report.read_text().splitlines()) == 1


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("program", [COMMANDS, VERBS], ids=["commands", "verbs"])
def test_nothing_but_sqlite_opens_a_board(
    gateways: Gateways, watched: dict[str, str], program: str
) -> None:
    run(program, **watched)
    nothing_was_opened(gateways, watched)


@pytest.mark.stores("sqlite")
def test_neither_does_a_gateway_with_its_workers(
    gateways: Gateways, watched: dict[str, str]
) -> None:
    gateways.configure({"worker": shell(WORKS, env=watched)}, **OFTEN)
    conn = gateways.open()
    gateways.start(**watched)
    tasks = [kb.create_task(conn, title=f"{n}", assignee="worker") for n in range(3)]
    for task_id in tasks:
        gateways.wait_for(task_id, "done")
        gateways.wait_for_exit(task_id)
    nothing_was_opened(gateways, watched)
    assert kb.check(conn, deep=True) == []


def fingerprint(folder: Path) -> dict[str, str]:
    """What the files of a database hold; its log's index is rebuilt by whoever reads."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if file.name.startswith("board.db") and not file.name.endswith("-shm")
    }


@pytest.mark.stores("sqlite")
def test_no_look_writes_a_backup(gateways: Gateways) -> None:
    gateways.configure(TIMER, **OFTEN)
    conn = gateways.open()
    gateways.start()
    looks_for(gateways, 2)
    found = {file.name for file in conn.paths.root.rglob("*") if file.suffix in (".db", ".bak")}
    assert found == {"board.db"}


def cut_off(file: Path) -> None:
    os.truncate(file, 0)


def overwrite_pages(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (file.stat().st_size - 4096))


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("damage", [cut_off, overwrite_pages, remove])
def test_a_gateway_neither_makes_a_damaged_board_anew_nor_copies_it(
    gateways: Gateways, damage: Callable[[Path], None]
) -> None:
    gateways.configure(TIMER, **OFTEN)
    gateways.open()
    kb.create_board("other")
    broken = kb.connect("other")
    for number in range(50):
        kb.create_task(broken, title=f"task {number}", body="x" * 2000)
    folder = broken.paths.root
    broken.close()
    damage(folder / "board.db")
    before = fingerprint(folder)
    gateways.start()

    def complaints() -> int:
        return sum(
            '"other"' in line and ('"board.refused"' in line or '"watcher.failed"' in line)
            for line in gateways.log_lines()
        )

    wait_until(complaints, message="nobody says that the board is damaged")
    looks_for(gateways, 2)
    assert fingerprint(folder) == before
    assert not list(folder.glob("backups/*"))


def descriptors(pid: int | str = "self") -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.stores("sqlite")
def test_connections_give_back_what_they_open(board: ABoard) -> None:
    kb.create_board("damaged")
    conn = kb.connect("damaged")
    conn.close()
    cut_off(conn.paths.database)

    def use() -> None:
        again: Any = kb.connect()
        task = kb.create_task(again, title="one")
        assert kb.claim_task(again, task)
        with pytest.raises(kb.IllegalTransition):
            kb.approve_task(again, task)
        with pytest.raises(kb.NotFound):
            kb.get_task(again, "t_unknown")
        kb.dispatch_once(again, spawn_fn=lambda task, run: 1, free_mib=lambda: 10_000)
        kb.check(again)
        again.close()
        with pytest.raises(kb.BoardDamaged):
            kb.connect("damaged")
        with pytest.raises(kb.NotFound):
            kb.connect("unknown")

    use()
    before = descriptors()
    for _ in range(60):
        use()
    assert descriptors() == before


@pytest.mark.stores("sqlite")
def test_a_gateway_that_looks_on_and_on_opens_no_more(gateways: Gateways) -> None:
    """One of its boards is damaged, so it tries that one again and again."""
    gateways.configure(TIMER, **OFTEN)
    conn = gateways.open()
    kb.create_board("damaged")
    cut_off(conn.paths.root.with_name("damaged") / "board.db")
    gateway = gateways.start()
    wait_until(lambda: any('"board.refused"' in line for line in gateways.log_lines()))
    looks_for(gateways, 1)
    before = descriptors(gateway.pid)
    looks_for(gateways, 5)
    wait_until(lambda: descriptors(gateway.pid) <= before, message="they become more")
