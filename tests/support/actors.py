"""Processes that do nothing but start one another as they are told: trees for tests to look at."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.waiting import wait_until

# Started under any name; it writes its pid, then obeys lines of JSON.
_CODE = """\
#!{python} -IS
import json, os, signal, subprocess
folder, label = os.environ["ACTORS"], os.environ["ACTOR"]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
orders = open(f"{{folder}}/{{label}}.orders")
with open(f"{{folder}}/{{label}}.tmp", "w") as file:
    file.write(str(os.getpid()))
os.rename(f"{{folder}}/{{label}}.tmp", f"{{folder}}/{{label}}.pid")
for line in orders:
    order = json.loads(line)
    env = os.environ | {{"ACTOR": order["label"]}}
    subprocess.Popen(order["argv"], env=env, start_new_session=order["session"])
"""


class Called(NamedTuple):
    """What a command did that an actor ran."""

    code: int
    out: str
    err: str


class Actor:
    """One process of the tree."""

    def __init__(self, stage: Stage, label: str) -> None:
        self.stage, self.label = stage, label
        self._orders = stage.folder / f"{label}.orders"
        os.mkfifo(self._orders)
        # Open at both ends, so that neither opening nor writing waits for the actor.
        self._pipe = os.open(self._orders, os.O_RDWR)

    @property
    def pid(self) -> int:
        """Its pid, once it runs."""
        file = self.stage.folder / f"{self.label}.pid"
        wait_until(file.exists, message=f"{self.label} does not start")
        return int(file.read_text())

    def start(
        self, name: str, *args: str, through: Sequence[str] = (), detached: bool = False
    ) -> Actor:
        """Let it start the program ``name``, behind the words ``through`` if any."""
        actor = self.stage.actor()
        argv = [*through, self.stage.program(name), *args]
        self._order({"argv": argv, "label": actor.label, "session": detached})
        assert actor.pid
        return actor

    def shell(self, name: str, *args: str, detached: bool = False) -> Actor:
        """Let it start the program through a shell that waits for it."""
        return self.start(name, *args, through=SHELL, detached=detached)

    def call(self, *argv: str) -> Called:
        """Let it run a command through a shell, to its end."""
        kept = self.stage.folder / f"call{next(self.stage.calls)}"
        line = f'"$@" >{kept}.out 2>{kept}.err; echo $? >{kept}.tmp; mv {kept}.tmp {kept}.code'
        argv = ("/bin/sh", "-c", line, "sh", *argv)
        self._order({"argv": argv, "label": self.label, "session": False})
        code = Path(f"{kept}.code")
        wait_until(code.exists, message=f"{argv[4:]} does not end")
        out, err = (Path(f"{kept}.{name}").read_text() for name in ("out", "err"))
        return Called(int(code.read_text()), out, err)

    def end(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: gone(self.pid))

    def _order(self, order: dict[str, object]) -> None:
        os.write(self._pipe, json.dumps(order).encode() + b"\n")

    def close(self) -> None:
        os.close(self._pipe)


def gone(pid: int) -> bool:
    """Whether no process has that pid, or only a zombie; looked up past what a test patches."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return text[text.rfind(")") + 2] in "ZX"


# The second command keeps the shell from becoming the first.
SHELL = ("/bin/sh", "-c", '"$@"; :', "sh")


class Stage:
    """Where actors lie, and who they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._actors: list[Actor] = []
        self.calls = itertools.count()

    def actor(self) -> Actor:
        """A name for a process that somebody is about to start."""
        self._actors.append(Actor(self, f"a{len(self._actors)}"))
        return self._actors[-1]

    def program(self, name: str) -> str:
        """The path of an actor's program of that name."""
        file = self.folder / "bin" / name
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_text(_CODE.format(python=sys.executable))
            file.chmod(0o755)
        return str(file)

    def environment(self, actor: Actor) -> dict[str, str]:
        """What the process that is to be ``actor`` must find in its environment."""
        return {"ACTORS": str(self.folder), "ACTOR": actor.label}

    def close(self) -> None:
        """Let go of the pipes; the processes are their starter's."""
        for actor in self._actors:
            actor.close()
