"""YAML, edited by the places that PyYAML tells of each part."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from hermes_kanban.clients.formats.plain import CannotEdit, Path, Unreadable


class _Loader(yaml.SafeLoader):
    """Takes tags of others, such as ``!vault``, for plain values with their tag."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return (suffix, loader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return (suffix, loader.construct_sequence(node, deep=True))
    return (suffix, node.value)


_Loader.add_multi_constructor("!", _tagged)

_ALIAS = "alias"
_TEXT = "tag:yaml.org,2002:str"


class _Places(_Loader):
    """Gives an alias a node of its own, where it is written, and not the one that it means."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode(_ALIAS, event.anchor, event.start_mark, event.end_mark)
        return super().compose_node(parent, index)


def load(text: str) -> dict[str, Any]:
    """What the text means; one without content means nothing."""
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, problem.problem or "no YAML") from None
    except yaml.YAMLError as problem:
        at = getattr(problem, "position", 0)
        raise Unreadable(
            text.count("\n", 0, at) + 1, "holds a character that YAML forbids"
        ) from None
    except (RecursionError, ValueError) as problem:
        raise Unreadable(1, str(problem)) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable(1, "expected keys with values")
    return value


def put(text: str, path: Path, value: Any) -> str:
    """The text with ``value`` at ``path``."""
    load(text)
    at = _root(text)
    for depth, step in enumerate(path):
        if at is None:
            return _append(text, 0, _block(_nested(path[depth:], value)))
        found = _below(at, step)
        if found is None:
            return _add(text, at, path[depth:], value)
        key, node = found
        if node.tag == _ALIAS:
            raise CannotEdit(f"{step} is an alias of something that stands elsewhere")
        if _is_null(node) and depth + 1 < len(path):
            return _fill(text, key, node, path[depth + 1 :], value)
        at = node
    if isinstance(at, yaml.ScalarNode) or _is_flow(at):
        return text[: at.start_mark.index] + _flow(value) + text[at.end_mark.index :]
    if isinstance(at, yaml.SequenceNode) and key is not None:
        return text[: key.end_mark.index] + ": " + _flow(value) + text[_end(at) :]
    return _rewritten(text, key, at, value)


def drop(text: str, path: Path) -> str:
    """The text without what stands at ``path``."""
    load(text)
    parent: Any = None
    holder: Any = None
    node: Any = _root(text)
    key: Any = None
    for step in path:
        found = _below(node, step) if node is not None else None
        if found is None:
            return text
        parent, holder = node, key
        key, node = found
    if _is_flow(parent):
        return _without_flow(text, parent, key, node)
    start = key.start_mark.index if key is not None else _dash(text, node)
    if len(parent.value) == 1 and holder is not None:
        return _emptied(text, holder, parent, start, node)
    line = text.rfind("\n", 0, start) + 1
    if text[line:start].strip():
        # The first key of a list's item shares its line with the dash.
        raise CannotEdit("the entry shares its line with another")
    end = text.find("\n", _end(node))
    return text[:line] + (text[end + 1 :] if end >= 0 else "")


def _emptied(text: str, holder: Any, parent: Any, start: int, node: Any) -> str:
    """The last entry goes; its parent stays and says that it is empty."""
    colon = text.index(":", holder.end_mark.index) + 1
    line = text.rfind("\n", 0, start) + 1
    end = text.find("\n", _end(node))
    empty = " []" if isinstance(parent, yaml.SequenceNode) else " {}"
    return text[:colon] + empty + text[colon:line] + (text[end + 1 :] if end >= 0 else "")


def _rewritten(text: str, key: Any, node: Any, value: Any) -> str:
    """A whole entry in block style gives way to another, where it stands."""
    start = key.start_mark.index if key is not None else _dash(text, node)
    line = text.rfind("\n", 0, start) + 1
    if text[line:start].strip():
        raise CannotEdit("the entry shares its line with another")
    entry = [value] if key is None else {key.value: value}
    end = text.find("\n", _end(node))
    block = _block(entry, start - line).replace("\n", "\r\n" if "\r\n" in text else "\n")
    return text[:line] + block + (text[end + 1 :] if end >= 0 else "")


def _add(text: str, at: yaml.Node, path: Path, value: Any) -> str:
    """``at`` is a mapping, or a list of named items, that has no such entry yet."""
    if not isinstance(at, (yaml.MappingNode, yaml.SequenceNode)):
        raise CannotEdit("a value stands where entries belong")
    listed = isinstance(at, yaml.SequenceNode)
    entry = _nested(path[1:], value) if listed else _nested(path, value)
    if _is_flow(at):
        return _add_flow(text, at, entry)
    column = at.start_mark.column
    if column == 0 and not listed and not re.search(r"^(---|\.\.\.)", text[_end(at) :], re.M):
        # The file's own last comments keep their place above.
        return _append(text, len(text), _block(entry))
    return _append(text, _end(at), _block([entry] if listed else entry, column))


def _add_flow(text: str, at: yaml.Node, entry: Any) -> str:
    close = at.end_mark.index - 1
    words = _flow(entry)
    if isinstance(at, yaml.MappingNode):
        words = words[1:-1]
    if not at.value:
        return text[: at.start_mark.index + 1] + words + text[close:]
    end = _end(at.value[-1][1] if isinstance(at, yaml.MappingNode) else at.value[-1])
    return f"{text[:end]}, {words}{text[end:]}"


def _without_flow(text: str, parent: Any, key: Any, node: Any) -> str:
    start = (key or node).start_mark.index
    end = node.end_mark.index
    if after := re.compile(r"\s*,[ \t]*").match(text, end):
        return text[:start] + text[after.end() :]
    before = re.compile(r",\s*\Z").search(text, parent.start_mark.index, start)
    return text[: before.start() if before else start] + text[end:]


def _fill(text: str, key: Any, node: Any, path: Path, value: Any) -> str:
    """Entries for a key that has none yet: ``servers:``, ``servers: null``."""
    if key is None:
        raise CannotEdit("an empty item stands where entries belong")
    start = node.start_mark.index
    text = text[:start].rstrip(" ") + text[node.end_mark.index :] if node.value else text
    block = _block(_nested(path, value), key.start_mark.column + 2)
    return _append(text, key.end_mark.index, block)


def _append(text: str, at: int, block: str) -> str:
    """``block`` on lines of its own behind the line in which ``at`` is."""
    newline = "\r\n" if "\r\n" in text else "\n"
    end = text.find("\n", at - 1 if at and text[at - 1 : at] == "\n" else at)
    before, after = (text, "") if end < 0 else (text[: end + 1], text[end + 1 :])
    if before and not before.endswith("\n"):
        before += newline
    return before + block.replace("\n", newline) + after


def _nested(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def _block(value: Any, column: int = 0) -> str:
    written = yaml.safe_dump(
        value, default_flow_style=False, sort_keys=False, allow_unicode=True, width=1 << 30
    )
    return "".join(f"{' ' * column}{line}\n" for line in written.splitlines())


def _flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _root(text: str) -> Any:
    node = yaml.compose(text, Loader=_Places)
    return None if node is None or _is_null(node) else node


def _below(at: Any, step: str) -> tuple[Any, Any] | None:
    """Key and value of the entry ``step``; of a list's item, no key."""
    if isinstance(at, yaml.MappingNode):
        found = [(key, node) for key, node in at.value if key.value == step]
        return found[-1] if found else None
    if isinstance(at, yaml.SequenceNode):
        for item in at.value:
            if isinstance(item, yaml.ScalarNode) and item.value == step and item.tag == _TEXT:
                return None, item
            name = _below(item, "name") if isinstance(item, yaml.MappingNode) else None
            if name is not None and name[1].value == step:
                return None, item
    return None


def _is_flow(node: Any) -> bool:
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def _is_null(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _end(node: Any) -> int:
    """Where the last word of a value ends; a block's own end is where the next one begins."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end: int = node.end_mark.index
    return end


def _dash(text: str, node: Any) -> int:
    return text.rfind("-", 0, node.start_mark.index)
