"""The gateway's log: one event a line, nothing secret, nothing that moves a cursor."""

from __future__ import annotations

import io
import json
import logging
import re
from pathlib import Path

import pytest

from hermes_kanban import logs
from hermes_kanban.config import LoggingSettings
from tests.support.log_as_before import log_as_before


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _log_as_before():
    with log_as_before():
        yield


@pytest.fixture
def stream() -> io.StringIO:
    """A strict log at level info, as JSON."""
    stream = io.StringIO()
    logs.configure(LoggingSettings(), stream, strict=True)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_keys(stream):
    log = logs.get_logger(board="default")
    log.info("worker.exited", task="t_abc", run=7, profile="lint", seconds=0.5, exit_code=0)
    (line,) = lines(stream)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert (line["event"], line["level"], line["board"]) == ("worker.exited", "info", "default")
    assert (line["task"], line["run"], line["seconds"], line["exit_code"]) == ("t_abc", 7, 0.5, 0)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", str(line["timestamp"]))


@pytest.mark.parametrize(
    ("chosen", "stream", "is_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("pretty", io.StringIO, False),
    ],
)
def test_the_format_follows_the_setting_and_the_terminal(chosen, stream, is_json):
    out = stream()
    logs.configure(LoggingSettings(format=chosen), out)
    logs.get_logger().info("gateway.stopped")
    assert "gateway.stopped" in out.getvalue()
    assert out.getvalue().startswith("{") is is_json


@pytest.mark.parametrize(("set_variable", "coloured"), [(False, True), (True, False)])
def test_colours_are_for_terminals_that_want_them(monkeypatch, set_variable, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if set_variable:
        monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    logs.configure(LoggingSettings(), out)
    logs.get_logger().info("gateway.stopped")
    assert ("\x1b[" in out.getvalue()) is coloured


def test_the_level_is_kept(stream):
    logs.get_logger().debug("gateway.stopped")
    assert lines(stream) == []


@pytest.mark.parametrize(
    ("level", "event", "keys", "wrong"),
    [
        ("info", "worker.spawnd", {}, "no event is called 'worker.spawnd'"),
        ("info", "worker.spawned", {"colour": "red"}, "worker.spawned has no key 'colour'"),
        ("info", "worker.failed", {}, "worker.failed is of level warning, not info"),
        ("info", "worker.spawned", {"pid": "7"}, "'pid' of worker.spawned is no whole number"),
        ("info", "worker.spawned", {"pid": True}, "'pid' of worker.spawned is no whole number"),
        ("info", "chat.done", {"ok": 1}, "'ok' of chat.done is no yes or no"),
    ],
)
def test_a_line_that_is_not_as_declared_is_refused_in_tests_and_flagged_in_service(
    stream, level, event, keys, wrong
):
    with pytest.raises(logs.UndeclaredLogEvent, match=re.escape(wrong)):
        getattr(logs.get_logger(), level)(event, **keys)
    assert lines(stream) == []
    out = io.StringIO()
    logs.configure(LoggingSettings(), out)
    getattr(logs.get_logger(), level)(event, **keys)
    assert lines(out)[0]["undeclared"] == wrong


def test_what_is_not_known_is_left_out(stream):
    logs.get_logger().info("worker.exited", task="t_a", run=1, exit_code=None)
    assert "exit_code" not in lines(stream)[0]


def test_secrets_are_hidden_by_key_and_by_shape_at_any_depth(stream):
    logs.get_logger().warning(
        "health.degraded",
        troubles=[{"API_KEY": "abc"}, "Authorization: Bearer abcdefghijkl", ("sk-" + "x" * 20,)],
    )
    logs.get_logger().error("config.rejected", error="see postgresql://me:hunter2@here/board")
    text = stream.getvalue()
    for secret in ("abc", "abcdefghijkl", "xxxx", "hunter2"):
        assert secret not in text
    assert "postgresql://me:[redacted]@here/board" in text


def test_a_value_stays_on_its_line_and_moves_no_cursor(stream):
    logs.get_logger().warning(
        "worker.failed", error="one\r\ntwo\x1b[31m\x1b]0;title\x07\u202e three\0"
    )
    assert lines(stream)[0]["error"] == "one two three"
    assert stream.getvalue().count("\n") == 1


def test_a_long_value_is_cut(stream):
    logs.get_logger().warning("worker.failed", error="x" * 100_000)
    assert len(stream.getvalue()) < 10_000


def test_any_value_can_be_logged(stream):
    ring: list[object] = []
    ring.append(ring)
    logs.get_logger().warning("health.degraded", troubles=ring)
    logs.get_logger().error("config.rejected", error=ValueError("\ud800 bad"))
    assert lines(stream)[1]["error"] == "bad"


@pytest.mark.parametrize("chosen", ["json", "pretty"])
def test_a_trace_is_kept_and_cleaned(chosen):
    out = io.StringIO()
    logs.configure(LoggingSettings(format=chosen), out)
    try:
        int("token=abcdef \x1b[31mred")
    except ValueError:
        logs.get_logger().exception("watcher.failed", watcher="dispatcher")
    assert "ValueError: invalid literal" in out.getvalue()
    assert "token=[redacted]" in out.getvalue()
    assert "abcdef" not in out.getvalue()
    assert "Traceback" in out.getvalue()


def test_libraries_join_the_log(stream):
    logging.getLogger("asyncio").error("took %d seconds", 3)
    logging.getLogger("aiosqlite").debug("chatter")
    (line,) = lines(stream)
    assert (line["event"], line["level"]) == ("library.message", "error")
    assert (line["logger"], line["message"]) == ("asyncio", "took 3 seconds")


def test_configuring_again_replaces_the_stream(stream):
    second = io.StringIO()
    logs.configure(LoggingSettings(), second)
    logs.get_logger().info("gateway.stopped")
    logging.getLogger("asyncio").error("once")
    assert stream.getvalue() == ""
    assert len(lines(second)) == 2


def test_a_stream_that_is_gone_stops_nobody(stream):
    stream.close()
    logs.get_logger().info("gateway.stopped")


def test_a_stream_of_few_characters_gets_escapes():
    raw = io.BytesIO()
    logs.configure(LoggingSettings(), io.TextIOWrapper(raw, encoding="ascii"))
    logs.get_logger().warning("worker.failed", error="naïve 😀")
    assert json.loads(raw.getvalue())["error"] == "naïve 😀"


def test_a_file_keeps_the_lines_as_json_and_is_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "gateway.log"
    monkeypatch.setattr(logs, "FILE_ROTATE_BYTES", 1)
    logs.configure(LoggingSettings(format="pretty"), io.StringIO(), file=kept)
    logs.get_logger(board="default").info("dispatch.took_over")
    rotated = tmp_path / "gateway.log.1"
    assert json.loads(rotated.read_text())["event"] == "dispatch.took_over"
    assert rotated.stat().st_mode & 0o777 == 0o600
    assert not kept.exists()
