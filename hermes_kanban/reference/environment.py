"""Every environment variable that we read, set, or hand on."""

from __future__ import annotations

from typing import Final, NamedTuple

from hermes_kanban.config.environment import setting_variables
from hermes_kanban.reference.markdown import Page, code, codes, table
from hermes_kanban.workers.environment import ALLOWED, ALLOWED_PREFIXES


class Variable(NamedTuple):
    """What it means, and whether the gateway sets it for its workers."""

    meaning: str
    for_workers: bool = False


# Beside those of settings, which are named after their keys; a test holds them against the source.
VARIABLES: Final[dict[str, Variable]] = {
    "HERMES_KANBAN_HOME": Variable(
        "the folder that holds everything, `<home>`; by default `HERMES_HOME/hermes-kanban`, else"
        " `~/.hermes/hermes-kanban`"
    ),
    "HERMES_HOME": Variable("the folder of Hermes Agent; ours lies in it"),
    "HERMES_KANBAN_BOARD": Variable("the board, where no `--board` says which", True),
    "HERMES_KANBAN_DB": Variable(
        "the board by its file, wherever that lies; it goes before the board's name. Workers of the"
        " runtime `command` and the tools of agents find their board by it",
        True,
    ),
    "HERMES_KANBAN_HOST_ID": Variable(
        "the id of this machine, where its `machine-id` will not do: machines and containers that"
        " were copied have the same, and each needs one of its own to share a board",
        True,
    ),
    "HERMES_KANBAN_WORKSPACES_ROOT": Variable(
        "where workspaces lie, if not in the board's folder", True
    ),
    "HERMES_KANBAN_TASK": Variable(
        "the worker's task, which commands and tools mean where no id is given", True
    ),
    "HERMES_KANBAN_RUN_ID": Variable("the worker's run", True),
    "HERMES_KANBAN_CLAIM_LOCK": Variable(
        "the secret of the run's claim: whoever has it acts as the run", True
    ),
    "HERMES_KANBAN_WORKSPACE": Variable("the folder that the worker works in", True),
    "HERMES_KANBAN_BRANCH": Variable("the branch of its worktree, if it has one", True),
    "HERMES_KANBAN_PROMPT_FILE": Variable(
        "the file with its context, where the profile has `prompt: file`", True
    ),
    "HERMES_KANBAN_URL": Variable(
        "where its tools are, where the profile has `transport: http`: an address for each gateway"
        " of the board, parted by commas, its own host's first",
        True,
    ),
    "HERMES_KANBAN_TOKEN": Variable(
        "the secret by which it reaches them; it dies with the run", True
    ),
    "HERMES_KANBAN_STATE": Variable(
        "the folder in which what it hands in waits while no gateway can be reached; by default"
        " `$XDG_STATE_HOME/hermes-kanban`, else `~/.local/state/hermes-kanban`",
        True,
    ),
    "HERMES_PROFILE": Variable("the worker's profile", True),
    "HERMES_TENANT": Variable("the task's tenant, if it has one", True),
    "TRACEPARENT": Variable("a W3C trace context: one trace a task, one span a run", True),
}
OF_THE_SYSTEM: Final[dict[str, str]] = {
    "NO_COLOR": "set to anything: no colours",
    "TERM": "`dumb`: no colours",
    "COLUMNS": "how wide lines are, where the terminal does not say",
    "LOGNAME": "who acts, as `person:NAME`; by default the account's name",
    "XDG_STATE_HOME": "where a machine without the board keeps what waits to be handed in",
    "XDG_RUNTIME_DIR": "where the socket of a board lies whose own folder has too long a name",
}


def _body() -> str:
    settings = setting_variables()
    shared = [name for name in VARIABLES if name not in settings]
    where = [(code(name), VARIABLES[name].meaning) for name in shared if not _is_workers(name)]
    workers = [(code(name), VARIABLES[name].meaning) for name in shared if _is_workers(name)]
    keys = [
        (code(name), f"[`{key}`](configuration.md#{key.partition('.')[0]})")
        for name, key in settings.items()
    ]
    system = [(code(name), meaning) for name, meaning in OF_THE_SYSTEM.items()]
    inherited = codes([*sorted(ALLOWED), *(f"{prefix}…" for prefix in ALLOWED_PREFIXES)])
    heads = ("variable", "meaning")
    return (
        f"## Where things lie\n\n{table(heads, where)}\n"
        "## What a worker is told\n\nThe gateway sets these for every worker; who works for a task"
        f" by other means may set them too.\n\n{table(heads, workers)}\n"
        "## What a worker inherits\n\nOf the gateway's own environment a worker gets these, what"
        " its runtime asks for, and the `env` of its profile; no other secret leaks.\n\n"
        f"{inherited}\n\n## Settings\n\nEach overrides a key of the configuration.\n\n"
        f"{table(('variable', 'key'), keys)}\n## Of the system\n\n{table(heads, system)}"
    )


def _is_workers(name: str) -> bool:
    return VARIABLES[name].for_workers


PAGE: Final = Page(
    "environment.md",
    "Environment variables",
    """\
Every variable that a command, the gateway or a worker heeds. An empty one counts as not set,
but for those of settings.""",
    _body,
)
