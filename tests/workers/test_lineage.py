"""Which agent a run belongs to, told from real trees of processes under real supervisors."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from hermes_kanban.workers import lineage, tree
from hermes_kanban.workers.lineage import Bound, bind, read_bound
from hermes_kanban.workers.process import identity_of
from tests.support.actors import SHELL, Actor, Stage
from tests.support.waiting import wait_until
from tests.workers.conftest import Rig

RunAgent = Callable[..., Actor]


@pytest.fixture
def stage(tmp_path: Path, rig: Rig) -> Iterator[Stage]:
    made = Stage(tmp_path / "stage")
    yield made
    rig.clean_up()
    made.close()


@pytest.fixture
def run_agent(rig: Rig, stage: Stage) -> RunAgent:
    """Has a supervisor start the program of that name, behind the words ``through`` if any."""

    def start(name: str, *args: str, through: tuple[str, ...] = ()) -> Actor:
        actor = stage.actor()
        argv = [*through, stage.program(name), *(args or ("-p", "work"))]
        rig.start(*argv, env=stage.environment(actor))
        assert actor.pid
        return actor

    return start


@pytest.fixture
def run_dir(rig: Rig) -> Path:
    return rig.paths.run_dir(1)


@pytest.fixture(params=["proc", "ps"])
def looking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With ``/proc``, and as on a system that has none."""
    with monkeypatch.context() as patch:
        patch.setattr(tree, "HAS_PROC", request.param == "proc")
        yield


def bound_to(run_dir: Path) -> int:
    found = read_bound(run_dir)
    assert found is not None
    assert found.client is not None
    return found.client.pid


# Who is the client


def test_the_client_is_the_first_ancestor_that_is_no_launcher(
    run_agent: RunAgent, looking: None
) -> None:
    claude = run_agent("claude")
    direct = claude.start("server")
    behind = claude.start("server", through=("/usr/bin/env", "-u", "NOBODY", *SHELL))
    npx = claude.start("npx").start("server")
    ours = claude.start("hermes-kanban").start("server")
    for server in (direct, behind, npx, ours):
        found = lineage.client_of(server.pid)
        assert found is not None
        assert found.pid == claude.pid


def test_where_all_are_launchers_the_first_process_of_the_run_is_the_client(
    run_agent: RunAgent, rig: Rig
) -> None:
    tool = run_agent("tool", through=SHELL)
    shell = tree.read_stat(tool.pid)
    found = lineage.client_of(tool.pid)
    assert shell is not None
    assert found is not None
    assert found.pid == shell[1] != rig.workers[0].ref.pid


def test_there_is_no_client_of_a_process_that_is_gone() -> None:
    assert lineage.client_of(2**22 + 1) is None
    assert lineage.nearest_agent(2**22 + 1) is None


def test_the_nearest_agent_is_found_up_to_a_given_process(
    run_agent: RunAgent, looking: None
) -> None:
    claude = run_agent("claude")
    codex = claude.shell("codex")
    tool = codex.shell("tool")
    assert lineage.nearest_agent(tool.pid) == ("codex", lineage.client_of(tool.pid))
    beside = claude.shell("tool")
    found = lineage.nearest_agent(beside.pid)
    assert found is not None
    assert (found.program, found.identity.pid) == ("claude", claude.pid)
    assert lineage.nearest_agent(beside.pid, until=found.identity) is None


def test_a_native_program_is_known_by_its_name(
    rig: Rig, stage: Stage, tmp_path: Path, run_dir: Path
) -> None:
    native = tmp_path / "claude"
    native.write_bytes(Path("/bin/sh").resolve().read_bytes())
    native.chmod(0o755)
    tool = stage.actor()
    line = f'"{stage.program("tool")}"; :'
    rig.start(str(native), "-c", line, env=stage.environment(tool))
    found = bind(run_dir, tool.pid, "mcp")
    assert found.own
    record = read_bound(run_dir)
    assert record is not None
    assert record.program == "claude"


# First come


def test_the_first_client_has_the_run(run_agent: RunAgent, run_dir: Path, looking: None) -> None:
    claude = run_agent("claude")
    assert not lineage.reached_board(run_dir)
    assert bind(run_dir, claude.start("server").pid, "mcp").own
    assert lineage.reached_board(run_dir)
    record = read_bound(run_dir)
    assert record is not None
    assert record.client == record.agent == record.root
    assert (record.program, record.via, bound_to(run_dir)) == ("claude", "mcp", claude.pid)


def test_the_record_is_private_and_names_the_process_exactly(
    run_agent: RunAgent, run_dir: Path
) -> None:
    claude = run_agent("claude")
    bind(run_dir, claude.start("server").pid, "mcp")
    record = read_bound(run_dir)
    assert record is not None
    assert record.client == identity_of(claude.pid)
    for name in (lineage.AGENT_FILE, lineage.LOCK_FILE):
        assert stat.S_IMODE((run_dir / name).stat().st_mode) == 0o600
    assert not (run_dir / "agent.json.tmp").exists()


def test_a_restarted_server_of_the_same_client_is_its_own(
    run_agent: RunAgent, run_dir: Path, looking: None
) -> None:
    claude = run_agent("claude")
    first = claude.start("server")
    assert bind(run_dir, first.pid, "mcp").own
    before = (run_dir / lineage.AGENT_FILE).read_bytes()
    assert bind(run_dir, claude.start("server", through=SHELL).pid, "mcp").own
    assert (run_dir / lineage.AGENT_FILE).read_bytes() == before


@pytest.mark.parametrize("via", ["mcp", "cli"])
def test_an_agent_started_through_the_shell_is_nested(
    run_agent: RunAgent, run_dir: Path, via: lineage.Via, looking: None
) -> None:
    claude = run_agent("claude")
    codex = claude.shell("codex", "exec", "help me")
    found = bind(run_dir, codex.start("tool").pid, via)
    assert found.nested
    assert (found.program, found.pid) == ("codex", codex.pid)
    assert found.caller == f"codex, pid {codex.pid}"
    # It did not take the run although it came first.
    assert not lineage.reached_board(run_dir)
    assert bind(run_dir, claude.start("server").pid, "mcp").own


def test_an_agent_of_the_same_program_is_nested(run_agent: RunAgent, run_dir: Path) -> None:
    claude = run_agent("claude", "-p", "work")
    # A shell often becomes the last command that it was given.
    inner = claude.start("claude", "-p", "help")
    assert bind(run_dir, inner.start("server").pid, "mcp").nested
    assert bind(run_dir, inner.shell("tool").pid, "cli").nested
    assert bind(run_dir, claude.start("server").pid, "mcp").own


def test_a_wrapper_that_hands_its_arguments_on_is_no_agent_of_its_own(
    run_agent: RunAgent, run_dir: Path, looking: None
) -> None:
    outer = run_agent("gemini", "-p", "work")
    inner = outer.start("gemini", "--relaunched", "-p", "work")
    assert bind(run_dir, inner.start("server").pid, "mcp").own
    assert bind(run_dir, inner.shell("tool").pid, "cli").own
    assert bound_to(run_dir) == inner.pid
    nested = inner.shell("gemini", "-p", "help")
    assert bind(run_dir, nested.start("server").pid, "mcp").nested


def test_an_unknown_agent_is_nested_by_its_own_tool_server(
    run_agent: RunAgent, run_dir: Path
) -> None:
    claude = run_agent("claude")
    assert bind(run_dir, claude.start("server").pid, "mcp").own
    unknown = claude.shell("newagent")
    found = bind(run_dir, unknown.start("server").pid, "mcp")
    assert found.nested


def test_a_program_between_client_and_server_may_be_restarted(
    run_agent: RunAgent, run_dir: Path
) -> None:
    claude = run_agent("claude")
    proxy = claude.start("mcp-proxy")
    assert bind(run_dir, proxy.start("server").pid, "mcp").own
    assert bind(run_dir, claude.shell("tool").pid, "cli").own
    another = claude.start("mcp-proxy").start("server")
    assert bind(run_dir, another.pid, "mcp").nested
    proxy.end()
    assert bind(run_dir, another.pid, "mcp").own
    assert bind(run_dir, claude.start("server").pid, "mcp").own


# Commands


def test_scripts_of_the_bound_agent_are_its_own(
    run_agent: RunAgent, run_dir: Path, looking: None
) -> None:
    claude = run_agent("claude")
    bind(run_dir, claude.start("server").pid, "mcp")
    assert bind(run_dir, claude.shell("tool").pid, "cli").own
    deep = claude.shell("make").shell("script.py").shell("tool")
    assert bind(run_dir, deep.pid, "cli").own


def test_a_command_binds_the_agent_above_it(run_agent: RunAgent, run_dir: Path) -> None:
    wrapper = run_agent("wrapper.py")
    claude = wrapper.shell("claude")
    assert bind(run_dir, claude.shell("tool").pid, "cli").own
    assert bound_to(run_dir) == claude.pid
    assert bind(run_dir, claude.start("server").pid, "mcp").own


def test_a_plain_script_has_its_run_and_gives_it_to_the_agent_that_it_starts(
    run_agent: RunAgent, run_dir: Path
) -> None:
    script = run_agent("job.py", through=SHELL)
    assert bind(run_dir, script.shell("tool").pid, "cli").own
    assert bind(run_dir, script.start("other.py").start("tool").pid, "cli").own
    claude = script.shell("claude")
    assert bind(run_dir, claude.start("server").pid, "mcp").own
    assert bound_to(run_dir) == claude.pid
    # The script goes on to speak for its run, also beside the agent.
    assert bind(run_dir, script.shell("tool").pid, "cli").own
    assert bound_to(run_dir) == claude.pid
    assert bind(run_dir, script.shell("codex").start("server").pid, "mcp").nested


def test_an_agent_of_nobody_knows_programs_excludes_those_that_it_starts(
    run_agent: RunAgent, run_dir: Path
) -> None:
    own = run_agent("my_agent.py")
    assert bind(run_dir, own.start("server").pid, "mcp").own
    assert bind(run_dir, own.shell("tool").pid, "cli").own
    claude = own.shell("claude")
    assert bind(run_dir, claude.start("server").pid, "mcp").nested
    assert bind(run_dir, claude.shell("tool").pid, "cli").nested


def test_a_call_in_the_agent_binds_the_agent_itself(run_agent: RunAgent, run_dir: Path) -> None:
    own = run_agent("my_agent.py")
    assert bind(run_dir, own.pid, "python").own
    assert bound_to(run_dir) == own.pid
    assert bind(run_dir, own.shell("helper.py").pid, "python").nested


# Clients that died


def test_a_client_that_its_wrapper_started_anew_takes_over(
    run_agent: RunAgent, run_dir: Path, looking: None
) -> None:
    wrapper = run_agent("wrapper.py")
    first = wrapper.start("claude")
    assert bind(run_dir, first.start("server").pid, "mcp").own
    second = wrapper.start("claude")
    server = second.start("server")
    assert bind(run_dir, server.pid, "mcp").nested
    first.end()
    assert bind(run_dir, server.pid, "mcp").own
    assert bound_to(run_dir) == second.pid


def test_a_nested_agent_that_left_the_session_is_nested_and_never_takes_over(
    run_agent: RunAgent, run_dir: Path
) -> None:
    wrapper = run_agent("wrapper.py")
    claude = wrapper.start("claude")
    assert bind(run_dir, claude.start("server").pid, "mcp").own
    shell = claude.start("job.sh", through=SHELL)
    daemon = shell.start("codex", detached=True)
    shell.end()
    # Adopted by the supervisor: claude is no longer above it.
    wait_until(lambda: claude.pid not in pids_above(daemon.pid))
    tool = daemon.start("tool")
    for via in ("mcp", "cli"):
        assert bind(run_dir, tool.pid, via).nested
    claude.end()
    for via in ("mcp", "cli"):
        assert bind(run_dir, tool.pid, via).nested


def pids_above(pid: int) -> list[int]:
    found = []
    while (known := tree.read_stat(pid)) and pid > 1:
        found.append(pid)
        pid = known[1]
    return found


def test_a_reused_pid_is_not_taken_for_the_bound_client(run_agent: RunAgent, run_dir: Path) -> None:
    claude = run_agent("claude")
    server = claude.start("server")
    bind(run_dir, server.pid, "mcp")
    record = read_bound(run_dir)
    assert record is not None
    assert record.client is not None
    earlier = msgspec.structs.replace(record.client, start_ticks=record.client.start_ticks - 1)
    write(run_dir, record, client=earlier, agent=earlier, root=earlier)
    assert bind(run_dir, server.pid, "mcp").nested
    # What has its pid now is no reason to keep its successor away.
    write(run_dir, record, client=earlier, agent=earlier)
    assert bind(run_dir, server.pid, "mcp").own
    assert bound_to(run_dir) == claude.pid


def test_a_client_of_another_boot_is_dead_and_one_of_another_container_lives(
    run_agent: RunAgent, run_dir: Path
) -> None:
    wrapper = run_agent("wrapper.py")
    claude = wrapper.start("claude")
    server = claude.start("server")
    bind(run_dir, server.pid, "mcp")
    record = read_bound(run_dir)
    assert record is not None
    assert record.client is not None
    elsewhere = msgspec.structs.replace(record.client, pidns=1)
    write(run_dir, record, client=elsewhere, agent=None)
    assert bind(run_dir, server.pid, "mcp").nested
    before = msgspec.structs.replace(record.client, boot="another")
    write(run_dir, record, client=before, agent=None)
    assert bind(run_dir, server.pid, "mcp").own


def write(run_dir: Path, record: Bound, **changes: object) -> None:
    changed = msgspec.structs.replace(record, **changes)
    (run_dir / lineage.AGENT_FILE).write_bytes(msgspec.json.encode(changed))


# Many at once, and none


def test_of_two_that_come_at_once_one_is_first(run_agent: RunAgent, run_dir: Path) -> None:
    wrapper = run_agent("wrapper.py")
    servers = [wrapper.start(name).start("server") for name in ("claude", "codex", "qwen")]
    pids = [server.pid for server in servers]
    for _ in range(40):
        (run_dir / lineage.AGENT_FILE).unlink(missing_ok=True)
        barrier = threading.Barrier(len(pids))
        found: list[lineage.Binding] = []

        def come(pid: int, barrier: threading.Barrier = barrier, found: list = found) -> None:  # type: ignore[type-arg]
            barrier.wait()
            found.append(bind(run_dir, pid, "mcp"))

        threads = [threading.Thread(target=come, args=(pid,)) for pid in pids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [one.own for one in found].count(True) == 1
        assert [one.pid for one in found if one.own] == [bound_to(run_dir)]


def test_a_run_without_a_supervisor_has_nothing_to_bind(tmp_path: Path) -> None:
    assert bind(tmp_path, os.getpid(), "cli").own
    assert bind(tmp_path / "nowhere", os.getpid(), "mcp").own
    assert not lineage.reached_board(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_something_else_started_is_not_of_the_run(
    run_agent: RunAgent, rig: Rig, stage: Stage, run_dir: Path, looking: None
) -> None:
    run_agent("claude")
    # Another run's agent stands in for whatever has the variables without being a descendant.
    stranger = run_agent("codex")
    assert bind(run_dir, stranger.start("server").pid, "mcp").nested
    assert bind(run_dir, stranger.shell("tool").pid, "cli").nested
    # A person's shell that took the variables over is no agent, and binds nothing.
    assert bind(run_dir, os.getpid(), "cli").own
    assert not lineage.reached_board(run_dir)


def test_a_request_of_an_untold_sender_is_the_agents_that_the_supervisor_started(
    run_agent: RunAgent, run_dir: Path, looking: None
) -> None:
    wrapper = run_agent("wrapper.py")
    claude = wrapper.shell("claude", "-p", "work")
    inner = claude.start("claude", "--relaunched", "-p", "work")
    shell = inner.start("job.sh", through=SHELL)
    daemon = shell.start("codex", detached=True)
    shell.end()
    wait_until(lambda: inner.pid not in pids_above(daemon.pid))
    assert bind(run_dir, None, "http").own
    assert bound_to(run_dir) == inner.pid
    assert bind(run_dir, None, "http").own
    assert bind(run_dir, inner.start("server").pid, "mcp").own
    assert bind(run_dir, inner.shell("tool").pid, "cli").own
    assert bind(run_dir, daemon.start("server").pid, "mcp").nested


def test_an_untold_sender_in_no_tree_of_ours_is_taken_at_its_word(
    run_agent: RunAgent, run_dir: Path
) -> None:
    container = run_agent("docker", "run", "agent")
    assert bind(run_dir, None, "http").own
    assert lineage.reached_board(run_dir)
    record = read_bound(run_dir)
    assert record is not None
    assert (record.client, record.root) == (None, identity_of(container.pid))
    claude = container.start("claude")
    assert bind(run_dir, claude.start("server").pid, "mcp").own
    assert bound_to(run_dir) == claude.pid
    assert bind(run_dir, None, "http").own


def test_a_request_binds_the_process_that_sent_it(run_agent: RunAgent, run_dir: Path) -> None:
    claude = run_agent("claude")
    assert bind(run_dir, claude.pid, "http").own
    assert bound_to(run_dir) == claude.pid
    assert bind(run_dir, claude.shell("codex").pid, "http").nested


def test_what_cannot_be_written_is_not_bound(run_agent: RunAgent, run_dir: Path) -> None:
    claude = run_agent("claude")
    server, nested = claude.start("server"), claude.shell("codex").start("server")
    (run_dir / lineage.LOCK_FILE).mkdir()
    assert bind(run_dir, server.pid, "mcp").own
    assert bind(run_dir, nested.pid, "mcp").nested
    assert not lineage.reached_board(run_dir)


def test_a_broken_record_is_no_record(run_agent: RunAgent, run_dir: Path) -> None:
    claude = run_agent("claude")
    (run_dir / lineage.AGENT_FILE).write_bytes(b'{"client": 1')
    assert bind(run_dir, claude.start("server").pid, "mcp").own
    assert bound_to(run_dir) == claude.pid


def test_an_agent_inside_a_run_is_told_from_a_person(run_agent: RunAgent, looking: None) -> None:
    claude = run_agent("claude")
    found = lineage.agent_in_run(claude.shell("tool").pid)
    assert found is not None
    assert (found.program, found.identity.pid) == ("claude", claude.pid)
    script = run_agent("job.py")
    assert lineage.agent_in_run(script.shell("tool").pid) is None
    assert lineage.agent_in_run(os.getpid()) is None
