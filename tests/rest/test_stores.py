"""The same over PostgreSQL: verbs, tags, files and the live socket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store.pgnames import schema_of
from hermes_kanban.surfaces.rest.boards import OPEN_CONNECTIONS
from tests.rest.client import Served
from tests.rest.live_client import Page, page
from tests.rest.test_api import problem
from tests.rest.test_live import writer
from tests.support import stores
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")


@pytest.fixture
def on_a_server(home: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server of boards that lie in PostgreSQL."""
    assert store == "postgres"
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", stores.address())
    served = Served(home)
    yield served
    served.close()


def heard(one: Page, start: int) -> list[str]:
    """What happened since, heard as a page does: told that the board is gone, it asks again."""
    while True:
        told = one.subscribe(after=start)
        while told["type"] not in ("events", "gone"):
            told = one.hear()
        if told["type"] == "events":
            return [event["kind"] for event in told["events"]]


def test_a_board_in_postgresql_is_served_as_well(on_a_server: Served) -> None:
    served = on_a_server
    start = kb.newest_event_id(served.conn)
    task = served.task(title="Cöunt 50% of words_", body="- [x] a", tenant="acme")
    health = served.get("/health").json
    assert health["database"] == "postgresql"
    assert health["database_bytes"] > 100_000
    first = served.get("/counts")
    assert served.get("/counts", If_None_Match=first.headers["etag"]).status == 304
    queries = ("text=50%25", "text=WORDS_", "text=C%C3%B6unt", "tenant=acme", f"ids={task}")
    for query in (*queries, "min_priority=0", "order=completed"):
        assert [card["id"] for card in served.get(f"/cards?{query}").json["cards"]] == [task]
    problem(served.get("/cards?text=%00"), 422, "invalid_input")
    problem(served.get("/tasks?assignee=a%00"), 422, "invalid_input")
    path = f"/api/v1/tasks/{task}/attachments?name=a.txt"
    kept = served.send("POST", path, b"text", {"Content-Type": "text/plain"}).json["attachment"]
    assert served.get(f"/tasks/{task}/attachments/{kept['id']}").body == b"text"
    done = served.post("/bulk", {"items": [{"verb": "complete", "arguments": {"task_id": task}}]})
    assert done.json["failed"] == 0
    assert done.json["results"][0]["answer"]["undoable"]
    found = served.get("/cards?status=done&order=completed&min_priority=0").json["cards"]
    assert [card["id"] for card in found] == [task]
    assert served.get("/cards?min_priority=1").json["cards"] == []
    assert [bar["task_id"] for bar in served.get("/timeline").json["bars"]] == [task]
    assert served.get("/trends").json["reasons"] == {"completed": 1}
    assert served.get("/attention").json["late"] == []
    with page(served) as one, page(served) as two:
        one.subscribe(after=start)
        two.subscribe()
        with writer(50):
            first_ids = [event["id"] for event in one.events(103)]
            second_ids = [event["id"] for event in two.events(100)]
    assert first_ids == sorted(set(first_ids))
    assert second_ids == first_ids[3:]


def test_a_page_hears_on_once_the_database_is_back(on_a_server: Served) -> None:
    served = on_a_server
    with page(served) as one:
        start = one.subscribe()["cursor"]
        with stores.database().shut():
            told = one.hear()
            while told["type"] == "presence":
                told = one.hear()
            assert told["type"] == "gone", told
            assert "does not answer" in told["why"]
        served.task(title="x")
        assert heard(one, start) == ["created"]


def test_a_page_hears_on_once_other_requests_leave_it_room(on_a_server: Served) -> None:
    served = on_a_server
    with page(served) as one, ThreadPoolExecutor(OPEN_CONNECTIONS) as asking:
        start = one.subscribe()["cursor"]
        with psycopg.connect(stores.address()) as lock:
            lock.execute(f'LOCK TABLE "{schema_of("default")}".tasks'.encode())
            # What is slow has threads of its own: both kinds together take every connection.
            paths = [("/trends", "/cards")[at % 2] for at in range(OPEN_CONNECTIONS)]
            answers = [asking.submit(served.get, path) for path in paths]
            told = one.hear()
            while told["type"] == "presence":
                told = one.hear()
            lock.rollback()
        assert told["type"] == "gone", told
        assert "other requests" in told["why"]
        assert {answer.result().status for answer in answers} == {200}
        served.task(title="x")
        assert heard(one, start) == ["created"]


def test_a_page_hears_on_after_the_server_ended_a_statement(on_a_server: Served) -> None:
    served = on_a_server
    start = kb.newest_event_id(served.conn)
    served.task(title="x")
    with page(served) as one:
        with psycopg.connect(stores.address()) as lock:
            lock.execute(f'LOCK TABLE "{schema_of("default")}".tasks'.encode())
            one.say("subscribe", board="default", after=start, cards=True)
            wait_until(lambda: served.conn.execute(_CANCEL_WHO_WAITS).fetchall())
            told = one.hear()
            while told["type"] in ("subscribed", "presence"):
                told = one.hear()
        assert told["type"] == "gone", told
        assert heard(one, start) == ["created"]


def test_pages_and_machines_are_told_of_a_server_that_stands_still(on_a_server: Served) -> None:
    served = on_a_server
    with page(served) as one, ThreadPoolExecutor(2) as asking:
        start = one.subscribe()["cursor"]
        with psycopg.connect(stores.address()) as lock:
            # To who waits, this is as a server whose processes are frozen.
            for table in ("boards", "tasks"):
                lock.execute(f'LOCK TABLE "{schema_of("default")}".{table}'.encode())
            looks = [asking.submit(served.send, "GET", path) for path in ("/readyz", "/metrics")]
            assert "does not answer" in one.hear_of("gone")["why"]
            ready, figures = (look.result() for look in looks)
            lock.rollback()
        assert (ready.status, ready.body) == (503, b"not ready: The database does not answer\n")
        assert b'hermes_kanban_board_readable{board="default"} 0.0' in figures.body
        wait_until(lambda: served.send("GET", "/readyz").status == 200)
        served.task(title="x")
        assert heard(one, start) == ["created"]


def test_a_request_whose_statement_the_server_ended_may_be_sent_again(
    on_a_server: Served,
) -> None:
    served = on_a_server
    task = served.task(title="x")
    with ThreadPoolExecutor(1) as asking, psycopg.connect(stores.address()) as lock:
        lock.execute(f'LOCK TABLE "{schema_of("default")}".tasks'.encode())
        answer = asking.submit(served.get, f"/tasks/{task}")
        wait_until(lambda: served.conn.execute(_CANCEL_WHO_WAITS).fetchall())
        problem(answer.result(), 503, "not_now")
        lock.rollback()
    assert served.get(f"/tasks/{task}").status == 200


# Not asked in the transaction that has the lock: it sees only the sessions of its first look.
_CANCEL_WHO_WAITS = (
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
