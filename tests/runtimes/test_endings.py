"""What each client's end means, by what real ones printed (``samples/<runtime>/<case>.log``).

``ok`` did its task, ``talk`` only spoke of rate limits, ``hang`` was sent SIGTERM while it waited
for its model, a number is the HTTP status that the model answered with, ``limit`` a used-up plan.
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban.model import Usage
from hermes_kanban.ports import Conclusion
from hermes_kanban.workers.runtimes import Ending, runtime_named
from hermes_kanban.workers.runtimes.spent import BEFORE
from tests.runtimes.conftest import NAMES, NOW, SAMPLES, ending, write

EXIT_CODES = {
    "claude": {"hang": 143},
    "codex": {"hang": -15},
    "continue": {"hang": 0},
    "gemini": {"hang": 0, "401": 145, "429": 173},
    "hermes": {"hang": 0, "429": 75},
    "opencode": {"hang": -15},
    "qwen": {"hang": -15},
}
CASES = [(file.parent.name, file.stem) for file in sorted(SAMPLES.glob("*/*.log"))]


def _ending(tmp_path: Path, name: str, case: str, **spec: Any) -> Ending:
    code = EXIT_CODES[name].get(case, 1 if case[0].isdigit() or case == "limit" else 0)
    if case == "deadmcp" and name in ("codex", "continue"):
        code = 1
    output = (SAMPLES / name / f"{case}.log").read_text()
    argv = ["hermes", "-p", "coder", "chat"]
    return ending(tmp_path / "run", output, code, spec={"argv": argv} | spec)


def _conclude(tmp_path: Path, name: str, case: str) -> Conclusion:
    return runtime_named(name).conclude(_ending(tmp_path, name, case))


def test_there_is_a_sample_of_each() -> None:
    assert {name for name, _ in CASES} == {*NAMES}
    for case in ("ok", "talk", "401", "404", "hang"):
        assert {name for name, one in CASES if one == case} == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_went_well_says_only_what_the_agent_said(name: str, tmp_path: Path) -> None:
    found = _conclude(tmp_path, name, "ok")
    assert found.said == "I finished the task."
    assert (found.rate_limited, found.reset_at, found.error) == (False, None, None)


@pytest.mark.parametrize("name", NAMES)
def test_an_agent_that_speaks_of_rate_limits_has_none(name: str, tmp_path: Path) -> None:
    found = _conclude(tmp_path, name, "talk")
    assert found.said is not None
    assert found.said.startswith("API Error: Request rejected (429): rate limit, HTTP 429")
    assert found.said.endswith("try again at 5pm")
    assert (found.rate_limited, found.reset_at, found.error) == (False, None, None)


RESETS = {
    "claude": 20,
    "codex": None,
    "continue": 20,
    "gemini": 20,
    "hermes": 20,
    "opencode": 20,
    "qwen": 20,
}


@pytest.mark.parametrize("name", RESETS)
def test_a_rate_limit_is_one_with_its_reset(name: str, tmp_path: Path) -> None:
    found = _conclude(tmp_path, name, "429")
    assert found.rate_limited
    wait = RESETS[name]
    assert found.reset_at == (None if wait is None else NOW + wait)
    assert found.error is not None
    assert found.error.startswith("rate limited (HTTP 429): ")


def test_a_plan_that_is_used_up_comes_back_when_the_client_says(tmp_path: Path) -> None:
    claude = _conclude(tmp_path, "claude", "limit")
    assert (claude.rate_limited, claude.reset_at) == (True, 1_795_568_275)
    assert claude.error is not None
    assert claude.error.endswith("You've hit your 5-hour limit · resets 12:57am (UTC)")
    codex = _conclude(tmp_path, "codex", "limit")
    assert codex.rate_limited
    assert codex.error is not None
    assert "You’ve hit your usage limit." in codex.error


@pytest.mark.parametrize("name", NAMES)
def test_a_refused_key_is_named_and_counts_as_a_failure(name: str, tmp_path: Path) -> None:
    found = _conclude(tmp_path, name, "401")
    assert not found.rate_limited
    assert found.error is not None
    assert found.error.startswith("authentication failed (HTTP 401): ")
    assert "Incorrect API key provided: x." in found.error
    assert "\n" not in found.error


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    found = _conclude(tmp_path, name, "404")
    assert not found.rate_limited
    assert found.error is not None
    assert "The model `scripted` does not exist" in found.error or name == "claude"
    # Codex and Gemini CLI tell no status of it.
    named = found.error.startswith("model not found (HTTP 404): ")
    assert named == (name not in ("codex", "gemini"))


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_client_is_no_error_of_its_own(name: str, tmp_path: Path) -> None:
    found = _conclude(tmp_path, name, "hang")
    assert (found.rate_limited, found.error) == (False, None)
    said = found.said or ""
    assert "{" not in said


def test_what_keeps_a_client_from_starting_is_its_last_words(tmp_path: Path) -> None:
    codex = _conclude(tmp_path, "codex", "deadmcp")
    assert codex.error is not None
    assert "required MCP servers failed to initialize: board: No such file" in codex.error
    cn = _conclude(tmp_path, "continue", "deadmcp")
    assert cn.error == "MCP server(s) failed to load: board: spawn /nonexistent/mcp ENOENT"


def test_hermes_answer_ends_where_the_conversations_name_stands(tmp_path: Path) -> None:
    """What a traceback leaves after it, and what a resumed one says of itself, is not of it."""
    dead = _conclude(tmp_path, "hermes", "deadmcp")
    assert (dead.said, dead.session) == ("I have no tool kanban_show.", "20261124_224259_476070")
    resumed = _conclude(tmp_path, "hermes", "resumed")
    assert resumed.said == "Finished after the answer."
    assert resumed.session == "20261124_224619_782e0e"


def test_a_name_that_the_agent_makes_up_does_not_count(tmp_path: Path) -> None:
    text = "session_id: 20200101_000000_aaaaaa\n\nsession_id: 20261124_224259_476070\n"
    found = runtime_named("hermes").conclude(
        ending(tmp_path / "run", text, spec={"argv": ["hermes", "-p", "coder"]})
    )
    assert found.session == "20261124_224259_476070"
    assert found.said == "session_id: 20200101_000000_aaaaaa"


def test_a_hermes_without_credit_is_named(tmp_path: Path) -> None:
    found = _conclude(tmp_path, "hermes", "402")
    assert found.error == (
        "the account has no credit left (HTTP 402): HTTP 402: Insufficient credits"
    )
    assert not found.rate_limited


@pytest.mark.parametrize("name", ["claude", "codex", "opencode", "qwen"])
def test_the_conversation_is_known_also_of_a_killed_run(name: str, tmp_path: Path) -> None:
    for case in ("ok", "401", "hang"):
        assert _conclude(tmp_path, name, case).session


def test_codex_names_its_conversation_once_and_maybe_long_ago(tmp_path: Path) -> None:
    """In output that a long run has pushed out of what is read at its end."""
    one = _ending(tmp_path, "codex", "ok")
    first, _, rest = one.output.partition('{"type": "turn.started"}')
    late = Ending(exit_code=0, output=rest, now=NOW, folder=one.folder)
    session = runtime_named("codex").conclude(late).session
    assert session is not None
    assert session in first
    (one.folder / "log").rename(one.folder / "log.1")
    assert runtime_named("codex").conclude(late).session == session


# What it cost. Each request of the scripted model has 1,000 tokens of input, 300 of them cached,
# and 20 of output; ``ok`` makes four.
SPENT = {
    "claude": Usage(input=4000, cached=1200, output=80, cost_usd=0.01304, turns=5),
    "codex": Usage(input=4000, cached=1200, output=80),
    "gemini": Usage(input=4000, cached=1200, output=80),
    "opencode": Usage(input=4000, cached=1200, output=80, cost_usd=0.00308, turns=4),
    "qwen": Usage(input=4000, cached=1200, output=80, turns=4),
}


def _rounded(usage: Usage | None) -> Usage | None:
    if usage is None or usage.cost_usd is None:
        return usage
    values = {name: getattr(usage, name) for name in Usage.__struct_fields__}
    return Usage(**(values | {"cost_usd": round(usage.cost_usd, 9)}))


@pytest.mark.parametrize("name", SPENT)
def test_the_cost_is_that_of_all_requests(name: str, tmp_path: Path) -> None:
    assert _rounded(_conclude(tmp_path, name, "ok").usage) == SPENT[name]


def test_a_killed_run_has_cost_what_it_had_read(tmp_path: Path) -> None:
    claude = _conclude(tmp_path, "claude", "hang").usage
    assert claude == Usage(input=1000, cached=300, turns=1)
    opencode = _rounded(_conclude(tmp_path, "opencode", "hang").usage)
    assert opencode == Usage(input=1000, cached=300, output=20, cost_usd=0.00077, turns=1)


@pytest.mark.parametrize("name", ["codex", "qwen"])
def test_what_a_conversation_had_cost_before_is_not_of_the_run(name: str, tmp_path: Path) -> None:
    one = _ending(tmp_path, name, "ok")
    write(one.folder / BEFORE, {"input": 3000, "cached": 900, "output": 60})
    usage = runtime_named(name).conclude(one).usage
    assert usage is not None
    assert (usage.input, usage.cached, usage.output) == (1000, 300, 20)


def test_codex_keeps_count_of_what_was_killed(tmp_path: Path) -> None:
    one = _ending(tmp_path, "codex", "hang", env={"CODEX_HOME": str(tmp_path / "codex")})
    session = runtime_named("codex").conclude(one).session
    folder = tmp_path / "codex/sessions/2026/11/25"
    folder.mkdir(parents=True)
    total = {"input_tokens": 1000, "cached_input_tokens": 300, "output_tokens": 20}
    count = {"type": "token_count", "info": {"total_token_usage": total}}
    lines = [{"type": "event_msg", "payload": count}, {"type": "event_msg", "payload": {}}]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / f"rollout-2026-11-25T00-00-00-{session}.jsonl").write_text(text)
    assert runtime_named("codex").conclude(one).usage == Usage(input=1000, cached=300, output=20)


def _hermes_database(home: Path, *rows: tuple[Any, ...]) -> None:
    """The columns that are read of Hermes 0.19's table, and rows of it."""
    profile = home / "profiles/coder"
    profile.mkdir(parents=True)
    conn = sqlite3.connect(profile / "state.db")
    columns = "parent_session_id, cwd, started_at, input_tokens, cache_read_tokens,"
    columns += "cache_write_tokens, output_tokens, api_call_count, estimated_cost_usd"
    conn.execute(f"CREATE TABLE sessions (id PRIMARY KEY, {columns}, actual_cost_usd)")
    marks = ", ".join("?" * 10)
    conn.executemany(f"INSERT INTO sessions VALUES ({marks}, NULL)", rows)
    conn.commit()
    conn.close()


def test_hermes_counts_in_its_database_over_what_it_compressed(tmp_path: Path) -> None:
    one = _ending(tmp_path, "hermes", "ok", env={"HERMES_HOME": str(tmp_path / "hermes")})
    session = runtime_named("hermes").conclude(one).session
    _hermes_database(
        tmp_path / "hermes",
        ("old", None, "/work", 1, 2000, 900, 100, 60, 3, 0.5),
        (session, "old", "/work", 2, 700, 300, 0, 20, 1, 0.25),
        ("strange", None, "/work", 3, 9999, 9999, 9999, 9999, 9, 9.0),
    )
    usage = runtime_named("hermes").conclude(one).usage
    assert usage == Usage(input=4000, cached=1200, output=80, cost_usd=0.75, turns=4)
    write(one.folder / BEFORE, {"input": 3000, "cached": 900, "output": 60, "turns": 3})
    usage = runtime_named("hermes").conclude(one).usage
    assert usage == Usage(input=1000, cached=300, output=20, cost_usd=0.75, turns=1)


def test_a_killed_hermes_is_found_by_where_it_worked(tmp_path: Path) -> None:
    one = _ending(tmp_path, "hermes", "hang", env={"HERMES_HOME": str(tmp_path / "hermes")})
    began = (one.folder / "spec.json").stat().st_mtime
    counts = (0, 0, 0, 0, 0, None)
    _hermes_database(
        tmp_path / "hermes",
        ("earlier", None, "/work", began - 5, *counts),
        ("elsewhere", None, "/other", began + 2, *counts),
        ("this", None, "/work", began + 1, *counts),
    )
    assert runtime_named("hermes").conclude(one).session == "this"


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, None])
def test_a_database_that_is_not_hermes_costs_nothing(content: bytes | None, tmp_path: Path) -> None:
    one = _ending(tmp_path, "hermes", "ok", env={"HERMES_HOME": str(tmp_path / "hermes")})
    if content is not None:
        (tmp_path / "hermes/profiles/coder").mkdir(parents=True)
        (tmp_path / "hermes/profiles/coder/state.db").write_bytes(content)
    found = runtime_named("hermes").conclude(one)
    assert (found.said, found.usage) == ("I finished the task.", None)


def _continue_session(home: Path, name: str, cwd: str, *roles: str) -> Path:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 300},
    }
    history = [
        {"message": {"role": role} | ({"usage": usage} if role == "assistant" else {})}
        for role in roles
    ]
    value = {"sessionId": name, "workspaceDirectory": cwd, "history": history}
    return write(home / ".continue/sessions" / f"{name}.json", value)


def test_continue_tells_of_itself_in_the_file_of_its_session(tmp_path: Path) -> None:
    one = _ending(tmp_path, "continue", "ok", env={"HOME": str(tmp_path)})
    assert runtime_named("continue").conclude(one).session is None
    turns = ("user", "assistant", "tool", "assistant")
    _continue_session(tmp_path, "mine", "/work", "user", "assistant", *turns)
    _continue_session(tmp_path, "of-another-task", "/other", *turns)
    write(tmp_path / ".continue/sessions/sessions.json", [])
    found = runtime_named("continue").conclude(one)
    assert found.session == "mine"
    # Since its last prompt: what came before is of earlier runs.
    assert found.usage == Usage(input=2000, cached=600, output=40, turns=2)


def test_an_earlier_session_in_the_same_folder_is_not_the_runs(tmp_path: Path) -> None:
    earlier = _continue_session(tmp_path, "earlier", "/work", "user", "assistant")
    one = _ending(tmp_path, "continue", "ok", env={"HOME": str(tmp_path)})
    began = (one.folder / "spec.json").stat().st_mtime
    os.utime(earlier, (began - 10, began - 10))
    assert runtime_named("continue").conclude(one).session is None


# What a model or a broken client may print.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "output",
    [
        "",
        "\n\n",
        "{",
        "[1, 2]\n",
        '{"type": "result"}',
        '{"type": "result", "is_error": true, "usage": 3, "stats": [], "error": "x"}',
        '{"type": "error", "error": {"data": {"responseHeaders": 1, "statusCode": "429"}}}',
        '{"type": "turn.failed", "error": null}\n{"type": "assistant", "message": {"content": 1}}',
        '{"status": "error", "message": {"a": 1}}',
        '{"type": "thread.started", "thread_id": 7}\n{"type": "turn.completed", "usage": []}',
        '{"type": "step_finish", "part": {"tokens": null, "cost": "free"}}',
        "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    ],
)
@pytest.mark.parametrize("code", [0, 1, -9, None])
def test_nothing_that_is_printed_breaks_the_reading(
    name: str, output: str, code: int | None, tmp_path: Path
) -> None:
    one = ending(tmp_path / "run", output, code, spec={"argv": ["hermes", "-p", "coder"]})
    found = runtime_named(name).conclude(one)
    assert isinstance(found, Conclusion)
    assert not found.rate_limited


@pytest.mark.parametrize("name", NAMES)
def test_a_record_that_the_agent_prints_itself_is_not_an_error(name: str, tmp_path: Path) -> None:
    """In a run that its client ends with 0, quoted errors stay what they are: words."""
    quoted = '{"status": "error", "message": "429 slow down"}'
    one = _ending(tmp_path, name, "ok")
    with_quote = Ending(exit_code=0, output=f"{quoted}\n{one.output}", now=NOW, folder=one.folder)
    found = runtime_named(name).conclude(with_quote)
    assert (found.rate_limited, found.error) == (False, None)
