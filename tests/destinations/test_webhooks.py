"""Webhooks: signed so that a receiver believes nobody else, checked so that none is led astray."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any

import anyio
import pytest
import structlog

from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.kernel import outbox
from hermes_kanban.model import InvalidInput
from hermes_kanban.notify.message import AboutEvent, Message
from hermes_kanban.notify.webhook import sign
from tests.destinations.conftest import SECRET, Authority, World
from tests.destinations.receiver import Receiver, answer, recipe
from tests.support.ports import free_port

LONG = "a very long line that says little; " * 3_000


@pytest.fixture
def secure(trusted: Authority) -> Iterator[Receiver]:
    """A receiver with TLS, whose certificate is good for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.certificate.configure_cert(context)
    running = Receiver(SECRET, context)
    yield running
    running.close()


def plain(receiver: Receiver, path: str = "/", **keys: Any) -> dict[str, str]:
    return {"url": f"http://127.0.0.1:{receiver.port}{path}", "secret": SECRET} | keys


def test_an_event_arrives_signed_over_tls(world: World, secure: Receiver) -> None:
    url = f"https://localhost:{secure.port}/hook?team=a%20b"
    world.begin(allow_private=["localhost"], webhooks={"ops": {"url": url, "secret": SECRET}})
    asked = world.subscribe("webhook:ops", "blocked")
    task = kb.create_task(world.conn, title="Rotate the keys", body=LONG[:60_000])
    assert kb.block_task(world.conn, task, reason=LONG[:8_000])
    world.until(lambda: secure.requests)
    (request,) = secure.requests
    assert request.path == "/hook?team=a%20b"
    assert request.headers["host"] == f"localhost:{secure.port}"
    message = request.message
    assert message is not None
    assert request.headers["x-kanban-id"] == message["dedup_key"]
    assert (message["event"]["kind"], message["task"]["id"]) == ("blocked", task)
    assert message["ask"]["kind"] == "question"
    assert len(request.body) < 8_000
    world.until(lambda: world.deliveries("delivered"))
    world.test_message(asked)
    assert secure.messages()[-1]["event"]["kind"] == "test"
    world.assert_hidden(SECRET, "team=a")


def test_what_is_forged_altered_or_replayed_is_refused_by_the_recipe(
    world: World, receiver: Receiver
) -> None:
    world.begin(allow_private=["127.0.0.1"], webhooks={"ops": plain(receiver)})
    world.subscribe("webhook:ops")
    kb.create_task(world.conn, title="Count")
    world.until(lambda: receiver.requests)
    (request,) = receiver.requests
    signature, body = request.headers["x-kanban-signature"], request.body
    receive, secret, seen = recipe(), SECRET.encode(), set[str]()
    first = receive(secret, signature, body, seen)
    assert first is not None
    assert first["task"]["title"] == "Count"
    assert receive(secret, signature, body, seen) is None
    stamp, digest = signature.split(",")
    now = int(time.time())
    wrong = {
        (signature, body + b" "): "forged",
        (sign("another secret of some length", body, now), body): "forged",
        (f"t={now + 1},{digest}", body): "forged",
        (stamp, body): "no signature",
        ("", body): "no signature",
        (sign(SECRET, body, now - 301), body): "too old",
        (sign(SECRET, body, now + 400), body): "too old",
    }
    for (given, content), why in wrong.items():
        with pytest.raises(ValueError, match=why):
            receive(secret, given, content, set())


@pytest.mark.parametrize(
    "kills", [3, pytest.param(300, marks=pytest.mark.torture)], ids=["few", "many"]
)
def test_killed_between_sending_and_marking_the_repeat_has_its_key(
    world: World, receiver: Receiver, kills: int
) -> None:
    started: list[Any] = []

    def kill(handler: BaseHTTPRequestHandler) -> bool:
        if len(receiver.requests) > kills:
            return False
        started[-1].kill()
        started[-1].wait()
        return True

    receiver.behaviour["/"] = kill
    world.configure(allow_private=["127.0.0.1"], webhooks={"ops": plain(receiver)})
    world.gateways.open()
    world.subscribe("webhook:ops")
    for number in range(3):
        kb.create_task(world.conn, title=f"task {number}")
    for _ in range(kills + 1):
        started.append(world.gateways.start(wait=False))
        if len(started) <= kills:
            assert started[-1].wait(30) == -9
    world.until(lambda: len(world.deliveries("delivered")) == 3)
    keys = receiver.keys()
    assert len(keys) == kills + 3
    assert keys[: kills + 1] == [keys[0]] * (kills + 1)
    assert [one["task"]["title"] for one in receiver.messages()] == [f"task {n}" for n in range(3)]
    assert kb.check(world.conn) == []


def hang(until: threading.Event) -> Callable[[BaseHTTPRequestHandler], bool]:
    return lambda _handler: not until.wait(60)


def garbage(handler: BaseHTTPRequestHandler) -> bool:
    handler.wfile.write(b"\x00\xff nothing that anybody could read\r\n\r\n")
    handler.close_connection = True
    return True


def vanish(handler: BaseHTTPRequestHandler) -> bool:
    handler.connection.close()
    return True


def endless(handler: BaseHTTPRequestHandler) -> bool:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    try:
        while True:
            handler.wfile.write(b"X-More: " + b"x" * 4_000 + b"\r\n")
    except OSError:
        return True


def test_bad_receivers_hold_up_nobody_and_what_they_missed_arrives_later(
    world: World, receiver: Receiver
) -> None:
    over = threading.Event()
    elsewhere = Receiver(SECRET)
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 500))
    receiver.behaviour = {
        "/hang": hang(over),
        "/garbage": garbage,
        "/vanish": vanish,
        "/endless": endless,
        "/broken": lambda one: answer(one, 500),
        "/busy": lambda one: answer(one, 429, Retry_After="700"),
        "/later": lambda one: answer(one, 503, Retry_After=date),
        "/gone": lambda one: answer(one, 410),
        "/moved": lambda one: answer(
            one, 307, Location=f"http://127.0.0.1:{elsewhere.port}/secret-place"
        ),
    }
    names = [path[1:] for path in receiver.behaviour]
    webhooks = {name: plain(receiver, f"/{name}") for name in (*names, "good")}
    webhooks["nobody"] = {"url": "http://127.0.0.1:9/", "secret": SECRET}
    webhooks["other"] = plain(receiver, "/other", secret="another secret of some length")
    world.begin(allow_private=["127.0.0.1"], webhooks=webhooks)
    subs = {name: world.subscribe(f"webhook:{name}") for name in webhooks}
    for number in range(3):
        kb.create_task(world.conn, title=f"task {number}")
    world.until(lambda: len(receiver.messages("/good")) == 3)
    told = {name: world.tried(sub) for name, sub in subs.items() if name not in ("hang", "good")}
    reasons = {name: one.reason or "" for name, one in told.items()}
    expected = {
        "garbage": "its answer is no HTTP",
        "endless": "its answer is no HTTP",
        "vanish": "it closed the connection without an answer",
        "broken": "it answered 500 Internal Server Error",
        "busy": "it answered 429 Too Many Requests",
        "later": "it answered 503 Service Unavailable",
        "moved": "it answered 307 Temporary Redirect; redirects are not followed",
        "gone": "it answered 410 Gone",
        "other": "it answered 401 Unauthorized",
        "nobody": "it cannot be reached: Connection refused",
    }
    assert reasons == expected
    assert receiver.refused[0] == "forged"
    assert elsewhere.connections == 0
    heads = {one.sub_id: one for one in reversed(world.deliveries())}
    wait = {name: (heads[sub].next_attempt_at or 0) - time.time() for name, sub in subs.items()}
    assert wait["busy"] > 690
    assert 480 < wait["later"] < 600
    assert wait["broken"] < 10
    world.until(lambda: len(world.deliveries("dead")) == 3)
    assert {one.sub_id for one in world.deliveries("dead")} == {subs["gone"]}
    over.set()
    receiver.behaviour.clear()
    failing = {subs["nobody"], subs["other"]}
    for one in world.deliveries():
        if one.sub_id not in failing and one.attempts and one.state != "delivered":
            outbox.retry_delivery(world.conn, one.id)
    world.until(
        lambda: {one.sub_id for one in world.deliveries() if one.state != "delivered"} == failing
    )
    for name in names:
        assert len(set(receiver.keys(f"/{name}"))) == 3
        titles = [one["task"]["title"] for one in receiver.messages(f"/{name}")]
        assert titles == [f"task {number}" for number in range(3)]
    elsewhere.close()


def test_nothing_is_sent_to_where_only_this_machine_reaches(
    world: World, receiver: Receiver, secure: Receiver
) -> None:
    urls = {
        "loopback": f"https://127.0.0.1:{secure.port}/",
        "number": f"https://2130706433:{secure.port}/",
        "name": f"https://localhost:{secure.port}/",
        "mapped": f"https://[::ffff:127.0.0.1]:{secure.port}/",
        "metadata": "https://169.254.169.254/latest/meta-data/",
        "private": "https://10.0.0.1/",
        "inside": "https://[64:ff9b::a00:1]/",
    }
    webhooks = {name: {"url": url, "secret": SECRET} for name, url in urls.items()}
    world.begin(webhooks=webhooks)
    subs = {name: world.subscribe(f"webhook:{name}") for name in urls}
    kb.create_task(world.conn, title="Count")
    for name, sub in subs.items():
        found = world.tried(sub)
        assert (found.state, name, (found.reason or "")[:9]) == ("waiting", name, "not sent:")
    assert (receiver.connections, secure.connections) == (0, 0)
    # It takes effect at the next attempt, without a restart.
    world.configure(webhooks=webhooks, allow_private=["localhost"])
    found = world.first_of(subs["name"])
    assert found is not None
    assert outbox.retry_delivery(world.conn, found.id)
    world.until(lambda: secure.requests)
    assert len(secure.requests) == 1


def test_a_certificate_for_another_is_not_believed(world: World, secure: Receiver) -> None:
    url = f"https://[::1]:{secure.port}/"
    other = f"https://127.1:{secure.port}/"
    webhooks = {"a": {"url": url, "secret": SECRET}, "b": {"url": other, "secret": SECRET}}
    world.begin(webhooks=webhooks, allow_private=["::1", "127.1"])
    sub = world.subscribe("webhook:b")
    kb.create_task(world.conn, title="Count")
    assert "its certificate does not hold" in (world.tried(sub).reason or "")
    assert secure.requests == []


@pytest.mark.parametrize(
    ("webhook", "why"),
    [
        ({"url": "http://a.example/", "secret": SECRET}, "expects https"),
        ({"url": "ftp://a.example/", "secret": SECRET}, "expects an address"),
        ({"url": "https://u:hunter2hunter2@a.example/", "secret": SECRET}, "has a user in it"),
        ({"url": "https:///nowhere", "secret": SECRET}, "expects an address"),
        ({"url": "https://a.example:99999/", "secret": SECRET}, "is no address"),
        ({"url": "https://a.example/\r\nX: 1", "secret": SECRET}, "expects an address"),
        (
            {"url": "https://a.example/", "secret": "env:IT_IS_NOT_SET"},
            "IT_IS_NOT_SET, which is not set",
        ),
        ({"url": "https://a.example/", "secret": "file:/dev/null"}, "is empty"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused_at_once(
    world: World, webhook: dict[str, str], why: str
) -> None:
    world.configure(webhooks={"ops": webhook})
    world.gateways.open()
    with pytest.raises(InvalidInput, match=why) as refusal:
        world.subscribe("webhook:ops")
    assert "hunter2" not in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_the_time_of_a_host_whose_clock_is_wrong_is_the_boards(
    world: World, receiver: Receiver
) -> None:
    """A message is signed with it, and a date to wait for is one of the receiver's clock."""
    world.configure(allow_private=["127.0.0.1"], webhooks={"ops": plain(receiver)})
    world.gateways.open()
    at = int(time.time()) - 100
    about = AboutEvent(1, "created", "system", None, at)
    message = Message(
        dedup_key="a", board="b", subscription=1, event=about, task=None, text="", written_at=at
    )

    def later(handler: BaseHTTPRequestHandler) -> bool:
        there = time.time() + 900  # by its own clock
        handler.date_time_string = lambda timestamp=None: formatdate(there)  # type: ignore[method-assign]
        return answer(handler, 503, Retry_After=formatdate(there + 500))

    receiver.behaviour["/"] = later
    outcome = anyio.run(notify.send, "webhook:ops", message, structlog.get_logger())
    (signed,) = re.findall(r"t=(\d+),", receiver.requests[0].headers["x-kanban-signature"])
    assert int(signed) == at
    assert outcome.retry_after == 500


def test_a_bare_address_is_refused_and_not_repeated(world: World) -> None:
    world.configure(webhooks={"ops": {"url": "https://a.example/", "secret": SECRET}})
    world.gateways.open()
    for destination in ("webhook:https://a.example/?token=hunter2", "webhook:other", "webhook"):
        with pytest.raises(InvalidInput, match="ops") as refusal:
            world.subscribe(destination)
        assert "hunter2" not in str(refusal.value)


def test_files_are_told_of_without_where_they_lie(world: World, receiver: Receiver) -> None:
    world.begin(allow_private=["127.0.0.1"], webhooks={"ops": plain(receiver)})
    world.subscribe("webhook:ops", "completed")
    world.hand_in({"report.txt": b"all is well"})
    world.until(lambda: receiver.requests)
    (file,) = receiver.messages()[0]["files"]
    assert file == {"name": "report.txt", "size": 11, "media_type": "text/plain"}
    assert str(world.gateways.home) not in json.dumps(receiver.messages())


def test_neither_http_nor_a_command_shows_a_secret(world: World, receiver: Receiver) -> None:
    """Whether it goes well or fails, with the address and the secret written in the file itself."""
    hidden = "path-that-only-we-know"
    webhooks = {"good": plain(receiver, f"/{hidden}"), "bad": plain(receiver, f"/{hidden}-bad")}
    receiver.behaviour[f"/{hidden}-bad"] = vanish
    port = free_port()
    token = "a-token-of-the-test-and-of-nobody-else"
    web = {"in_gateway": True, "port": port, "token": token}
    world.begin(web=web, allow_private=["127.0.0.1"], webhooks=webhooks)
    good, bad = world.subscribe("webhook:good"), world.subscribe("webhook:bad")
    kb.create_task(world.conn, title="Count")
    world.until(lambda: world.tried(good).state == "delivered")
    assert world.tried(bad).attempts

    def ask(method: str, path: str, body: Any = None) -> str:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            given = None if body is None else json.dumps(body)
            client.request(method, f"/api/v1{path}", given, headers)
            return client.getresponse().read().decode()

    answers = [
        ask("GET", "/subscriptions"),
        ask("GET", "/outbox"),
        ask("POST", "/test-subscription", {"subscription": bad}),
        world.cli("notify", "test", str(bad)).stderr,
        world.cli("notify", "subscribe", "webhook:none").stderr,
    ]
    assert "webhook:good" in answers[0], answers
    assert all("it closed the connection without an answer" in one for one in answers[1:4])
    assert "bad, good" in answers[4]
    for one in answers:
        assert hidden not in one
        assert SECRET not in one
    world.assert_hidden(hidden, SECRET)
    copy = world.gateways.home / ".config-cache.json"
    assert copy.stat().st_mode & 0o077 == 0


def test_a_very_long_text_arrives_whole(world: World, receiver: Receiver) -> None:
    """Texts are cut where they are written; a destination takes what it is given."""
    world.configure(allow_private=["127.0.0.1"], webhooks={"ops": plain(receiver)})
    event = AboutEvent(id=1, kind="created", actor="system", run_id=None, created_at=0)
    message = Message(
        dedup_key="b:1:1", board="b", subscription=1, event=event, task=None, text=LONG
    )  # fmt: skip
    assert len(LONG) > 100_000
    outcome = anyio.run(notify.send, "webhook:ops", message, structlog.get_logger())
    assert outcome.kind == "delivered"
    assert receiver.messages()[0]["text"] == LONG
