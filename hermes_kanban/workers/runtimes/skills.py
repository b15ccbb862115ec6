"""Where clients look for skills: folders with a ``SKILL.md``, as each lays them out.

Whoever cannot tell for sure that a skill is missing says that it may be there.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from hermes_kanban.regular import open_regular, read_regular
from hermes_kanban.workers.runtimes.base import TOKEN, SkillList, SkillQuery

SKILL_FILE: Final = "SKILL.md"
_HEAD_BYTES: Final = 4096
_NAME: Final = re.compile(r"^name:[ \t]*[\"']?([^\s\"']+)", re.MULTILINE)

# Hermes Agent 0.19 (agent/skill_utils.py) walks past these.
_NO_SKILLS_HERE: Final = frozenset(
    {".git", ".github", ".hub", ".archive", ".venv", "venv", "node_modules", "site-packages"}
    | {"__pycache__", ".tox", ".nox", ".pytest_cache", ".mypy_cache", ".ruff_cache"}
)
_SUPPORT: Final = frozenset({"references", "templates", "assets", "scripts"})

# What Claude Code 2.1 brings along, by the first record of its own output.
_CLAUDE_OWN: Final = frozenset(
    {"batch", "claude-api", "code-review", "dataviz", "debug", "deep-research", "doctor"}
    | {"fewer-permission-prompts", "loop", "plugin-authoring", "run", "run-skill-generator"}
    | {"schedule", "simplify", "update-config", "verify", "workflow-authoring"}
)
_CLAUDE_MANAGED: Final = (
    Path("/etc/claude-code/.claude"),
    Path("/Library/Application Support/ClaudeCode/.claude"),
)
_CLAUDE_ELSEWHERE: Final = ("--add-dir", "--plugin-dir")
_PLUGIN_DEPTH: Final = 7


def of_hermes(query: SkillQuery) -> SkillList | None:
    """The skills of a Hermes profile: its own folder and those that its configuration adds.

    A skill goes by its folder's name, by the name it gives itself, or by that of a single file.
    """
    root = Path(query.variable("HERMES_HOME") or query.home / ".hermes")
    if root.parent.name == "profiles":
        root = root.parent.parent
    if query.name != "default":
        root = root / "profiles" / query.name.lower()
    if not root.is_dir():
        return None
    try:
        settings = _hermes_settings(root / "config.yaml")
        places = [root / "skills", *_external(root, settings.get("external_dirs"))]
        names = {name for place in places for name in _hermes_names(place)}
    except (OSError, ValueError):
        return None
    return SkillList(frozenset(names - _texts(settings.get("disabled"))), root / "skills")


def _hermes_names(place: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(place, followlinks=True, onerror=_raise):
        is_skill = SKILL_FILE in files
        folders[:] = [
            one
            for one in folders
            if one not in _NO_SKILLS_HERE and not (is_skill and one in _SUPPORT)
        ]
        if is_skill:
            yield os.path.basename(folder)
            yield from _own_name(Path(folder, SKILL_FILE))
        for one in files:
            if one.endswith(".md") and one != SKILL_FILE:
                yield one.removesuffix(".md")


def _hermes_settings(file: Path) -> dict[str, Any]:
    """The ``skills:`` section of a Hermes configuration; ValueError if it cannot be read."""
    try:
        state = file.stat()
    except FileNotFoundError:
        return {}
    return _parsed(file, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=16)
def _parsed(file: Path, changed: int, size: int) -> dict[str, Any]:
    del changed, size
    import yaml

    try:
        whole = yaml.safe_load(read_regular(file, links=True).decode())
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    section = whole.get("skills") if isinstance(whole, dict) else None
    return section if isinstance(section, dict) else {}


def _external(root: Path, given: Any) -> list[Path]:
    folders = [root / os.path.expandvars(os.path.expanduser(one)) for one in sorted(_texts(given))]
    return [folder for folder in folders if folder.is_dir()]


def _texts(given: Any) -> set[str]:
    listed = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    return {str(one).strip() for one in listed if str(one).strip()}


def of_claude(query: SkillQuery) -> SkillList | None:
    """The skills of Claude Code: the person's, the workspace's, plugins', managed, its own.

    Commands count, since it takes them for skills.
    """
    if any(one.partition("=")[0] in _CLAUDE_ELSEWHERE for one in query.profile.args):
        return None
    own = Path(query.variable("CLAUDE_CONFIG_DIR") or query.home / ".claude")
    if TOKEN.search(str(own)):
        return None  # a folder of each run's own
    places = [own, *_CLAUDE_MANAGED]
    if query.workspace is not None:
        start = query.workspace / (query.profile.cwd or ".")
        places += [place / ".claude" for place in (start, *start.parents)]
    try:
        names = {name for place in places for name in _claude_names(place)}
        names.update(_plugin_names(own / "plugins"))
    except OSError:
        return None
    return SkillList(frozenset(names | _CLAUDE_OWN), own / "skills")


def _claude_names(place: Path) -> Iterator[str]:
    for file in _there(place / "skills"):
        if file.is_dir() and (file / SKILL_FILE).is_file():
            yield file.name
            yield from _own_name(file / SKILL_FILE)
    for _, _, files in os.walk(place / "commands", onerror=_raise):
        yield from (one.removesuffix(".md") for one in files if one.endswith(".md"))


def _plugin_names(plugins: Path) -> Iterator[str]:
    depth = len(plugins.parts)
    for folder, folders, files in os.walk(plugins, onerror=_raise):
        if len(Path(folder).parts) - depth >= _PLUGIN_DEPTH:
            folders.clear()
        if SKILL_FILE in files:
            yield os.path.basename(folder)
            yield from _own_name(Path(folder, SKILL_FILE))


def _there(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _own_name(file: Path) -> Iterator[str]:
    """The name that a skill gives itself at its head."""
    with open(open_regular(file, links=True), "rb") as stream:
        head = stream.read(_HEAD_BYTES).decode(errors="replace")
    if head.startswith("---") and (found := _NAME.search(head)):
        yield found[1]


def _raise(error: OSError) -> None:
    """What is not there has no skills; what cannot be read may have any."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error
