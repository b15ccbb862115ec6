"""Every key of the configuration."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from msgspec import Meta

from hermes_kanban.config.environment import setting_variables
from hermes_kanban.config.settings import Sections
from hermes_kanban.reference.markdown import Page, code, prose, table
from hermes_kanban.reference.shown_settings import shown_settings

# Of these the default depends on the machine.
_COMPUTED: Final = {
    "kanban.max_in_progress": "from memory, cgroup and cores",
    "host.name": "the machine's name",
}
_UNITS: Final = {"seconds": "seconds", "mb": "MiB"}
_PLAIN: Final = {bool: "true or false", int: "whole number", float: "number", str: "text"}


class Setting(NamedTuple):
    """One key: its whole name, its type, and its default as it is written."""

    name: str
    type: Any
    default: str | None


def settings() -> list[Setting]:
    """Every key that may be written, the sections' own before those within them."""
    return list(_of(Sections, ""))


def _of(struct: type[msgspec.Struct], place: str) -> Iterator[Setting]:
    hints = get_type_hints(struct, include_extras=True)
    deeper = []
    for field in msgspec.structs.fields(struct):
        name = f"{place}{field.name}"
        kind = hints[field.name]
        if (within := _struct_in(kind)) is not None:
            deeper.append((within, f"{name}." + ("NAME." if _is_mapping(kind) else "")))
        if place:
            yield Setting(name, kind, _default(name, field))
    for within, where in deeper:
        yield from _of(within, where)


def _default(name: str, field: Any) -> str | None:
    if name in _COMPUTED:
        return _COMPUTED[name]
    if field.required:
        return None
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return code(msgspec.json.encode(value).decode())


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that is the value, or each value of a mapping."""
    for choice in _choices(kind):
        if isinstance(choice, type) and issubclass(choice, msgspec.Struct):
            return choice
        if get_origin(choice) is dict and (found := _struct_in(get_args(choice)[1])):
            return found
    return None


def _is_mapping(kind: Any) -> bool:
    return any(get_origin(choice) is dict for choice in _choices(kind))


def _choices(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def type_text(kind: Any) -> str:
    """A type, with its range, for people."""
    if get_origin(kind) is Annotated:
        plain, *extras = get_args(kind)
        meta = next((one for one in extras if isinstance(one, Meta)), None)
        return _bounded(plain, meta) if meta else type_text(plain)
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(type_text, get_args(kind))))
    if get_origin(kind) is Literal:
        return ", ".join(map(code, get_args(kind)))
    if get_origin(kind) is tuple:
        return f"list of: {type_text(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        key, value = map(type_text, get_args(kind))
        return f"mapping of: {key} → {value}"
    if kind is type(None):
        return "nothing"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "keys with values"
    return _PLAIN[kind]


def _bounded(plain: Any, meta: Meta) -> str:
    if meta.description:
        return meta.description
    if meta.le is not None and meta.le >= 2**53:  # as far as the number goes
        return type_text(plain)
    least = (
        f"above {meta.gt:g}"
        if meta.gt is not None
        else f"{meta.ge:,}"
        if meta.ge is not None
        else ""
    )
    most = "" if meta.le is None else f"{meta.le:,}"
    return f"{type_text(plain)}, {least} to {most}" if least else type_text(plain)


def unit_of(name: str) -> str:
    """What a number is measured in, which is the end of its name."""
    return _UNITS.get(name.rpartition("_")[2], "")


def _type_and_default(one: Setting) -> str:
    text, unit = type_text(one.type), unit_of(one.name)
    measured = text.replace("number", f"number of {unit}", 1) if unit else text
    default = "required" if one.default is None else f"default: {one.default}"
    return f"{prose(measured)}<br>{default}"


def _override(variable: str | None) -> str:
    return f"<br>{code(variable)}" if variable else ""


def _body() -> str:
    variables = {setting: name for name, setting in setting_variables().items()}
    shown = shown_settings()
    places: dict[str, list[tuple[str, ...]]] = {}
    for one in settings():
        place, _, key = one.name.rpartition(".")
        row = (
            code(key),
            _type_and_default(one),
            prose(shown[one.name]) + _override(variables.get(one.name)),
        )
        places.setdefault(place, []).append(row)
    heads = ("key", "type and default", "meaning and variable")
    parts = [f"## {place}\n\n{table(heads, rows)}" for place, rows in places.items()]
    return "\n".join(parts)


PAGE: Final = Page(
    "configuration.md",
    "Configuration",
    """\
Every key of `<home>/config.yaml`, with its type, default, meaning and variable. The command
line goes before the environment, the environment before the file, the file before the default.
An unknown key and a wrong value are errors that name the file, the line and the nearest key. A
change is in force at the next look of the gateway; a wrong one leaves the last good one in
force. A profile may have a file of its own, `<home>/profiles/NAME.yaml`.
`config/hermes-kanban.yaml` has every key with its default, to copy from.""",
    _body,
)
