"""The chats of the gateway: what is wrong with one is told, and holds up nothing else."""

from __future__ import annotations

import socketserver
from http.server import BaseHTTPRequestHandler
from threading import Thread

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.subscriptions import subscribe
from hermes_kanban.notify.trial import send_test
from tests.chat.room import text_of
from tests.support.waiting import wait_until


def state(room, wanted: str) -> None:
    """Wait until the health record says that of Matrix, and troubles people with it if need be."""

    def look() -> bool:
        found = room.gateways.health()
        if found is None or wanted not in found.chat.get("matrix", ""):
            return False
        troubled = any(one.startswith("chat.matrix: ") for one in found.degraded)
        return troubled == (wanted != "connected")

    wait_until(look, message=f"{room.gateways.health()} {room.gateways.errors()[-2000:]}")


def test_what_is_wrong_is_told_and_a_change_of_the_configuration_is_taken_up(room):
    token = room.bot.token
    room.configure(access_token="env:KANBAN_TEST_TOKEN")
    room.gateways.start()
    state(
        room,
        "is in the environment variable KANBAN_TEST_TOKEN, which is not set",
    )
    room.configure(access_token="not-the-token-of-anybody")
    state(room, "chat.matrix.access_token is refused: ")
    room.configure(user="@somebody:kanban.test")
    state(room, "is of @bot")
    secret = room.gateways.home / "token"
    secret.write_text(f"{token}\n")
    room.configure(access_token=f"file:{secret}", rooms=[room.alias, "#nowhere:kanban.test"])
    # A room that is not there holds up none that is, and is told.
    state(room, "connected, but #nowhere:kanban.test cannot be joined: ")
    room.answer_to(room.mara.say(room.id, "!kanban stats"))
    room.gateways.configure({})
    wait_until(lambda: (found := room.gateways.health()) and not found.chat)
    told = room.gateways.errors() + "".join(room.gateways.log_lines())
    assert "#nowhere:kanban.test" in told
    assert "chat.stopped" in told
    assert token not in told
    assert "not-the-token-of-anybody" not in told


def test_rooms_that_cannot_be_joined_yet_are_named_and_hold_up_nobody(room):
    closed = room.mara.make_room(alias="closed")
    room.configure(rooms=[room.alias, "#closed:kanban.test", "!nobody-knows:kanban.test"])
    room.gateways.start()
    state(room, f"#closed:kanban.test cannot be joined: invite {room.bot.user} there")
    state(room, "!nobody-knows:kanban.test cannot be joined: ")
    room.answer_to(room.mara.say(room.id, "!kanban stats"))
    room.configure(rooms=[room.alias, "#closed:kanban.test"])
    state(room, "connected, but #closed:kanban.test cannot be joined")
    room.mara.ask("POST", f"/rooms/{closed}/invite", {"user_id": room.bot.user})
    state(room, "connected")


def test_a_server_that_is_none_of_matrix_is_told_as_such(room):
    with socketserver.TCPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        room.configure(homeserver=f"http://127.0.0.1:{other.server_address[1]}")
        room.gateways.start()
        state(room, "what answers is no Matrix server")
        other.shutdown()


def test_a_missing_package_is_one_line_and_tasks_are_dispatched(room, tmp_path):
    missing = tmp_path / "missing"
    missing.mkdir()
    (missing / "nio.py").write_text("raise ImportError('it is not here')\n")
    config = room.gateways.home / "config.yaml"
    config.write_text(config.read_text() + "profiles: {quick: {argv: [/bin/true]}}\n")
    room.gateways.start(PYTHONPATH=f"{missing}:.")
    state(room, "needs matrix-nio: pip install 'hermes-kanban[matrix]'")
    task_id = kb.create_task(room.gateways.conn, title="Quick", assignee="quick")
    room.gateways.wait_for(task_id, "done")
    lines = [one for one in room.gateways.log_lines() if "needs matrix-nio" in one]
    assert ["chat.refused" in one for one in lines] == [True, False]
    assert "health.degraded" in lines[1]


def test_one_gateway_listens_and_another_takes_over(room):
    first = room.start()
    second = room.gateways.start(wait=False)
    wait_until(lambda: "chat.standby" in room.gateways.errors())
    one = room.answer_to(room.mara.say(room.id, "!kanban create By the first"))
    room.gateways.kill(first)
    two = room.answer_to(room.mara.say(room.id, "!kanban create By the second"))
    assert text_of(one) != text_of(two)
    assert second.poll() is None
    assert len(kb.list_tasks(room.gateways.conn)) == 2


def test_nothing_is_sent_in_the_clear_where_others_speak_encrypted(room):
    conn, mara = room.gateways.conn, room.mara
    secret = mara.make_room(room.bot)
    settings = {"algorithm": "m.megolm.v1.aes-sha2"}
    mara.ask("PUT", f"/rooms/{secret}/state/m.room.encryption/", settings)
    sub = subscribe(conn, destination=f"matrix:{secret}")
    with pytest.raises(kb.KanbanError, match="is encrypted"):
        send_test(conn, sub)
    assert not [one for one in mara.hears(secret) if one["type"] == "m.room.message"]
