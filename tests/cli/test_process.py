"""The installed command as a process: what it loads, what it costs, how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import held

PROGRAM = Path(sys.executable).with_name("hermes-kanban")
HEAVY = (
    "aiosqlite",
    "anyio",
    "asyncio",
    "concurrent.futures",
    "dataclasses",
    "email",
    "gateway",
    "hashlib",
    "hermes_kanban.kernel.dispatch",
    "hermes_kanban.logs",
    "hermes_kanban.redact",
    "hermes_kanban.workers",
    "importlib.metadata",
    "json",
    "logging",
    "multiprocessing",
    "prometheus_client",
    "rich",
    "shutil",
    "socket",
    "starlette",
    "structlog",
    "subprocess",
    "tempfile",
    "uvicorn",
    "websockets",
    "yaml",
)
LIST_RATIO = 6


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize(
    "words", [["list"], ["show", "TASK"], ["heartbeat", "TASK"], ["complete", "TASK"]]
)
def test_a_light_command_loads_nothing_heavy(board: Any, words: list[str]) -> None:
    task = board.claimed()
    _cache_the_configuration()
    arguments = [task.id if word == "TASK" else word for word in words]
    code = (
        "import sys\n"
        "from hermes_kanban.surfaces.cli.root import run\n"
        f"code = run({arguments!r})\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        # -S: the finder of an editable installation is no part of the command.
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    loaded = set(done.stderr.splitlines())
    assert {"sqlite3", "msgspec", "click"} <= loaded
    # Only who writes rings the gateway's bell, and only a long path to it is hashed.
    may = {"hashlib", "shutil", "socket", "tempfile"} if words[0] == "complete" else set()
    assert not loaded & set(HEAVY) - may


def _cache_the_configuration() -> None:
    """The first command after an edit parses YAML; it is the others that must be light."""
    time.sleep(0.1)
    subprocess.run([str(PROGRAM), "list"], check=True, capture_output=True)


@pytest.mark.stores("sqlite")
def test_a_list_costs_little_more_than_the_interpreter(board: Any, tmp_path: Path) -> None:
    for _ in range(100):
        board.task("A task of an ordinary title")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    # The bytecode must have been written once, and not necessarily beside the sources.
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path / "bytecode")
    _cache_the_configuration()

    def spent(*command: str) -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        return time.perf_counter() - start

    floor = (sys.executable, "-I", "-c", "pass")
    ours = (str(PROGRAM), "list")
    spent(*ours)
    # Alternating, so that a busy machine slows both.
    pairs = [(spent(*floor), spent(*ours)) for _ in range(7)]
    assert median(ours / floor for floor, ours in pairs) <= LIST_RATIO


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], 0),
        (["gateway", "status"], 1),
        (["lst"], 2),
        (["show", "t_nobody"], 3),
        (["daemon"], 2),
    ],
)
def test_its_exit_codes(shell: Any, words: list[str], code: int) -> None:
    done = shell(*words)
    assert done.code == code
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) == (1 if code > 1 else 0)


def test_a_conflict_is_exit_code_4(shell: Any, board: Any) -> None:
    task = board.claimed()
    assert shell("claim", task.id).code == 4


def test_a_busy_board_is_a_conflict_that_names_the_holder(
    cli: Any, board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = board.task()
    real = kb.connect
    monkeypatch.setattr(
        kb, "connect", lambda slug, **more: real(slug, **(more | {"wait_seconds": 0.2}))
    )
    with held(board.conn):
        done = cli("complete", task_id)
    assert done.code == 4
    assert "the board is busy" in done.error
    assert str(os.getpid()) in done.error


def test_a_reader_that_goes_away_is_no_error(board: Any) -> None:
    for _ in range(300):
        board.task("x" * 400)
    line = f"{PROGRAM} events --limit 300 --json | head -c 10"
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""


def test_a_full_disk_behind_the_output_is_one_line(board: Any) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(PROGRAM), "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "hermes-kanban: No space left on device; make room on its disk, and try again"
    ]


def test_a_locale_that_cannot_spell_a_title_is_no_error(board: Any) -> None:
    board.task("板 für alle")
    done = subprocess.run(
        [str(PROGRAM), "list"],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0
    assert b"\\u677f" in done.stdout


def test_a_body_comes_from_standard_input(board: Any) -> None:
    done = subprocess.run(
        [str(PROGRAM), "create", "x", "--body", "-"],
        input="several\nlines\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert kb.get_task(board.conn, done.stdout.strip()).body == "several\nlines\n"


def test_the_version_is_told(shell: Any) -> None:
    assert shell("--version").out.startswith("hermes-kanban ")
