"""Which agent clients are installed here, and a profile for each."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from hermes_kanban.clients.base import Client, Place
from hermes_kanban.config import Profile
from hermes_kanban.workers.environment import usable_path

VERSION_SECONDS = 10.0
_SHOWN_BYTES = 64 << 10
# Where programs lie that a login's PATH may not name; below the home folder unless absolute.
_USUAL = (
    ".local/bin",
    "bin",
    ".npm-global/bin",
    ".bun/bin",
    ".deno/bin",
    ".volta/bin",
    ".asdf/shims",
    ".local/share/mise/shims",
    ".local/share/pnpm",
    ".yarn/bin",
    ".nvm/versions/node/*/bin",
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/home/linuxbrew/.linuxbrew/bin",
    "/snap/bin",
)
# Asked for its version, a client shall neither call home nor update itself.
_QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CONTINUE_TELEMETRY_ENABLED": "0",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "NO_COLOR": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
}


class Found(NamedTuple):
    """One client's program; ``version`` is None if it did not say in time, or is another program.

    ``on_path`` says whether a worker finds it by name; ``profiles`` start it already.
    """

    client: Client
    program: Path
    version: str | None
    on_path: bool
    profiles: tuple[str, ...]


def detect(
    clients: Mapping[str, Client],
    profiles: Mapping[str, Profile],
    environ: Mapping[str, str],
    seconds: float = VERSION_SECONDS,
) -> list[Found]:
    """The clients that are installed, all asked for their version at once within ``seconds``."""
    there = [(one, _program(one, environ)) for one in clients.values()]
    found = [(client, program) for client, program in there if program is not None]
    with ThreadPoolExecutor(max_workers=max(1, len(found))) as pool:
        versions = pool.map(lambda one: _version(one[0], one[1], environ, seconds), found)
        return [
            Found(client, program, version, _is_found(program, environ), _using(client, profiles))
            for (client, program), version in zip(found, versions, strict=True)
        ]


def suggested_name(found: Found, taken: Mapping[str, Profile]) -> str:
    """The client's name, or one near it if another kind of agent goes by that."""
    name, number = found.client.name, 2
    while name in taken:
        name, number = f"{found.client.name}-{number}", number + 1
    return name


def suggested_profile(found: Found, environ: Mapping[str, str]) -> str:
    """A profile for it, as the file ``profiles/<name>.yaml``."""
    said = f"{found.client.title} {found.version or ''}".rstrip()
    lines = [f"description: {said}", f"runtime: {found.client.name}"]
    if not found.on_path:
        path = os.pathsep.join([str(found.program.parent), usable_path(environ.get("PATH", ""))])
        lines += ["env:", f"  PATH: {path}"]
    return "".join(f"{line}\n" for line in lines)


def write_profile(home: Path, name: str, text: str) -> Path:
    """Make ``<home>/profiles/<name>.yaml``; raises FileExistsError if there is one."""
    folder = home / "profiles"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(file, flags, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    return file


def _using(client: Client, profiles: Mapping[str, Profile]) -> tuple[str, ...]:
    return tuple(
        name
        for name, profile in profiles.items()
        if profile.runtime == client.name
        or (profile.argv and Path(profile.argv[0]).name in client.programs)
    )


def _program(client: Client, environ: Mapping[str, str]) -> Path | None:
    home = Place(environ).home
    folders = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    for place in (*client.places, *_USUAL):
        if "*" in place:
            # The newest of several versions.
            folders += sorted(home.glob(place), key=_by_number, reverse=True)
        else:
            folders.append(home / place)
    for folder in folders:
        for name in client.programs:
            if _runs(folder / name):
                return folder / name
    return None


def _by_number(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


def _is_found(program: Path, environ: Mapping[str, str]) -> bool:
    """Whether a worker would start just this one by its name."""
    for folder in usable_path(environ.get("PATH", "")).split(os.pathsep):
        if _runs(Path(folder) / program.name):
            return Path(folder) == program.parent
    return False


def _runs(file: Path) -> bool:
    return file.is_file() and os.access(file, os.X_OK)


def _version(
    client: Client, program: Path, environ: Mapping[str, str], seconds: float
) -> str | None:
    """What it prints of itself; killed with all that it started if it takes longer."""
    try:
        process = subprocess.Popen(
            [str(program), "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environ, **_QUIET},
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            output = late.output or b""
        finally:
            # Also what it left behind: an update in the background, say.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    text = output[:_SHOWN_BYTES].decode("utf-8", "replace")
    found = re.search(client.version, text, re.MULTILINE)
    return found[1] if found else None
