"""Telling agents and launchers from their command lines."""

from __future__ import annotations

import pytest

from hermes_kanban.workers import programs

NPM = "/usr/lib/node_modules"


@pytest.mark.parametrize(
    ("argv", "program"),
    [
        (["claude", "-p", "x"], "claude"),
        (["/home/a b/bin/claude"], "claude"),
        (["claude", "", "", ""], "claude"),  # a title over the words that were there
        (["/usr/bin/node", "/usr/local/bin/claude", "-p", "x"], "claude"),
        (["node", f"{NPM}/@anthropic-ai/claude-code/cli.js"], "claude"),
        (
            ["node", "--max-old-space-size=8000", f"{NPM}/@google/gemini-cli/dist/index.js"],
            "gemini",
        ),
        (["node", "--no-warnings=DEP0040", "/usr/bin/gemini", "-p", "x"], "gemini"),
        (["node", "--require", "/x/hook.js", f"{NPM}/@openai/codex/bin/codex.js"], "codex"),
        ([f"{NPM}/@openai/codex/vendor/x/codex/codex-x86_64-unknown-linux-musl"], "codex"),
        (["/opt/codex-aarch64-apple-darwin"], "codex"),
        (["opencode", "run", "--format", "json"], "opencode"),
        (["bun", "run", "/x/opencode.ts"], "opencode"),
        (["node", f"{NPM}/@qwen-code/qwen-code/cli.js"], "qwen"),
        (["node", "/x/.bin/cn", "-p", "x"], "continue"),
        (["node", f"{NPM}/@continuedev/cli/dist/index.js"], "continue"),
        (["/x/bin/python3.11", "/x/bin/hermes", "-p", "writer", "chat"], "hermes"),
        (["python3", "-m", "hermes_cli.main", "chat"], "hermes"),
        (["python3", "-Im", "hermes_cli.main"], "hermes"),
        (["cline", "task"], "cline"),
        (["goose", "run"], "goose"),
        (["bash", "-c", "claude -p x"], None),
        (["python3", "-c", "claude"], None),
        (["python3", "agent.py", "claude"], None),
        (["node", "-e", "claude"], None),
        (["node", f"{NPM}/@google/gemini-cli/node_modules/some-server/index.js"], None),
        ([f"{NPM}/@anthropic-ai/claude-code/vendor/ripgrep/rg"], None),
        (["hermes-kanban", "mcp"], None),
        (["/x/python", "/x/hermes-kanban", "mcp"], None),
        (["codex-linux-sandbox", "--", "bash"], None),
        (["vim", "claude.py"], None),
        ([], None),
        ([""], None),
    ],
)
def test_an_agent_is_known_by_its_name(argv: list[str], program: str | None) -> None:
    assert programs.agent_program(argv) == program


def test_an_agent_is_known_by_its_file_too() -> None:
    assert programs.agent_program(["worker"], "/opt/codex (deleted)") == "codex"
    assert (
        programs.agent_program(["2.1.331"], "/h/.local/share/claude/versions/2.1.331") == "claude"
    )
    assert programs.agent_program([], "/usr/bin/qwen") == "qwen"
    assert programs.agent_program(["worker"], "/usr/bin/python3.11") is None


@pytest.mark.parametrize(
    ("argv", "launches"),
    [
        (["/bin/sh", "-c", "x"], True),
        (["-bash"], True),
        (["env", "-i", "x"], True),
        (["timeout", "5", "x"], True),
        (["node", "/usr/bin/npx", "-y", "x"], True),
        (["node", f"{NPM}/npm/bin/npx-cli.js", "x"], True),
        (["npm exec @scope/claude", "", ""], True),  # the title that npm gives itself
        (["/x/uv", "tool", "run", "hermes-kanban"], True),
        (["/x/python", "/x/pipx", "run", "hermes-kanban"], True),
        (["/x/python", "-m", "hermes_kanban.surfaces.cli.main", "mcp"], True),
        (["/x/python", "/x/bin/hermes-kanban", "mcp"], True),
        (["/x/codex-linux-sandbox", "--", "bash"], True),
        (["claude"], False),
        (["python3", "agent.py"], False),
        (["node", "server.js"], False),
        (["make"], False),
        ([], False),
    ],
)
def test_a_launcher_only_starts_others(argv: list[str], launches: bool) -> None:
    assert programs.is_launcher(argv) is launches


@pytest.mark.parametrize(
    ("argv", "given"),
    [
        (["claude", "-p", "x"], ["-p", "x"]),
        (["node", "--flag", "/x/gemini.js", "-p", "x"], ["-p", "x"]),
        (["node", "/x/gemini.js"], []),
        (["python", "-m", "hermes_cli.main", "chat"], ["chat"]),
        (["claude"], None),  # a title may stand there in place of the words
        (["claude", "", ""], None),
    ],
)
def test_what_a_program_was_given(argv: list[str], given: list[str] | None) -> None:
    assert programs.arguments(argv) == given


def test_a_supervisor_is_known_with_its_run() -> None:
    code = "import sys; from hermes_kanban.workers.supervisor import main; main()"
    argv = ["/x/python", "-I", "-S", "-c", code, "/a b/runs/5"]
    assert programs.run_of_supervisor(argv) == "/a b/runs/5"
    assert programs.run_of_supervisor(" ".join(argv).split()) == "/a b/runs/5"
    assert programs.run_of_supervisor(["bash", "-c", argv[4], "/a b/runs/5"]) is None
    assert programs.run_of_supervisor(["/x/python", "-c", "print(1)", "/a b/runs/5"]) is None
    assert programs.run_of_supervisor([]) is None
