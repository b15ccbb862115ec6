"""The server over HTTP, behind a real uvicorn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from hermes_kanban.surfaces.mcp.http import THREADS, McpApp
from hermes_kanban.surfaces.mcp.jsonrpc import MESSAGE_BYTES
from hermes_kanban.surfaces.mcp.protocol import HANDSHAKE, Protocol
from tests.mcp import boxes
from tests.mcp.messages import (
    EVERY_VERSION,
    MODERN_VERSION,
    at,
    call,
    envelope,
    initialize,
    notification,
    request,
)
from tests.mcp.web import TOKEN, Answer, Web, served
from tests.support.waiting import wait_until

every_version = pytest.mark.parametrize("version", EVERY_VERSION)
OLD = {"MCP-Protocol-Version": "2025-11-25"}


def authenticate(token: str) -> Protocol | None:
    if token == "the-token-that-breaks":
        raise RuntimeError("password=hunter2hunter2")
    return boxes.protocol() if token.startswith(TOKEN) else None


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with served(McpApp(authenticate)) as web:
        yield web


def ask_at(web: Web, version: str, message: dict[str, Any]) -> Answer:
    if version == MODERN_VERSION:
        return web.ask_modern(message)
    return web.ask(message, {"MCP-Protocol-Version": version})


def text(answer: Answer) -> str:
    return str(answer.body["result"]["content"][0]["text"])


def code(answer: Answer) -> int:
    return int(answer.body["error"]["code"])


@every_version
def test_a_call_is_answered_in_json(web: Web, version: str) -> None:
    asked = call(version, "tell", text="hello")
    answer = ask_at(web, version, asked)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body["id"] == asked["id"]
    assert text(answer) == "tell hello"


@pytest.mark.parametrize("version", HANDSHAKE)
def test_a_handshake_makes_no_session(web: Web, version: str) -> None:
    answer = web.ask(initialize(version))
    assert answer.body["result"]["protocolVersion"] == version
    assert "mcp-session-id" not in answer.headers
    told = {"MCP-Protocol-Version": version, "Mcp-Session-Id": "of an earlier gateway"}
    assert web.ask(notification("notifications/initialized"), told).status == 202
    assert web.ask(request("tools/list"), told).status == 200


def test_a_client_that_names_no_version_has_that_which_did_not_ask_for_it(web: Web) -> None:
    asked = [request("ping"), call("2025-03-26", "tell")]
    answer = web.ask(asked)
    assert answer.status == 200
    assert [one["id"] for one in answer.body] == [one["id"] for one in asked]
    assert web.ask([notification("notifications/initialized")]).status == 202
    assert web.ask(asked, OLD).status == 400


@pytest.mark.parametrize(
    "message",
    [
        notification("notifications/cancelled", requestId=1),
        {"jsonrpc": "2.0", "id": 1, "result": {}},
    ],
)
def test_what_is_owed_no_answer_is_accepted(web: Web, message: Any) -> None:
    answer = web.ask(message, OLD)
    assert (answer.status, answer.body) == (202, None)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_is_neither_stream_nor_session(web: Web, method: str) -> None:
    answer = web.ask(headers={"Accept": "text/event-stream"}, method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


# Who may come in


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer  ", "Basic dXNlcjpwYXNz", TOKEN])
def test_without_a_token_nothing_is_answered(web: Web, given: str | None) -> None:
    for method in ("POST", "GET"):
        answer = web.ask(request("ping"), {"Authorization": given}, method=method)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="hermes-kanban"'


def test_a_token_of_no_run_is_told_so(web: Web) -> None:
    answer = web.ask(request("ping"), {"Authorization": "Bearer of-another-run"})
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_the_scheme_of_a_token_may_be_spelt_as_one_likes(web: Web) -> None:
    assert web.ask(request("ping"), {"Authorization": f"bEARER {TOKEN}"}).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:9", 200),
        ("board.example", 421),
        ("127.0.0.1.board.example", 421),
        ("localhost:80:80", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_lead_here(web: Web, host: str, status: int) -> None:
    assert web.ask(request("ping"), {"Host": host}).status == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("https://127.0.0.1", 200),
        ("http://[::1]:5173", 200),
        ("https://board.example", 403),
        ("http://localhost.board.example", 403),
        ("http://[::1", 403),
        ("file://localhost", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_only_pages_of_this_machine_may_ask(web: Web, origin: str, status: int) -> None:
    assert web.ask(request("ping"), {"Origin": origin}).status == status


def test_other_names_and_pages_are_allowed_by_name() -> None:
    app = McpApp(authenticate, hosts=["Board.example"], origins=["https://Board.example"])
    with served(app) as web:
        told = {"Host": "board.example:443", "Origin": "https://board.example"}
        assert web.ask(request("ping"), told).status == 200
        assert web.ask(request("ping"), told | {"Origin": "https://other.example"}).status == 403
        assert web.ask(request("ping"), {"Host": "localhost"}).status == 200


# What a request must look like


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": None}, 415),
        ({"Accept": None}, 200),
        ({"Accept": "*/*"}, 200),
        ({"Accept": "application/*;q=0.5"}, 200),
        ({"Accept": "text/event-stream"}, 406),
        ({"MCP-Protocol-Version": "1900-01-01"}, 400),
    ],
)
def test_headers_that_are_no_use_are_refused(
    web: Web, headers: dict[str, str | None], status: int
) -> None:
    assert web.ask(request("ping"), headers).status == status


@pytest.mark.parametrize(("body", "error"), [(b"{", -32700), (b"", -32700), (b"5", -32600)])
def test_a_body_that_is_no_message_is_a_bad_request(web: Web, body: bytes, error: int) -> None:
    answer = web.ask(body, OLD)
    assert (answer.status, code(answer)) == (400, error)


def test_a_body_may_be_ten_megabytes_but_not_twenty(web: Web) -> None:
    answer = web.ask(call("2025-11-25", "tell", text="x" * 10_000_000), OLD)
    assert len(text(answer)) == len("tell ") + 10_000_000
    assert web.ask(bytes(MESSAGE_BYTES + 1), OLD).status == 413


def test_a_body_without_a_length_is_measured_as_it_comes(web: Web) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    body = chunk * (MESSAGE_BYTES // 0x10000 + 1) + b"0\r\n\r\n"
    headers: dict[str, str | None] = {"Transfer-Encoding": "chunked", "Content-Length": None}
    assert web.ask(body, headers).status == 413


def test_a_client_that_leaves_in_the_middle_harms_nobody(web: Web) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", web.port)) as half:
        half.sendall(
            b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + TOKEN.encode() + b"\r\nContent-Length: 100\r\n\r\n{"
        )
    assert web.ask(request("ping"), OLD).status == 200


def test_a_message_whose_end_never_came_is_not_acted_on() -> None:
    """It may be a whole message all the same, as here."""
    called: list[str] = []
    sent: list[Any] = []

    class Watched(boxes.Box):
        def call(self, name: str, arguments: dict[str, Any]) -> Any:
            called.append(name)
            return super().call(name, arguments)

    async def leave() -> None:
        body = msgspec.json.encode(call("2025-11-25", "note"))
        events = [
            {"type": "http.request", "body": body, "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> Any:
            return events.pop(0)

        async def send(event: Any) -> None:
            sent.append(event)

        headers = {
            "host": "localhost",
            "authorization": f"Bearer {TOKEN}",
            "content-type": "application/json",
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "headers": raw}
        await McpApp(lambda _: Protocol(Watched()))(scope, receive, send)

    anyio.run(leave)
    assert (called, sent) == ([], [])


def test_an_error_of_ours_is_told_by_its_kind(web: Web, capfd: pytest.CaptureFixture[str]) -> None:
    answer = web.ask(request("ping"), {"Authorization": "Bearer the-token-that-breaks"})
    assert (answer.status, code(answer)) == (500, -32603)
    assert "hunter2" not in str(answer.body) + capfd.readouterr().err


@pytest.mark.parametrize("version", HANDSHAKE)
def test_errors_of_a_call_were_answers_like_another(web: Web, version: str) -> None:
    told = {"MCP-Protocol-Version": version}
    answer = web.ask(request("none/such"), told)
    assert (answer.status, code(answer)) == (200, -32601)
    answer = web.ask(call(version, "none"), told)
    assert (answer.status, code(answer)) == (200, -32602)


# Since 2026-07-28 a request says the same in its headers and in itself


@pytest.mark.parametrize(
    ("message", "status", "error"),
    [
        (at(MODERN_VERSION, "none/such"), 404, -32601),
        (at(MODERN_VERSION, "ping"), 404, -32601),
        (call(MODERN_VERSION, "none"), 400, -32602),
        (request("tools/list"), 400, -32602),
        (request("tools/list", {"_meta": {}}), 400, -32602),
        ({"jsonrpc": "2.0", "id": None, "method": "tools/list"}, 400, -32600),
    ],
)
def test_errors_have_a_status_of_their_own(
    web: Web, message: dict[str, Any], status: int, error: int
) -> None:
    answer = web.ask_modern(message)
    assert (answer.status, code(answer)) == (status, error)


@pytest.mark.parametrize(
    "headers",
    [
        {"MCP_Protocol_Version": None},
        {"MCP_Protocol_Version": "2025-11-25"},
        {"MCP_Protocol_Version": "1900-01-01"},
        {"Mcp_Method": None},
        {"Mcp_Method": "tools/list"},
        {"Mcp_Method": "TOOLS/CALL"},
        {"Mcp_Name": None},
        {"Mcp_Name": "note"},
        {"Mcp_Name": "=?base64?bm90ZQ==?="},
        {"Mcp_Name": "=?base64?no base?="},
        {"Mcp_Name": "=?base64?/w==?="},
    ],
)
def test_headers_that_say_something_else_are_a_mismatch(
    web: Web, headers: dict[str, str | None]
) -> None:
    asked = call(MODERN_VERSION, "tell")
    answer = web.ask_modern(asked, **headers)
    assert (answer.status, code(answer), answer.body["id"]) == (400, -32020, asked["id"])


def test_a_header_that_stands_there_twice_is_a_mismatch(web: Web) -> None:
    mirrors = {"MCP-Protocol-Version": MODERN_VERSION, "Mcp-Method": "tools/list"}
    for name, value in mirrors.items():
        asked = at(MODERN_VERSION, "tools/list")
        answer = web.ask(asked, dict(mirrors), more=((name, value),))
        assert (answer.status, code(answer)) == (400, -32020)


def test_a_name_may_come_encoded(web: Web) -> None:
    asked = call(MODERN_VERSION, "tell", text="x")
    assert text(web.ask_modern(asked, Mcp_Name="=?base64?dGVsbA==?=")) == "tell x"


def test_a_version_that_is_not_served_is_named_with_those_that_are(web: Web) -> None:
    asked = request("tools/list", envelope("2030-01-01"))
    answer = web.ask_modern(asked, MCP_Protocol_Version="2030-01-01")
    assert (answer.status, code(answer)) == (400, -32022)
    assert answer.body["error"]["data"]["requested"] == "2030-01-01"
    assert set(answer.body["error"]["data"]["supported"]) == set(EVERY_VERSION)


def test_modern_messages_come_one_by_one_and_are_no_responses(web: Web) -> None:
    told = {"MCP-Protocol-Version": MODERN_VERSION}
    assert web.ask([at(MODERN_VERSION, "tools/list")], told).status == 400
    assert web.ask({"jsonrpc": "2.0", "id": 1, "result": {}}, told).status == 400
    assert web.ask(notification("notifications/cancelled", requestId=1), told).status == 202


# Calls at the same time


def test_calls_that_read_overlap(web: Web, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = call("2025-11-25", "wait", file=str(tmp_path / "go"))
        slow = [pool.submit(web.ask, asked, OLD) for _ in range(8)]
        assert text(web.ask(call("2025-11-25", "tell", text="quick"), OLD)) == "tell quick"
        assert not any(one.done() for one in slow)
        (tmp_path / "go").touch()
        assert {text(one.result()) for one in slow} == {"wait "}


def test_changes_of_one_caller_wait_for_each_other_and_for_nobody_else(
    web: Web, tmp_path: Path
) -> None:
    other: dict[str, str | None] = {"Authorization": f"Bearer {TOKEN}-of-another", **OLD}
    with ThreadPoolExecutor(2) as pool:
        files = {"begun": str(tmp_path / "begun"), "file": str(tmp_path / "go")}
        first = pool.submit(web.ask, call("2025-11-25", "note", **files), OLD)
        wait_until((tmp_path / "begun").exists)
        second = pool.submit(web.ask, call("2025-11-25", "note", text="mine"), OLD)
        for _ in range(5):
            assert text(web.ask(call("2025-11-25", "note", text="hers"), other)) == "note hers"
        assert not second.done()
        (tmp_path / "go").touch()
        assert (text(first.result()), text(second.result())) == ("note ", "note mine")


def test_a_call_that_takes_too_long_is_answered(tmp_path: Path) -> None:
    with served(McpApp(authenticate, call_seconds=0.2)) as web:
        for tool in ("wait", "note"):
            answer = web.ask(call("2025-11-25", tool, file=str(tmp_path / "go")), OLD)
            assert answer.status == 200
            assert answer.body["result"]["isError"] is True
            assert "kanban_show" in text(answer)
        (tmp_path / "go").touch()
        after = call("2025-11-25", "note", text="after")
        wait_until(lambda: text(web.ask(after, OLD)) == "note after")


def test_no_more_calls_run_than_there_are_threads(tmp_path: Path) -> None:
    running, most, lock = 0, 0, threading.Lock()

    class Counting(boxes.Box):
        def call(self, name: str, arguments: dict[str, Any]) -> Any:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            answer = super().call(name, arguments)
            with lock:
                running -= 1
            return answer

    asked = call("2025-11-25", "wait", file=str(tmp_path / "go"))
    with (
        served(McpApp(lambda _: Protocol(Counting()))) as web,
        ThreadPoolExecutor(THREADS + 8) as pool,
    ):
        slow = [pool.submit(web.ask, asked, OLD) for _ in range(THREADS + 8)]
        wait_until(lambda: running == THREADS)
        (tmp_path / "go").touch()
        assert {one.result().status for one in slow} == {200}
    assert most <= THREADS
