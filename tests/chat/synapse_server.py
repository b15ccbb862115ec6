"""A real Matrix server on loopback, and people who talk there."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.waiting import wait_until

PYTHON = Path(sys.prefix) / "synapse" / "bin" / "python"
SHARED = "a secret of the tests"
SERVER_NAME = "kanban.test"
START_SECONDS = 60.0
MANY = {"per_second": 10_000, "burst_count": 10_000}


class Synapse:
    """One server in a folder of its own; ended by ``close``."""

    def __init__(self, folder: Path) -> None:
        assert PYTHON.exists(), "the Matrix server is not installed: make setup"
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Person | None = None
        self._write_configuration()
        subprocess.run([*self._command(), "--generate-keys"], check=True, capture_output=True)
        self.start()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def _command(self) -> list[str]:
        config = str(self._folder / "homeserver.yaml")
        return [str(PYTHON), "-m", "synapse.app.homeserver", "-c", config]

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._folder / "out.txt").open("ab") as out:
            self._process = subprocess.Popen(self._command(), stdout=out, stderr=out)
        wait_until(self._answers, timeout=START_SECONDS, message="the Matrix server does not start")

    def stop(self) -> None:
        """It vanishes at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    close = stop

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "out.txt").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _write_configuration(self) -> None:
        folder = self._folder
        log = {
            "version": 1,
            "handlers": {"file": {"class": "logging.FileHandler", "filename": f"{folder}/log"}},
            "root": {"level": "WARNING", "handlers": ["file"]},
        }
        (folder / "log.json").write_text(json.dumps(log))
        listener = {
            "port": self.port,
            "type": "http",
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client", "media"], "compress": False}],
        }
        settings = {
            "server_name": SERVER_NAME,
            "report_stats": False,
            "signing_key_path": f"{folder}/signing.key",
            "log_config": f"{folder}/log.json",
            "media_store_path": f"{folder}/media",
            "pid_file": f"{folder}/pid",
            "registration_shared_secret": SHARED,
            "macaroon_secret_key": SHARED,
            "form_secret": SHARED,
            "bcrypt_rounds": 4,
            "database": {"name": "sqlite3", "args": {"database": f"{folder}/db.sqlite"}},
            "listeners": [listener],
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "presence": {"enabled": False},
            "rc_message": MANY,
            "rc_registration": MANY,
            "rc_room_creation": MANY,
            "rc_joins": {"local": MANY, "remote": MANY},
            "rc_invites": {"per_room": MANY, "per_user": MANY},
            "rc_login": {"address": MANY, "account": MANY, "failed_attempts": MANY},
        }
        # JSON is YAML too.
        (folder / "homeserver.yaml").write_text(json.dumps(settings))

    def limit(self, person: Person, **limits: int) -> None:
        """Let them send no more than that (``messages_per_second``, ``burst_count``), or, with
        nothing given, as much as others."""
        if self._admin is None:
            self._admin = self.person("admin", admin=True)
        user = urllib.parse.quote(person.user)
        path = f"/_synapse/admin/v1/users/{user}/override_ratelimit"
        method = "POST" if limits else "DELETE"
        ask(self.address, method, path, limits or None, self._admin.token)

    def person(self, name: str, *, admin: bool = False) -> Person:
        """A new account, logged in."""
        path = "/_synapse/admin/v1/register"
        nonce = ask(self.address, "GET", path)["nonce"]
        words = [nonce, name, "a password", "admin" if admin else "notadmin"]
        mac = hmac.new(SHARED.encode(), "\0".join(words).encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": "a password", "mac": mac}
        made = ask(self.address, "POST", path, body | {"admin": admin})
        return Person(self.address, made["user_id"], made["access_token"])


class Person(NamedTuple):
    """Somebody with an account."""

    address: str
    user: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the client API."""
        return ask(self.address, method, f"/_matrix/client/v3{path}", body, self.token)

    def make_room(self, *invited: Person, alias: str | None = None) -> str:
        """A room of theirs; the others are invited, and it has the alias."""
        body: dict[str, Any] = {"preset": "private_chat", "invite": [one.user for one in invited]}
        if alias is not None:
            body["room_alias_name"] = alias
        return str(self.ask("POST", "/createRoom", body)["room_id"])

    def join(self, room: str) -> None:
        """Come in."""
        self.ask("POST", f"/join/{urllib.parse.quote(room)}", {})

    def say(self, room: str, text: str, *, to: str | None = None, **more: Any) -> str:
        """Say something, as a reply to the event ``to``; the event's id."""
        content: dict[str, Any] = {"msgtype": "m.text", "body": text} | more
        if to is not None:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": to}}
        return self.send(room, "m.room.message", content)

    def react(self, room: str, to: str, sign: str) -> str:
        """React to an event."""
        relation = {"rel_type": "m.annotation", "event_id": to, "key": sign}
        return self.send(room, "m.reaction", {"m.relates_to": relation})

    def send(self, room: str, kind: str, content: Any) -> str:
        """Send an event; its id."""
        path = f"/rooms/{urllib.parse.quote(room)}/send/{kind}/{next(_NUMBERS)}-{time.time_ns()}"
        return str(self.ask("PUT", path, content)["event_id"])

    def hears(self, room: str) -> list[dict[str, Any]]:
        """What was sent in the room, oldest first; the last thousand events."""
        path = f"/rooms/{urllib.parse.quote(room)}/messages?dir=b&limit=1000"
        return list(reversed(self.ask("GET", path)["chunk"]))

    def hears_all(self, room: str) -> list[dict[str, Any]]:
        """All that was ever sent in the room, oldest first."""
        path = f"/rooms/{urllib.parse.quote(room)}/messages?dir=f&limit=1000"
        page = self.ask("GET", path)
        found = list(page["chunk"])
        while "end" in page:
            page = self.ask("GET", f"{path}&from={page['end']}")
            found += page["chunk"]
        return found


_NUMBERS = count()


def ask(address: str, method: str, path: str, body: Any = None, token: str = "") -> Any:
    """One request; AssertionError with the server's words unless it is granted."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
