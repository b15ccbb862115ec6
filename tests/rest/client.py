"""A server of the board in a process of its own, and a client that sends what it is told."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hermes_kanban import kernel as kb
from tests.support.waiting import TIMEOUT_SECONDS, wait_until

PROGRAM = Path(sys.executable).with_name("hermes-kanban")


class Answer(NamedTuple):
    """What came back; ``json`` is the decoded body, None where it is no JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Client:
    """Asks one server, by default as who bears its token."""

    def __init__(self, port: int, token: str | None) -> None:
        self.port = port
        self.token = token

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """One request; a header that is None is left out."""
        given: dict[str, str | None] = {"Host": f"127.0.0.1:{self.port}"}
        if self.token is not None:
            given["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            given |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in (given | dict(headers or {})).items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            told = response.read()
        finally:
            connection.close()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, told)

    def get(self, path: str, **headers: str | None) -> Answer:
        """A GET below /api/v1; keywords are headers."""
        return self.send("GET", f"/api/v1{path}", None, _named(headers))

    def post(self, path: str, arguments: Any = None, **headers: str | None) -> Answer:
        """A POST of JSON below /api/v1."""
        body = b"{}" if arguments is None else json.dumps(arguments).encode()
        return self.send("POST", f"/api/v1{path}", body, _named(headers))

    def patch(self, path: str, arguments: Any) -> Answer:
        """A PATCH of JSON below /api/v1."""
        return self.send("PATCH", f"/api/v1{path}", json.dumps(arguments).encode())

    def task(self, **fields: Any) -> str:
        """A new task."""
        made = self.post("/tasks", {"title": "Count the words"} | fields)
        assert made.status == 201, made.body
        task_id: str = made.json["id"]
        return task_id


def _named(headers: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Served(Client):
    """``hermes-kanban web`` over a home; ``conn`` is its board, ``link`` what it printed."""

    def __init__(self, home: Path, **variables: str) -> None:
        self.home = home
        self._errors = home / "web.err"
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [str(PROGRAM), "web", "--port", "0", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ | {"HERMES_KANBAN_DURABILITY": "normal"} | variables,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.errors()
        told = json.loads(line)["web"]
        self.link: str = told["link"]
        super().__init__(int(told["address"].rpartition(":")[2]), None)
        wait_until(lambda: self.get("/boards").status == 401, message=self.errors())
        # The first to be refused for a wrong token is the first for whom one is made.
        self.get("/boards", Authorization="Bearer none")
        self.token = (home / "web.token").read_text().strip()
        self.conn = kb.connect()

    def errors(self) -> str:
        """What it wrote to standard error."""
        return self._errors.read_text()

    def close(self) -> None:
        """End it."""
        self.conn.close()
        self.process.kill()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
