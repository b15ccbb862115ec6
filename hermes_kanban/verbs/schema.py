"""JSON schemas of requests and answers, with nothing in them that a reader does not need."""

from __future__ import annotations

from typing import Any

import msgspec

_NOISE = frozenset({"title", "default"})


def request_schema(request: type[msgspec.Struct], *, without: frozenset[str]) -> dict[str, Any]:
    """The schema of a request as one object, every reference inlined.

    ``without`` names properties that this caller has no use for. Defaults, titles and the null of
    an optional property are left out: an agent leaves the property out instead.
    """
    (schema,), components = msgspec.json.schema_components([request])
    whole = _inline(schema, components)
    properties = {
        name: _slim(value)
        for name, value in whole.get("properties", {}).items()
        if name not in without
    }
    found: dict[str, Any] = {"type": "object", "properties": properties}
    if required := [name for name in whole.get("required", ()) if name not in without]:
        found["required"] = required
    return found | {"additionalProperties": False}


def _inline(schema: Any, components: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inline(one, components) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        return _inline(components[reference.rsplit("/", 1)[-1]], components)
    return {key: _inline(value, components) for key, value in schema.items()}


def _slim(schema: dict[str, Any]) -> dict[str, Any]:
    """An optional property without its null, a property without its default."""
    kept = {key: value for key, value in schema.items() if key not in _NOISE}
    choices = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        kept = _slim(choices[0]) | kept
    return kept
