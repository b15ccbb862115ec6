"""A worker that ends while the database is away loses nothing."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

import hermes_kanban
from hermes_kanban import kernel as kb
from hermes_kanban import tools
from hermes_kanban.handovers import place, waiting
from hermes_kanban.store import pgfate, pgsession
from hermes_kanban.store.pgnames import schema_of
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.inforce import InForce
from hermes_kanban.verbs import keeping
from hermes_kanban.verbs.delivering import HandOvers
from tests.support import server, stores
from tests.support.gateways import Gateways, shell
from tests.support.relay import Relay, relay
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")

CLI = [sys.executable, "-m", "hermes_kanban.surfaces.cli.main"]
# A standby (twice), rights that are missing, no memory, a time limit, a disk that fails.
NOT_NOW = ("0A000", "25006", "42501", "53200", "57014", "58030")
REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{state}'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON task_events EXECUTE FUNCTION refuse()
"""


@pytest.fixture
def line(gateways: Gateways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """The line of every worker and gateway to the database; the test's own is another."""
    del gateways
    with relay(stores.address(), tmp_path) as made:
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", made.address)
        yield made


class Run:
    """A run of a board, and what its worker does; ``conn`` has a line of its own."""

    def __init__(self, gateways: Gateways, monkeypatch: pytest.MonkeyPatch) -> None:
        gateways.configure({"coder": shell("true", tools=["request_review", "wait_for"])})
        with monkeypatch.context() as patch:
            patch.setenv("HERMES_KANBAN_DATABASE", stores.address())
            self.conn = gateways.open()
        self.task = kb.create_task(self.conn, title="Count", assignee="coder")
        claimed = kb.claim_task(self.conn, self.task, claimer="profile:coder")
        assert claimed is not None
        self.id, self.lock = claimed.current_run_id or 0, claimed.claim_lock
        self.workspace = self.conn.paths.workspaces / self.task
        self.workspace.mkdir(parents=True)
        monkeypatch.setattr(keeping, "PATIENCE_SECONDS", 0.2)
        monkeypatch.setattr(pgsession, "PATIENCE_SECONDS", 0.2)
        told = InForce(task_id=self.task, run_id=self.id, claim_lock=self.lock, profile="coder")
        self.toolbox = BoardToolbox(told.caller)

    @property
    def waits(self) -> list[str]:
        return waiting(place(self.conn.paths.root))

    @property
    def status(self) -> str:
        return kb.get_task(self.conn, self.task).status

    def kinds(self) -> list[str]:
        return [event.kind for event in kb.list_events(self.conn, self.task)]

    def call(self, tool: str, **arguments: Any) -> str:
        """The text of a call that must not fail."""
        result = self.toolbox.call(f"kanban_{tool}", arguments)
        assert not result.is_error, result.text
        return result.text


@pytest.fixture
def run(gateways: Gateways, line: Relay, monkeypatch: pytest.MonkeyPatch) -> Run:
    del line
    return Run(gateways, monkeypatch)


def test_a_completion_waits_for_the_database_with_its_files(run: Run, line: Relay) -> None:
    (run.workspace / "report.md").write_text("as it was")
    line.go_away()
    told = run.call("complete", summary="counted", result="12", artifacts=["report.md"])
    assert "kept on this host" in told
    assert "stop here" in told
    (run.workspace / "report.md").write_text("changed afterwards")
    assert (run.status, run.waits) == ("running", [str(run.id)])
    HandOvers().deliver(run.conn)
    assert (run.status, run.waits) == ("done", [])
    (kept,) = kb.list_attachments(run.conn, run.task)
    assert kept.name == "report.md"
    with kb.open_attachment(run.conn, kept) as file:
        assert file.read() == b"as it was"
    assert kb.get_run(run.conn, run.id).summary == "counted"
    assert kb.get_task(run.conn, run.task).result == "12"
    assert kb.check(run.conn, deep=True) == []


def test_what_ends_a_run_otherwise_waits_too(run: Run, line: Relay) -> None:
    line.go_away()
    run.call("block", reason="Which table?", kind="capability")
    # What comes second counts for nothing, as it would on the board.
    assert "what you handed in before, which counts" in run.call("complete", summary="no, done")
    HandOvers().deliver(run.conn)
    task = kb.get_task(run.conn, run.task)
    assert (task.status, task.block_kind, task.block_reason) == (
        "blocked", "capability", "Which table?",
    )  # fmt: skip


def test_a_commit_of_unknown_fate_is_neither_lost_nor_made_twice(
    run: Run, line: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgfate, "FATE_SECONDS", 0.1)
    run.call("show")
    line.cut_at(b"COMMIT\0", delivered=True, for_good=True)
    assert "kept on this host" in run.call("complete", summary="counted")
    wait_until(lambda: run.status == "done")
    hand_overs = HandOvers()
    hand_overs.deliver(run.conn)
    assert [one.outcome for one in hand_overs.delivered] == ["accepted"]
    assert run.waits == []
    assert run.kinds().count("completed") == 1
    assert "fenced" not in run.kinds()


def test_a_hand_over_of_a_run_that_was_reclaimed_is_kept_as_a_late_one(
    run: Run, line: Relay
) -> None:
    line.go_away()
    run.call("complete", summary="too late")
    assert kb.reclaim_task(run.conn, run.task, actor="person:ann")
    hand_overs = HandOvers()
    hand_overs.deliver(run.conn)
    assert [one.outcome for one in hand_overs.delivered] == ["fenced"]
    assert (run.status, run.waits) == ("ready", [])
    assert kb.adopt_result(run.conn, run.task, run_id=run.id, actor="person:ann")
    assert run.status == "done"


def test_a_hand_over_waits_while_the_server_takes_no_writes(run: Run, line: Relay) -> None:
    line.go_away()
    run.call("complete", summary="later")
    hand_overs = HandOvers()
    with psycopg.connect(stores.address(), autocommit=True) as server:
        server.execute(f'SET search_path = "{schema_of("default")}"'.encode())
        for state in NOT_NOW:
            server.execute(REFUSING.format(state=state).encode())
            hand_overs.deliver(run.conn)
            server.execute(b"DROP FUNCTION refuse() CASCADE")
            assert (hand_overs.delivered, run.waits) == ([], [str(run.id)]), state
    hand_overs.deliver(run.conn)
    assert [one.outcome for one in hand_overs.delivered] == ["accepted"]
    assert (run.status, run.waits) == ("done", [])


def test_what_the_board_would_never_take_is_said_at_once(run: Run, line: Relay) -> None:
    line.go_away()
    for arguments in ({"artifacts": ["missing.md"]}, {"summary": "x" * 20_000}, {"summry": "x"}):
        result = run.toolbox.call("kanban_complete", arguments)
        assert result.is_error
        assert "allowed:" in result.text
    assert run.waits == []


def test_other_calls_wait_and_then_say_what_is_wrong(run: Run, line: Relay) -> None:
    line.go_away()
    result = run.toolbox.call("kanban_comment", {"body": "half way"})
    assert result.is_error
    assert "cannot connect to PostgreSQL" in result.text
    line.come_back()
    assert "comment 1" in run.call("comment", body="half way")


def test_a_command_of_a_worker_is_kept_as_well(
    run: Run, line: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HERMES_KANBAN_TASK": run.task,
        "HERMES_KANBAN_RUN_ID": str(run.id),
        "HERMES_KANBAN_CLAIM_LOCK": run.lock or "",
        "HERMES_PROFILE": "coder",
    }.items():
        monkeypatch.setenv(name, value)
    line.go_away()
    with subprocess.Popen(
        [*CLI, "complete", "--summary", "by command", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        wait_until(lambda: run.waits == [str(run.id)])
        line.come_back()
        told, complaints = command.communicate(timeout=60)
    assert (command.returncode, complaints) == (0, "")
    assert '"waits":false' in told
    assert (run.status, run.waits) == ("done", [])


def test_a_worker_in_python_is_kept_as_well(
    run: Run, line: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_TASK", run.task)
    monkeypatch.setenv("HERMES_KANBAN_RUN_ID", str(run.id))
    monkeypatch.setenv("HERMES_KANBAN_CLAIM_LOCK", run.lock or "")
    line.go_away()
    assert tools.complete(summary="in Python").changed is False
    assert "kept on this host" in capsys.readouterr().err
    line.come_back()
    HandOvers().deliver(run.conn)
    assert run.status == "done"


# The command line, of which a call soon gives up a server that does not answer.
_GIVES_UP_SOON = (
    "import hermes_kanban.store.pgsession as sessions; sessions.PATIENCE_SECONDS = 0.2;"
    " from hermes_kanban.surfaces.cli.main import main; main()"
)
COMPLETE = f"{sys.executable} -c '{_GIVES_UP_SOON}' complete"
# The agent waits until the line is down, hands in, and is gone before its command has an answer.
ENDS_ALONE = f"""
until [ -e away ]; do sleep 0.05; done
{COMPLETE} --summary 'handed in' & command=$!
until [ -e kept ]; do sleep 0.05; done
kill -9 $command
"""


def coder(script: str) -> dict[str, Any]:
    """A profile whose agent must say that it is done; it runs this very code."""
    ours = {"PYTHONPATH": str(Path(hermes_kanban.__file__).parents[1])}
    return shell(script, on_exit_zero="protocol_violation", env=ours)


@pytest.mark.parametrize("dies", ["nothing", "gateway", "machine"])
def test_a_silent_end_is_judged_after_what_was_handed_in(
    gateways: Gateways, line: Relay, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    gateways.configure({"coder": coder(ENDS_ALONE)})
    with monkeypatch.context() as patch:
        patch.setenv("HERMES_KANBAN_DATABASE", stores.address())
        conn = gateways.open()
    gateway = gateways.start()
    task = kb.create_task(conn, title="Count", assignee="coder")
    folder = conn.paths.workspaces / task
    wait_until(folder.exists)
    run = kb.latest_run(conn, task)
    assert run is not None
    line.go_away()
    (folder / "away").touch()
    wait_until(lambda: waiting(place(conn.paths.root)) == [str(run.id)])
    if dies != "nothing":
        gateways.kill(gateway)
    if dies == "machine":
        supervisor = psutil.Process(run.worker_pid or 0)
        for process in [supervisor, *supervisor.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    else:
        (folder / "kept").touch()
        wait_until((conn.paths.run_dir(run.id) / "exit.json").exists)
    line.come_back()
    if dies != "nothing":
        gateways.start()
    gateways.wait_for(task, "done")
    gateways.wait_for_exit(task)
    assert kb.get_run(conn, run.id).summary == "handed in"
    assert gateways.story(task) == ["created", "claimed", "spawned", "completed", "exited"]
    wait_until(lambda: any('"handover.delivered"' in one for one in gateways.log_lines()))
    assert kb.check(conn, deep=True) == []


AT_THE_END = f"""
until [ -e away ]; do sleep 0.05; done
{COMPLETE} --summary 'handed in'
"""


def test_a_database_that_is_killed_at_completion_loses_none(
    database: tuple[Path, str], gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = database
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", address)
    gateways.configure({"coder": coder(AT_THE_END)})
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="Count", assignee="coder")
    workspace = conn.paths.workspaces / task
    wait_until(workspace.exists)
    run = kb.latest_run(conn, task)
    assert run is not None
    server.kill(folder)
    (workspace / "away").touch()
    wait_until(lambda: waiting(place(conn.paths.root)))
    server.start_again(folder)
    gateways.wait_for(task, "done")
    gateways.wait_for_exit(task)
    assert kb.get_run(conn, run.id).summary == "handed in"
    assert gateways.story(task) == ["created", "claimed", "spawned", "completed", "exited"]
    assert waiting(place(conn.paths.root)) == []
    assert kb.check(conn, deep=True) == []
