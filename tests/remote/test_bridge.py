"""An agent on a machine without the board: its tools by a bridge, whatever becomes of gateways."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

import hermes_kanban
from hermes_kanban import kernel as kb
from hermes_kanban.handovers import place, waiting
from hermes_kanban.remote.access import Access
from hermes_kanban.remote.client import KEPT_HEADER
from hermes_kanban.remote.tools import RemoteToolbox
from tests.gateway.test_web import call, listens, post
from tests.mcp.lines import Client
from tests.mcp.messages import initialize, request
from tests.support import stores
from tests.support.gateways import Gateways
from tests.support.relay import relay
from tests.support.waiting import wait_until

CLI = [sys.executable, "-m", "hermes_kanban.surfaces.cli.main"]
# The run on the gateway's host: it tells what it was told, as ssh does, and ends when asked to.
CARRIER = """
import json, os, pathlib, time
told = {name: value for name, value in os.environ.items() if name.startswith("HERMES_KANBAN_")}
pathlib.Path("told.new").write_text(json.dumps(told))
os.rename("told.new", "told")
while not pathlib.Path("end").exists():
    time.sleep(0.05)
"""

# A gateway that soon keeps what a database that is away cannot take.
GIVES_UP_SOON = """
import hermes_kanban.store.pgsession, hermes_kanban.verbs.keeping
from gateway.__main__ import main

hermes_kanban.store.pgsession.PATIENCE_SECONDS = 0.5
hermes_kanban.verbs.keeping.PATIENCE_SECONDS = 1.0
main()
"""


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


class Afar:
    """A machine that has our wheel, an address and a token, and nothing of the board."""

    def __init__(self, gateways: Gateways, home: Path, *more: str, **profile: Any) -> None:
        self.gateways, self.home, self.port = gateways, home, free_port()
        settings = {
            "argv": [sys.executable, "-c", CARRIER],
            "transport": "http",
            "on_exit_zero": "protocol_violation",
            "tools": ["request_review"],
        }
        web = {"in_gateway": True, "port": self.port}
        gateways.configure({"far": settings | profile}, web=web)
        self.conn = gateways.open()
        self.gateway = gateways.start()
        wait_until(lambda: listens(self.port), message=gateways.errors())
        self.task = kb.create_task(self.conn, title="Count", assignee="far")
        self.folder = self.conn.paths.workspaces / self.task
        told = self.folder / "told"
        wait_until(told.exists, message=gateways.errors())
        variables = json.loads(told.read_text())
        self.token = variables["HERMES_KANBAN_TOKEN"]
        self.addresses = [variables["HERMES_KANBAN_URL"], *more]
        self.variables, self.more = variables, dict[str, str]()

    @property
    def command(self) -> list[str]:
        """Our command line with what that machine knows, and nothing else."""
        known = self.more | {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHONPATH": str(Path(hermes_kanban.__file__).parents[1]),
            "HERMES_KANBAN_URL": ",".join(self.addresses),
            "HERMES_KANBAN_TOKEN": self.token,
        }
        return ["env", "-i", *(f"{name}={value}" for name, value in known.items()), *CLI]

    @property
    def toolbox(self) -> RemoteToolbox:
        """The bridge's tools in this process, for one that does not wait long."""
        state = self.home / ".local" / "state" / "hermes-kanban"
        return RemoteToolbox(
            Access(tuple(self.addresses), self.token, state, "the-run"), patience=0.2
        )

    @property
    def kept(self) -> Path:
        """Where what was handed in lies on that machine until the board has it."""
        return place(self.home / ".local" / "state" / "hermes-kanban")

    @property
    def waits(self) -> list[str]:
        return waiting(self.kept)

    @property
    def status(self) -> str:
        return kb.get_task(self.conn, self.task).status

    def story(self) -> list[str]:
        return self.gateways.story(self.task)

    def bridge(self) -> Client:
        return Client(*self.command, "mcp")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *words], capture_output=True, text=True, check=False, timeout=60
        )

    def lose_gateway(self) -> None:
        self.gateways.kill(self.gateway)

    def get_gateway(self) -> None:
        self.gateway = self.gateways.start()

    def end(self) -> None:
        with suppress(FileNotFoundError):
            (self.folder / "end").touch()

    def close(self) -> None:
        """The same, and no courier goes on for what nobody will take."""
        self.end()
        shutil.rmtree(self.kept, ignore_errors=True)


@pytest.fixture
def afar(gateways: Gateways, tmp_path: Path) -> Iterator[Afar]:
    made = Afar(gateways, tmp_path / "afar")
    yield made
    made.close()


def said(answer: dict[str, Any]) -> tuple[str, bool]:
    result = answer["result"]
    return result["content"][0]["text"], result.get("isError", False)


def test_an_agent_that_speaks_only_stdio_works_through_a_gateway(afar: Afar) -> None:
    with afar.bridge() as client:
        greeting = client.ask(initialize("2025-11-25"))["result"]
        assert afar.task in greeting["instructions"]
        tools = client.ask(request("tools/list"))["result"]["tools"]
        assert [tool["name"] for tool in tools][:3] == [
            "kanban_show", "kanban_complete", "kanban_block",
        ]  # fmt: skip
        assert tools == post(afar.port, afar.token, request("tools/list"))[1]["result"]["tools"]
        assert afar.task in said(client.ask(call("kanban_show")))[0]
        client.ask(call("kanban_comment", body="from afar"))
        text, wrong = said(client.ask(call("kanban_complete", artifacts=["missing.md"])))
        assert wrong
        assert "missing.md" in text
        assert afar.waits == []
        assert said(client.ask(call("kanban_complete", summary="counted"))) == (
            f"{afar.task} is done; your run is over, so stop here", False,
        )  # fmt: skip
        text, wrong = said(client.ask(call("kanban_comment", body="too late")))
        assert wrong
        assert "your run is over" in text
    # The same once more, as after an answer that was lost.
    again = afar.toolbox.call("kanban_complete", {"summary": "counted"})
    assert (again.is_error, "handed in" in again.text) == (False, True)
    assert (afar.status, afar.waits) == ("done", [])
    assert (afar.story().count("completed"), "fenced" in afar.story()) == (1, False)


def test_a_workers_commands_go_through_the_first_gateway_that_is_there(afar: Afar) -> None:
    afar.addresses = [f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{afar.port}"]
    assert afar.task in afar.run("context", "--page", "1").stdout
    assert afar.run("comment", "half way").stdout.startswith("comment 1 is on")
    assert afar.run("heartbeat", "--json").returncode == 0
    assert "allowed: complete, block" in afar.run("list").stderr
    assert not (afar.home / ".hermes").exists()
    done = afar.run("complete", "--summary", "counted", "--result", "12", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["answer"]["tool"] == "kanban_complete"
    assert (afar.status, kb.get_task(afar.conn, afar.task).result) == ("done", "12")
    again = afar.run("complete", "--summary", "counted", "--result", "12")
    assert "handed in" in again.stdout
    late = afar.run("block", "Which?")
    assert (late.returncode, late.stdout) == (4, "")
    assert "has ended as completed" in late.stderr


def test_a_gateway_that_is_killed_at_completion_gets_it_once_it_is_back(afar: Afar) -> None:
    afar.lose_gateway()
    # A client that starts its tools only now has those of every worker.
    with afar.bridge() as client:
        client.ask(initialize("2025-11-25"))
        tools = client.ask(request("tools/list"))["result"]["tools"]
        assert "kanban_complete" in [tool["name"] for tool in tools]
    answer = afar.toolbox.call("kanban_complete", {"summary": "counted", "result": "12"})
    assert not answer.is_error
    assert "your complete is kept on this machine" in answer.text
    assert afar.waits == ["the-run"]
    again = afar.toolbox.call("kanban_complete", {"summary": "once more"})
    assert (again.is_error, afar.waits) == (False, ["the-run"])
    comment = afar.toolbox.call("kanban_comment", {"body": "lost"})
    assert comment.is_error
    assert "nothing was done" in comment.text
    afar.get_gateway()
    wait_until(lambda: afar.status == "done", message=afar.gateways.errors())
    wait_until(lambda: afar.waits == [])
    run = kb.latest_run(afar.conn, afar.task)
    assert run is not None
    assert run.summary == "counted"
    assert afar.story().count("completed") == 1


def test_what_comes_after_the_end_of_its_run_is_kept_with_the_task(afar: Afar) -> None:
    run = kb.latest_run(afar.conn, afar.task)
    assert run is not None
    toolbox = afar.toolbox
    assert toolbox.tools()
    assert kb.cancel_task(afar.conn, afar.task)
    answer = toolbox.call("kanban_complete", {"summary": "too late"})
    assert answer.is_error
    assert "has ended as cancelled" in answer.text
    assert afar.waits == []
    assert "fenced" in afar.story()
    assert toolbox.call("kanban_comment", {"body": "me too"}).is_error
    # A hand-over that waited is let in after the end of its run, and nothing else is.
    marked = {KEPT_HEADER: "1"}
    tools = post(afar.port, afar.token, request("tools/list"), **marked)[1]["result"]["tools"]
    assert [tool["name"] for tool in tools] == [
        "kanban_complete", "kanban_block", "kanban_request_review",
    ]  # fmt: skip
    refused = post(afar.port, afar.token, call("kanban_comment", body="x"), **marked)[1]["error"]
    assert "Unknown tool" in refused["message"]
    assert post(afar.port, afar.token, request("tools/list"))[0] == 401
    assert kb.reopen_task(afar.conn, afar.task)
    assert kb.adopt_result(afar.conn, afar.task, run_id=run.id, actor="person:ann")


def test_an_agent_that_ended_while_no_gateway_was_there_is_not_judged_at_once(afar: Afar) -> None:
    with afar.bridge() as client:
        client.ask(initialize("2025-11-25"))
        client.ask(request("tools/list"))
        afar.lose_gateway()
        client.send(call("kanban_complete", summary="counted"))
        wait_until(lambda: afar.waits)
        client.process.kill()
        client.process.wait()
    afar.end()
    run = kb.latest_run(afar.conn, afar.task)
    assert run is not None
    record = afar.conn.paths.run_dir(run.id) / "exit.json"
    wait_until(record.exists)
    afar.get_gateway()
    wait_until(lambda: listens(afar.port))
    # It has looked, and seen that the run ended without a word.
    assert (record.exists(), afar.status) == (True, "running")
    done = afar.run("deliver", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["handed_in"][0]["outcome"] == "accepted"
    assert afar.run("deliver").stdout == "nothing waits\n"
    wait_until(lambda: not record.exists())
    assert afar.story()[-2:] == ["completed", "exited"]


def test_on_the_host_of_the_gateway_that_one_hands_it_in(afar: Afar) -> None:
    names = ("HERMES_KANBAN_STATE", "HERMES_KANBAN_RUN_ID")
    afar.more = {name: afar.variables[name] for name in names}
    with afar.bridge() as client:
        client.ask(initialize("2025-11-25"))
        client.ask(request("tools/list"))
        afar.lose_gateway()
        client.send(call("kanban_complete", summary="counted"))
        here = place(afar.conn.paths.root)
        wait_until(lambda: waiting(here) == [afar.more["HERMES_KANBAN_RUN_ID"]])
        client.process.kill()
        client.process.wait()
    afar.end()
    afar.get_gateway()
    wait_until(lambda: afar.story()[-2:] == ["completed", "exited"])
    assert waiting(here) == []


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"HERMES_KANBAN_URL": "gateway:8790"},
            "--remote or HERMES_KANBAN_URL holds something else",
        ),
        ({"HERMES_KANBAN_URL": "http://u:secret@gateway"}, "HERMES_KANBAN_URL holds something"),
        ({"HERMES_KANBAN_URL": "http://gateway:8790"}, "HERMES_KANBAN_TOKEN is not set"),
    ],
)
def test_what_is_no_access_is_said_in_one_line(variables: dict[str, str], told: str) -> None:
    environment = {name: value for name, value in os.environ.items() if "KANBAN" not in name}
    done = subprocess.run(
        [*CLI, "mcp"], capture_output=True, text=True, check=False, input="",
        env=environment | variables,
    )  # fmt: skip
    assert done.returncode == 2
    assert told in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.stores("postgres")
def test_a_gateway_whose_database_is_away_keeps_what_ends_a_run(
    gateways: Gateways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(stores.address(), tmp_path) as line:
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", line.address)
        gateways.program = ("-c", GIVES_UP_SOON)
        afar = Afar(gateways, tmp_path / "afar")
        assert post(afar.port, afar.token, request("tools/list"))[0] == 200
        line.go_away()
        status, _ = post(afar.port, "default.unknown", request("tools/list"))
        assert status == 503
        with afar.bridge() as client:
            client.ask(initialize("2025-11-25"))
            client.send(call("kanban_complete", summary="counted"))
            root = afar.conn.paths.root
            wait_until(lambda: waiting(place(root)) or waiting(place(afar.home)))
            line.come_back()
            text, wrong = said(client.answer())
            assert not wrong, text
        wait_until(lambda: afar.status == "done", message=gateways.errors())
        assert "fenced" not in afar.story()
        afar.close()


@pytest.mark.stores("postgres")
def test_any_gateway_of_the_board_takes_what_another_cannot(
    gateways: Gateways, tmp_path: Path
) -> None:
    home = tmp_path / "second"
    home.mkdir()
    afar = Afar(gateways, tmp_path / "afar")
    second, port = Gateways(home), free_port()
    second.configure({}, web={"in_gateway": True, "port": port})
    second.start(wait=False, HERMES_KANBAN_HOME=str(home))
    try:
        wait_until(lambda: listens(port), message=second.errors())
        afar.addresses.append(f"http://127.0.0.1:{port}")
        with afar.bridge() as client:
            client.ask(initialize("2025-11-25"))
            client.ask(call("kanban_comment", body="by the first"))
            afar.lose_gateway()
            text, wrong = said(client.ask(call("kanban_complete", summary="by the second")))
            assert not wrong, text
        assert afar.status == "done"
        assert afar.waits == []
    finally:
        afar.close()
        second.close()
