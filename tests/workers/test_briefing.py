"""The text that an agent starts with."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile
from hermes_kanban.ports import Launched
from hermes_kanban.workers import briefing
from hermes_kanban.workers.profiles import SpawnRefused
from tests.support.boards import HERE, ABoard

PROFILES = {
    "coder": Profile(runtime="claude"),
    "lead": Profile(runtime="claude", orchestrator=True, may_assign=("coder",)),
    "script": Profile(argv=("/bin/true",)),
    "strict": Profile(argv=("/bin/true",), on_exit_zero="protocol_violation"),
}


def _prompt(board: ABoard, profile: str) -> str:
    task = board.create("Count the words", body="All of them.", assignee=profile)
    run = board.claim(task)
    return briefing.prompt_for(board.conn, PROFILES, board.task(task), run)


def test_an_agent_with_tools_is_told_how_to_use_them_and_then_its_task(board: ABoard) -> None:
    prompt = _prompt(board, "coder")
    guidance, _, context = prompt.partition("\n# Task ")
    assert "kanban_complete" in guidance
    assert "kanban_create" not in guidance
    assert "All of them." in context
    assert "All of them." not in guidance


def test_an_orchestrating_profile_is_told_whom_it_may_give_tasks_to(board: ABoard) -> None:
    guidance = _prompt(board, "lead").partition("\n# Task ")[0]
    assert "kanban_create" in guidance
    assert "assignee: coder" in guidance


def test_a_program_gets_the_context_as_it_is_and_then_how_to_report(board: ABoard) -> None:
    task = board.create("Count", assignee="script")
    run = board.claim(task)
    prompt = briefing.prompt_for(board.conn, PROFILES, board.task(task), run)
    context = kb.build_worker_context(board.conn, task)
    assert prompt.startswith(f"{context}\n## How to report\n")
    assert "Exit code 0 completes the task" in prompt
    assert "kanban_" not in prompt


def test_a_program_that_must_say_so_is_told(board: ABoard) -> None:
    assert "exit code 0 without either is a failed attempt" in _prompt(board, "strict")


@pytest.fixture
def conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the agent's client keeps the conversation that it was in."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    file = tmp_path / "projects" / "-work" / "talk-1.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("{}\n")
    return file


def _resumed(board: ABoard, monkeypatch: pytest.MonkeyPatch, *, resume: bool) -> str:
    """The prompt of the run after one that asked a question in a conversation of its own."""
    monkeypatch.setattr("hermes_kanban.workers.sessions.machine", Here)
    task = board.create("Count the words", body="All of them.", assignee="coder")
    run = board.claim(task)
    process = board.processes.start()
    launched = Launched(runtime="claude", session="talk-1")
    kb.register_worker(
        board.conn, run.id, pid=process.pid, identity=process, log_path=None, launched=launched
    )
    proof = {"run_id": run.id, "claim_lock": run.claim_lock}
    kb.block_task(board.conn, task, reason="which file?", **proof)
    board.processes.exit(board.worker(kb.get_run(board.conn, run.id)), at=board.clock.now())
    kb.import_exit_records(board.conn, board.processes)
    kb.unblock_task(board.conn, task, reason="the second one", resume=resume)
    return briefing.prompt_for(board.conn, PROFILES, board.task(task), board.claim(task))


class Here:
    """The host on which the test's processes live."""

    host = HERE


@pytest.mark.usefixtures("conversation")
def test_an_agent_that_goes_on_with_its_conversation_is_told_what_is_new(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = _resumed(board, monkeypatch, resume=True)
    assert "You worked on it before, in this conversation, until your run 1 ended." in prompt
    assert "the second one" in prompt
    assert "kanban_complete" in prompt
    assert "All of them." not in prompt


@pytest.mark.usefixtures("conversation")
def test_one_that_begins_anew_is_told_everything(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = _resumed(board, monkeypatch, resume=False)
    assert "in this conversation" not in prompt
    assert "the second one" in prompt
    assert "All of them." in prompt


def test_a_conversation_that_the_client_no_longer_has_is_begun_anew(
    board: ABoard, conversation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation.unlink()
    prompt = _resumed(board, monkeypatch, resume=True)
    assert "in this conversation" not in prompt
    assert "All of them." in prompt


def test_a_profile_that_is_gone_is_refused(board: ABoard) -> None:
    with pytest.raises(SpawnRefused, match="no profile gone"):
        _prompt(board, "gone")


@pytest.mark.parametrize("profile", ["coder", "lead"])
def test_the_longest_prompt_can_be_an_argument(board: ABoard, profile: str) -> None:
    """Linux takes 128 KiB in one."""
    task = board.create("ü" * 500, body="ü" * 100_000, assignee=profile)
    for _ in range(40):
        kb.add_comment(board.conn, task, "c" * 1_000)
    prompt = briefing.prompt_for(board.conn, PROFILES, board.task(task), board.claim(task))
    assert 60 * 1024 < len(prompt.encode()) < 72 * 1024
