"""What a new home begins with: the page in the browser, and a profile for each agent found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hermes_kanban.config import Config, load
from hermes_kanban.config.loading import CONFIG_FILE
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.store.files import make_folder, replace_file

_SWITCH: Final = "HERMES_KANBAN_WEB_IN_GATEWAY"
_PATH: Final = ("web", "in_gateway")
_CONFIGURATION: Final = """\
# The configuration of hermes-kanban. A change is taken up while the gateway runs;
# "hermes-kanban doctor" says what is wrong with it.
web:
  in_gateway: true    # the gateway serves the board to the browsers of this machine
"""
COUNTER: Final = "counter"
_COUNTER: Final = """\
description: Counts the words of its task, to see a worker at work
argv: [sh, -c, "wc -w"]
"""


def prepare(home: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Let the gateway serve the page, unless somebody said whether it shall; True if it wrote.

    Makes the home and its config.yaml where they are missing. Raises ConfigError for one that is
    wrong, OSError where nothing can be written.
    """
    load(home, environ)
    make_folder(home)
    file = home / CONFIG_FILE
    if not file.exists():
        replace_file(file, _CONFIGURATION.encode())
        return True
    if _SWITCH in environ:
        return False
    return _switch_on(file)


def _switch_on(file: Path) -> bool:
    from hermes_kanban.clients import formats

    web = formats.load("yaml", _text(file)).get(_PATH[0])
    if isinstance(web, dict) and _PATH[1] in web:
        return False
    set_key(file, _PATH, True)
    return True


def set_key(file: Path, path: tuple[str, str], value: bool | str) -> None:
    """Set ``section.key`` of a configuration, which is made where it is missing.

    Every other byte of it stays as it was. Raises ConfigError where that cannot be.
    """
    from hermes_kanban.clients import formats

    text = _text(file) if file.exists() else ""
    try:
        changed = formats.put("yaml", text, path, value)
    except (formats.CannotEdit, formats.Unreadable) as problem:
        key = ".".join(path)
        told = str(value).lower() if isinstance(value, bool) else value or "empty"
        raise ConfigError(
            f"{file}: cannot be edited ({problem}); set {key} to {told} by hand"
        ) from None
    replace_file(file, changed.encode())


def _text(file: Path) -> str:
    with file.open(encoding="utf-8", newline="") as stream:
        return stream.read()


def first_profiles(home: Path, config: Config, suggested: Mapping[str, str]) -> list[str]:
    """Write these profiles where there is none yet, or one that counts words; return their names.

    ``suggested`` are names and the text of each profile's file. A home with profiles stays as it
    is: what somebody took out does not come back.
    """
    from hermes_kanban.clients.detect import write_profile

    if config.profiles:
        return []
    wanted = suggested or {COUNTER: _COUNTER}
    for name, text in wanted.items():
        write_profile(home, name, text)
    return list(wanted)
