"""The few sentences that an agent needs beside its tools, and none about tools it does not have.

Each sentence names the verbs it speaks of; it is left out where one of them is not there. For an
agent that reaches the board by our command line, the same in commands.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hermes_kanban.kernel import limits

NOTHING: Final = "No task and no orchestrating profile is in force here: the board asks nothing."
READER: Final = (
    "Task {task} of a board belongs to the agent that started you: {context} shows it; leave its"
    " comments and its end to that agent."
)

AGAIN: Final = (
    "You worked on it before, in this conversation, until your run {run} ended. Go on with it. What"
    " is new since then:"
)

_TASK: Final = "You work on task {task} of a board shared with people and other agents."
_COMMANDS: Final = "The names below are commands: `hermes-kanban NAME`."
_ABOUT_ONE: Final = "{context} tells all about one."
_ABOUT_ONE_COMMAND: Final = "{context} ID tells all about one."
_OWN_COMMANDS: Final = "The names below are commands, `hermes-kanban NAME`, and know your task."
_PLAN: Final = (
    "You plan work on a board shared with people and other agents; no task of it is yours."
)
_KINDS: Final = (
    "needs_input: a person; capability: another agent; transient: time; dependency: a parent"
)

# A ``{name}`` is a verb, or one of the words that ``guide`` adds.
_WORKER_TOOLS: Final = (
    "{context} tells all about it, page by page. Read why earlier attempts ended, and do not repeat"
    " it.",
    "Finish with {complete}. summary: what you did, decided and left open, for whoever goes on"
    " without you; metadata: facts for programs; artifacts: files to keep. Say only what you did"
    " and checked.",
    "If you cannot go on, {block}: one question, best ending in a list of answers, and its kind ("
    + _KINDS
    + ").",
    "{request_review} instead, if somebody should look first.",
    "{wait_for} hands it back until others are done; it runs again with their results.",
    "{comment} what people should know now; {heartbeat} at times on long work.",
    "Answers bring what people said meanwhile: heed it. Asked to stop: comment on where you stand,"
    " and end.",
    "Ending without {complete} or {block} is a failure.",
)
_WORKER_COMMANDS: Final = (
    "{context} tells all about it. Read why earlier attempts ended; do not repeat it.",
    "Finish with {complete} --summary TEXT --result TEXT --metadata JSON --artifact FILE. Summary:"
    " what you did, decided and left open, for whoever goes on without you; metadata: facts for"
    " programs; artifact: a file to keep. Say only what you did and checked.",
    "If you cannot go on: {block} QUESTION --kind KIND, one question, best ending in a list of"
    " answers, and its kind (" + _KINDS + ").",
    "{request_review} --summary TEXT instead, if somebody should look first.",
    "{wait_for} ID... hands it back until others are done; it runs again with their results.",
    "{comment} TEXT says what people should know now; {heartbeat} at times on long work.",
    "Answers end with what people said meanwhile: heed it.",
    "Ending without {complete} or {block} is a failure.",
)
_ORCHESTRATOR_TOOLS: Final = (
    "{create} only what can be done apart: a task costs an agent's start. body says all: its worker"
    " sees nothing of yours; assignee: {may_assign}; idempotency_key: a repeat makes no"
    " second task. At most {most} tasks a run, {deep} deep.",
    "Fan out: parts without links, and one task with them all as parents. Pipeline: each the parent"
    " of the next.",
    "{list} and {why}: what is there, what holds it. Never wait by looking.",
    "{unblock} what you can answer; {approve} or {request_changes} what others hand in.",
)
_ORCHESTRATOR_COMMANDS: Final = (
    "{create} TITLE --body TEXT --assignee PROFILE --parent ID --key KEY: only what can be done"
    " apart; a task costs an agent's start. The body says all: its worker sees nothing of yours;"
    " profiles: {may_assign}; a repeat with its key makes no second task. At most {most} tasks a"
    " run, {deep} deep.",
    "Fan out: parts without links, and one task with them all as parents. Pipeline: each the parent"
    " of the next.",
    "{list} and {why} ID: what is there, what holds it. Never wait by looking.",
    "{unblock} ID --reason TEXT answers a question; {approve} ID or {request_changes} ID TEXT"
    " decide on what others hand in.",
)
_REPORT: Final = """\
## How to report
{ending} Exit code 75 means: try again later. Any other exit code is a failed attempt.
To say more before you exit: `hermes-kanban complete --summary TEXT --result TEXT --metadata JSON`,\
 or `hermes-kanban block QUESTION --kind KIND`,\
 if you cannot go on ({kinds}).
"""
_EXIT_ZERO: Final = {
    "complete": "Exit code 0 completes the task; the end of the output is its summary.",
    "protocol_violation": (
        "Finish with complete or block, below: exit code 0 without either is a failed attempt."
    ),
}


def as_tools(tools: Iterable[str]) -> dict[str, str]:
    """Verb → what its tool is called, of these tools."""
    from hermes_kanban.verbs.table import AGENTS

    known = {verb.tool: verb.name for verb in AGENTS.values() if verb.tool is not None}
    return {known[tool]: tool for tool in tools if tool in known}


def as_commands(verbs: Iterable[str]) -> dict[str, str]:
    """Verb → its command line, of these verbs."""
    return {verb: f"`{verb.replace('_', '-')}`" for verb in verbs}


def guide(
    names: Mapping[str, str],
    *,
    task: str | None = None,
    may_assign: Sequence[str] = (),
) -> str:
    """What the agent is told that has the verbs ``names``, by what it calls each.

    ``task`` is the one it works on, None for who only plans; ``may_assign`` the profiles that it
    may give tasks to.
    """
    commands = any(name.startswith("`") for name in names.values())
    if task is None:
        said = [_PLAN, _COMMANDS, _ABOUT_ONE_COMMAND] if commands else [_PLAN, _ABOUT_ONE]
    elif commands:
        said = [_TASK, _OWN_COMMANDS, *_WORKER_COMMANDS]
    else:
        said = [_TASK, *_WORKER_TOOLS]
    if "create" in names:
        said += _ORCHESTRATOR_COMMANDS if commands else _ORCHESTRATOR_TOOLS
    words = dict(names) | {
        "task": task or "",
        "may_assign": ", ".join(may_assign) or "leave it out",
        "most": str(limits.TASKS_PER_RUN),
        "deep": str(limits.TASK_DEPTH),
    }
    told = [one.format_map(words) for one in said if _named(one) <= words.keys()]
    return told[0] + "".join(f"\n- {line}" for line in told[1:]) + "\n"


def report(exit_zero: str) -> str:
    """How a plain program reports, by what its profile makes of exit code 0."""
    return _REPORT.format(ending=_EXIT_ZERO[exit_zero], kinds=_KINDS)


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
