"""A page of the documentation, done as it says: files written, commands typed, answers compared.

A page has a person's home of its own, ``/home/ann`` in its words, and a port of its own for 8790.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil
import yaml

from hermes_kanban import config
from tests.support.pages import OWN_TERMINAL, ROOT, Block, Command, commands
from tests.support.ports import free_port
from tests.support.printed import Names
from tests.support.waiting import wait_until

DEADLINE_SECONDS: Final = 60
_STOP_SECONDS: Final = 20
DATABASE: Final = "postgresql://kanban@db.example.org/kanban"
# The folder of a gateway's socket has a short name: that of a socket ends at 107 bytes.
PREFIX: Final = "hk-docs-"
_HOME: Final = Path(".hermes", "hermes-kanban")
# What only looks may be asked again until it shows what is to be seen.
_LOOKS: Final = re.compile(
    r"(?:hermes-kanban (?:--\w+ )*(?:list|show|why|runs|events|log|context|attachments|stats"
    r"|assignees|watch|gateway status|gateway logs|notify (?:list|show|outbox)|diff|boards list"
    r"|diagnostics)|cat|ls|curl)\b"
)
_REFUSED: Final = re.compile(r"hermes-kanban: (?!warning)")


class Wrong(AssertionError):
    """The page says what is not so; the message has the line."""


class Player:
    """Does one page after its text; ``seen`` is told the name of each picture on the way.

    ``database`` is the address of an empty one, for pages that need a server.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seen: Callable[[str], None] = lambda _: None,
        database: str = "",
        **variables: str,
    ) -> None:
        self.person = folder / "ann"
        self.person.mkdir()
        self.port = free_port()
        self._seen = seen
        self._scripts = folder
        words = {"/home/ann": str(self.person), "8790": str(self.port)}
        self._names = Names(words | ({DATABASE: database} if database else {}))
        self._environment = _environment(self.person, self.port) | variables
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.person,
            env=self._environment,
            start_new_session=True,
        )
        self._beside: list[subprocess.Popen[bytes]] = []
        self._written = 0

    @property
    def home(self) -> Path:
        """The home of the boards."""
        return self.person / _HOME

    def task(self, said: str) -> str:
        """The id of what the page calls so."""
        return self._names.tasks[said]

    def do(self, block: Block) -> None:
        """Whatever the block asks for. Raises Wrong."""
        try:
            self._do(block)
        except Wrong:
            raise
        except Exception as problem:
            raise Wrong(f"line {block.line}: {type(problem).__name__}: {problem}") from problem

    def _do(self, block: Block) -> None:
        if block.language == "image":
            self._seen(block.title)
        elif block.language == "console":
            if block.tested and block.title == OWN_TERMINAL:
                self._run_beside(commands(block))
            elif block.tested:
                for command in commands(block):
                    self._run(command)
        elif block.title and block.language != "text":
            self._write(block)
        elif block.language == "yaml":
            self._configuration(block)
        elif block.language == "python":
            text = "from __future__ import annotations\n" + block.text
            self._run(Command(f"python {self._script(text)}", [], block.line))
        elif block.language == "json":
            json.loads(block.text)
        elif block.language != "text":
            raise Wrong(f"line {block.line}: a block of {block.language or 'no language'}")

    def close(self) -> None:
        """End everything that the page started."""
        for process in self._beside:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        for process in self._beside:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
        self._shell.kill()
        self._shell.communicate()
        for process in _processes_of(self.person):
            with contextlib.suppress(psutil.Error):
                process.kill()
        for process in self._beside:
            process.wait(_STOP_SECONDS)

    def _write(self, block: Block) -> None:
        _parse(block)
        name = block.title.removeprefix("~/")
        file = (self.person if name != block.title else self._folder()) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.draft")
        draft.write_text(self._names.real(block.text), "utf-8")
        if block.text.startswith("#!"):
            draft.chmod(0o755)
        draft.replace(file)
        if file.is_relative_to(self.home):
            config.load(self.home, self._environment)

    def _configuration(self, block: Block) -> None:
        self._written += 1
        home = self._scripts / f"home{self._written}"
        home.mkdir()
        (home / "config.yaml").write_text(block.text, "utf-8")
        config.load(home, {})

    def _run(self, command: Command) -> None:
        if command.text.startswith("make "):
            _known_to_make(command.text)
            return
        printed: list[str] = []

        def as_it_should() -> bool:
            code, printed[:] = self._typed(command.text)
            fails = bool(command.prints) and _REFUSED.match(command.prints[-1]) is not None
            if not command.prints and code:
                raise Wrong(_story(command, [f"(exit code {code})", *printed]))
            return not command.prints or (
                (code != 0) == fails and self._names.matches(command.prints, printed)
            )

        if _LOOKS.match(command.text) and ">" not in command.text:
            self._until(as_it_should, command, lambda: printed)
        elif not as_it_should():
            raise Wrong(_story(command, printed))

    def _run_beside(self, lines: list[Command]) -> None:
        for command in lines:
            self._written += 1
            out = self._scripts / f"beside{self._written}"
            with out.open("wb") as log:
                process = subprocess.Popen(
                    ["bash", "-c", self._names.real(command.text)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder(),
                    env=self._environment,
                    start_new_session=True,
                )
            self._beside.append(process)

            def as_it_should(
                command: Command = command,
                out: Path = out,
                process: subprocess.Popen[bytes] = process,
            ) -> bool:
                if process.poll():
                    raise Wrong(_story(command, out.read_text("utf-8").splitlines()))
                printed = out.read_text("utf-8").splitlines()
                expected = [*command.prints, "…"] if command.prints else []
                return not expected or self._names.matches(expected, printed)

            self._until(as_it_should, command, lambda out=out: out.read_text().splitlines())

    def _until(
        self, condition: Callable[[], bool], command: Command, printed: Callable[[], list[str]]
    ) -> None:
        try:
            wait_until(condition, timeout=DEADLINE_SECONDS, pause=0.1)
        except AssertionError as problem:
            if isinstance(problem, Wrong):
                raise
            raise Wrong(_story(command, printed())) from None

    def _typed(self, text: str) -> tuple[int, list[str]]:
        """The exit code, and what was printed."""
        script = self._script(self._names.real(text) + "\n")
        out = script.with_suffix(".out")
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f". {script} >{out} 2>&1 </dev/null; echo $?\n")
        self._shell.stdin.flush()
        if not select.select([self._shell.stdout], [], [], DEADLINE_SECONDS)[0]:
            raise Wrong(f"no answer in {DEADLINE_SECONDS} s: {text}")
        return int(self._shell.stdout.readline()), out.read_text("utf-8").splitlines()

    def _folder(self) -> Path:
        """Where the person is."""
        return Path(self._typed("pwd")[1][0])

    def _script(self, text: str) -> Path:
        self._written += 1
        script = self._scripts / f"typed{self._written}"
        script.write_text(text, "utf-8")
        return script


def _environment(person: Path, port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LANG", "PYTHONPATH", "TZ") if name in os.environ}
    return kept | {
        "HOME": str(person),
        "LOGNAME": "ann",
        # Without the agents that the developer has: what is found is told.
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "SHELL": "/bin/sh",
        "HERMES_KANBAN_WEB_PORT": str(port),
        "HERMES_KANBAN_DURABILITY": "normal",
        # As on a terminal, which is what the reader looks at.
        "HERMES_KANBAN_LOGGING_FORMAT": "pretty",
        "NO_COLOR": "1",
    }


def _processes_of(person: Path) -> list[psutil.Process]:
    """Those that were started under the person's home."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == str(person):
                found.append(process)
    return found


def _parse(block: Block) -> Any:
    parsers: dict[str, Callable[[str], Any]] = {
        "yaml": yaml.safe_load,
        "json": json.loads,
        "toml": tomllib.loads,
        "python": lambda text: compile(text, block.title, "exec"),
    }
    return parsers.get(block.language, str)(block.text)


def _known_to_make(command: str) -> None:
    """The repository's own targets take minutes; that they are there is what is looked at."""
    dry = ["make", "--dry-run", *shlex.split(command, comments=True)[1:]]
    done = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Wrong(f"{command}: {done.stderr.strip()}")


def _story(command: Command, printed: list[str]) -> str:
    return "\n".join(
        [
            f"line {command.line}: $ {command.text}",
            *("-- expected:", *command.prints),
            *("-- printed:", *printed),
        ]
    )
