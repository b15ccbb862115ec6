"""The board in Hermes Agent: ``hermes board …``, and ``/board …`` in its sessions and chats.

This file runs inside Hermes, in an environment that has nothing of ours: it needs Python alone,
and reaches the board by the programs that ``command.json`` beside it names.

Hermes keeps ``kanban`` for itself: it looks for no plugin where the first word is one of its own,
and refuses a plugin's ``/kanban``. Only what is said in a chat can be turned to us, before Hermes
has read it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

NAME = "board"
PATIENCE_SECONDS = 25.0  # Hermes itself gives a command up after 30
_HELP = "The board of hermes-kanban: tasks that agents and people share"
_SAID = re.compile(r"/kanban(?:@\S+)?(?=\s|$)", re.IGNORECASE)
# Who said it, from the moment a chat's message comes in until the command in it is done.
_speaker: contextvars.ContextVar[str | None] = contextvars.ContextVar("speaker", default=None)


def register(ctx: Any) -> None:
    """Called once by Hermes, with its plugin context."""
    ctx.register_cli_command(NAME, _HELP, _take_all_words, _run, description=f"{_HELP}.")
    ctx.register_command(NAME, said, description=_HELP, args_hint="<command>")
    ctx.register_hook("pre_gateway_dispatch", heard)


def heard(event: Any = None, **_: Any) -> dict[str, str] | None:
    """A chat's message, before Hermes reads it: ``/kanban …`` becomes ``/board …``.

    Whether its sender may is decided by Hermes afterwards, as for any other command.
    """
    _speaker.set(_who(getattr(event, "source", None)))
    text = getattr(event, "text", None)
    if not isinstance(text, str):
        return None
    found = _SAID.match(text)
    return {"action": "rewrite", "text": f"/{NAME}{text[found.end() :]}"} if found else None


async def said(words: str) -> str:
    """``/board …``: the answer as text."""
    # In a thread, so that a chat's other messages go on; it takes the context with it.
    return await asyncio.to_thread(_ask, words)


def _ask(words: str) -> str:
    where = _where()
    argv = [*where["slash"], "--prefix", f"/{NAME}"]
    if where.get("board"):
        argv += ["--board", where["board"]]
    if speaker := _speaker.get():
        argv += ["--actor", speaker]
    try:
        done = subprocess.run(
            argv,
            input=words,
            env=_environment(where),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return _gone(argv[0])
    except subprocess.TimeoutExpired:
        return f"the board did not answer within {PATIENCE_SECONDS:.0f} s; try again"
    return done.stdout.strip() or done.stderr.strip() or "the board said nothing"


def _take_all_words(parser: argparse.ArgumentParser) -> None:
    """Every word is ours, options too: the board's own program knows them."""
    parser.prefix_chars = "\0"
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="as for hermes-kanban")


def _run(given: argparse.Namespace) -> None:
    """``hermes board …``: this process becomes the board's program."""
    where = _where()
    argv = [*where["command"], *given.words]
    env = _environment(where)
    if where.get("board"):
        env.setdefault("HERMES_KANBAN_BOARD", where["board"])
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(argv[0], argv, env)
    except FileNotFoundError:
        sys.exit(_gone(argv[0]))


def _where() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(Path(__file__).with_name("command.json").read_text("utf-8"))
    return known


def _environment(where: dict[str, Any]) -> dict[str, str]:
    return {**os.environ, "HERMES_KANBAN_HOME": where["home"]}


def _gone(program: str) -> str:
    return (
        f"hermes-kanban is not at {program} any more; where it is installed now, give:"
        " hermes-kanban setup hermes --plugin"
    )


def _who(source: Any) -> str | None:
    """``person:telegram-12345``: the platform's own number, which nobody can choose."""
    platform = getattr(source, "platform", None)
    user = getattr(source, "user_id", None)
    if platform is None or not user:
        return None
    name = f"{getattr(platform, 'value', platform)}-{user}"
    return "person:" + re.sub(r"[^A-Za-z0-9._@+-]", "-", name)[:60]
