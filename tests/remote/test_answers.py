"""What stands between an agent and its gateway answers too: what that may mean, and what not."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from hermes_kanban import handovers
from hermes_kanban import kernel as kb
from hermes_kanban.handovers import HandOver, place, waiting
from hermes_kanban.remote import courier
from hermes_kanban.remote.access import Access
from hermes_kanban.remote.answers import Away, BrokenOff, Refused, Unknown
from hermes_kanban.remote.client import Gateways as Line
from hermes_kanban.remote.tools import RemoteToolbox
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.protocol import Protocol, Session
from hermes_kanban.surfaces.mcp.toolbox import CallResult, Tool
from hermes_kanban.verbs.caller import Caller
from tests.mcp.messages import MODERN_VERSION, call
from tests.remote.between import Proxy, page, proxy
from tests.remote.test_bridge import CLI, Afar
from tests.support.boards import ABoard
from tests.support.gateways import Gateways
from tests.support.waiting import wait_until

TOKEN = "default." + "a" * 43
COMMENT = {"name": "kanban_comment", "arguments": {"body": "counted"}}
RESULT: dict[str, Any] = {"content": [{"type": "text", "text": "comment 1"}]}


@pytest.fixture
def between() -> Iterator[Proxy]:
    with proxy() as made:
        yield made


def toolbox(between: Proxy, home: Path, patience: float = 1.0) -> RemoteToolbox:
    return RemoteToolbox(Access((between.address,), TOKEN, home, "the-run"), patience=patience)


def rpc(status: str, code: int, message: str, **headers: str) -> bytes:
    told = {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}
    return page(status, json.dumps(told), Content_Type="application/json", **headers)


def whole(result: dict[str, Any]) -> bytes:
    return page("200 OK", json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}))


class Faulty:
    """Tools that have a fault."""

    def tools(self) -> list[Tool]:
        return [Tool(name="kanban_complete", description="", schema={})]

    def call(self, name: str, arguments: dict[str, Any]) -> CallResult:
        raise KeyError(name, arguments)


def of_a_fault() -> bytes:
    """What a gateway answers whose tools have one."""
    protocol = Protocol(Faulty())
    turn = protocol.receive(Session(MODERN_VERSION), call(MODERN_VERSION, "kanban_complete"))
    return page("200 OK", json.dumps(protocol.perform(turn.calls[0]).body))


HALF = page("200 OK", '{"jsonrpc": "2.0", "id": 1, "res', Content_Length="400")


@pytest.mark.parametrize("answer", [
    HALF,
    page("200 OK"),
    page("204 No Content", ""),
    page("202 Accepted", '{"result": {}}'),
    page("503 Service Unavailable"),  # some proxies say so of a gateway that broke off
    rpc("200 OK", -32603, "Internal error"),
])  # fmt: skip
def test_a_call_whose_answer_is_cut_off_or_no_gateways_is_not_made_again(
    between: Proxy, tmp_path: Path, answer: bytes
) -> None:
    between.answer = answer
    told = toolbox(between, tmp_path).call("kanban_comment", {"body": "counted"})
    assert told.is_error
    assert "may still be done" in told.text
    assert len(between.requests) == 1


def test_what_ends_a_run_is_kept_when_its_answer_is_cut_off(between: Proxy, tmp_path: Path) -> None:
    between.answer = HALF
    told = toolbox(between, tmp_path, patience=0.1).call("kanban_complete", {"summary": "counted"})
    assert "your complete is kept on this machine" in told.text
    assert waiting(place(tmp_path)) == ["the-run"]
    between.answer = whole(RESULT)
    wait_until(lambda: not waiting(place(tmp_path)))


@pytest.mark.parametrize("answer", [
    page("401 Unauthorized", WWW_Authenticate='Basic realm="proxy"'),
    rpc("401 Unauthorized", -32001, "Unauthorized", WWW_Authenticate="Bearer scope=mcp"),
    # Our own, where a proxy took the token away.
    rpc("401 Unauthorized", -32600, "Unauthorized: send it",
        WWW_Authenticate='Bearer realm="hermes-kanban"'),
])  # fmt: skip
def test_only_a_gateway_can_say_that_a_run_is_over(
    between: Proxy, tmp_path: Path, answer: bytes
) -> None:
    between.answer = answer
    told = toolbox(between, tmp_path, patience=0.1).call("kanban_comment", {"body": "counted"})
    assert told.is_error
    assert "run is over" not in told.text
    assert "nothing was done" in told.text
    between.answer = rpc(
        "401 Unauthorized", -32600, "Unauthorized",
        WWW_Authenticate='Bearer realm="hermes-kanban", error="invalid_token"',
    )  # fmt: skip
    with pytest.raises(Unknown):
        Line((between.address,), TOKEN).ask("tools/call", COMMENT)


def test_an_answer_has_so_long_however_steadily_it_comes(between: Proxy) -> None:
    def slowly(line: socket.socket) -> None:
        text = json.dumps({"jsonrpc": "2.0", "id": 1, "result": RESULT})
        for one in page("200 OK", text + " " * 400):
            line.sendall(bytes([one]))
            time.sleep(0.02)

    between.answer = slowly
    with pytest.raises(BrokenOff, match="no whole answer within"):
        Line((between.address,), TOKEN, answer_seconds=0.3).ask("tools/call", COMMENT)


@pytest.mark.parametrize(("answer", "told"), [
    (page("302 Found", Location="https://login.example/?next=x"),
     "answers 302 and sends on to https://login.example/, as no gateway does"),
    (page("403 Forbidden"), "answers 403, as no gateway does"),
    (page("404 Not Found"), "answers 404, as no gateway does"),
    (page("413 Content Too Large"), "answers 413, as no gateway does"),
    (rpc("403 Forbidden", -32600, "Forbidden: not from there"), "403 Forbidden: not from there"),
    (rpc("421 Misdirected Request", -32600, "not served here"), "answers 421 not served here"),
    (rpc("400 Bad Request", -32020, "Header mismatch"), "answers 400 Header mismatch"),
    (page("429 Too Many Requests"), "answers 429"),
    (rpc("503 Service Unavailable", -32600, "try again"), "answers 503 try again"),
])  # fmt: skip
def test_what_a_person_can_put_right_is_told_and_what_waits_is_kept(
    between: Proxy, tmp_path: Path, answer: bytes, told: str
) -> None:
    between.answer = answer
    name = keep(between, tmp_path)
    heard: list[str] = []
    (still,) = courier.deliver_all(place(tmp_path), 0, heard.append)
    assert still.outcome == "waiting"
    assert told in still.said
    assert heard == [f"{name} waits: {still.said}"]
    assert waiting(place(tmp_path)) == [name]
    between.answer = whole(RESULT)
    (done,) = courier.deliver_all(place(tmp_path), 0, heard.append)
    assert (done.outcome, done.said, waiting(place(tmp_path))) == ("accepted", "comment 1", [])


@pytest.mark.parametrize("status", ["413 Content Too Large", "415 Unsupported", "406 No"])
def test_what_a_gateway_will_never_take_is_set_aside_with_its_reason(
    between: Proxy, tmp_path: Path, status: str
) -> None:
    between.answer = rpc(status, -32600, "a message has at most 16 bytes")
    keep(between, tmp_path)
    (done,) = courier.deliver_all(place(tmp_path), 0, list[str]().append)
    assert (done.outcome, done.said) == ("refused", "a message has at most 16 bytes")
    why = place(tmp_path) / "the-run-1.refused" / "why"
    assert why.read_text() == "a message has at most 16 bytes\n"
    with pytest.raises(Refused):
        Line((between.address,), TOKEN).ask("tools/call", COMMENT)


def test_a_pipe_in_place_of_a_file_that_waits_holds_up_no_courier(tmp_path: Path) -> None:
    folder = place(tmp_path)
    asked = HandOver(verb="complete", arguments={}, artifacts=["a"], kept_at=0, token=TOKEN)
    with (tmp_path / "file").open("w+b") as file:
        assert handovers.keep(folder, "the-run", asked, {"a": file.fileno()})
    copy = folder / "the-run" / handovers.FILES / "a"
    copy.unlink()
    os.mkfifo(copy)
    subprocess.run(
        [sys.executable, "-m", "hermes_kanban.remote.courier", folder], timeout=30, check=True
    )
    assert waiting(folder) == []
    why = folder / "the-run-1.refused" / "why"
    assert why.read_text() == "what it names is no regular file\n"


@pytest.mark.parametrize(("answer", "told"), [
    (of_a_fault(), "the board failed at this call (KeyError)"),
    (rpc("500 Internal Server Error", -32603, "Internal error: KeyError"),
     "answers 500 Internal error: KeyError"),
    (rpc("200 OK", -32603, "Internal error: KeyError"), "answers 200 Internal error: KeyError"),
])  # fmt: skip
def test_what_meets_a_fault_of_the_gateway_is_kept_and_its_agent_may_stop(
    between: Proxy, tmp_path: Path, answer: bytes, told: str
) -> None:
    between.answer = answer
    done = toolbox(between, tmp_path, patience=0.1).call("kanban_complete", {"summary": "counted"})
    assert (done.is_error, told in done.text) == (False, True)
    assert done.text.endswith("so stop here")
    assert "once more" not in done.text
    (still,) = courier.deliver_all(place(tmp_path), 0, list[str]().append)
    assert (still.outcome, told in still.said) == ("waiting", True)
    between.answer = whole(RESULT)
    wait_until(lambda: not waiting(place(tmp_path)))


def test_what_one_gateway_fails_at_another_takes(between: Proxy, tmp_path: Path) -> None:
    between.answer = of_a_fault()
    with proxy() as second:
        second.answer = whole(RESULT)
        both = Access((between.address, second.address), TOKEN, tmp_path, "the-run")
        done = RemoteToolbox(both, patience=5).call("kanban_complete", {"summary": "counted"})
    assert (done.is_error, done.text, waiting(place(tmp_path))) == (False, "comment 1", [])
    # The first may have done it all the same, so that the second was told of a repeat.
    assert b"Kanban-Kept: 1" not in between.requests[0]
    assert b"Kanban-Kept: 1" in second.requests[0]


def test_who_hangs_up_on_what_is_too_long_is_heard(between: Proxy) -> None:
    between.answer = page("413 Content Too Large")
    between.patient = False
    long = {"name": "kanban_comment", "arguments": {"body": "x" * 8_000_000}}
    with pytest.raises(Away, match="answers 413, as no gateway does"):
        Line((between.address,), TOKEN).ask("tools/call", long)


def test_nothing_is_sent_to_where_a_redirect_points(between: Proxy) -> None:
    with proxy() as target:
        target.answer = whole(RESULT)
        for status in ("301 Moved", "302 Found", "307 Temporary", "308 Permanent"):
            between.answer = page(status, Location=target.address)
            with pytest.raises(Away, match="sends on to"):
                Line((between.address,), TOKEN).ask("tools/call", COMMENT)
        assert target.requests == []
    assert len(between.requests) == 4


def keep(between: Proxy, home: Path) -> str:
    asked = HandOver(
        verb="complete", arguments={"summary": "counted"}, kept_at=1, token=TOKEN,
        addresses=[between.address],
    )  # fmt: skip
    assert handovers.keep(place(home), "the-run", asked, {})
    return "the-run"


def test_a_courier_writes_down_why_something_waits(between: Proxy, tmp_path: Path) -> None:
    between.answer = page("302 Found", Location="https://login.example/")
    keep(between, tmp_path)
    log = place(tmp_path) / courier.LOG
    courier.start(place(tmp_path))
    wait_until(lambda: log.exists() and "login.example" in log.read_text())
    wait_until(lambda: len(between.requests) > 2)
    assert len(log.read_text().splitlines()) == 1
    environment = {name: value for name, value in os.environ.items() if "KANBAN" not in name}
    done = subprocess.run(
        [*CLI, "deliver", "--timeout", "1s"], capture_output=True, text=True, check=False,
        env=environment | {"HERMES_KANBAN_STATE": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if "login.example" in line]) == 1
    between.answer = whole(RESULT)
    wait_until(lambda: not waiting(place(tmp_path)))
    wait_until(lambda: "the-run accepted: comment 1" in log.read_text())


def test_a_proxy_between_does_not_lose_what_ends_a_run(gateways: Gateways, tmp_path: Path) -> None:
    afar = Afar(gateways, tmp_path / "afar")
    with proxy(afar.port) as between:
        afar.addresses = [between.address]
        cut_off: list[bytes] = []

        def cut(line: socket.socket) -> None:
            cut_off.append(between.pass_on(between.requests[-1]))
            line.sendall(cut_off[0][:-20])
            between.answer = page("401 Unauthorized")

        between.answer = cut
        told = afar.toolbox.call("kanban_complete", {"summary": "counted"})
        assert b"is done" in cut_off[0]
        assert "your complete is kept on this machine" in told.text
        assert (afar.status, afar.waits) == ("done", ["the-run"])
        between.answer = None
        wait_until(lambda: afar.waits == [])
    assert (afar.story().count("completed"), "fenced" in afar.story()) == (1, False)
    assert not list(afar.kept.glob("*.refused"))
    afar.close()


@pytest.mark.stores("sqlite")
def test_a_gateway_without_room_is_asked_again(gateways: Gateways, tmp_path: Path) -> None:
    afar = Afar(gateways, tmp_path / "afar")
    limit(afar, 1)
    told = afar.toolbox.call("kanban_complete", {"summary": "counted", "result": "x" * 20_000})
    assert "no room" in told.text
    assert "your complete is kept on this machine" in told.text
    heard: list[str] = []
    (still,) = courier.deliver_all(afar.kept, 0, heard.append)
    assert (still.outcome, "no room" in still.said, afar.waits) == ("waiting", True, ["the-run"])
    limit(afar, -1)
    wait_until(lambda: afar.status == "done")
    wait_until(lambda: afar.waits == [])
    assert afar.story().count("completed") == 1
    afar.close()


def limit(afar: Afar, size: int) -> None:
    """How large a file of the gateway may grow: what a full disk is to it."""
    resource.prlimit(afar.gateway.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_private_authority_is_believed_by_its_file(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    program = (
        "import sys; from hermes_kanban.remote.client import Gateways;"
        "print(Gateways((sys.argv[1],), sys.argv[2]).ask('tools/list', {}))"
    )
    with proxy(context=context) as between:
        between.answer = whole({"tools": []})

        def ask(**variables: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-c", program, f"https://localhost:{between.port}/mcp", TOKEN],
                env=os.environ | variables, capture_output=True, text=True, check=False,
            )  # fmt: skip

        refused = ask().stderr
        assert "its certificate is not trusted: unable to get local issuer" in refused
        assert "SSL_CERT_FILE" in refused
        assert between.requests == []
        assert ask(SSL_CERT_FILE=str(tmp_path / "authority.pem")).stdout == "{'tools': []}\n"


@pytest.mark.stores("sqlite")
def test_a_board_without_room_takes_a_hand_over_later(board: ABoard) -> None:
    task = kb.claim_task(board.conn, board.create())
    assert task is not None
    caller = Caller(
        kind="worker",
        actor="profile:coder",
        profile="coder",
        task_id=task.id,
        run_id=task.current_run_id,
        claim_lock=task.claim_lock,
    )
    full = board.connect()
    pages = full.execute("PRAGMA page_count").fetchone()[0]
    full.execute(f"PRAGMA max_page_count = {pages}")
    toolbox = BoardToolbox(lambda: caller, use=lambda: contextlib.nullcontext(full))
    filled = toolbox.call("kanban_complete", {"summary": "s", "result": "x" * 100_000})
    assert (filled.is_error, "no room" in filled.later) == (True, True), filled.text
    wrong = toolbox.call("kanban_complete", {"summary": "s", "created_cards": ["t_none"]})
    assert (wrong.is_error, wrong.later) == (True, ""), wrong.text
    full.close()
