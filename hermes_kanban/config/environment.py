"""Settings from the environment: ``HERMES_KANBAN_X``, ``…_LOGGING_X``, ``…_WEB_X``, ``…_HOST_X``.

Only names that belong to a setting are read. Where things lie (``HERMES_KANBAN_HOME``, ``_DB``,
``_BOARD``, ``_WORKSPACES_ROOT``) and what a worker is told (``_TASK``, ``_RUN_ID`` …) are not
settings, and any other name is somebody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.config.host import HostSettings
from hermes_kanban.config.settings import KanbanSettings, LoggingSettings, WebSettings
from hermes_kanban.model.errors import ConfigError

TRUE: Final = frozenset({"1", "true", "yes", "on"})
FALSE: Final = frozenset({"0", "false", "no", "off"})


class Variable(NamedTuple):
    """One environment variable and the setting that it overrides."""

    name: str
    section: str
    key: str


def _variables(section: str, prefix: str, struct: type[msgspec.Struct]) -> tuple[Variable, ...]:
    fields = struct.__struct_fields__
    return tuple(Variable(f"{prefix}{key.upper()}", section, key) for key in fields)


VARIABLES: Final = (
    *_variables("kanban", "HERMES_KANBAN_", KanbanSettings),
    *_variables("logging", "HERMES_KANBAN_LOGGING_", LoggingSettings),
    *_variables("web", "HERMES_KANBAN_WEB_", WebSettings),
    *_variables("host", "HERMES_KANBAN_HOST_", HostSettings),
)
_STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {
    "kanban": KanbanSettings,
    "logging": LoggingSettings,
    "web": WebSettings,
    "host": HostSettings,
}


def setting_variables() -> dict[str, str]:
    """Every variable that is read, with the setting it overrides, such as ``kanban.boards``."""
    return {variable.name: f"{variable.section}.{variable.key}" for variable in VARIABLES}


def texts(environ: Mapping[str, str]) -> tuple[str | None, ...]:
    """The raw value of each variable in the order of VARIABLES, None where it is not set."""
    return tuple([environ.get(variable.name) for variable in VARIABLES])


def overrides(values: tuple[str | None, ...]) -> dict[str, dict[str, Any]]:
    """{section: {key: parsed value}} of the set variables; raises ConfigError naming the variable.

    ``values`` is what ``texts`` gave. Only the type is judged here; ranges are judged with the
    file's.
    """
    found: dict[str, dict[str, Any]] = {}
    for variable, text in zip(VARIABLES, values, strict=True):
        if text is not None:
            found.setdefault(variable.section, {})[variable.key] = _parse(variable, text)
    return found


def _parse(variable: Variable, text: str) -> Any:
    """``text`` as the type that the setting's default has."""
    default = getattr(_STRUCTS[variable.section](), variable.key)
    text = text.strip()
    if isinstance(default, bool):
        return _boolean(variable, text)
    if isinstance(default, int | float):
        return _number(variable, text)
    if isinstance(default, dict):
        return _mapping(variable, text)
    if variable.key == "boards" and text != "all":
        return [slug.strip() for slug in text.split(",")]
    if isinstance(default, tuple):
        return [word.strip() for word in text.split(",")] if text else []
    return text


def _boolean(variable: Variable, text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise _wrong(variable, "1 or 0, true or false, yes or no, on or off")


def _number(variable: Variable, text: str) -> int | float:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    raise _wrong(variable, "a number")


def _mapping(variable: Variable, text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        example = '{"name": 1}'
        raise _wrong(variable, f"a JSON object such as {example}") from None


def _wrong(variable: Variable, allowed: str) -> ConfigError:
    setting = f"{variable.section}.{variable.key}"
    return ConfigError(f"environment: {variable.name} ({setting}) expects {allowed}")
