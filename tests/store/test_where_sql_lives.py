"""SQL stands in the store and the kernel, so that both databases are asked in one place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("hermes_kanban/store/", "hermes_kanban/kernel/")
ELSEWHERE = {
    "hermes_kanban/lifecycle.py": "the kernel's own ground floor",
    "gateway/sources.py": "the watcher's own asynchronous connection",
    "hermes_kanban/selftest/": "looks at the rows behind the kernel's back",
    "hermes_kanban/porting/hermes.py": "another program's database",
    "hermes_kanban/workers/runtimes/hermes_state.py": "another program's database",
}
SQL = re.compile(
    r"\s*(SELECT|WITH|INSERT INTO|UPDATE|DELETE FROM|PRAGMA|SET|LISTEN|NOTIFY|LOCK TABLE)"
    r"\s+[\w\"(*{]"
)


def statements(file: Path) -> Iterator[str]:
    """Where a text of the file begins like SQL."""
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    formatted = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    within = {id(part) for node in formatted for part in node.values[1:]}
    for node in nodes:
        if not isinstance(node, ast.Constant) or id(node) in within:
            continue
        value = node.value
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if isinstance(text, str) and SQL.match(text):
            yield f"{file.relative_to(ROOT)}:{node.lineno}"


def test_sql_stands_in_the_store_and_the_kernel_alone() -> None:
    found = [
        place
        for room in ("gateway", "hermes_kanban")
        for file in sorted((ROOT / room).rglob("*.py"))
        if not str(file.relative_to(ROOT)).startswith(ROOMS)
        for place in statements(file)
    ]
    assert [place for place in found if not place.startswith(tuple(ELSEWHERE))] == []
    # Each exception is still one.
    assert [one for one in ELSEWHERE if not any(place.startswith(one) for place in found)] == []
