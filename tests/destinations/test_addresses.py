"""Which addresses a webhook may be sent to, and that what was checked is what is spoken to."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from hermes_kanban import notify
from hermes_kanban.notify import addresses
from hermes_kanban.notify.addresses import Forbidden
from hermes_kanban.notify.message import AboutEvent, Message, Outcome
from tests.destinations.conftest import SECRET, World
from tests.destinations.receiver import Receiver

PUBLIC = ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1")
PRIVATE = (
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "240.0.0.1",
    "::1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "64:ff9b:1::7f00:1",
    "64:ff9b::a00:1",
    "fc00::1",
)
NEVER = (
    "0.0.0.0",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "2002:a9fe:a9fe::",
    "::",
    "::169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_spoken_to(address: str) -> None:
    addresses.check(address, private_allowed=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_one_only_where_its_host_is_named(address: str) -> None:
    with pytest.raises(Forbidden, match="allow_private"):
        addresses.check(address, private_allowed=False)
    addresses.check(address, private_allowed=True)


@pytest.mark.parametrize("address", NEVER)
def test_these_never(address: str) -> None:
    for allowed in (False, True):
        with pytest.raises(Forbidden):
            addresses.check(address, private_allowed=allowed)


class Names:
    """A resolver that answers with one after another; ``asked`` counts."""

    def __init__(self, port: int, *answers: Sequence[str]) -> None:
        self.port, self.answers, self.asked = port, answers, 0

    def __call__(self, host: Any, *_: Any, **__: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        if name != "moving.example":  # an address that the connection is made to
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, self.port))]
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, self.port)) for one in found]


class _Silent:
    def info(self, event: str, **keys: Any) -> None: ...


def attempt() -> Outcome:
    event = AboutEvent(id=1, kind="created", actor="system", run_id=None, created_at=0)
    message = Message(
        dedup_key="b:1:1", board="b", subscription=1, event=event, task=None, text="hello"
    )
    return anyio.run(notify.send, "webhook:ops", message, _Silent())


@pytest.fixture
def moving(world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets ``moving.example`` be resolved to what is given; it may be private."""
    url = f"http://moving.example:{receiver.port}/"
    webhook = {"url": url, "secret": SECRET}
    world.configure(allow_private=["moving.example"], webhooks={"ops": webhook})

    def resolve(*answers: Sequence[str]) -> Names:
        names = Names(receiver.port, *answers)
        monkeypatch.setattr(socket, "getaddrinfo", names)
        return names

    return resolve


def test_a_name_is_resolved_once_and_what_was_checked_is_spoken_to(
    moving: Any, receiver: Receiver
) -> None:
    names = moving(["127.0.0.1"], ["169.254.169.254"])
    assert attempt().kind == "delivered"
    assert names.asked == 1
    assert receiver.requests[0].headers["host"] == f"moving.example:{receiver.port}"
    outcome = attempt()
    assert (outcome.kind, names.asked) == ("retry", 2)
    assert "169.254.169.254 is link-local or a metadata service" in outcome.reason
    assert receiver.connections == 1


def test_one_bad_address_among_good_ones_is_enough(moving: Any, receiver: Receiver) -> None:
    moving(["127.0.0.1", "169.254.169.254"])
    assert attempt().reason.startswith("not sent: 169.254.169.254")
    assert receiver.connections == 0


def test_the_next_address_is_tried_when_one_does_not_listen(
    moving: Any, receiver: Receiver
) -> None:
    moving(["127.0.0.2", "127.0.0.1"])
    assert attempt().kind == "delivered"


def test_a_name_that_is_none_is_tried_again(world: World) -> None:
    webhook = {"url": "https://no-such-host.invalid/", "secret": SECRET}
    world.configure(webhooks={"ops": webhook})
    assert attempt().reason == "its host cannot be resolved"
