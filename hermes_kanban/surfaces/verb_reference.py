"""The verb table as Markdown: docs/verbs.md.

``python -m hermes_kanban.surfaces.verb_reference`` rewrites the page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.verbs import VERBS, Verb, request_schema

_INTRODUCTION: Final = """\
# Verbs

<!-- generated: python -m hermes_kanban.surfaces.verb_reference -->

What can be done on a board, with the same words on every surface: the command line spells
`request_changes` as `hermes-kanban request-changes`, an agent's tools as `kanban_request_changes`,
Python as `tools.request_changes()`, and HTTP as an address ([rest.md](rest.md)). Times are Unix
seconds, UTC.

Who may call a verb:

- **worker**: the agent of a run, on its own task; `task_id` may be left out.
- **profile that names it**: the same, where the profile's `tools` name the verb (for `create` and
  `link` a `may_assign` is enough).
- **orchestrator**: an agent whose profile has `orchestrator: true`, on any task of the board; it
  assigns only to the profiles of its `may_assign`. It may also do what the two before may.
- **person**: whoever is logged in; people may call every verb but a run's own.

| verb | who | tool | |
|---|---|---|---|
"""
_WHO: Final = {
    "worker": "worker",
    "extra": "profile that names it",
    "orchestrator": "orchestrator",
    "person": "person",
}


def page() -> str:
    """The whole page."""
    rows = "".join(map(_row, VERBS.values()))
    return _INTRODUCTION + rows + "".join(map(_section, VERBS.values()))


def _row(verb: Verb) -> str:
    tool = f"`{verb.tool}`" if verb.tool else "–"
    return f"| [{verb.name}](#{verb.name}) | {_WHO[verb.least]} | {tool} | {verb.sentence} |\n"


def _section(verb: Verb) -> str:
    traits = [
        text
        for text, holds in (
            ("changes nothing", not verb.changes),
            ("ends the run that calls it", verb.ends_run),
            ("only for a run", verb.of_run),
            ("twice is once", verb.idempotent and verb.changes),
            ("takes work away", verb.destructive),
        )
        if holds
    ]
    said = f" ({', '.join(traits)})" if traits else ""
    answer = ", ".join(f"`{name}`" for name in _names(verb.response))
    return (
        f"\n## {verb.name}\n\n{verb.sentence}{said}\n\n{_arguments(verb)}\n"
        f"Answers with {answer}: {_first_sentence(verb.response)}\n"
    )


def _arguments(verb: Verb) -> str:
    schema = request_schema(verb.request, without=frozenset())
    if not schema["properties"]:
        return "Takes nothing.\n"
    required = schema.get("required", ())
    rows = "".join(
        f"| `{name}` | {_type(value)} | {'yes' if name in required else ''} |"
        f" {value.get('description', '')} |\n"
        for name, value in schema["properties"].items()
    )
    return "| argument | type | required | |\n|---|---|---|---|\n" + rows


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("type", "any"))


def _names(response: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(response)]


def _first_sentence(response: type[msgspec.Struct]) -> str:
    """The first paragraph of the answer's docstring, as one line that goes on from a colon."""
    paragraph = " ".join((response.__doc__ or "").split("\n\n")[0].split())
    return paragraph[:1].lower() + paragraph[1:].replace("``", "`")


def main() -> None:
    """Rewrite the file named on the command line, or docs/verbs.md."""
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/verbs.md")
    file.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
