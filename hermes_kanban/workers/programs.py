"""Which program a process runs, by its command line: a known agent, a launcher, or something else.

The name counts, not the file: agents come as native binaries, as scripts under node or python, by
links, and under a title that they give themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# Agent program → the names by which it is started.
AGENT_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "claude": ("claude", "claude-code"),
    "codex": ("codex",),
    "gemini": ("gemini", "gemini-cli"),
    "opencode": ("opencode",),
    "qwen": ("qwen", "qwen-code"),
    "continue": ("cn", "continue"),
    "cline": ("cline",),
    "hermes": ("hermes", "hermes-agent", "hermes_cli", "hermes_cli.main", "run_agent"),
    # No runtime of ours, but agents all the same: they too inherit an environment.
    "aider": ("aider",),
    "amp": ("amp",),
    "copilot": ("copilot",),
    "crush": ("crush",),
    "cursor-agent": ("cursor-agent",),
    "droid": ("droid",),
    "goose": ("goose",),
    "kimi": ("kimi",),
}
# npm packages whose entry has a name that says nothing.
AGENT_PACKAGES: Final[dict[str, str]] = {
    "/@anthropic-ai/claude-code/": "claude",
    "/@openai/codex/": "codex",
    "/@google/gemini-cli/": "gemini",
    "/opencode-ai/": "opencode",
    "/@qwen-code/qwen-code/": "qwen",
    "/@continuedev/cli/": "continue",
    "/node_modules/cline/": "cline",
}
ENTRY_NAMES: Final = frozenset({"cli", "cli-wrapper", "index", "main", "start"})
CLAUDE_VERSIONS: Final = "/claude/versions/"
LAUNCHERS: Final = frozenset(
    {
        *("ash", "bash", "bwrap", "chrt", "codex-linux-sandbox", "csh", "dash", "direnv"),
        *("doas", "dumb-init", "env", "fish", "flock", "ionice", "ksh", "mise", "nice", "nohup"),
        *("npm", "npm-cli", "npx", "npx-cli", "bunx", "pnpm", "pnpx", "yarn", "pipx", "poetry"),
        *("prlimit", "runuser", "sandbox-exec", "script", "setpriv", "setsid", "sh", "stdbuf"),
        *("su", "sudo", "systemd-run", "taskset", "tcsh", "time", "timeout", "tini", "unshare"),
        *("uv", "uvx", "zsh"),
    }
)
# Ours: a wrapper of the tool process is no client of it.
OWN_NAMES: Final = frozenset({"hermes-kanban", "hermes_kanban"})

_INTERPRETER: Final = re.compile(r"(python|pypy)[0-9.]*|node|nodejs|bun|deno|tsx|ts-node")
_SCRIPT_ENDING: Final = re.compile(r"\.(m?js|cjs|m?ts|py|pyz|sh|exe)$")
_PLATFORM: Final = re.compile(r"[-_.](x86_64|aarch64|arm64|amd64|x64|linux|darwin|macos|musl)\b.*")
_MODULE: Final = re.compile(r"-[A-Za-z]*m")
_NO_SCRIPT: Final = re.compile(r"-|-[A-Za-z]*c|-e|-p|-pe|--eval|--print")
# Options of an interpreter that take the next word.
_WITH_VALUE: Final = frozenset(
    {"-r", "--require", "--import", "--loader", "--experimental-loader", "-W", "-X", "-C"}
)
SUPERVISOR_MARK: Final = "hermes_kanban.workers.supervisor"


def agent_program(argv: Sequence[str], executable: str = "") -> str | None:
    """The known agent that a process with this command line is, such as ``claude``.

    ``executable`` is the file it runs, where that is known.
    """
    names, paths = _who(argv, executable)
    for name in names:
        for program, known in AGENT_NAMES.items():
            if name in known:
                return program
    for path in paths:
        if CLAUDE_VERSIONS in path:
            return "claude"
        if _plain(path) in ENTRY_NAMES:
            for package, program in AGENT_PACKAGES.items():
                if package in path and "node_modules/" not in path.partition(package)[2]:
                    return program
    return None


def is_launcher(argv: Sequence[str]) -> bool:
    """Whether the process only starts others: a shell, ``env``, ``npx``, a wrapper of ours."""
    names, _ = _who(argv, "")
    return any(
        name in LAUNCHERS or name.partition(".")[0] in OWN_NAMES or name.endswith("-sandbox")
        for name in names[:1]
    )


def arguments(argv: Sequence[str]) -> list[str] | None:
    """What a program was given after its own name; None if a title stands in their place."""
    if len([word for word in argv if word]) <= 1:
        return None
    if _is_interpreter(argv[0]):
        script = _script_at(argv)
        return None if script is None else list(argv[script + 1 :])
    return list(argv[1:])


def run_of_supervisor(argv: Sequence[str]) -> str | None:
    """The run's folder if the process is one of our supervisors."""
    if "-c" not in argv or not _is_interpreter(argv[0]):
        return None
    # Joined: where only ``ps`` tells, the code comes in words as well.
    before, call, folder = " ".join(argv).rpartition("; main() ")
    return folder if call and SUPERVISOR_MARK in before else None


def name_of(argv: Sequence[str], executable: str = "") -> str:
    """What people would call the program; empty if nothing is known of it."""
    names, _ = _who(argv, executable)
    return names[0] if names else ""


def _who(argv: Sequence[str], executable: str) -> tuple[list[str], list[str]]:
    """The names that the process goes by, best first, and the paths that it was started from."""
    if not argv or not argv[0]:
        return ([_plain(executable)], [executable]) if executable else ([], [])
    if _is_interpreter(argv[0]):
        script = _script_at(argv)
        if script is None:
            return [_plain(argv[0])], []
        return [_plain(argv[script])], [argv[script]]
    name, ran = _plain(argv[0]), _plain(executable)
    names = [name] if not ran or _is_interpreter(executable) else [name, ran]
    return names, [argv[0], executable]


def _is_interpreter(word: str) -> bool:
    return _INTERPRETER.fullmatch(word.rpartition("/")[2]) is not None


def _plain(path: str) -> str:
    """The bare name: ``/opt/codex-x86_64-linux-musl`` is ``codex``; of a title the first word."""
    if not path.startswith("/"):
        path = path.partition(" ")[0].rstrip(":")
    name = path.removesuffix(" (deleted)").rstrip("/").rpartition("/")[2].lstrip("-")
    if name == "codex-linux-sandbox":
        return name
    return _PLATFORM.sub("", _SCRIPT_ENDING.sub("", name))


def _script_at(argv: Sequence[str]) -> int | None:
    """Where in the words of an interpreter its script, or the module after ``-m``, stands."""
    at = 1
    while at < len(argv):
        word = argv[at]
        if _MODULE.fullmatch(word):
            return at + 1 if at + 1 < len(argv) else None
        if _NO_SCRIPT.fullmatch(word):
            return None
        if word in ("run", "x") and argv[0].rpartition("/")[2] in ("bun", "deno"):
            at += 1
        elif word in _WITH_VALUE:
            at += 2
        elif word.startswith("-") or not word:
            at += 1
        else:
            return at
    return None
