"""The address of a PostgreSQL database as it may be shown: all of it but its secrets."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from hermes_kanban.model.errors import InvalidInput

_SECRETS: Final = ("password", "sslpassword")


def shown(address: str) -> str:
    """The address without passwords, which connects where they come from elsewhere.

    Told apart by libpq itself, so that nothing is shown which it takes for a password. Raises
    InvalidInput for what is no address, without quoting it.
    """
    parts = _parts(address)
    user = quote(parts.pop("user"), safe="") + "@" if "user" in parts else ""
    hosts = parts.get("host", "")
    if "/" in hosts:  # the folder of a socket
        where = ""
    else:
        parts.pop("host", None)
        where = _joined(hosts, parts.pop("port", ""))
    path = "/" + quote(parts.pop("dbname", ""), safe="")
    rest = "?" + urlencode(parts, safe="/,:", quote_via=quote) if parts else ""
    return f"postgresql://{user}{where}{path}{rest}"


def has_password(address: str) -> bool:
    """Whether the address itself holds a secret. Raises InvalidInput for what is no address."""
    parsed = _parsed(address)
    return any(parsed.get(name) for name in _SECRETS)


def _parts(address: str) -> dict[str, str]:
    return {name: text for name, text in _parsed(address).items() if name not in _SECRETS}


def _parsed(address: str) -> dict[str, str]:
    try:
        found = conninfo_to_dict(address)
    except (psycopg.Error, UnicodeError):
        allowed = "sqlite, or postgresql://user@host/database"
        raise InvalidInput("address", allowed, "cannot be understood") from None
    return {name: str(value) for name, value in found.items() if value is not None}


def _joined(hosts: str, ports: str) -> str:
    names, numbers = hosts.split(","), ports.split(",")
    if len(numbers) == 1:
        numbers *= len(names)
    bracketed = [f"[{name}]" if ":" in name else name for name in names]
    return ",".join(
        f"{name}:{number}" if number else name
        for name, number in zip(bracketed, numbers, strict=False)
    )
