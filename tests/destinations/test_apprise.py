"""Apprise: through real services on loopback, whatever they do, and with nothing of their secrets.

IRC has a server of its own in miniircd; ``json://`` shows what Apprise hands over, files too.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import InvalidInput
from hermes_kanban.notify.settings import hide
from tests.destinations.conftest import World
from tests.support.ports import free_port
from tests.support.waiting import wait_until

TOKEN = "s3cr3t-t0k3n-of-a-service"
CHANNEL = "#kanban"


class Service:
    """Takes ``json://``; ``status`` is what it answers, once ``go_on`` is set.

    With ``largest`` it answers 413 to more bytes.
    """

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.largest: int | None = None
        self.asked = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.go_on.set()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.asked.release()
                service.go_on.wait(60)
                if service.largest is not None and len(body) > service.largest:
                    self.send_error(413)
                    return
                if service.status == 200:
                    service.got.append((self.path, json.loads(body)))
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, options: str = "") -> str:
        return f"json://robot:{TOKEN}@127.0.0.1:{self.port}/{TOKEN}{options}"

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.close()


@contextmanager
def irc_server(folder: Path) -> Iterator[int]:
    """The port of an IRC server."""
    port = free_port()
    program = Path(sys.executable).with_name("miniircd")
    words = [str(program), "--listen", "127.0.0.1", "--ports", str(port)]
    words += ["--setuid", "root"] if os.geteuid() == 0 else []
    process = subprocess.Popen([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is None and _listens(port))
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Listener:
    """Somebody in the channel; ``lines`` are what others say there."""

    def __init__(self, port: int) -> None:
        self.lines: list[str] = []
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._socket.sendall(f"NICK mara\r\nUSER mara 0 * :mara\r\nJOIN {CHANNEL}\r\n".encode())
        self._heard = self._socket.makefile("r", encoding="utf-8", newline="\r\n")
        while " 366 " not in self._heard.readline():
            pass
        self._socket.settimeout(None)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for line in self._heard:
                if line.startswith("PING"):
                    self._socket.sendall(line.replace("PING", "PONG", 1).encode())
                elif " PRIVMSG " in line:
                    self.lines.append(line.partition(" :")[2].strip())
        except OSError:
            return

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def test_an_event_is_said_on_irc(world: World, tmp_path: Path) -> None:
    with irc_server(tmp_path) as port:
        url = f"irc://kanbot@127.0.0.1:{port}/%23{CHANNEL[1:]}"
        world.begin(apprise={"irc": url})
        somebody = Listener(port)
        sub = world.subscribe("apprise:irc", "blocked")
        task = kb.create_task(world.conn, title="Rotate the keys")
        assert kb.block_task(world.conn, task, reason="Which one?")
        world.until(lambda: world.deliveries("delivered"))
        world.until(lambda: any("Which one?" in line for line in somebody.lines))
        assert any(f"Blocked: Rotate the keys ({task})" in line for line in somebody.lines)
        world.test_message(sub)
        world.until(lambda: any("This is a test" in line for line in somebody.lines))
        somebody.close()


def test_files_go_along_and_texts_are_no_markup(world: World, service: Service) -> None:
    world.begin(apprise={"phone": service.url()})
    world.subscribe("apprise:phone", "completed")
    world.hand_in({"report.txt": b"all is well", "table.csv": b"a,b"})
    world.until(lambda: service.got)
    ((path, got),) = service.got
    assert path == f"/{TOKEN}"
    assert got["title"].startswith("Done: Write the report")
    files = {one["filename"]: base64.b64decode(one["base64"]) for one in got["attachments"]}
    assert files == {"report.txt": b"all is well", "table.csv": b"a,b"}
    task = kb.create_task(world.conn, title="*not* <b>bold</b>")
    kb.complete_task(world.conn, task, summary="`x` & <i>y</i> " + "long " * 700)
    world.until(lambda: len(service.got) == 2)
    got = service.got[1][1]
    assert got["title"] == f"Done: *not* <b>bold</b> ({task})"
    assert got["message"].startswith("`x` & <i>y</i> long")
    assert len(got["message"]) < 1_500


def test_files_that_a_service_does_not_take_hold_no_message_up(
    world: World, service: Service
) -> None:
    world.begin(apprise={"phone": service.url()})
    world.subscribe("apprise:phone", "completed")
    service.largest = 20_000
    task = world.hand_in({"report.bin": b"x" * 50_000})
    world.until(lambda: service.got)
    got = service.got[0][1]
    assert got["title"] == f"Done: Write the report ({task})"
    assert got["message"].endswith("Not attached: report.bin.")
    assert got["attachments"] == []
    world.until(lambda: world.deliveries("delivered"))


def test_killed_between_sending_and_marking_it_comes_again(world: World, service: Service) -> None:
    world.configure(apprise={"phone": service.url()})
    world.gateways.open()
    world.subscribe("apprise:phone")
    kb.create_task(world.conn, title="Count")
    service.go_on.clear()
    gateway = world.gateways.start(wait=False)
    assert service.asked.acquire(timeout=30)
    gateway.kill()
    gateway.wait()
    service.go_on.set()
    world.until(lambda: len(service.got) == 1)
    world.gateways.start(wait=False)
    world.until(lambda: world.deliveries("delivered"))
    assert len(service.got) == 2
    assert service.got[0] == service.got[1]


def test_what_a_service_refuses_says_why_and_nothing_of_its_address(
    world: World, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHONE_URL", service.url("?+X-Token=another-t0k3n-in-a-header"))
    service.status = 401
    nowhere = f"json://{TOKEN}@127.0.0.1:{free_port()}/{TOKEN}"
    world.begin(apprise={"phone": "env:PHONE_URL", "nowhere": nowhere})
    phone, gone = world.subscribe("apprise:phone"), world.subscribe("apprise:nowhere")
    kb.create_task(world.conn, title="Count")
    assert "401" in (world.tried(phone).reason or "")
    assert (world.tried(gone).reason or "").startswith("Apprise could not deliver it: ")
    failed = world.cli("notify", "test", str(phone))
    assert failed.returncode == 1
    assert TOKEN not in failed.stderr + failed.stdout
    assert "Traceback" not in failed.stderr
    world.assert_hidden(TOKEN, "another-t0k3n-in-a-header")


def test_a_service_that_hangs_holds_up_neither_others_nor_the_end(
    world: World, service: Service
) -> None:
    service.go_on.clear()
    quick = Service()
    addresses = {"slow": service.url("?rto=50&cto=50"), "quick": quick.url()}
    world.begin(apprise=addresses)
    world.subscribe("apprise:slow")
    world.subscribe("apprise:quick")
    for number in range(3):
        kb.create_task(world.conn, title=f"task {number}")
    assert service.asked.acquire(timeout=30)
    world.until(lambda: len(quick.got) == 3)
    (gateway,) = world.gateways.processes
    gateway.terminate()
    assert gateway.wait(30) == 0  # the service has 50 seconds
    quick.close()


@pytest.mark.parametrize(
    ("destination", "why"),
    [
        ("apprise:json://u:hunter2hunter2@a.example/", "an address in it"),
        ("apprise:none", "'none' is not there"),
        ("apprise:", "there are: bad, both, unset"),
        ("apprise:bad", "is no address that Apprise knows"),
        ("apprise:both", "has several addresses"),
        ("apprise:unset", "IT_IS_NOT_SET, which is not set"),
    ],
)
def test_what_cannot_be_is_refused_without_its_address(
    world: World, destination: str, why: str
) -> None:
    both = "json://hunter2hunter2@a.example/, json://b.example/"
    bad = "nosuch://hunter2hunter2/"
    world.configure(apprise={"bad": bad, "both": both, "unset": "env:IT_IS_NOT_SET"})
    world.gateways.open()
    with pytest.raises(InvalidInput, match=why) as refusal:
        world.subscribe(destination)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "said",
    [
        "Failed to post to json://robot:s3cr3t%2Fword@a.example:81/t0k3n?key=v4lue",
        "401 for t0k3n",
        "user robot, s3cr3t/word",
        "s3cr3t%2Fword: refused; v4lue too",
    ],
)
def test_no_part_of_an_address_is_left_in_what_a_service_says(said: str) -> None:
    left = hide(said, "json://robot:s3cr3t%2Fword@a.example:81/t0k3n?key=v4lue")
    assert "[redacted]" in left
    for part in ("s3cr3t", "word", "t0k3n", "v4lue", "robot"):
        assert part not in left
