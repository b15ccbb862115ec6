"""What each version of the protocol answers, without any transport."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import mcp_types.methods
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from hermes_kanban.surfaces.mcp import protocol as ours
from hermes_kanban.surfaces.mcp.jsonrpc import decode
from hermes_kanban.surfaces.mcp.protocol import HANDSHAKE, MODERN, Protocol, Session
from tests.mcp import boxes
from tests.mcp.messages import (
    EVERY_VERSION,
    MODERN_VERSION,
    Speaker,
    at,
    call,
    envelope,
    initialize,
    notification,
    request,
)

every_version = pytest.mark.parametrize("version", EVERY_VERSION)
every_handshake = pytest.mark.parametrize("version", HANDSHAKE)


@pytest.fixture
def say() -> Any:
    """A new connection that has agreed on nothing."""
    return Speaker(boxes.protocol()).say


def error(answer: Any) -> tuple[int, str]:
    return answer["error"]["code"], answer["error"]["message"]


def test_we_serve_the_versions_that_the_sdk_knows() -> None:
    assert HANDSHAKE == HANDSHAKE_PROTOCOL_VERSIONS
    assert MODERN == MODERN_PROTOCOL_VERSIONS
    assert metadata.version("hermes-kanban") == ours.SERVER_VERSION


# What is answered, held against the SDK's own shapes


@every_version
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/list", {}),
        ("tools/call", {"name": "tell", "arguments": {"text": "hello"}}),
        ("tools/call", {"name": "tell"}),
        ("server/discover", {}),
        ("ping", {}),
        ("logging/setLevel", {"level": "info"}),
    ],
)
def test_results_have_the_shape_of_their_version(
    version: str, method: str, params: dict[str, Any]
) -> None:
    answer = Speaker(boxes.protocol(), version).say(at(version, method, params))
    if (method, version) not in mcp_types.methods.CLIENT_REQUESTS:
        assert error(answer) == (-32601, f"Method not found: {method}")
        return
    mcp_types.methods.validate_server_result(method, version, answer["result"])
    assert ("resultType" in answer["result"]) is (version == MODERN_VERSION)


@every_handshake
def test_a_handshake_agrees_on_the_version_that_was_asked_for(version: str, say: Any) -> None:
    answer = say(initialize(version))
    mcp_types.methods.validate_server_result("initialize", version, answer["result"])
    assert answer["result"] == {
        "protocolVersion": version,
        "serverInfo": {"name": "board", "version": ours.SERVER_VERSION},
        "capabilities": {"tools": {}},
        "instructions": boxes.INSTRUCTIONS,
    }
    assert say(notification("notifications/initialized")) is None
    assert len(say(at(version, "tools/list"))["result"]["tools"]) == 4


@pytest.mark.parametrize("asked", ["2023-01-01", "2026-07-28", "zzz", ""])
def test_a_handshake_over_another_version_offers_the_newest_that_has_one(
    asked: str, say: Any
) -> None:
    assert say(initialize(asked))["result"]["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize("params", [None, {}, {"protocolVersion": 1}])
def test_a_handshake_must_name_a_version(params: Any, say: Any) -> None:
    assert error(say(request("initialize", params)))[0] == -32602


def test_a_handshake_is_one_though_it_carries_an_envelope(say: Any) -> None:
    message = initialize("2025-06-18")
    message["params"] |= envelope()
    assert say(message)["result"]["protocolVersion"] == "2025-06-18"


def test_no_instructions_are_left_out() -> None:
    answer = Speaker(Protocol(boxes.Box())).say(initialize("2025-11-25"))
    assert "instructions" not in answer["result"]


def test_before_a_handshake_only_a_ping_is_answered(say: Any) -> None:
    assert say(request("ping"))["result"] == {}
    code, message = error(say(request("tools/list")))
    assert code == -32602
    assert "initialize" in message
    assert "io.modelcontextprotocol/protocolVersion" in message


def test_a_modern_request_needs_no_handshake_and_leaves_none_behind(say: Any) -> None:
    assert say(at(MODERN_VERSION, "tools/list"))["result"]["resultType"] == "complete"
    assert error(say(request("tools/list")))[0] == -32602


def test_both_eras_may_share_a_connection(say: Any) -> None:
    say(initialize("2025-06-18"))
    assert say(at(MODERN_VERSION, "tools/list"))["result"]["ttlMs"] > 0
    assert "ttlMs" not in say(at("2025-06-18", "tools/list"))["result"]


def test_discovery_names_every_version_the_newest_first(say: Any) -> None:
    result = say(at(MODERN_VERSION, "server/discover"))["result"]
    assert result["supportedVersions"] == sorted(EVERY_VERSION, reverse=True)
    assert result["instructions"] == boxes.INSTRUCTIONS
    assert result["cacheScope"] == "private"
    served = result["_meta"]["io.modelcontextprotocol/serverInfo"]
    assert served["name"] == "board"


@pytest.mark.parametrize("version", ["2025-11-25", "1900-01-01"])
def test_a_version_that_requests_cannot_name_is_refused_with_those_that_are_served(
    version: str, say: Any
) -> None:
    answer = say(request("tools/list", envelope(version)))
    assert error(answer)[0] == -32022
    assert answer["error"]["data"]["requested"] == version
    assert set(answer["error"]["data"]["supported"]) == set(EVERY_VERSION)


def test_an_envelope_without_capabilities_or_with_an_odd_version_is_invalid(say: Any) -> None:
    half = {"_meta": {"io.modelcontextprotocol/protocolVersion": MODERN_VERSION}}
    assert error(say(request("tools/list", half)))[0] == -32602
    assert error(say(request("tools/list", envelope(5))))[0] == -32602


# Tools


@every_version
def test_tools_are_described_with_what_a_client_would_not_assume(version: str) -> None:
    tools = Speaker(boxes.protocol(), version).say(at(version, "tools/list"))["result"]["tools"]
    assert [tool["name"] for tool in tools] == ["tell", "wait", "note", "fail"]
    assert tools[0] == {
        "name": "tell",
        "description": "Say it.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    }
    assert tools[2]["annotations"] == {
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    }
    assert tools[3]["annotations"] == {"openWorldHint": False}


@every_version
def test_a_call_is_answered_in_text_alone(version: str) -> None:
    say = Speaker(boxes.protocol(), version).say
    result = say(call(version, "tell", text="hello"))["result"]
    assert result["content"] == [{"type": "text", "text": "tell hello"}]
    assert result.keys() <= {"content", "resultType", "_meta"}
    assert say(call(version, "tell", wrong=True))["result"]["isError"] is True


@every_version
def test_a_tool_that_is_not_there_is_an_error_that_names_those_that_are(version: str) -> None:
    answer = Speaker(boxes.protocol(), version).say(call(version, "x" * 1000))
    assert error(answer) == (
        -32602,
        f"Unknown tool: {'x' * 64}; there are: tell, wait, note, fail",
    )


@pytest.mark.parametrize("params", [{}, {"name": 3}, {"name": "tell", "arguments": [1]}])
def test_a_call_must_name_a_tool_and_its_arguments(params: dict[str, Any]) -> None:
    say = Speaker(boxes.protocol(), "2025-11-25").say
    assert error(say(request("tools/call", params)))[0] == -32602


def test_a_tool_that_fails_says_no_more_than_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    result = Speaker(boxes.protocol(), "2025-11-25").say(call("2025-11-25", "fail"))["result"]
    assert result["isError"] is True
    told = result["content"][0]["text"]
    assert "ZeroDivisionError" in told
    assert "Traceback" not in told
    assert "hunter2" not in told + capsys.readouterr().err


def test_a_toolbox_that_cannot_say_what_it_has_is_an_internal_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say = Speaker(Protocol(boxes.Broken()), "2025-11-25").say
    for asked in (request("tools/list"), call("2025-11-25", "tell")):
        code, message = error(say(asked))
        assert code == -32603
        assert "/secret" not in message
    assert "/secret/place" in capsys.readouterr().err


def test_there_is_one_page_of_tools() -> None:
    say = Speaker(boxes.protocol(), "2025-11-25").say
    assert "nextCursor" not in say(request("tools/list", {}))["result"]
    assert error(say(request("tools/list", {"cursor": "2"})))[0] == -32602


@pytest.mark.parametrize("params", [{}, {"level": "loud"}, {"level": ["info"]}])
def test_a_level_that_does_not_exist_cannot_be_set(params: dict[str, Any]) -> None:
    say = Speaker(boxes.protocol(), "2025-11-25").say
    assert error(say(request("logging/setLevel", params)))[0] == -32602


# Messages that are none


@pytest.mark.parametrize(
    ("message", "answered_id", "code"),
    [
        (5, None, -32600),
        ("ping", None, -32600),
        (None, None, -32600),
        ({}, None, -32600),
        ({"jsonrpc": "2.0", "id": 1}, 1, -32600),
        ({"id": 1, "method": "ping"}, 1, -32600),
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, 1, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, None, -32600),
        ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, None, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, None, -32600),
        ({"jsonrpc": "2.0", "id": "\ud800", "method": "ping"}, None, -32600),
        ({"jsonrpc": "2.0", "id": "a", "method": 7}, "a", -32600),
        ({"jsonrpc": "2.0", "id": "a", "method": "ping", "params": [1]}, "a", -32602),
        ({"jsonrpc": "2.0", "id": "a", "method": "none/such"}, "a", -32601),
    ],
)
def test_a_bad_message_is_answered_with_what_is_wrong(
    message: Any, answered_id: Any, code: int
) -> None:
    answer = Speaker(boxes.protocol(), "2025-11-25").say(message)
    assert answer["id"] == answered_id
    assert error(answer)[0] == code


@pytest.mark.parametrize(
    "message",
    [
        notification("notifications/initialized"),
        notification("notifications/progress", progressToken=1, progress=1),
        notification("notifications/cancelled", requestId=99),
        notification("notifications/cancelled"),
        notification("none/such"),
        {"jsonrpc": "2.0", "method": "ping", "params": [1]},
        {"jsonrpc": "2.0", "id": 4, "result": {}},
        {"jsonrpc": "2.0", "id": 4, "error": {"code": 1, "message": "no"}},
    ],
)
def test_notifications_and_responses_are_never_answered(message: Any) -> None:
    assert Speaker(boxes.protocol(), "2025-11-25").say(message) is None


_METHODS = (
    *("initialize", "ping", "tools/list", "tools/call", "server/discover", "logging/setLevel"),
    *("notifications/cancelled", "none/such"),
)
_VALUES = st.recursive(
    st.sampled_from([None, True, 0, -7, 2**70, 0.5, "", "tell", "\ud83d", MODERN_VERSION]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["_meta", "name", "arguments", "level", "cursor", "requestId", "protocolVersion"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
_MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": st.sampled_from(_METHODS)},
    optional={"id": _VALUES, "params": _VALUES | st.just(envelope()), "result": _VALUES},
)


@given(st.sampled_from([None, *EVERY_VERSION]), _MESSAGES | st.lists(_MESSAGES, max_size=3))
def test_no_message_is_too_odd_for_an_answer(version: str | None, message: Any) -> None:
    Speaker(boxes.protocol(), version).say(message)


# Batches, which one version has


def test_a_batch_is_answered_by_one_array() -> None:
    say = Speaker(boxes.protocol(), "2025-03-26").say
    asked = [request("ping"), notification("none/such"), call("2025-03-26", "tell"), 5]
    answers = say([*asked, initialize("2025-03-26")])
    assert {answer["id"] for answer in answers} >= {asked[0]["id"], asked[2]["id"]}
    assert sorted(answer["error"]["code"] for answer in answers if "error" in answer) == [
        -32600,
        -32600,
    ]
    assert len(answers) == 4


def test_a_batch_that_is_owed_nothing_is_not_answered() -> None:
    say = Speaker(boxes.protocol(), "2025-03-26").say
    assert say([notification("notifications/initialized")]) is None


def test_an_empty_batch_is_one_error() -> None:
    answer = Speaker(boxes.protocol(), "2025-03-26").say([])
    assert error(answer)[0] == -32600
    assert answer["id"] is None


@pytest.mark.parametrize("version", [None, *(v for v in EVERY_VERSION if v != "2025-03-26")])
def test_the_other_versions_have_no_batches(version: str | None) -> None:
    answer = Speaker(boxes.protocol(), version).say([request("ping")])
    assert error(answer)[0] == -32600


# One turn, settled once


def _asked(*names: str, batch: bool = False) -> tuple[Protocol, Any]:
    protocol = boxes.protocol()
    messages = [call("2025-03-26", name) for name in names]
    session = Session("2025-03-26")
    return protocol, protocol.receive(session, messages if batch else messages[0])


def test_a_call_that_was_cancelled_is_not_answered() -> None:
    protocol, turn = _asked("tell")
    assert turn.cancel(turn.calls[0].id) is None
    assert turn.done
    assert turn.settle(turn.calls[0], protocol.perform(turn.calls[0])) is None


def test_cancelling_twice_or_what_nobody_asked_changes_nothing() -> None:
    _, turn = _asked("tell", "tell", batch=True)
    assert turn.cancel("another") is None
    assert turn.open_calls() == turn.calls
    turn.cancel(turn.calls[0].id)
    assert turn.cancel(turn.calls[0].id) is None
    assert turn.open_calls() == [turn.calls[1]]


def test_a_batch_is_sent_when_its_last_open_call_is_cancelled() -> None:
    protocol, turn = _asked("tell", "tell", batch=True)
    first, second = turn.calls
    assert turn.settle(first, protocol.perform(first)) is None
    answers = decode(turn.cancel(second.id) or b"")
    assert isinstance(answers, list)
    assert [answer["id"] for answer in answers] == [first.id]


def test_what_is_given_up_is_answered_once() -> None:
    protocol, turn = _asked("tell")
    (one,) = turn.calls
    given_up = decode(turn.settle(one, protocol.give_up(one)) or b"")
    assert isinstance(given_up, dict)
    assert given_up["result"]["isError"] is True
    assert "kanban_show" in given_up["result"]["content"][0]["text"]
    assert turn.settle(one, protocol.perform(one)) is None


# Bytes


@pytest.mark.parametrize(
    "raw", [b"{", b"\xff\xfe", b"[" * 5000, b'{"a":NaN}', b"{} {}", b"'x'", b'"\xed\xa0\x80"']
)
def test_what_is_no_json_is_a_parse_error(raw: bytes) -> None:
    with pytest.raises(ours.Failure) as caught:
        decode(raw)
    assert caught.value.code == -32700


def test_half_a_character_is_kept_for_the_tool_to_refuse() -> None:
    assert decode(rb'{"a":"\ud83d"}') == {"a": "\ud83d"}
    answer = Speaker(boxes.protocol(), "2025-11-25").say(
        call("2025-11-25", "tell", text="half \ud83d")
    )
    assert answer["result"]["content"][0]["text"] == "tell half ?"
