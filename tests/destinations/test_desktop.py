"""The desktop: by the program that the system has for it.

No desktop runs here: a program of its name shows what it is given, which says nothing of how a
real one draws it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import InvalidInput
from tests.destinations.conftest import World

PROGRAM = """#!{python}
import json, os, sys
with open({file!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if os.path.exists({file!r} + ".fails"):
    sys.exit("No session bus, password=hunter2hunter2")
"""


class Screen:
    """Puts a program on PATH; ``shown`` are the words of each call."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.file = folder / "shown"
        monkeypatch.setenv("PATH", f"{self.folder}{os.pathsep}{os.environ['PATH']}")

    def install(self, name: str) -> None:
        program = self.folder / name
        program.write_text(PROGRAM.format(python=sys.executable, file=str(self.file)))
        program.chmod(0o755)

    def shown(self) -> list[list[str]]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(tmp_path, monkeypatch)


def test_an_event_is_shown_and_its_text_is_no_markup(world: World, screen: Screen) -> None:
    screen.install("notify-send")
    world.begin()
    sub = world.subscribe("desktop", "blocked")
    task = kb.create_task(world.conn, title="--help")
    assert kb.block_task(world.conn, task, reason="<b>Which</b> & why? " + "x" * 5_000)
    world.until(lambda: world.deliveries("delivered"))
    *options, end, subject, body = screen.shown()[0]
    assert (end, subject) == ("--", f"Blocked: --help ({task})")
    assert options == ["--app-name=hermes-kanban", "--urgency=critical"]
    assert body.startswith("&lt;b&gt;Which&lt;/b&gt; &amp; why? xx")
    assert len(body) < 600
    world.test_message(sub)
    assert screen.shown()[1][-2:] == ["default", world_text()]


def world_text() -> str:
    return "This is a test: messages of this subscription arrive here."


def test_on_a_mac_the_text_is_no_part_of_the_script(world: World, screen: Screen) -> None:
    screen.install("osascript")
    world.begin()
    world.subscribe("desktop")
    kb.create_task(world.conn, title='" & (do shell script "id") & "')
    world.until(lambda: world.deliveries("delivered"))
    (words,) = screen.shown()
    script, (subject, body) = words[:-2], words[-2:]
    assert script[0::2] == ["-e"] * 3
    assert "do shell script" not in " ".join(script)
    assert 'do shell script "id"' in subject + body


def test_where_it_fails_it_says_why(world: World, screen: Screen) -> None:
    screen.install("notify-send")
    Path(f"{screen.file}.fails").touch()
    world.begin()
    sub = world.subscribe("desktop")
    kb.create_task(world.conn, title="Count")
    assert world.tried(sub).reason == "exit code 1: No session bus, password=[redacted]"


def test_without_a_desktop_it_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.configure()
    world.gateways.open()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InvalidInput, match="install notify-send"):
        world.subscribe("desktop")
    with pytest.raises(InvalidInput, match="nothing after it"):
        world.subscribe("desktop:0")
