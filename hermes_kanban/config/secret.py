"""Secrets of the configuration: written as they are, or as where they are to be found.

``env:NAME`` is an environment variable of the gateway, ``file:/path`` the first line of a file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from hermes_kanban.model.errors import ConfigError
from hermes_kanban.regular import NotRegular, open_regular

SECRET_BYTES: Final = 4096
_OTHERS: Final = 0o077

Secret = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_000,
        description="a secret of 1 to 1,000 characters, env:NAME or file:/path",
    ),
]


def read_secret(setting: str, value: str, environ: Mapping[str, str] = os.environ) -> str:
    """The secret itself; ConfigError in one line, without it, if it is not to be had."""
    kind, _, where = value.partition(":")
    if kind == "env":
        found = environ.get(where, "")
        if not found.strip():
            raise ConfigError(f"{setting} is in the environment variable {where}, which is not set")
        return found.strip()
    if kind == "file":
        try:
            with Path(where).expanduser().open("rb") as file:
                text = file.read(SECRET_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise ConfigError(f"{setting} is in {where}, which cannot be read: {why}") from None
        if not text.strip():
            raise ConfigError(f"{setting} is in {where}, which is empty")
        return text.split("\n", 1)[0].strip()
    return value


def read_private_file(setting: str, where: str) -> str:
    """The first line of a file that nobody else may read; ConfigError without it otherwise."""
    file = Path(where).expanduser()
    try:
        with open(open_regular(file, links=True), "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            text = stream.read(SECRET_BYTES).decode()
    except NotRegular:
        raise ConfigError(f"{setting} names {file}, which is no file") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{setting} names {file}, which cannot be read: {why}") from None
    if mode & _OTHERS:
        raise ConfigError(f"{setting}: {file} may be read by others; run: chmod 600 {file}")
    secret = text.split("\n", 1)[0].rstrip("\r")
    if not secret:
        raise ConfigError(f"{setting} names {file}, whose first line is empty")
    return secret
