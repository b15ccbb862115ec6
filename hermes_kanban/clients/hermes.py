"""Hermes Agent: YAML, of its home or of the profile that is active there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hermes_kanban.clients import formats
from hermes_kanban.clients.base import SERVER, Client, ClientTrouble, Place
from hermes_kanban.clients.formats import plain
from hermes_kanban.workers.runtimes.hermes_state import profile_folder

PLUGIN: Final = "hermes-kanban"
_SOURCE: Final = Path(__file__).with_name("hermes_plugin")


def _folder(place: Place) -> Path:
    home = place.folder("HERMES_HOME", place.home / ".hermes")
    if place.environ.get("HERMES_HOME", "").strip():
        return home
    # `hermes profile use` leaves its choice here; without -p that profile's folder is the home.
    try:
        active = (home / "active_profile").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return home
    profile = home / "profiles" / active
    return profile if active and active != "default" and profile.is_dir() else home


def for_worker(place: Place, name: str) -> tuple[Client, Place]:
    """What the runs of a Hermes profile need in it: an entry, which is off, and the skill.

    Without any entry Hermes looks for no tools at all; each run brings its own. Raises
    ClientTrouble if Hermes has no such profile.
    """
    root = place.folder("HERMES_HOME", place.home / ".hermes")
    folder = profile_folder(root, name)
    if not folder.is_dir():
        raise ClientTrouble(
            f"Hermes has no profile {name} ({folder}); 'hermes profile create {name}' makes it"
        )
    client = CLIENT._replace(
        name=f"{CLIENT.name}-worker",
        title=f"the Hermes profile {name}",
        server=lambda command: _server(command) | {"enabled": False},
        any_entry=True,
        wishes=(),
    )
    return client, place._replace(environ={**place.environ, "HERMES_HOME": str(folder)})


def for_plugin() -> Client:
    """Hermes with our plugin: its folder, and its name among those that Hermes is to load."""
    return CLIENT._replace(
        name=f"{CLIENT.name}-plugin",
        title="the plugin of Hermes Agent",
        entry=("plugins", "enabled", PLUGIN),
        server=lambda command: PLUGIN,
        skills=lambda place: _folder(place) / "plugins",
        listed=True,
        wishes=(),
        note="Hermes loads it at its next start; a Hermes gateway that runs has to be started anew",
    )


def forbids_plugin(place: Place) -> bool:
    """Whether Hermes is told not to load our plugin: that wins over being told to."""
    try:
        text = CLIENT.config(place).read_text(encoding="utf-8")
        found = plain.get(formats.load("yaml", text), ("plugins", "disabled", PLUGIN))
    except (OSError, ValueError):
        return False
    return found is not None


@contextmanager
def plugin_files(words: dict[str, Any]) -> Iterator[Path]:
    """The plugin's folder as it is to be written, with ``words`` as its ``command.json``."""
    with tempfile.TemporaryDirectory(prefix="hermes-kanban-") as made:
        folder = Path(made) / PLUGIN
        folder.mkdir()
        for name in ("__init__.py", "plugin.yaml"):
            (folder / name).write_bytes((_SOURCE / name).read_bytes())
        text = json.dumps(words, indent=2, ensure_ascii=False)
        (folder / "command.json").write_text(f"{text}\n", encoding="utf-8")
        yield folder


def _server(command: list[str]) -> dict[str, Any]:
    # Said, since an entry for workers may stand there that is off.
    return {"command": command[0], "args": command[1:], "enabled": True}


CLIENT = Client(
    name="hermes",
    title="Hermes Agent",
    programs=("hermes",),
    version=r"Hermes Agent v?(\d[\w.+-]*)",
    places=(".local/bin", ".hermes/hermes-agent/venv/bin"),
    format="yaml",
    config=lambda place: _folder(place) / "config.yaml",
    entry=("mcp_servers", SERVER),
    server=_server,
    skills=lambda place: _folder(place) / "skills",
    projects=False,
    # Hermes waits 1.5 s for tools by default, too short on a busy machine.
    wishes=((("mcp_discovery_timeout",), 60),),
)
