"""The log's events are declared once: each is logged somewhere, and none is logged otherwise."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from hermes_kanban.kernel import DispatchReport
from hermes_kanban.log_events import EXCEPTION, FRAME, KEYS, LOG_EVENTS

ROOT = Path(__file__).parents[2]
METHODS = ("debug", "info", "warning", "error", "exception", "critical", "log")
# Not the gateway's log but MCP's, and files written for a test of the user's disk.
ELSEWHERE = ("hermes_kanban/selftest/", "hermes_kanban/demo/")


class Call(NamedTuple):
    """One place that logs."""

    where: str
    level: str
    event: str
    keys: frozenset[str]


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted([*ROOT.glob("gateway/**/*.py"), *ROOT.glob("hermes_kanban/**/*.py")]):
        name = str(file.relative_to(ROOT))
        if name.startswith(ELSEWHERE) or "node_modules" in name:
            continue
        text = file.read_text("utf-8")
        if re.search(r"\b_?log\b|get_logger", text):
            yield name, ast.parse(text)


def _is_logger(node: ast.expr) -> bool:
    """``log``, ``self._log``, ``get_logger()``, and what is bound to them."""
    if isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "bind":
            return _is_logger(function.value)
        return isinstance(function, ast.Name) and function.id == "get_logger"
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in ("log", "_log")


@functools.cache
def _logger_calls() -> list[tuple[str, ast.Call, str]]:
    """Where a method of a logger is called; reading the whole source takes its time."""
    return list(_found())


def _found() -> Iterator[tuple[str, ast.Call, str]]:
    for name, tree in _trees():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and _is_logger(node.func.value)
            ):
                yield f"{name}:{node.lineno}", node, node.func.attr


def _calls() -> Iterator[Call]:
    for where, node, method in _logger_calls():
        if method not in METHODS:
            continue
        at = 1 if method == "log" else 0
        event = node.args[at] if len(node.args) > at else None
        assert isinstance(event, ast.Constant), f"{where}: the event is no literal name"
        keys = {keyword.arg for keyword in node.keywords if keyword.arg}
        yield Call(where, method, str(event.value), frozenset(keys - {"exc_info", EXCEPTION}))


@functools.cache
def _bound() -> set[str]:
    found = {
        keyword.arg
        for _, node, method in _logger_calls()
        if method == "bind"
        for keyword in node.keywords
    }
    return {key for key in found if key} | {"board"}


def test_what_is_logged_is_declared_with_its_level_and_keys() -> None:
    wrong = []
    for call in _calls():
        event = LOG_EVENTS.get(call.event)
        if event is None:
            wrong.append(f"{call.where}: no event is called {call.event}")
        elif event.level not in (None, call.level):
            wrong.append(f"{call.where}: {call.event} is of level {event.level}")
        elif more := call.keys - set(event.keys):
            wrong.append(f"{call.where}: {call.event} has no key {', '.join(sorted(more))}")
    assert wrong == []


def test_what_is_declared_is_logged_somewhere() -> None:
    assert LOG_EVENTS.keys() - {call.event for call in _calls()} == set()


def test_every_key_that_is_declared_is_given_somewhere() -> None:
    given = {name: set(_bound()) for name in LOG_EVENTS}
    for call in _calls():
        given.setdefault(call.event, set()).update(call.keys)
    given["dispatch.tick"] |= {field.name for field in msgspec.structs.fields(DispatchReport)}
    never = {name: set(event.keys) - given[name] for name, event in LOG_EVENTS.items()}
    assert {name: keys for name, keys in never.items() if keys} == {}


def test_every_key_has_one_meaning_and_is_used() -> None:
    used = {key for event in LOG_EVENTS.values() for key in event.keys}
    assert used == KEYS.keys()
    assert not used & {*FRAME, EXCEPTION}


@pytest.mark.parametrize("name", LOG_EVENTS)
def test_an_event_says_what_it_means_and_how_it_is_shown(name: str) -> None:
    event = LOG_EVENTS[name]
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", name)
    assert 10 < len(event.meaning) < 80
    shown = re.findall(r"\{(\w+)(?::n)?\}", event.shown)
    assert set(shown) <= set(event.keys)
    assert len(event.keys) == len(set(event.keys))
