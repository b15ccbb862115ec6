"""How an agent reads what it is told and hands over what it found: a prompt and a command line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

_RESULT = re.compile(r"^<result (\w+)>\n(.*?)\n</result \1>$", re.DOTALL | re.MULTILINE)
_FACT = re.compile(r"^(\w+): (.+)$", re.MULTILINE)
_BODY = re.compile(r"^<body (\w+)>\n(.*?)\n</body \1>$", re.DOTALL | re.MULTILINE)


class Briefing:
    """The worker context that the gateway gives to an agent on its standard input."""

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def read(cls) -> Briefing:
        """The briefing of this process."""
        return cls(sys.stdin.read())

    def fact(self, name: str) -> str:
        """The value of the line ``name: value`` in the task's own body."""
        body = _BODY.search(self._text)
        facts = dict(_FACT.findall(body[2])) if body else {}
        if name not in facts:
            raise SystemExit(f"the task's body has no line '{name}: …'")
        return str(facts[name])

    def parents_results(self) -> list[dict[str, Any]]:
        """What the parents handed over, in the order in which they were filed."""
        try:
            return [
                msgspec.json.decode(text, type=dict[str, Any])
                for _, text in _RESULT.findall(self._text)
            ]
        except msgspec.DecodeError as error:
            raise SystemExit(f"a parent's result is not the JSON it should be: {error}") from None


def say(line: str) -> None:
    """One line of output, at once: whoever watches the run's log sees it."""
    print(line, flush=True)


def complete(*, summary: str, result: Any, **metadata: str) -> None:
    """Finish this process's task; the command finds task, run and lock in the environment."""
    program = Path(sys.executable).with_name("hermes-kanban")
    words = ["complete", "--summary", summary, "--result", "-"]
    if metadata:
        words += ["--metadata", msgspec.json.encode(metadata).decode()]
    done = subprocess.run([program, *words], input=msgspec.json.encode(result), check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
