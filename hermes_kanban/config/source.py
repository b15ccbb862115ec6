"""Reads the YAML files into plain values, and remembers the line of each.

The only module that imports PyYAML; it is imported only when the parsed copy is stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hermes_kanban.model.errors import ConfigError
from hermes_kanban.regular import open_regular

FILE_BYTES = 1024 * 1024
# Aliases may refer to each other, so a short file can stand for more values than memory holds.
MOST_VALUES = 100_000
SECTIONS = ("kanban", "logging", "web", "host", "profiles")

KeyPath = tuple[str | int, ...]


class Place(NamedTuple):
    """Where a value was written; ``line`` counts from 1."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


class Source(NamedTuple):
    """What the files say together, and where each part of it was written."""

    tree: dict[str, Any]
    places: dict[KeyPath, Place]


def read(config_file: Path | None, profile_files: Iterable[Path]) -> Source:
    """The files as one tree; a profile's file becomes its entry under ``profiles``.

    Raises ConfigError, naming file and line, for what is no YAML or no mapping, and naming both
    files for a profile that is defined twice.
    """
    source = Source({}, {})
    if config_file is not None:
        _Reader(config_file, source.places).read_into(source.tree, ())
    for section in SECTIONS:
        if source.tree.get(section, {}) is None:  # a section whose keys are all commented out
            source.tree[section] = {}
    for file in profile_files:
        _add_profile(source, file)
    return source


def _add_profile(source: Source, file: Path) -> None:
    profiles = source.tree.setdefault("profiles", {})
    if not isinstance(profiles, dict):  # wrong already; the check of the types will say it
        return
    if file.stem in profiles:
        first = source.places["profiles", file.stem]
        raise ConfigError(f"{file}: profile {file.stem!r} is defined in {first} already; keep one")
    source.places["profiles", file.stem] = Place(file, 1)
    profiles[file.stem] = {}
    _Reader(file, source.places).read_into(profiles[file.stem], ("profiles", file.stem))


class _Reader:
    """One file on its way from text to plain values."""

    def __init__(self, file: Path, places: dict[KeyPath, Place]) -> None:
        self.file, self.places = file, places
        self.values = 0
        self.open_nodes: set[int] = set()

    def read_into(self, tree: dict[str, Any], path: KeyPath) -> None:
        """Adds the file's mapping to ``tree``, its places under ``path``."""
        node = self._compose(self._text())
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")):
            return
        if not isinstance(node, yaml.MappingNode):
            raise self._error(_line(node), "expected keys with values, such as 'kanban:'")
        try:
            tree.update(self._value(node, path))
        except RecursionError:
            raise self._error(1, "is nested too deeply") from None

    def _text(self) -> str:
        try:
            with open(open_regular(self.file, links=True), "rb") as stream:
                data = stream.read(FILE_BYTES + 1)
        except OSError as problem:
            reason = problem.strerror or type(problem).__name__
            raise ConfigError(f"{self.file} cannot be read: {reason}") from None
        if len(data) > FILE_BYTES:
            raise ConfigError(f"{self.file} is larger than {FILE_BYTES // 1024} KiB")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            line = data.count(b"\n", 0, problem.start) + 1
            raise self._error(line, "is not UTF-8 text") from None
        if (nul := text.find("\0")) >= 0:
            raise self._error(text.count("\n", 0, nul) + 1, "contains a NUL character")
        return text

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.reader.ReaderError as problem:
            line = text.count("\n", 0, problem.position) + 1
            raise self._error(line, "contains a control character") from None
        except yaml.MarkedYAMLError as problem:
            mark = problem.problem_mark or problem.context_mark
            what = " ".join(filter(None, (problem.context, problem.problem)))
            raise self._error(mark.line + 1 if mark else 1, f"is no valid YAML: {what}") from None
        except RecursionError:
            raise self._error(1, "is nested too deeply") from None

    def _value(self, node: yaml.Node, path: KeyPath) -> Any:
        """``node`` as plain values; fills in ``places`` for it and all below it."""
        self.values += 1
        if self.values > MOST_VALUES:
            raise self._error(_line(node), f"stands for more than {MOST_VALUES} values")
        self.places.setdefault(path, Place(self.file, _line(node)))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self.open_nodes:
            raise self._error(_line(node), "refers to itself through an alias")
        self.open_nodes.add(id(node))
        value: Any
        if isinstance(node, yaml.MappingNode):
            value = self._mapping(node, path)
        else:
            value = [self._value(item, (*path, at)) for at, item in enumerate(node.value)]
        self.open_nodes.discard(id(node))
        return value

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged = self._merged(value_node, path) | merged
                continue
            key = self._key(key_node)
            if key in lines:
                text = f"key {key!r} is given twice (first in line {lines[key]})"
                raise self._error(line, text)
            lines[key] = line
            self.places[*path, key] = Place(self.file, line)
            own[key] = self._value(value_node, (*path, key))
        return merged | own

    def _merged(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        """What ``<<: *alias`` or ``<<: [*one, *two]`` adds; the earlier of a list wins."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                raise self._error(_line(node), "'<<' expects a mapping or a list of mappings")
            merged = self._value(part, path) | merged
        return merged

    def _key(self, node: yaml.Node) -> str:
        key = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            written = node.value if isinstance(node, yaml.ScalarNode) else "a list or mapping"
            raise self._error(_line(node), f"key {written} is not text; put it in quotes")
        return key

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == "tag:yaml.org,2002:timestamp":  # no setting is a date
            return node.value
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError):
            tag = node.tag.rpartition(":")[2]
            raise self._error(_line(node), f"has a value that is no valid {tag}") from None
        if isinstance(value, str) and not _is_text(value):
            raise self._error(_line(node), "has text with a NUL or half a character in it")
        return value

    def _error(self, line: int, what: str) -> ConfigError:
        return ConfigError(f"{Place(self.file, line)}: {what}")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_text(value: str) -> bool:
    """Escapes such as ``\\0`` and ``\\ud800`` give what neither a row nor argv can hold."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
