"""Real servers for each destination, a certificate that gateways trust, and a board with one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.model import Delivery
from tests.destinations.receiver import Receiver
from tests.support.gateways import Gateways
from tests.support.waiting import wait_until

SECRET = "correct-horse-battery-staple"
# Written by us, or a copy of what people write, and read by nobody else.
OWN_FILES = {"config.yaml", ".config-cache.json"}


class Authority(NamedTuple):
    """A certificate for localhost: its file, and that of the authority behind it."""

    certificate: trustme.LeafCert
    file: Path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return Authority(authority.issue_cert("localhost", "127.0.0.1"), file)


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The same, trusted by every process that the test starts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server without TLS."""
    running = Receiver(SECRET)
    yield running
    running.close()


class World:
    """A board with a real gateway, whose messages go to servers of the test."""

    def __init__(self, gateways: Gateways) -> None:
        self.gateways = gateways

    def begin(self, *, web: Mapping[str, Any] | None = None, **notify: Any) -> None:
        """Write the configuration, open the board and start the gateway."""
        self.configure(web=web, **notify)
        self.gateways.open()
        self.gateways.start()

    def configure(self, *, web: Mapping[str, Any] | None = None, **notify: Any) -> None:
        self.gateways.configure({}, web=web, notify=notify, dispatch_interval_seconds=600)

    @property
    def conn(self) -> kb.BoardConnection:
        return self.gateways.conn

    def subscribe(self, destination: str, *kinds: str, **keys: Any) -> int:
        wanted = {"kinds": list(kinds) or ["created"]}
        return subscriptions.subscribe(self.conn, destination=destination, filter=wanted, **keys)

    def deliveries(self, state: str | None = None) -> list[Delivery]:
        return outbox.list_outbox(self.conn, state=state, limit=1_000)

    def hand_in(self, contents: Mapping[str, bytes]) -> str:
        """A task whose run is done, and has handed in files of these names."""
        task = kb.create_task(self.conn, title="Write the report", assignee="writer")
        kb.claim_task(self.conn, task)
        run = kb.latest_run(self.conn, task)
        assert run is not None
        workspace = self.conn.paths.workspaces / task
        workspace.mkdir(parents=True)
        for name, content in contents.items():
            (workspace / name).write_bytes(content)
        assert kb.complete_task(
            self.conn,
            task,
            summary="written",
            artifacts=list(contents),
            run_id=run.id,
            claim_lock=run.claim_lock,
        )
        return task

    def first_of(self, sub_id: int) -> Delivery | None:
        """Its oldest delivery."""
        return next((one for one in self.deliveries() if one.sub_id == sub_id), None)

    def tried(self, sub_id: int, times: int = 1) -> Delivery:
        """The same, once it was tried that often."""
        self.until(lambda: (one := self.first_of(sub_id)) is not None and one.attempts >= times)
        found = self.first_of(sub_id)
        assert found is not None
        return found

    def until(self, condition: Callable[[], object]) -> None:
        wait_until(condition, message=self.gateways.errors()[-4_000:] + repr(self.deliveries()))

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("hermes-kanban")
        return subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=60, check=False
        )

    def test_message(self, sub_id: int) -> str:
        """``notify test``; what it says."""
        said = self.cli("notify", "test", str(sub_id), "--json")
        assert said.returncode == 0, said.stderr
        return str(json.loads(said.stdout))

    def assert_hidden(self, *secrets: str) -> None:
        """None of them is in any file of the home, nor in what the command line shows."""
        shown = [self.cli("notify", *words).stdout for words in (("list",), ("outbox",))]
        shown += [self.cli("notify", "list", "--json").stdout, self.gateways.errors()]
        shown += [self.cli("notify", "outbox", "--json").stdout]
        assert len(shown[0].splitlines()) > 1
        for file in self.gateways.home.rglob("*"):
            if file.is_file() and file.name not in OWN_FILES:
                shown.append(file.read_bytes().decode("utf-8", "replace"))
        for text in shown:
            for secret in secrets:
                assert secret not in text


@pytest.fixture
def world(gateways: Gateways) -> World:
    """No gateway runs yet."""
    return World(gateways)
