"""The first minute of somebody who has the wheel and nothing else, timed step by step.

Uses only what Python itself brings, so that it runs wherever the wheel is tried:
``python journey.py WHEEL [--wheels FOLDER] [--folder FOLDER]``. With ``--wheels`` what the wheel
needs comes from there, and no index is asked.
"""

from __future__ import annotations

import argparse
import json
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60.0
# What comes with every environment is not ours to answer for.
NOT_OURS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")


class Failed(Exception):
    """A step did not do what it should; the message says what came instead."""


class Newcomer:
    """A user with a home and an environment of their own; ``steps`` is how long each took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / "venv"
        self.steps: dict[str, float] = {}
        self.environment = {
            "HOME": str(folder / "user"),
            "PATH": f"{self.venv / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            # Somebody may serve a board of their own on this machine.
            "HERMES_KANBAN_WEB_PORT": str(_free_port()),
        }
        (folder / "user").mkdir(parents=True)

    @property
    def site(self) -> Path:
        """Where the environment's packages lie."""
        return next((self.venv / "lib").glob("python*/site-packages"))

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Notes how long the block takes."""
        began = time.monotonic()
        yield
        self.steps[step] = time.monotonic() - began

    def says(self, *words: str, code: int = 0) -> str:
        """What ``hermes-kanban`` prints; Failed if its exit code is another."""
        done = subprocess.run(
            [str(self.venv / "bin" / "hermes-kanban"), *words],
            env=self.environment,
            cwd=self.folder / "user",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS * 2,
            check=False,
        )
        if done.returncode != code:
            raise Failed(f"hermes-kanban {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done.stdout

    def answers(self, *words: str) -> Any:
        """The same with ``--json``."""
        return json.loads(self.says(*words, "--json"))


def install(newcomer: Newcomer, wheel: Path, wheels: Path | None) -> None:
    """A fresh environment with the wheel and what it needs."""
    with newcomer.timed("make an environment"):
        venv.create(newcomer.venv, with_pip=True)
    offline = ["--no-index", "--find-links", str(wheels)] if wheels else []
    pip = [str(newcomer.venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    with newcomer.timed("install the wheel"):
        done = subprocess.run(
            [*pip, "install", "--quiet", *offline, str(wheel)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise Failed(f"pip: {done.stderr}")


def first_task(newcomer: Newcomer) -> None:
    """From nothing to a task that is done, and everything away again."""
    with newcomer.timed("up"):
        up = newcomer.answers("up")["up"]
    try:
        _expect(up["gateway"]["running"], "up starts a gateway", up)
        _expect(up["page"], "up gives a link", up)
        with newcomer.timed("open the page"):
            _open(up["page"]["url"])
        if not up["profiles_written"] or up["agents"]:
            # An agent that is installed here would need its vendor.
            file = Path(up["home"], "profiles", "counter.yaml")
            file.write_text("argv: [sh, -c, 'wc -w']\n")
        with newcomer.timed("first task, from create to done"):
            created = newcomer.answers("create", "Say hello", "--assignee", "counter")
            _wait_for(newcomer, created["task"]["id"])
        again = newcomer.answers("up")["up"]
        _expect(again["gateway"]["pid"] == up["gateway"]["pid"], "a second up starts none", again)
        with newcomer.timed("doctor"):
            found = newcomer.answers("doctor")["findings"]
        _expect(all(one["state"] != "fault" for one in found), "doctor finds no fault", found)
    finally:
        with newcomer.timed("down"):
            newcomer.says("down")
    newcomer.says("gateway", "status", code=1)


def _wait_for(newcomer: Newcomer, task: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (shown := newcomer.answers("show", task)["task"])["status"] != "done":
        if time.monotonic() > deadline:
            raise Failed(f"{task} is not done: {shown}")
        time.sleep(0.05)


def _open(link: str) -> None:
    """The page itself, and each script and style that it names."""
    address = link.partition("/#")[0]
    with urllib.request.urlopen(address + "/", timeout=PATIENCE_SECONDS) as answer:
        page = answer.read().decode()
    names = [part.partition('"')[0] for part in page.split('"/assets/')[1:]]
    _expect(names, "the page names its scripts", page)
    for name in names:
        with urllib.request.urlopen(f"{address}/assets/{name}", timeout=PATIENCE_SECONDS) as file:
            _expect(file.read(), "each is there", name)


def _expect(held: object, what: str, seen: object) -> None:
    if not held:
        raise Failed(f"{what}: {seen}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def megabytes(folder: Path, ours: Callable[[str], bool]) -> float:
    """What the entries of ``folder`` take whose names are ``ours``."""
    files = (
        file
        for entry in folder.iterdir()
        if ours(entry.name)
        for file in (entry.rglob("*") if entry.is_dir() else [entry])
    )
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def is_ours(name: str) -> bool:
    """Whether an entry of site-packages came with the wheel."""
    return not any(name == one or name.startswith(f"{one}-") for one in NOT_OURS)


def journey(wheel: Path, wheels: Path | None, folder: Path) -> Newcomer:
    """All of it; Failed where something did not work."""
    newcomer = Newcomer(folder)
    install(newcomer, wheel, wheels)
    manual = newcomer.venv / "share" / "man" / "man1" / "hermes-kanban.1"
    _expect(manual.is_file(), "the manual page is installed", manual)
    first_task(newcomer)
    return newcomer


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:  # macOS
        return platform.platform()


def main() -> None:
    """Do it with the Python that runs this, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--most", type=float, default=60, help="MB that may be installed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hk-newcomer-") as name:
        try:
            newcomer = journey(given.wheel.absolute(), given.wheels, Path(name))
        except Failed as failed:
            sys.exit(f"FAILED {failed}")
        size = megabytes(newcomer.site, is_ours)
    import sqlite3

    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    print(f"{python}, {_system()}")
    for step, seconds in newcomer.steps.items():
        print(f"  {seconds:6.2f} s  {step}")
    print(f"  {sum(newcomer.steps.values()):6.2f} s  in all")
    print(f"  {given.wheel.stat().st_size / 1e6:6.2f} MB the wheel")
    print(f"  {size:6.2f} MB installed with all that it needs", flush=True)
    if size > given.most:
        sys.exit(f"FAILED that is more than {given.most} MB")


if __name__ == "__main__":
    main()
