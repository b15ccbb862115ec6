"""What holds for every client: prompt, tools, place, program, arguments, resuming."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import get_args

import pytest

from hermes_kanban.config.settings import Runtime as Configured
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import Launch, LaunchRequest, runtime_named, runtime_names
from hermes_kanban.workers.runtimes.program import TITLES
from tests.runtimes.conftest import LOCK, NAMES, PROGRAMS, REMOTE, Ask, launched, write

ALL = pytest.mark.parametrize("name", NAMES)
PIPED = pytest.mark.parametrize("name", [one for one in NAMES if one != "hermes"])
# Gemini CLI takes its tools from its own settings alone.
GIVEN = pytest.mark.parametrize("name", [one for one in NAMES if one != "gemini"])


def _told(launch: Launch, request: LaunchRequest) -> str:
    """Everything that the client is told apart from its prompt, as one text."""
    files = [text for file, text in launch.files.items() if file != request.prompt_file]
    return "\n".join([*launch.argv, *launch.env.values(), *files])


def test_every_runtime_of_the_configuration_is_there() -> None:
    assert runtime_names() == sorted(get_args(Configured)) == sorted([*NAMES, "command"])
    for name in NAMES:
        runtime = runtime_named(name)
        assert (runtime.name, runtime.has_tools) == (name, True)
        assert runtime.program in PROGRAMS
    assert set(TITLES) == set(PROGRAMS)


@ALL
def test_a_client_that_is_not_installed_is_named(name: str, ask: Ask, tmp_path: Path) -> None:
    program = runtime_named(name).program
    (tmp_path / "bin" / program).unlink()
    with pytest.raises(SpawnRefused, match=rf"^{program} \(.+\) is not installed, or not on the "):
        launched(ask(name))


@ALL
def test_the_path_of_the_profile_counts(name: str, ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(SpawnRefused, match="is not installed"):
        launched(ask(name, env={"PATH": "/nowhere"}))
    change = {"inherited": {"HOME": ask(name).inherited["HOME"], "PATH": "/nowhere"}}
    assert launched(ask(name, env={"PATH": str(tmp_path / "bin")}, change=change)).argv


@PIPED
def test_a_prompt_of_any_length_comes_on_standard_input(name: str, ask: Ask) -> None:
    prompt = "x" * (256 * 1024)
    request = ask(name, change={"prompt": prompt})
    launch = launched(request)
    assert launch.reads_stdin
    assert launch.files[request.prompt_file] == prompt
    assert max(len(word) for word in [*launch.argv, *launch.env.values()]) < 8192


@PIPED
def test_skills_are_named_in_the_prompt(name: str, ask: Ask) -> None:
    request = ask(name, skills=("sql", "charts"), task={"skills": ["charts", "maps"]})
    text = launched(request).files[request.prompt_file]
    assert text.startswith("Do it.\n")
    assert "`sql`, `charts`, `maps`" in text


@GIVEN
def test_the_tools_know_their_run_by_the_command_itself(
    name: str, ask: Ask, tmp_path: Path
) -> None:
    request = ask(name)
    told = _told(launched(request), request).replace('\\"', '"')
    words = ["mcp", "--task", "t_abc", "--run", "7", "--lock", LOCK]
    words += ["--home", str(tmp_path / "kanban"), "--board", "default"]
    at = -1
    for word in words:
        at = told.find(word, at + 1)
        assert at >= 0, word


@GIVEN
def test_the_tools_of_a_board_with_a_server_are_sent_to_its_home(name: str, ask: Ask) -> None:
    reach = {"HERMES_KANBAN_HOME": "/elsewhere", "HERMES_KANBAN_DATABASE": "postgresql://x/y"}
    request = ask(name, change={"reach": reach})
    launch = launched(request)
    assert "/elsewhere" in _told(launch, request)
    # An address may hold a password, and command lines can be read by all.
    assert "postgresql://" not in "\n".join(launch.argv)


@GIVEN
def test_a_board_in_no_home_is_found_by_its_file(name: str, ask: Ask, tmp_path: Path) -> None:
    file = str(tmp_path / "single.db")
    request = ask(name, change={"reach": {"HERMES_KANBAN_DB": file}})
    told = _told(launched(request), request)
    assert "--home" not in told
    assert file in told


@GIVEN
def test_tools_over_http_take_the_token_by_file_or_environment(name: str, ask: Ask) -> None:
    request = ask(name, change=REMOTE)
    launch = launched(request)
    told = _told(launch, request)
    assert "http://127.0.0.1:8790/mcp" in told
    assert "token-1" in told
    assert "token-1" not in "\n".join(launch.argv)
    assert "surfaces.cli.main" not in told


@ALL
def test_arguments_of_the_profile_are_filled_in(name: str, ask: Ask, tmp_path: Path) -> None:
    request = ask(name, args=("--one={task_id}", "{workspace}/x", "{prompt}", "{other}"))
    argv = launched(request).argv
    at = argv.index("--one=t_abc")
    work = str(tmp_path / "work")
    assert argv[at : at + 4] == ["--one=t_abc", f"{work}/x", str(request.prompt_file), "{other}"]


@ALL
def test_the_environment_of_the_profile_wins(name: str, ask: Ask) -> None:
    ours = launched(ask(name)).env
    for variable in ours:
        if variable != "HERMES_MANAGED_DIR":
            changed = launched(ask(name, env={variable: "theirs {task_id}"})).env
            assert changed[variable] == "theirs t_abc"


@ALL
def test_it_starts_where_the_profile_says(name: str, ask: Ask, tmp_path: Path) -> None:
    assert launched(ask(name)).cwd == str(tmp_path / "work")
    assert launched(ask(name, cwd="src/{task_id}")).cwd == str(tmp_path / "work/src/t_abc")


@ALL
def test_silence_is_no_success(name: str, ask: Ask) -> None:
    assert launched(ask(name)).on_exit_zero == "protocol_violation"
    assert launched(ask(name, on_exit_zero="complete")).on_exit_zero == "complete"


@ALL
def test_a_conversation_is_gone_on_with_by_its_name(name: str, ask: Ask) -> None:
    fresh, again = launched(ask(name)), launched(ask(name, change={"session": "s-1"}))
    assert "s-1" in again.argv
    assert "s-1" not in fresh.argv
    # Continue goes on in a copy, whose name only its session file tells.
    assert again.session == (None if name == "continue" else "s-1")


@ALL
def test_nothing_is_written_outside_the_runs_folder(name: str, ask: Ask) -> None:
    request = ask(name)
    launch = launched(request)
    assert all(file.parent == request.folder for file in launch.files)


@ALL
def test_the_same_run_is_started_the_same_way(name: str, ask: Ask) -> None:
    assert launched(ask(name)) == launched(ask(name))


@ALL
def test_the_model_of_the_task_counts_before_the_profiles(name: str, ask: Ask, home: Path) -> None:
    models = [{"name": one, "provider": "p"} for one in ("mine", "the-tasks")]
    (home / ".continue/config.yaml").write_text(json.dumps({"models": models}))
    request = ask(name, model="mine", task={"model": "the-tasks"})
    told = _told(launched(request), request)
    assert "the-tasks" in told
    assert "mine" not in told


# Where each client keeps a conversation, as real ones lay them down.
KEPT = {
    "claude": ".claude/projects/-work/{0}.jsonl",
    "codex": ".codex/sessions/2026/11/25/rollout-2026-11-25T00-00-00-{0}.jsonl",
    "continue": ".continue/sessions/{0}.json",
    "gemini": ".gemini/tmp/t-abc/chats/session-2026-11-25T00-24-{1}.jsonl",
    "qwen": ".qwen/projects/-work/chats/{0}.jsonl",
}


@pytest.mark.parametrize("name", KEPT)
def test_a_conversation_is_kept_as_long_as_its_file(name: str, tmp_path: Path) -> None:
    keeps = runtime_named(name).keeps
    assert keeps is not None
    session = "19ef34b4-5362-51e6-82ff-b94eec0ef219"
    env = {"HOME": str(tmp_path)}
    assert not keeps(env, "coder", session)
    write(tmp_path / KEPT[name].format(session, session[:8]), {})
    assert keeps(env, "coder", session)
    assert not keeps(env, "coder", "0" + session[1:])
    assert not keeps(env, "coder", "*")


def test_hermes_keeps_what_is_in_its_database(tmp_path: Path) -> None:
    keeps = runtime_named("hermes").keeps
    assert keeps is not None
    env = {"HERMES_HOME": str(tmp_path)}
    assert keeps(env, "coder", "s-1")  # nobody to ask
    (tmp_path / "profiles/coder").mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "profiles/coder/state.db")) as conn:
        conn.execute("CREATE TABLE sessions (id)")
        conn.execute("INSERT INTO sessions VALUES ('s-1')")
        conn.commit()
    assert keeps(env, "coder", "s-1")
    assert not keeps(env, "coder", "s-2")
