"""What stands between an agent and its gateway may answer in its stead, or cut an answer off."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.remote import client
from hermes_kanban.remote.client import Away, BrokenOff, Gateways, Refused, Unknown
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.verbs.caller import Caller
from tests.support.boards import ABoard

OURS = 'WWW-Authenticate: Bearer realm="hermes-kanban", error="invalid_token"\r\n'


class Between:
    """Whatever is asked of it, it answers the same; ``asked`` counts."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.asked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/mcp"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                with line:
                    while b"\r\n\r\n" not in line.recv(65_536):
                        pass
                    self.asked += 1
                    line.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@contextlib.contextmanager
def between(
    status: str, body: str, headers: str = "", length: int | None = None
) -> Iterator[Between]:
    """Something that answers so; ``length`` is what it says of its body."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {size}\r\n\r\n"
    made = Between((head + body).encode())
    try:
        yield made
    finally:
        made.close()


def call(one: Between, seconds: float = 0.5) -> dict[str, object]:
    params = {"name": "kanban_comment", "arguments": {"body": "said"}}
    return Gateways((one.address,), "kb1_x_y").ask(
        "tools/call", params, seconds=seconds, repeatable=False
    )


RESULT = '{"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "done"}]}}'


@pytest.mark.parametrize("length", [len(RESULT) + 7, len(RESULT)])
def test_an_answer_that_is_cut_off_may_have_been_taken_and_is_not_asked_for_again(
    length: int,
) -> None:
    body = RESULT if length > len(RESULT) else RESULT[:-9].ljust(len(RESULT))
    with between("200 OK", body, length=length) as one:
        with pytest.raises(BrokenOff):
            call(one)
        assert one.asked == 1


def test_only_a_gateway_says_that_a_run_is_over() -> None:
    with between("401 Unauthorized", "<html>who are you?</html>") as one, pytest.raises(Away):
        call(one)
    refused = '{"jsonrpc": "2.0", "id": null, "error": {"code": -1, "message": "no"}}'
    with between("401 Unauthorized", refused, OURS) as one, pytest.raises(Unknown):
        call(one)


def test_what_gets_no_better_is_refused_with_what_was_said() -> None:
    body = '{"jsonrpc": "2.0", "id": null, "error": {"code": -1, "message": "at most 3 bytes"}}'
    with (
        between("413 Content Too Large", body) as one,
        pytest.raises(Refused, match="at most 3 bytes"),
    ):
        call(one)
    with between("413 Content Too Large", "<html>too large</html>") as one, pytest.raises(Away):
        call(one)


def test_a_redirect_is_not_followed() -> None:
    with (
        between("200 OK", RESULT) as other,
        between("307 Temporary Redirect", "", f"Location: {other.address}\r\n") as one,
        pytest.raises(Away, match="307"),
    ):
        call(one)
    assert other.asked == 0


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.3)
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        line, _ = listener.accept()
        with line, contextlib.suppress(OSError):
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not ended.wait(0.05):
                line.sendall(b" ")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        with pytest.raises(BrokenOff, match="has not answered"):
            Gateways((address,), "kb1_x_y").ask("ping", {}, repeatable=False)
    finally:
        ended.set()
        thread.join()
        listener.close()


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
    assert (filled.is_error, filled.later) == (True, True), filled.text
    wrong = toolbox.call("kanban_complete", {"summary": "s", "created_cards": ["t_none"]})
    assert (wrong.is_error, wrong.later) == (True, False), wrong.text
    full.close()
