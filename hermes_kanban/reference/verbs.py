"""Every verb: what it takes and answers, and who may call it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban.reference.markdown import Page, code, codes, one_line, table
from hermes_kanban.verbs import VERBS, Verb, request_schema

WHO: Final = {
    "worker": "worker",
    "extra": "profile that names it",
    "orchestrator": "orchestrator",
    "person": "person",
}


def _body() -> str:
    rows = [
        (
            f"[{verb.name}](#{verb.name})",
            WHO[verb.least],
            code(verb.tool) if verb.tool else "–",
            verb.sentence,
        )
        for verb in VERBS.values()
    ]
    return table(("verb", "who", "tool", "what it does"), rows) + "".join(
        map(_section, VERBS.values())
    )


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
    answer = codes(field.encode_name for field in msgspec.structs.fields(verb.response))
    schema = request_schema(verb.request, without=frozenset())
    return (
        f"\n## {verb.name}\n\n{verb.sentence}{said}\n\n{arguments(schema)}\n"
        f"Answers with {answer}: {_first_sentence(verb.response)}\n"
    )


def arguments(schema: dict[str, Any]) -> str:
    """The properties of a request as a table."""
    required = schema.get("required", ())
    rows = [
        (
            code(name),
            type_of(value),
            "yes" if name in required else "",
            value.get("description", ""),
        )
        for name, value in schema["properties"].items()
    ]
    return table(("argument", "type", "required", "meaning"), rows) if rows else "Takes nothing.\n"


def type_of(schema: dict[str, Any]) -> str:
    """The type of a property, in words."""
    if "enum" in schema:
        return " or ".join(code(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(type_of(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {type_of(schema['items'])}"
    return str(schema.get("type", "any"))


def _first_sentence(response: type[msgspec.Struct]) -> str:
    """The first paragraph of the answer's docstring, as one line that goes on from a colon."""
    paragraph = one_line((response.__doc__ or "").split("\n\n")[0])
    return paragraph[:1].lower() + paragraph[1:].replace("``", "`")


PAGE: Final = Page(
    "verbs.md",
    "Verbs",
    """\
What can be done on a board, with the same words on every surface. The command line spells
`request_changes` as `hermes-kanban request-changes` ([command line](cli.md)), an agent's tools as
`kanban_request_changes` ([tools](tools.md)), Python as `tools.request_changes()`, and HTTP
as an address ([addresses](rest.md)). Times are Unix seconds, UTC.

Who may call a verb:

- **worker**: the agent of a run, on its own task; `task_id` may be left out.
- **profile that names it**: the same, where the profile's `tools` name the verb (for `create` and
  `link` a `may_assign` is enough).
- **orchestrator**: an agent whose profile has `orchestrator: true`, on any task of the board; it
  assigns only to the profiles of its `may_assign`. It may also do what the two before may.
- **person**: whoever is logged in; people may call every verb but a run's own.""",
    _body,
)
