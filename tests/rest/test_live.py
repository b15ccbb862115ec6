"""The live socket: events without gap or double, logs, the gateway, and who may listen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hermes_kanban import kernel as kb
from tests.rest.client import PROGRAM, Client, Served
from tests.rest.live_client import Page, page
from tests.rest.test_doors import Browser, code_of, new_link

WRITER = """
import sys
from hermes_kanban import kernel as kb

conn = kb.connect()
for at in range(int(sys.argv[1])):
    task = kb.create_task(conn, title=f"n{at}")
    kb.prioritise_task(conn, task, at % 5 + 1)
"""


def writer(count: int) -> subprocess.Popen[bytes]:
    """Another program that writes two events a task."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(count)],
        env=os.environ | {"HERMES_KANBAN_DURABILITY": "normal"},
    )


def refused(client: Client, status: int, **how: Any) -> None:
    with pytest.raises(InvalidStatus) as told, page(client, **how):
        pass
    response = told.value.response
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.body or b"")["status"] == status


def test_nobody_listens_without_a_proof(shared: Served) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer x"},
        {"X-Kanban-Token": "x"},
        {"Cookie": f"hermes-kanban-{shared.port}=xxxxxxxxxxxxxxxxxxxxxxxxx"},
    ):
        refused(shared, 401, additional_headers=headers)
    browser = Browser(shared, code_of(new_link(shared)))
    cookie = {"Cookie": browser.cookie}
    refused(shared, 401, additional_headers=cookie)
    refused(shared, 401, additional_headers=cookie, subprotocols=["hermes-kanban", "token.x"])
    bearer = {"Authorization": f"Bearer {shared.token}"}
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
        refused(shared, 403, origin=origin)
    refused(shared, 421, name="evil.example", additional_headers=bearer)
    assert '"level":"error"' not in shared.errors()  # whoever knocks for ever fills no log


def test_a_page_of_ours_listens_with_both_halves_of_its_session(shared: Served) -> None:
    browser = Browser(shared, code_of(new_link(shared)))
    how: dict[str, Any] = {
        "additional_headers": {"Cookie": browser.cookie},
        "origin": browser.origin,
        "subprotocols": ["hermes-kanban", f"token.{browser.page_token}"],
    }
    with page(browser, **how) as heard:
        assert heard.socket.subprotocol == "hermes-kanban"
        assert (heard.hello["type"], heard.hello["actor"]) == ("hello", "person:ada")
        headers = {"Cookie": browser.cookie, "X-Kanban-Token": browser.page_token}
        assert browser.send("DELETE", "/api/v1/session", None, headers).status == 200
        with pytest.raises(ConnectionClosed) as closed:
            heard.hear_of("nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


def test_what_happens_is_told_as_it_happens(shared: Served) -> None:
    with page(shared) as heard:
        begun = heard.subscribe(cards=True)
        assert begun["cursor"] == kb.newest_event_id(shared.conn)
        assert begun["board_id"] == shared.conn.board_id
        task = kb.create_task(shared.conn, title="Count", body="- [x] one")
        told = heard.hear_of("events")
        assert [(one["kind"], one["task_id"]) for one in told["events"]] == [("created", task)]
        assert (told["cards"][0]["id"], told["cards"][0]["checks"]) == (task, {"done": 1, "all": 1})
        assert (told["gone"], told["more"], told["cursor"]) == ([], False, begun["cursor"] + 1)
        shared.post(f"/tasks/{task}/archive")
        assert heard.hear_of("events")["cards"][0]["status"] == "archived"
        kb.purge_task(shared.conn, task)
        last = heard.hear_of("events")
        assert ([one["kind"] for one in last["events"]], last["gone"]) == (["purged"], [task])
        heard.say("unsubscribe", board="default")
        heard.say("ping", id=7)
        assert heard.hear_of("pong")["id"] == 7
        kb.create_task(shared.conn, title="unheard")
        heard.say("ping", id=8)
        assert heard.hear()["type"] == "pong"


def test_events_tell_no_lock(shared: Served) -> None:
    task = shared.task()
    with page(shared) as heard:
        heard.subscribe()
        lock = shared.post(f"/tasks/{task}/claim", {"claimer": "me"}).json["claim_lock"]
        told = heard.hear_of("events")
        assert told["events"][0]["kind"] == "claimed"
        assert lock not in json.dumps(told)
        assert told["cards"] is None


def test_two_pages_hear_the_same_from_where_each_was(shared: Served) -> None:
    start = kb.newest_event_id(shared.conn)
    shared.task()
    with page(shared) as one, page(shared) as two:
        one.subscribe(after=start)
        two.subscribe()
        with writer(100) as process:
            first, second = one.events(201), two.events(200)
        assert process.returncode == 0
    ids = [event["id"] for event in first]
    assert ids == list(range(start + 1, start + 202))
    assert [event["id"] for event in second] == ids[1:]


def test_a_page_that_comes_back_misses_nothing(shared: Served) -> None:
    start = cursor = kb.newest_event_id(shared.conn)
    seen: list[int] = []
    with writer(150) as process:
        while len(seen) < 300:
            with page(shared) as heard:
                assert heard.subscribe(after=cursor)["cursor"] == cursor
                told = heard.hear_of("events")
                seen += [event["id"] for event in told["events"]]
                cursor = told["cursor"]
                # Without a word, as when the machine goes to sleep.
                heard.socket.socket.close()
        assert process.wait(60) == 0
    assert seen == list(range(start + 1, start + 301))


@pytest.mark.parametrize("after", ["the future", "another board"])
def test_what_a_page_knows_of_another_board_is_no_use(shared: Served, after: str) -> None:
    newest = kb.newest_event_id(shared.conn)
    known: dict[str, Any] = {"after": newest + 1} if after == "the future" else {"after": 0}
    if after == "another board":
        known["board_id"] = "x" * 32
    with page(shared) as heard:
        told = heard.subscribe(**known)
        assert (told["type"], told["cursor"]) == ("reset", newest)
        assert told["why"]
        task = shared.task()
        assert heard.events(1)[0]["task_id"] == task


@pytest.mark.stores("sqlite")
def test_a_board_that_is_restored_is_told(served: Served) -> None:
    served.task()
    backup = kb.backup(served.conn)
    later = served.task()
    with page(served) as heard:
        begun = heard.subscribe()
        subprocess.run(
            [str(PROGRAM), "restore", str(backup), "--yes"],
            check=True,
            capture_output=True,
        )
        assert heard.hear_of("gone")["board"] == "default"
        told = heard.subscribe(after=begun["cursor"], board_id=begun["board_id"])
        assert told["type"] == "reset"
        assert told["board_id"] != begun["board_id"]
    assert served.get(f"/tasks/{later}").status == 404


def test_boards_come_and_are_not_mixed(shared: Served) -> None:
    with page(shared) as heard:
        assert heard.subscribe("second")["type"] == "gone"
        shared.post("/boards", {"slug": "second"})
        assert heard.subscribe("second")["cursor"] == 0
        heard.subscribe()
        shared.task()
        assert heard.hear_of("events")["board"] == "default"
        made = shared.post("/boards/second/tasks", {"title": "there"}).json["id"]
        told = heard.hear_of("events")
        assert (told["board"], told["events"][0]["task_id"]) == ("second", made)


def test_what_is_no_message_is_told_and_not_for_ever(shared: Served) -> None:
    with page(shared) as heard:
        for text in ("", "{", "[]", '{"op": "nothing"}', '{"op": "subscribe"}', "\0", b"\x00"):
            heard.socket.send(text)
            told = heard.hear()
            assert (told["type"], told["problem"]["code"]) == ("problem", "malformed")
        heard.say("log", board="default", run_id=999_999)
        told = heard.hear_of("problem")
        assert (told["problem"]["code"], told["run_id"]) == ("not_found", 999_999)
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(30):
                heard.socket.send("x")
            while True:
                heard.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
    with page(shared) as heard, pytest.raises(ConnectionClosed):
        heard.socket.send("x" * 70_000)
        heard.hear()
    with page(shared) as heard:
        for at in range(65):
            heard.say("log", board="default", run_id=at + 1_000_000)
            heard.say("subscribe", board=f"b{at}")
        heard.say("ping", id=1)
        heard.hear_of("pong")


def test_a_page_that_does_not_read_costs_no_memory(served: Served) -> None:
    body = "x" * 8_000
    with kb.batch(served.conn):
        for at in range(5_000):
            task = kb.create_task(served.conn, title=f"n{at}", body=body)
            kb.prioritise_task(served.conn, task, 1)
    process = psutil.Process(served.process.pid)
    with page(served, max_size=None) as reading:
        reading.subscribe(after=0)
        reading.events(1)
        before = process.memory_info().rss
        found = 1 + len(reading.events(9_000))
        assert found > 9_000
    with page(served, max_size=None, max_queue=1) as deaf:
        deaf.say("subscribe", board="default", after=0)
        with page(served, max_size=None) as reading:
            reading.subscribe(after=0)
            assert [event["id"] for event in reading.events(10_000)] == list(range(1, 10_001))
        # Forty megabytes of events: some pages of them are all that is ever held.
        assert process.memory_info().rss - before < 20 * 1024 * 1024
        assert served.get("/counts").status == 200


def test_large_events_come_in_small_messages(shared: Served) -> None:
    start = kb.newest_event_id(shared.conn)
    for _ in range(12):
        shared.task(body="x" * 200_000)
    with page(shared, max_size=1_000_000) as heard:
        heard.subscribe(after=start)
        assert [event["id"] for event in heard.events(12)] == list(range(start + 1, start + 13))


# Logs


@pytest.fixture
def run(shared: Served) -> int:
    """A run that works."""
    number: int = shared.post(f"/tasks/{shared.task()}/claim", {"claimer": "me"}).json["run_id"]
    return number


def log_of(served: Served, run: int) -> Path:
    file = served.conn.paths.run_dir(run) / "log"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def append(file: Path, text: str) -> None:
    with file.open("a") as stream:
        stream.write(text)


def lines(heard: Page, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        found += heard.hear_of("log")["lines"]
    return found


def test_a_log_is_told_as_it_grows_over_its_rotation(shared: Served, run: int) -> None:
    file = log_of(shared, run)
    append(file, "".join(f"old {at}\n" for at in range(10)))
    with page(shared) as heard:
        heard.say("log", board="default", run_id=run, lines=2)
        first = heard.hear_of("log")
        assert (first["lines"], first["anew"], first["over"]) == (["old 8", "old 9"], True, False)
        append(file, "\x1b[31mred\x1b[0m\npassword: hunter2hunter2\nun")
        assert lines(heard, 2) == ["red", "password: [redacted]"]
        file.rename(file.with_name("log.1"))
        append(file, "finished\nnext\n")
        assert lines(heard, 2) == ["unfinished", "next"]
        heard.say("unlog", board="default", run_id=run)
        heard.say("ping", id=1)
        heard.hear_of("pong")
        append(file, "unheard\n")
        heard.say("ping", id=2)
        assert heard.hear()["type"] == "pong"


def test_a_log_goes_on_where_a_page_left_it(shared: Served, run: int) -> None:
    file = log_of(shared, run)
    append(file, "one\n")
    with page(shared) as heard:
        heard.say("log", board="default", run_id=run)
        place = heard.hear_of("log")["place"]
    append(file, "two\nthr")
    with page(shared) as heard:
        heard.say("log", board="default", run_id=run, place=place)
        assert heard.hear_of("log")["anew"] is False
        told = heard.hear_of("log")
        assert told["lines"] == ["two"]
    append(file, "ee\n")
    with page(shared) as heard:
        heard.say("log", board="default", run_id=run, place=told["place"])
        assert lines(heard, 1) == ["three"]
        heard.say("log", board="default", run_id=run, place="1.1:5")
        told = heard.hear_of("log")
        assert (told["anew"], told["lines"]) == (True, ["one", "two", "three"])


def test_a_log_ends_with_its_run(shared: Served, run: int) -> None:
    file = log_of(shared, run)
    append(file, "one\n")
    task = kb.get_run(shared.conn, run).task_id
    with page(shared) as heard:
        heard.say("log", board="default", run_id=run)
        heard.hear_of("log")
        append(file, "last words")
        shared.post(f"/tasks/{task}/complete")
        assert lines(heard, 1) == ["last words"]
        assert heard.hear_of("log")["over"] is True


def test_a_large_log_is_told_in_pages(shared: Served, run: int) -> None:
    file = log_of(shared, run)
    append(file, "one\n")
    with page(shared, max_size=400_000) as heard:
        heard.say("log", board="default", run_id=run)
        heard.hear_of("log")
        append(file, "".join(f"line {at}\n" for at in range(200_000)))
        assert lines(heard, 200_000) == [f"line {at}" for at in range(200_000)]


# The gateway


def test_a_server_that_goes_says_so(served: Served) -> None:
    with page(served) as heard:
        heard.subscribe()
        served.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            heard.hear_of("nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert served.process.wait(20) == 0


def test_the_gateway_is_told_when_it_comes_and_goes(shared: Served) -> None:
    health = shared.conn.paths.health
    with page(shared) as heard:
        heard.subscribe()
        assert heard.hear_of("presence")["gateway"] is None
        now = shared.conn.clock.now()
        record = {"state": "dispatching", "pid": 1, "started_at": now, "tick_at": now}
        health.write_text(json.dumps(record))
        assert heard.hear_of("presence")["gateway"]["state"] == "dispatching"
        health.write_text(json.dumps(record | {"degraded": ["the disk"], "tick_at": now + 1}))
        assert heard.hear_of("presence")["gateway"]["degraded"] == ["the disk"]
        health.unlink()
        assert heard.hear_of("presence")["gateway"] is None
