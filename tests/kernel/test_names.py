"""The kernel's names: each is where a type checker and a caller look for it."""

from __future__ import annotations

import ast
from pathlib import Path

from hermes_kanban import kernel as kb


def test_what_a_type_checker_sees_is_what_a_caller_gets() -> None:
    tree = ast.parse(Path(kb.__file__).read_text("utf-8"))
    (for_checkers,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        name.asname: statement.module
        for statement in for_checkers.body
        if isinstance(statement, ast.ImportFrom)
        for name in statement.names
    }
    assert seen == kb._HOME_OF
    assert all(getattr(kb, name) is not None for name in seen)
