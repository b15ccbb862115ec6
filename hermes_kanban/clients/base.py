"""What a client's file says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from hermes_kanban.clients.formats import Format
from hermes_kanban.model.errors import KanbanError

# The name under which every client has our tools; Hermes offers none of a server called kanban.
SERVER: Final = "board"
SKILL: Final = "kanban-orchestrator"


class ClientTrouble(KanbanError):
    """A client's configuration cannot be changed; the message names the file and what to do."""


class Taken(ClientTrouble):
    """Something that is not ours stands where ours should; it is left alone unless asked for."""


class Place(NamedTuple):
    """Whose configuration is meant: this environment's, or that of a project's folder."""

    environ: Mapping[str, str]
    project: Path | None = None

    @property
    def home(self) -> Path:
        """The user's own folder."""
        home = self.environ.get("HOME")
        return Path(home) if home else Path.home()

    def folder(self, variable: str, otherwise: Path) -> Path:
        """The folder that a client's own variable names, else its usual one."""
        named = self.environ.get(variable, "").strip()
        if not named:
            return otherwise
        if named == "~" or named.startswith("~/"):
            return self.home / named[2:]
        return Path(named).absolute()


class Client(NamedTuple):
    """One client.

    ``config`` and ``skills`` say where its files lie; ``skills`` is None where it has none.
    ``entry`` is where in the configuration our server stands, as a list's item of that name if
    ``listed``; ``server`` writes it, given command and arguments, or is the list's item itself if
    that is a word. ``wishes`` are settings that
    are set only where nothing is said, ``base`` is what a new file must hold. ``programs`` are its
    commands, ``places`` where they lie beside PATH (below the user's folder unless absolute), and
    ``version`` is what they print of themselves. With ``any_entry`` ours is needed only where
    there is no other beside it. With ``serves_workers`` the runs of a worker too have their tools
    by it alone. The notes are for people: always, for projects, and where the file is new.
    """

    name: str
    title: str
    programs: tuple[str, ...]
    version: str
    places: tuple[str, ...]
    format: Format
    config: Callable[[Place], Path]
    entry: tuple[str, ...]
    server: Callable[[list[str]], dict[str, Any] | str]
    skills: Callable[[Place], Path] | None = None
    projects: bool = True
    listed: bool = False
    wishes: tuple[tuple[tuple[str, ...], Any], ...] = ()
    base: Mapping[str, Any] = {}
    any_entry: bool = False
    serves_workers: bool = False
    note: str = ""
    project_note: str = ""
    new_file_note: str = ""

    def is_ours(self, entry: Any) -> bool:
        """Whether an entry of that name starts a tool server of ours, whatever its arguments."""
        if isinstance(entry, str):
            return self.listed and entry == self.entry[-1]
        if not isinstance(entry, dict):
            return False
        command, rest = entry.get("command"), entry.get("args")
        words = [command] if isinstance(command, str) else command
        if not isinstance(words, list):
            return False
        words = [str(word) for word in [*words, *(rest if isinstance(rest, list) else [])]]
        return "mcp" in words and any(
            word.rpartition("/")[2] == "hermes-kanban" or word.startswith("hermes_kanban.")
            for word in words
        )
