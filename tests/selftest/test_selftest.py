"""The crash test that users run: it holds here, it finds what is planted, and it tidies up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.selftest import disk, runner, verbs
from hermes_kanban.selftest.children import marked
from hermes_kanban.selftest.nursery import CREATION, NAMES, RESTORE
from hermes_kanban.selftest.witness import Line, begun_twice, twice_at_once
from hermes_kanban.surfaces.cli import selftest as command
from hermes_kanban.surfaces.cli.root import run as cli
from tests.support.waiting import wait_until

PROGRAM = str(Path(sys.executable).with_name("hermes-kanban"))


class Disk(NamedTuple):
    """What is asked of a disk."""

    free: int


# The loser of a claim is told that it has won.
NO_COMPARE_AND_SWAP = """
from hermes_kanban.kernel import claim, reads
swap = claim.claim_task
claim.claim_task = lambda conn, id, **k: swap(conn, id, **k) or reads.get_task(conn, id)
"""
TWO_TRANSACTIONS = """
from hermes_kanban.kernel import comments, finish
complete = finish.complete_task
def in_two(conn, task_id, **named):
    comments.add_comment(conn, task_id, "completing")
    return complete(conn, task_id, **named)
finish.complete_task = in_two
"""
# Acknowledged first, written afterwards: what is told is not there yet.
NOT_COMMITTED = """
from hermes_kanban.kernel import edits
edit = edits.edit_task
def later(conn, task_id, **named):
    import atexit
    atexit.register(edit, conn, task_id, **named)
    return True
edits.edit_task = later
"""
# A row is committed first, and its file is written afterwards.
ROW_BEFORE_FILE = """
import os
from hermes_kanban.kernel import attachments
from hermes_kanban.store import contents
add, keep, is_kept = attachments.add_attachment, contents.keep, contents.is_kept
def file_last(conn, task_id, **named):
    left = []
    contents.keep = lambda *given: left.append(given) or os.open("/dev/null", os.O_RDONLY)
    contents.is_kept = lambda root, content: True
    made = add(conn, task_id, **named)
    contents.keep, contents.is_kept = keep, is_kept
    os.close(keep(*left[0]))
    return made
attachments.add_attachment = file_last
"""
# A second run of a task is opened although a process of the first may live.
NO_WAIT_FOR_EXIT = """
from hermes_kanban.workers.process import SystemProcesses
SystemProcesses.stop = lambda self, worker, grace_seconds: True
"""


def test_all_stages_but_the_longest_hold_and_leave_nothing(selftest: Any, tmp_path: Path) -> None:
    board = a_board_of_the_caller(selftest, tmp_path)
    before = board.read_bytes()
    stages = ("disk", "races", "workers", "history")
    code, out, errors = selftest.run(*(f"--only={one}" for one in stages), "--json", "--seed=7")
    assert (code, errors) == (0, ""), out
    answer = json.loads(out)
    assert (answer["v"], answer["warnings"]) == (1, [])
    told = answer["selftest"]
    assert set(told) == {
        "held", "interrupted", "seed", "seconds", "home", "look", "stages"
    }  # fmt: skip
    assert (told["held"], told["interrupted"], told["seed"]) == (True, False, 7)
    assert (told["home"], told["look"]) == (None, [])
    assert [one["name"] for one in told["stages"]] == list(stages)
    for stage in told["stages"]:
        assert (stage["held"], stage["finished"]) == (True, True)
        assert {one["mark"] for one in stage["findings"]} <= {"held", "note"}
    kills = told["stages"][2]["figures"]["kills"]
    assert kills["gateway"] >= len(runner.STAGES)
    assert kills["agent"] and kills["supervisor"]
    assert not selftest.home.exists()
    assert board.read_bytes() == before


def a_board_of_the_caller(selftest: Any, tmp_path: Path) -> Path:
    """The environment of a worker whose board lies elsewhere; returns the board's file."""
    database = tmp_path / "theirs" / "boards" / "default" / "board.db"
    environment = selftest.environment | {"HERMES_KANBAN_HOME": str(tmp_path / "theirs")}
    subprocess.run([PROGRAM, "create", "a task of theirs"], env=environment, check=True, text=True)
    selftest.environment |= {
        "HERMES_KANBAN_BOARD": "default",
        "HERMES_KANBAN_TASK": "t_theirs",
        "HERMES_KANBAN_RUN_ID": "1",
        "HERMES_KANBAN_CLAIM_LOCK": "theirs",
        "HERMES_KANBAN_DURABILITY": "normal",
        "HERMES_KANBAN_DISPATCH_IN_GATEWAY": "0",
        "HERMES_PROFILE": "theirs",
    }
    return database


@pytest.mark.parametrize(
    "name",
    [
        *("complete", "crash", CREATION, "attach", "complete with a file", "purge with a file"),
        pytest.param(RESTORE, marks=pytest.mark.torture),
    ],
)
def test_a_verb_that_is_killed_at_every_step_is_there_or_not(selftest: Any, name: str) -> None:
    told = [json.loads(line) for line in said_of(selftest, name)]
    assert [line for line in told if "broke" in line] == []
    done = told[-1]["done"]
    assert done["verbs"] == 1
    assert done["acknowledged"] == 1
    assert done["kills"] > 10


def said_of(selftest: Any, name: str) -> list[str]:
    out: str = selftest.nursery(NAMES.index(name), len(NAMES))
    return out.splitlines()


def test_a_verb_in_two_transactions_is_found(selftest: Any) -> None:
    selftest.plant(TWO_TRANSACTIONS)
    told = [json.loads(line) for line in said_of(selftest, "complete")]
    (broke,) = [line for line in told if "broke" in line]
    assert broke["broke"].startswith("complete: killed at step")
    assert "by half" in broke["broke"]
    assert "task_comments written" in broke["broke"]
    assert (selftest.home / "boards" / broke["board"] / "board.db").exists()


def test_a_verb_that_is_acknowledged_before_it_is_written_is_found(selftest: Any) -> None:
    selftest.plant(NOT_COMMITTED)
    (broke,) = [line for line in said_of(selftest, "edit") if "broke" in line]
    assert "it changed nothing" in broke


def test_a_row_that_comes_before_its_file_is_found(selftest: Any) -> None:
    selftest.plant(ROW_BEFORE_FILE)
    (broke,) = [line for line in said_of(selftest, "attach") if "broke" in line]
    assert "it left an attachment that has no file" in broke


def test_a_claim_without_compare_and_swap_is_found_and_the_evidence_kept(selftest: Any) -> None:
    selftest.plant(NO_COMPARE_AND_SWAP)
    code, out, errors = selftest.run("--only", "races")
    assert (code, errors) == (1, "")
    (folder,) = selftest.folders()
    assert "BROKE" in out
    assert "One thing did not hold:" in out
    assert f"Kept in {folder}" in out
    assert selftest.processes() == {}
    look = [line.strip() for line in out.splitlines() if "check --deep" in line]
    assert look == [
        f"HERMES_KANBAN_HOME={folder} hermes-kanban --board races-{folder.name} check --deep"
    ]
    bare = {"PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"}
    looked = subprocess.run(
        look[0], shell=True, env=bare, capture_output=True, text=True, check=False
    )
    assert looked.stdout, looked.stderr


def lines(*texts: str) -> list[Line]:
    """Lines of a witness: a word, a task, and the number of its run."""
    words = [text.split() for text in texts]
    return [Line(word, task, int(run), 1) for word, task, run in words]


def test_a_sign_of_life_after_the_next_run_began_is_two_workers_at_once() -> None:
    apart = lines("start a 1", "start b 2", "at a 1", "start a 3", "at b 2", "end a 3", "at a 3")
    assert twice_at_once(apart) == []
    together = lines("start a 1", "start a 2", "at a 1", "at a 1", "end a 2")
    assert twice_at_once(together) == ["a: run 1 still lived after run 2 had begun"]


def test_a_second_start_of_one_run_is_found() -> None:
    assert begun_twice(lines("start a 1", "end a 1", "start a 2", "start b 3")) == []
    twice = lines("start a 1", "end a 1", "start a 1")
    assert begun_twice(twice) == ["a: the agent of run 1 was started twice"]


@pytest.mark.torture
def test_a_task_that_starts_again_beside_its_first_worker_is_found(selftest: Any) -> None:
    selftest.plant(NO_WAIT_FOR_EXIT)
    # Whether a second worker meets the first is chance; that five runs all miss it is next to none.
    for seed in range(1, 6):
        code, out, _ = selftest.run("--only", "workers", "--seed", str(seed))
        if code == 1:
            break
    assert code == 1, out


def test_interrupted_it_ends_what_it_started_and_says_what_held(selftest: Any) -> None:
    process = selftest.start("--only", "disk", "--only", "workers")
    stamp = selftest.wait_for_gateway()
    assert marked(stamp)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert marked(stamp) == {}
    assert "Interrupted after" in out
    assert "fsyncs of a page" in out
    assert selftest.folders() == []


def test_killed_itself_it_leaves_no_process(selftest: Any) -> None:
    process = selftest.start("--only", "workers")
    stamp = selftest.wait_for_gateway()
    process.kill()
    wait_until(lambda: not marked(stamp), message="its processes go on without it")


def test_without_room_it_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HERMES_KANBAN_MIN_FREE_MB", "100")
    nearly = (100 + runner.ROOM_MEBIBYTES) * runner.MEBIBYTE - 1
    monkeypatch.setattr(runner.shutil, "disk_usage", lambda _: Disk(nearly))
    assert cli(["selftest"]) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert "free some space" in errors
    assert not (tmp_path / "home").exists()


def test_on_a_network_file_system_it_goes_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path))
    monkeypatch.setattr(disk, "file_system", lambda _: "nfs4")
    assert cli(["selftest", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)["selftest"]
    assert [one["name"] for one in told["stages"]] == ["disk"]
    assert "network or shared file system" in told["stages"][0]["findings"][0]["text"]
    assert told["home"] is not None


def test_it_takes_no_board_of_yours(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["--board", "website", "selftest"]) == 2
    assert "leave --board out" in capsys.readouterr().err


def test_every_verb_on_tasks_is_killed() -> None:
    source = Path(verbs.__file__).read_text("utf-8")
    reads = {"get_task", "list_tasks", "ready_tasks"}
    # The net under other verbs: nothing is left for it where those do what they should.
    elsewhere = {"promote_task"}
    named = {name for name in dir(kb) if name.endswith(("_task", "_tasks"))} - reads - elsewhere
    assert {name for name in named if f"kb.{name}(" not in source} == set()


def test_the_stages_of_the_command_are_those_of_the_runner() -> None:
    assert command.STAGE_NAMES == runner.STAGES


@pytest.mark.torture
def test_the_whole_of_it_with_chaos(selftest: Any) -> None:
    code, out, errors = selftest.run("--minutes", "2", timeout=1200)
    assert code == 0, out + errors
