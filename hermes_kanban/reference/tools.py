"""Every tool of the MCP server."""

from __future__ import annotations

from typing import Final, get_args

from hermes_kanban.config.settings import ExtraTool
from hermes_kanban.reference.markdown import Page, table
from hermes_kanban.reference.verbs import WHO, arguments
from hermes_kanban.surfaces.mcp.board import tool_of
from hermes_kanban.surfaces.mcp.protocol import described
from hermes_kanban.verbs import VERBS, Caller, Rights, Verb

_WORKER: Final = Caller(kind="worker", rights=Rights(tools=frozenset(get_args(ExtraTool))))
_ORCHESTRATOR: Final = Caller(kind="orchestrator", rights=Rights(orchestrator=True))
_CALLERS: Final = {"worker": _WORKER, "extra": _WORKER, "orchestrator": _ORCHESTRATOR}
_HINTS: Final = {
    "readOnlyHint": "changes nothing",
    "idempotentHint": "twice is once",
}


def _body() -> str:
    verbs = [verb for verb in VERBS.values() if verb.tool]
    rows = [(f"[{verb.tool}](#{verb.tool})", WHO[verb.least], verb.sentence) for verb in verbs]
    return table(("tool", "who has it", "what it does"), rows) + "".join(map(_section, verbs))


def _section(verb: Verb) -> str:
    told = described(tool_of(_CALLERS[verb.least], verb))
    traits = [text for hint, text in _HINTS.items() if told["annotations"].get(hint)]
    if verb.ends_run:
        traits.append("ends the run")
    said = f" ({', '.join(traits)})" if traits else ""
    return f"\n## {told['name']}\n\n{told['description']}{said}\n\n{arguments(told['inputSchema'])}"


PAGE: Final = Page(
    "tools.md",
    "Tools of agents",
    """\
What an agent finds on the MCP server `board`. It reaches that over `hermes-kanban mcp` on standard
input and output, or at `/mcp` ([the tools over MCP](../mcp.md)). A worker works on its own task and
names none. Who has a tool: every **worker**; a worker whose **profile names it** in `tools`
(`create` and `link` come with `may_assign` too); an **orchestrator**, which has all the others as
well and names the task. Each tool is a [verb](verbs.md), where its answer is.""",
    _body,
)
