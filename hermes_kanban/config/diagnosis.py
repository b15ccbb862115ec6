"""Says in one line what is wrong with a configuration that was refused, and where.

Imported only once something is wrong: finding the line and the nearest key may take its time.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from hermes_kanban.config.environment import VARIABLES
from hermes_kanban.config.settings import OpenToAll, Sections, UnknownResource
from hermes_kanban.config.source import KeyPath, Source
from hermes_kanban.model.errors import ConfigError


class Problem(NamedTuple):
    """What is wrong with the value at ``path``."""

    path: KeyPath
    text: str


def explain(
    source: Source, overrides: dict[str, dict[str, Any]], refusal: Exception
) -> ConfigError:
    """The first fault in the order of the files, then of the environment.

    ``overrides`` are the values of variables, {section: {key: value}}; ``refusal`` is what the
    whole was refused with, the last resort if no single value is at fault.
    """
    problems = list(_in_struct(source.tree, Sections, ()))
    if problems:
        return ConfigError(_in_file(source, min(problems, key=lambda one: _order(source, one))))
    for section, values in overrides.items():
        struct = get_type_hints(Sections)[section]
        for problem in _in_struct(values, struct, (section,)):
            return ConfigError(_in_environment(problem))
    if isinstance(refusal, UnknownResource):
        return ConfigError(_in_file(source, _unknown_resource(source, refusal)))
    if isinstance(refusal, OpenToAll):
        return ConfigError(_open_to_all(source))
    return ConfigError(f"{source.places[()].file if source.places else 'environment'}: {refusal}")


def _order(source: Source, problem: Problem) -> tuple[str, int]:
    place = source.places[_known_path(source, problem.path)]
    return str(place.file), place.line


def _known_path(source: Source, path: KeyPath) -> KeyPath:
    while path not in source.places:
        path = path[:-1]
    return path


def _in_file(source: Source, problem: Problem) -> str:
    place = source.places[_known_path(source, problem.path)]
    return f"{place}: {_dotted(problem.path)} {problem.text}"


def _in_environment(problem: Problem) -> str:
    section, key, *_ = problem.path
    name = next(v.name for v in VARIABLES if (v.section, v.key) == (section, key))
    return f"environment: {name} ({_dotted(problem.path)}) {problem.text}"


def _dotted(path: KeyPath) -> str:
    """``kanban.boards[0]``; a key that is no plain word stands in quotes."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{_plain(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def _plain(key: str) -> str:
    return key if key.replace("-", "_").replace(".", "_").isidentifier() else repr(key)


def _unknown_resource(source: Source, cause: UnknownResource) -> Problem:
    declared = source.tree.get("kanban", {}).get("resources", {})
    hint = _nearest(cause.resource, declared) or "; declare it there with how many there are"
    path = ("profiles", cause.profile, "resources", cause.resource)
    return Problem(path, f"is no resource of kanban.resources{hint}")


def _open_to_all(source: Source) -> str:
    problem = Problem(
        ("web", "host"),
        "can be reached from other machines: set web.token too, a secret of 32 characters or more",
    )
    return _in_file(source, problem) if problem.path in source.places else _in_environment(problem)


def _in_struct(data: Any, struct: type[msgspec.Struct], path: KeyPath) -> Iterator[Problem]:
    if not isinstance(data, dict):
        yield Problem(path, f"expects keys with values, got {_kind(data)}")
        return
    hints = get_type_hints(struct, include_extras=True)
    allowed = {name: hints[name] for name in struct.__struct_fields__}
    faultless = True
    for key, value in data.items():
        if key not in allowed:
            found = [Problem((*path, key), f"is not a known key{_suggestion(key, allowed)}")]
        else:
            found = list(_in_value(value, allowed[key], (*path, key)))
        faultless = faultless and not found
        yield from found
    if faultless:  # what holds between the keys
        yield from _converted(data, struct, path)


def _in_value(value: Any, kind: Any, path: KeyPath) -> Iterator[Problem]:
    """Follows ``kind`` down to the single value, so that the fault gets the line of its own."""
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if isinstance(value, dict) and (struct := _struct_kind(plain)) is not None:
        yield from _in_struct(value, struct, path)
    elif isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        yield from _in_struct(value, plain, path)
    elif get_origin(plain) is dict and isinstance(value, dict):
        key_kind, value_kind = get_args(plain)
        for key, item in value.items():
            yield from _converted(key, key_kind, (*path, key))
            yield from _in_value(item, value_kind, (*path, key))
    elif isinstance(value, list) and (item_kind := _item_kind(plain)) is not None:
        for at, item in enumerate(value):
            yield from _in_value(item, item_kind, (*path, at))
    else:
        yield from _converted(value, kind, path)


def _item_kind(kind: Any) -> Any:
    """The type of the items if ``kind`` is a tuple, or a choice that has one; else None."""
    for choice in _choices(kind):
        if get_origin(choice) is tuple:
            return get_args(choice)[0]
    return None


def _struct_kind(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that ``kind`` is, or that is one of its choices; else None."""
    choices = (one for one in _choices(kind) if isinstance(one, type))
    return next((one for one in choices if issubclass(one, msgspec.Struct)), None)


def _choices(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _converted(value: Any, kind: Any, path: KeyPath) -> Iterator[Problem]:
    try:
        msgspec.convert(value, type=kind)
    except msgspec.ValidationError as problem:
        yield Problem(path, _expectation(value, kind, str(problem)))


def _expectation(value: Any, kind: Any, refusal: str) -> str:
    words = [word for choice in _choices(kind) for word in _literals(choice)]
    if words and _item_kind(kind) is not None:
        return f"expects {_listed(words)} or a list"
    if words:
        nearest = _nearest(value, words) if isinstance(value, str) else ""
        return f"expects one of {_listed(words)}{nearest}"
    if isinstance(value, str) and (described := _description(kind)):
        return f"expects {described}"
    unquoted = "Expected `str" in refusal and isinstance(value, int | float)
    quotes = "; put it in quotes" if unquoted else ""
    return _for_people(refusal) + quotes


def _literals(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _description(kind: Any) -> str | None:
    for choice in _choices(kind):
        for extra in get_args(choice)[1:] if get_origin(choice) is Annotated else ():
            if isinstance(extra, msgspec.Meta) and extra.description:
                return extra.description
    return None


_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "int | str": "a whole number or text",
    "float": "a number",
    "str": "text",
    "array": "a list",
    "object": "keys with values",
    "null": "nothing",
}
_BOUNDS = {" >= ": " of at least ", " <= ": " of at most ", " > 0.0": " above 0"}


def _for_people(refusal: str) -> str:
    """msgspec's ``Expected `int`, got `str` - at `$` `` in the words of the documentation."""
    text = refusal.partition(" - at ")[0].replace("Object missing required field", "needs the key")
    for name, words in _WORDS.items():
        text = text.replace(f"`{name}`", words).replace(f"`{name} | null`", words)
    for sign, words in _BOUNDS.items():
        text = text.replace(sign, words)
    return text.replace("Expected", "expects").replace(".0", "").replace("`", "")


def _kind(value: Any) -> str:
    names = {type(None): "null", list: "array", dict: "object"}
    return _WORDS.get(names.get(type(value), type(value).__name__), "something else")


def _suggestion(key: str, allowed: Iterable[str]) -> str:
    return _nearest(key, allowed) or f"; known are {_listed(allowed)}"


def _nearest(word: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else ""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
