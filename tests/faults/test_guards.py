"""Guards and holds: decided by facts, never by words; each is named with what truly lifts it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.words import BLOCK_KINDS
from hermes_kanban.surfaces.cli.root import MODULES, run
from tests.kernel.scenes import fail, hand_in, in_status, proof
from tests.kernel.test_queue import GATES
from tests.support.boards import ABoard
from tests.support.gateways import Gateways, shell

ROOT = Path(__file__).parents[2]

# Each of them made some board hold, fail, retry or hide a task.
WORDS = (
    "the author of the authentication asks for authorization",
    "see https://example.org/acme/site/pull/12 and PR #12",
    "429 Too Many Requests: rate limit, quota resets at 17:00",
    "blocked: waiting for review, needs_input, depends on t_abc234",
    "do not run, not before tomorrow, on hold, wip, paused",
    "error: failed, timed out, killed, permission denied",
    "password, secret, token, production, rm -rf, drop table",
    "done. NO-GO. rejected. approved. LGTM",
)


def dispatch(board: ABoard) -> kb.DispatchReport:
    def spawn(task: kb.Task, run: kb.Run) -> int:
        return board.processes.start().pid

    return kb.dispatch_once(board.conn, spawn_fn=spawn, free_mib=lambda: 10_000, max_spawn=100)


def test_no_word_in_a_task_holds_it(board: ABoard) -> None:
    board.add_profile("worker")
    board.configure(max_in_progress=100)
    tasks = []
    for words in WORDS:
        before = board.create(words)
        kb.complete_task(board.conn, before, result=words, summary=words, metadata={words: words})
        task = board.create(words, body=words, parents=[before], assignee="worker")
        kb.add_comment(board.conn, task, words)
        run = board.claim(task, claimer="worker")
        kb.add_comment(board.conn, task, words, **proof(run))
        kb.wait_for(board.conn, task, [before], summary=words, **proof(run))
        tasks.append(task)
    assert [kb.why(board.conn, task) for task in tasks] == [[]] * len(WORDS)
    assert {task for task, _, _ in dispatch(board).spawned} == set(tasks)


def test_no_word_in_what_a_worker_says_changes_how_it_ended(gateways: Gateways) -> None:
    """Each worker prints its whole briefing: title, body and comment."""
    gateways.configure({"well": shell("cat"), "badly": shell("cat; exit 3")})
    conn = gateways.open()
    tasks: dict[str, list[str]] = {"well": [], "badly": []}
    for words in WORDS:
        for profile, filed in tasks.items():
            task = kb.create_task(conn, title=words, body=words, assignee=profile, max_retries=0)
            kb.add_comment(conn, task, words)
            filed.append(task)
    gateways.start()
    for profile, outcome, status in (
        ("well", "completed", "done"),
        ("badly", "crashed", "blocked"),
    ):
        for task in tasks[profile]:
            gateways.wait_for(task, status)
            assert [run.outcome for run in kb.list_runs(conn, task)] == [outcome]


SAYS_NO: dict[str, Callable[[ABoard, str], object]] = {
    "block": lambda b, t: kb.block_task(b.conn, t, reason="NO-GO", **proof(b.claim(t))),
    "request_review": lambda b, t: hand_in(b, t, summary="NO-GO"),
    "request_changes": lambda b, t: (
        hand_in(b, t),
        kb.request_changes(b.conn, t, comment="NO-GO"),
    ),
    "wait_for": lambda b, t: kb.wait_for(
        b.conn, t, [b.create("mend it first")], summary="NO-GO", **proof(b.claim(t))
    ),
    "fail": lambda b, t: fail(b, t, exit_code=1, tail="NO-GO"),
    "cancel": lambda b, t: kb.cancel_task(b.conn, t, reason="NO-GO"),
}


@pytest.mark.parametrize("verb", SAYS_NO)
def test_a_verdict_that_says_no_releases_nobody(board: ABoard, verb: str) -> None:
    board.add_profile("worker")
    verdict = board.create("judge it", max_retries=0)
    child = board.create("ship it", parents=[verdict], assignee="worker")
    SAYS_NO[verb](board, verdict)
    assert board.task(verdict).status != "done"
    for _ in range(3):
        board.clock.advance(100_000)
        assert child not in [task for task, _, _ in dispatch(board).spawned]
    assert board.task(child).status == ("blocked" if verb == "cancel" else "todo")
    (hold,) = kb.why(board.conn, child)
    assert verdict in hold.text


def _blocked(kind: str) -> Callable[[ABoard], str]:
    def scene(board: ABoard) -> str:
        parents = [board.create()] if kind == "dependency" else []
        task = board.create(assignee="worker", parents=parents)
        kb.block_task(board.conn, task, reason="which one?", kind=kind)
        return task

    return scene


def _gave_up(board: ABoard) -> str:
    task = board.create(assignee="worker", max_retries=0)
    fail(board, task)
    return task


def _parent_given_up(board: ABoard) -> str:
    parent = board.create()
    child = board.create(parents=[parent])
    kb.archive_task(board.conn, parent)
    return child


def _overlooked(board: ABoard) -> str:
    task = board.create(assignee="worker")
    board.damage("UPDATE tasks SET status = 'todo' WHERE id = :id", id=task)
    return task


SCENES: dict[str, Callable[[ABoard], str]] = {
    **{code: arrange for code, (arrange, _) in GATES.items()},
    **{f"blocked_{kind}": _blocked(kind) for kind in BLOCK_KINDS},
    **{status: (lambda b, s=status: in_status(b, s)) for status in ("triage", "todo", "review")},
    "gave_up": _gave_up,
    "parent_given_up": _parent_given_up,
    "overlooked": _overlooked,
}
COMMAND = re.compile(r"hermes-kanban ([a-z-]+(?: [^ ,;]+)*)")
ANSWERS = {"PROFILE": "reader", "COMMENT": "shorter"}
# What happens by itself, or is done elsewhere than on the board.
WITHOUT_A_COMMAND = frozenset(
    {"backing_off", "earlier_process", "folder_in_use", "max_in_progress",
     "profile_cap", "tenant_cap", "resource", "disk", "no_host", "blocked_transient",
     "blocked_dependency"}
)  # fmt: skip


def ways_out(hold: kb.Hold) -> list[list[str]]:
    """The ways out that a hold names, each as the commands to give one after the other."""
    ways = [COMMAND.findall(way) for way in hold.lifted_by.split(", or ")]
    return [way for way in ways if way]


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_said_to_lift_a_hold_lifts_it(
    board: ABoard, scene: str, capsys: pytest.CaptureFixture[str]
) -> None:
    board.add_profile("worker")
    task = SCENES[scene](board)
    hold = kb.why(board.conn, task)[0]
    count = len(ways_out(hold))
    assert (count == 0) == (scene in WITHOUT_A_COMMAND), hold.lifted_by
    for number in range(count):
        if number:
            task = SCENES[scene](board)
            hold = kb.why(board.conn, task)[0]
        commands = ways_out(hold)[number]
        for command in commands:
            words = [(ANSWERS | {"TASK": task}).get(word, word) for word in command.split()]
            assert run(words) == 0, (command, capsys.readouterr().err)
        left = [one.code for one in kb.why(board.conn, task)]
        only_looks = commands[-1].startswith("why ")
        assert (hold.code in left) == only_looks, (hold.lifted_by, left)


NAMED = re.compile(r"hermes-kanban ([a-z][a-z-]+)")
PROSE = frozenset(["to", "knows", "is", "wrote", "with", "watcher", "that", "has"])


def test_every_command_that_a_text_of_ours_names_exists() -> None:
    named = set()
    for package in ("hermes_kanban", "gateway"):
        for file in (ROOT / package).rglob("*.py"):
            named |= set(NAMED.findall(file.read_text("utf-8")))
    for file in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for code in re.findall(r"```.*?```|`[^`\n]+`", file.read_text("utf-8"), re.DOTALL):
            named |= set(NAMED.findall(code))
    assert len(named) > 20
    assert named - PROSE <= set(MODULES)
