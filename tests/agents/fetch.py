"""Fill the cache of real clients: ``python -m tests.agents.fetch [NAME…]``, all without names.

``.clients/npm/<name>/`` is an npm project, ``.clients/python/<name>/`` a virtual environment; its
``.installed`` holds the lock that it was made from, so what is up to date is left alone. Exits 1
if a client could not be had, after trying the others, and says which and why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
LOCKS: Final = Path(__file__).parent / "clients"
CACHE: Final = REPOSITORY / ".clients"
# That of the development environment, by which npm clients run too: most want a newer one than
# the machine's.
TOOLS: Final = Path(sys.executable).parent
INSTALL_SECONDS: Final = 540
STAMP: Final = ".installed"


@dataclass(frozen=True)
class Cached:
    """One client of the cache: its name, its program, and how it is installed.

    With ``rebuilds`` its npm package puts its program in place by a script of its own, which
    must run; nobody else's script does.
    """

    name: str
    program: str
    kind: str = "npm"
    rebuilds: bool = False

    @property
    def folder(self) -> Path:
        """Where it lies, or will lie."""
        return CACHE / self.kind / self.name

    @property
    def programs(self) -> Path:
        """The folder with its program in it."""
        inside = "node_modules/.bin" if self.kind == "npm" else "bin"
        return self.folder / inside

    @property
    def lock(self) -> Path:
        """The pins that it is installed by."""
        file = "package-lock.json" if self.kind == "npm" else "requirements.txt"
        return LOCKS / self.name / file

    def is_current(self) -> bool:
        """Whether it was installed by the lock as it is now."""
        stamp = self.folder / STAMP
        return stamp.exists() and stamp.read_bytes() == self.lock.read_bytes()


CLIENTS: Final = {
    client.name: client
    for client in (
        Cached("continue", "cn"),
        Cached("hermes", "hermes", kind="python"),
        Cached("opencode", "opencode", rebuilds=True),
        Cached("claude", "claude", rebuilds=True),
        Cached("codex", "codex"),
        Cached("gemini", "gemini"),
        Cached("qwen", "qwen"),
    )
}


def chosen() -> list[str]:
    """The clients to test: those that the variable ``CLIENTS`` names, else all."""
    return os.environ.get("CLIENTS", "").split() or list(CLIENTS)


class NotInstalled(Exception):
    """An installer's own words on why it failed."""


def main(names: Sequence[str]) -> int:
    """Install the named clients, or all."""
    failed = 0
    for name in names or CLIENTS:
        if name not in CLIENTS:
            print(f"{name}: no such client; there are {', '.join(CLIENTS)}", file=sys.stderr)
            failed += 1
            continue
        client = CLIENTS[name]
        if client.is_current():
            print(f"{name}: up to date")
            continue
        try:
            install(client)
        except NotInstalled as error:
            print(f"{name}: not installed: {error}", file=sys.stderr)
            failed += 1
        else:
            print(f"{name}: installed")
    return 1 if failed else 0


def install(client: Cached) -> None:
    """Install one client anew; raises NotInstalled."""
    shutil.rmtree(client.folder, ignore_errors=True)
    client.folder.mkdir(parents=True)
    if client.kind == "npm":
        _install_from_npm(client)
    else:
        _install_from_pypi(client)
    if not (client.programs / client.program).exists():
        raise NotInstalled(f"its package brought no {client.program}")
    shutil.copy(client.lock, client.folder / STAMP)


def _install_from_npm(client: Cached) -> None:
    for file in ("package.json", "package-lock.json"):
        shutil.copy(LOCKS / client.name / file, client.folder)
    npm = str(TOOLS / "npm")
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    # Not "npm ci": it wants every platform's package of a client in the lock, and those of other
    # platforms are not to be had everywhere. What is locked is held to its checksum here too.
    _run([npm, "install", "--ignore-scripts", *quiet], client.folder)
    if client.rebuilds:
        _run([npm, "rebuild", *quiet], client.folder)


def _install_from_pypi(client: Cached) -> None:
    _run([sys.executable, "-m", "venv", str(client.folder)], client.folder)
    pip = [str(client.folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    _run([*pip, "install", "--quiet", "--requirement", str(client.lock)], client.folder)


def _run(argv: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"{Path(argv[0]).name} took over {INSTALL_SECONDS} s") from None
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NotInstalled(
            f"{Path(argv[0]).name} exited {done.returncode}: {' / '.join(lines[-5:])}"
        )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
