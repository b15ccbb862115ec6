"""The addresses, problems and live messages as Markdown, for docs/rest.md.

``python -m hermes_kanban.surfaces.rest_reference`` rewrites the parts between their marks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.surfaces.rest.live_words import SAID, TOLD
from hermes_kanban.surfaces.rest.operations import operations
from hermes_kanban.surfaces.rest.problems import PROBLEMS


def addresses() -> str:
    """One row an address, in the order of the verbs."""
    rows = [
        f"| `{one.method} {one.path}` | [{name}](verbs.md#{name}) | {one.verb.sentence} |\n"
        for name, one in operations().items()
    ]
    return "| address | verb | |\n|---|---|---|\n" + "".join(rows)


def problems() -> str:
    """One row a problem, by status."""
    rows = [
        f"| {known.status} | `{code}` | {known.title} |\n"
        for code, known in sorted(PROBLEMS.items(), key=lambda one: one[1].status)
    ]
    return "| status | code | |\n|---|---|---|\n" + "".join(rows)


def said() -> str:
    """What a page may say over the live socket."""
    return _messages(SAID)


def told() -> str:
    """What a server tells over it."""
    return _messages(TOLD)


def _messages(structs: tuple[Any, ...]) -> str:
    rows = []
    for struct in structs:
        fields = msgspec.structs.fields(struct)
        names = ", ".join(
            f"`{one.encode_name}`" + ("" if one.required else "?")
            for one in fields
            if one.encode_name != "v"
        )
        about = " ".join((struct.__doc__ or "").split()).replace("``", "`")
        rows.append(f"| `{struct.__struct_config__.tag}` | {names} | {about} |\n")
    return "| message | fields | |\n|---|---|---|\n" + "".join(rows)


PARTS: Final[dict[str, Callable[[], str]]] = {
    "addresses": addresses,
    "problems": problems,
    "said": said,
    "told": told,
}


def renewed(document: str) -> str:
    """``document`` with each part as the code has it. Raises ValueError without its marks."""
    for name, part in PARTS.items():
        start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
        before, _, rest = document.partition(start)
        _, mark, after = rest.partition(end)
        if not mark:
            raise ValueError(f"the document has no {start} … {end}")
        document = f"{before}{start}\n{part()}{end}{after}"
    return document


def main() -> None:
    """Rewrite the file named on the command line, or docs/rest.md."""
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rest.md")
    file.write_text(renewed(file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
