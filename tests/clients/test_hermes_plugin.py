"""``setup hermes --plugin``: the board as commands of Hermes Agent itself."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.clients import formats
from hermes_kanban.surfaces.cli import clients as surface
from tests.agents.fetch import CLIENTS as CACHE
from tests.clients.conftest import Cli, config_of, everything

REPOSITORY = Path(__file__).parents[2]
SETUP = ("setup", "hermes", "--plugin", "--yes")
TELEGRAM = SimpleNamespace(platform=SimpleNamespace(value="telegram"), user_id="777")


@pytest.fixture(autouse=True)
def our_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This code for whoever starts the board's programs: Hermes has a `gateway` of its own."""
    wrapper = tmp_path / "python"
    wrapper.write_text(
        f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} "$@"\n', encoding="utf-8"
    )
    wrapper.chmod(0o755)
    monkeypatch.setattr(surface.sys, "executable", str(wrapper))


def _plugin(user: Path) -> Path:
    return user / ".hermes" / "plugins" / "hermes-kanban"


def _loaded(user: Path) -> ModuleType:
    """The plugin as Hermes loads it: from the file, by no name of ours."""
    spec = importlib.util.spec_from_file_location(
        "hermes_plugins.hermes_kanban", _plugin(user) / "__init__.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Context:
    """What a plugin of Hermes 0.19 may register, and nothing else."""

    def __init__(self) -> None:
        self.cli: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
        self.commands: dict[str, Callable[[str], Any]] = {}
        self.hooks: dict[str, Callable[..., Any]] = {}

    def register_cli_command(
        self, name: str, help: str, setup_fn: Any, handler_fn: Any = None, description: str = ""
    ) -> None:
        self.cli[name] = (setup_fn, handler_fn)

    def register_command(
        self, name: str, handler: Any, description: str = "", args_hint: str = ""
    ) -> None:
        self.commands[name] = handler

    def register_hook(self, hook_name: str, callback: Any) -> None:
        self.hooks[hook_name] = callback


def _registered(user: Path) -> Context:
    ctx = Context()
    _loaded(user).register(ctx)
    return ctx


def test_it_is_written_and_taken_back_to_the_byte(cli: Cli, user: Path) -> None:
    config_of("hermes").parent.mkdir()
    config_of("hermes").write_text(
        "# mine\nplugins:\n  enabled:\n    # the good ones\n    - disk-cleanup   # keep\n"
    )
    before = everything(user)
    assert cli(*SETUP).code == 0
    told = formats.load("yaml", config_of("hermes").read_text())
    assert told["plugins"]["enabled"] == ["disk-cleanup", "hermes-kanban"]
    assert "- disk-cleanup   # keep" in config_of("hermes").read_text()
    manifest = formats.load("yaml", (_plugin(user) / "plugin.yaml").read_text())
    assert manifest["name"] == _plugin(user).name
    assert "set up already" in cli(*SETUP).out
    assert cli(*SETUP, "--undo").code == 0
    assert everything(user) == before


@pytest.mark.parametrize("text", ["", "model: {default: big}\n", "plugins: {enabled: []}\n"])
def test_it_comes_where_no_plugin_was_and_outlives_edits(cli: Cli, user: Path, text: str) -> None:
    config_of("hermes").parent.mkdir()
    config_of("hermes").write_text(text)
    assert cli(*SETUP).code == 0
    with config_of("hermes").open("a") as stream:
        stream.write("timezone: later\n")
    assert cli(*SETUP, "--undo").code == 0
    assert formats.load("yaml", config_of("hermes").read_text()) == {
        **formats.load("yaml", text),
        "timezone": "later",
    }
    assert not _plugin(user).exists()


def test_a_plugin_of_another_is_left_alone(cli: Cli, user: Path) -> None:
    _plugin(user).mkdir(parents=True)
    (_plugin(user) / "__init__.py").write_text("# theirs\n")
    assert cli(*SETUP).code == 4
    assert (_plugin(user) / "__init__.py").read_text() == "# theirs\n"


def test_what_holds_it_off_is_said(cli: Cli, user: Path) -> None:
    del user
    config_of("hermes").parent.mkdir()
    config_of("hermes").write_text("plugins:\n  disabled: [hermes-kanban]\n")
    assert "hermes plugins enable hermes-kanban" in cli(*SETUP).err


@pytest.mark.parametrize(
    "words", [("claude", "--plugin"), ("hermes", "--plugin", "--profile", "planner")]
)
def test_it_is_for_hermes_and_stands_alone(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli("setup", *words, "--yes")
    assert done.code == 2
    assert "--plugin" in done.error


def test_a_command_of_a_session_reaches_the_board(cli: Cli, user: Path) -> None:
    cli(*SETUP)
    say = _registered(user).commands["board"]
    assert "t_" in asyncio.run(say("create Count the words --assignee writer"))
    assert "Count the words" in asyncio.run(say("list"))
    assert "cannot be given in a chat" in asyncio.run(say("gateway run"))
    assert "/board show" in asyncio.run(say("help show"))


def test_what_is_said_in_a_chat_is_its_speakers(cli: Cli, user: Path) -> None:
    cli(*SETUP)
    ctx = _registered(user)

    async def chat() -> str:
        event = SimpleNamespace(text="/kanban@bot create From a chat", source=TELEGRAM)
        turned = ctx.hooks["pre_gateway_dispatch"](event=event, gateway=None, session_store=None)
        assert turned == {"action": "rewrite", "text": "/board create From a chat"}
        return str(await ctx.commands["board"]("create From a chat"))

    assert "t_" in asyncio.run(chat())
    conn = kb.connect()
    try:
        [task] = kb.list_tasks(conn)
        assert task.created_by == "person:telegram-777"
    finally:
        conn.close()


@pytest.mark.parametrize("text", ["/kanbans list", "say /kanban list", "hello", "", None])
def test_other_messages_stay_as_they_are(cli: Cli, user: Path, text: str | None) -> None:
    cli(*SETUP)
    hear = _registered(user).hooks["pre_gateway_dispatch"]
    assert hear(event=SimpleNamespace(text=text, source=TELEGRAM)) is None


def test_every_word_of_the_command_line_is_ours(cli: Cli, user: Path) -> None:
    cli(*SETUP)
    take, _ = _registered(user).cli["board"]
    parser = argparse.ArgumentParser()
    take(parser.add_subparsers().add_parser("board"))
    words = ["show", "-h", "--board", "other", "--at=-2h"]
    assert parser.parse_args(["board", *words]).words == words


def test_a_program_that_has_gone_is_said_in_one_line(cli: Cli, user: Path) -> None:
    cli(*SETUP)
    file = _plugin(user) / "command.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"slash": ["/nowhere/python"]}))
    answer = asyncio.run(_registered(user).commands["board"]("list"))
    assert "setup hermes --plugin" in answer
    assert "\n" not in answer


# Run by Hermes' own Python: what a session and a chat do with what we registered.
HOST = """
import asyncio, json, sys
from gateway.config import Platform
from gateway.platforms.base import MessageEvent
from gateway.session import SessionSource
from hermes_cli.commands import is_gateway_known_command
from hermes_cli.plugins import (
    discover_plugins, get_plugin_command_handler, invoke_hook, resolve_plugin_command_result,
)
discover_plugins()
session = resolve_plugin_command_result(get_plugin_command_handler("board")("list"))

async def chat(text):
    who = SessionSource(platform=Platform.TELEGRAM, chat_id="1", user_id="777")
    event = MessageEvent(text=text, source=who)
    [turned] = invoke_hook("pre_gateway_dispatch", event=event, gateway=None, session_store=None)
    event.text = turned["text"]
    handler = get_plugin_command_handler(event.get_command())
    return await handler(event.get_command_args().strip())

said = asyncio.run(chat("/kanban comment " + sys.argv[1] + " from a chat"))
print(json.dumps({"session": session, "chat": said, "gated": is_gateway_known_command("board")}))
"""


@pytest.mark.clients
@pytest.mark.only("hermes")
def test_hermes_itself_takes_it(cli: Cli, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli(*SETUP).code == 0

    def call(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=user,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    hermes = str(CACHE["hermes"].programs / "hermes")
    made = call(hermes, "board", "create", "Count the words", "--assignee", "writer", "--json")
    task = json.loads(made.stdout)["task"]["id"]
    assert call(hermes, "board", "show", "t_nobody").returncode == 3
    assert task in call(hermes, "board", "list").stdout
    assert "hermes-kanban" in call(hermes, "plugins", "list").stdout
    seen = call(str(CACHE["hermes"].programs / "python"), "-c", HOST, task)
    told = json.loads(seen.stdout.splitlines()[-1])
    assert task in told["session"]
    assert "comment 1" in told["chat"]
    # So who may give it is decided as for Hermes' own commands.
    assert told["gated"] is True
    assert cli(*SETUP, "--undo").code == 0
    assert "t_" not in call(hermes, "board", "list").stdout
