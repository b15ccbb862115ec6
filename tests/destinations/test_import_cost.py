"""What no subscription uses is not loaded."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import anyio
import pytest
import structlog

from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.model import InvalidInput
from hermes_kanban.notify.message import AboutEvent, Message
from tests.destinations.conftest import SECRET, World
from tests.destinations.receiver import Receiver
from tests.support.gateways import Gateways

# Sends one message and says which modules that loaded beyond those of a gateway.
PROGRAM = """
import json, sys
import anyio
import gateway.runner
from hermes_kanban import kernel as kb, notify
from hermes_kanban.config import load
from hermes_kanban.paths import home
from hermes_kanban.notify.message import AboutEvent, Message

class Log:
    def info(self, event, **keys): pass

async def warm_up():
    await anyio.to_thread.run_sync(int)
    await anyio.run_process(["true"])
    async with anyio.create_task_group():
        anyio.CapacityLimiter(1)

load(home())
anyio.run(warm_up)
event = AboutEvent(id=1, kind="created", actor="system", run_id=None, created_at=0)
message = Message(dedup_key="b:1:1", board="b", subscription=1, event=event, task=None, text="x")
before = set(sys.modules)
outcome = anyio.run(notify.send, sys.argv[1], message, Log())
print(json.dumps({"before": sorted(before), "after": sorted(set(sys.modules) - before)}))
"""
OF_SCHEMES = {
    "log": set(),
    "command:/bin/true": set(),
    "desktop": set(),
    "webhook:ops": {"h11"},
    "email:mara@example.org": {"aiosmtplib", "email.mime"},
    "apprise:phone": {"apprise", "requests"},
}
MESSAGE = Message(
    dedup_key="b:1:1",
    board="b",
    subscription=1,
    event=AboutEvent(id=1, kind="created", actor="system", run_id=None, created_at=0),
    task=None,
    text="hello",
)
HEAVY = {"h11", "aiosmtplib", "apprise", "requests", "urllib3", "httpx"}


@pytest.mark.parametrize("destination", OF_SCHEMES)
def test_a_scheme_loads_what_it_needs_and_no_other(world: World, destination: str) -> None:
    world.configure(
        webhooks={"ops": {"url": "https://127.0.0.1:9/", "secret": SECRET}},
        mail={"host": "127.0.0.1", "port": 9, "sender": "a@b.example", "security": "none"},
        apprise={"phone": "json://127.0.0.1:9/"},
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, destination], capture_output=True, text=True, check=True
    )
    modules = json.loads(done.stdout)
    loaded = set(modules["after"])
    assert not HEAVY & set(modules["before"])
    needed = OF_SCHEMES[destination]
    assert needed & HEAVY <= loaded
    of_others = HEAVY - needed - ({"urllib3"} if "requests" in needed else set())
    assert not of_others & loaded
    mine = {"hermes_kanban.notify." + destination.partition(":")[0]}
    schemes = {f"hermes_kanban.notify.{name.partition(':')[0]}" for name in OF_SCHEMES}
    assert loaded & schemes == mine
    if not needed:
        assert len(loaded) <= 12, loaded


@pytest.mark.parametrize(
    ("package", "destination", "extra"),
    [
        ("aiosmtplib", "email:mara@example.org", "mail"),
        ("apprise", "apprise:phone", "apprise"),
    ],
)
def test_what_is_not_installed_is_said_once_and_holds_up_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, package: str, destination: str, extra: str
) -> None:
    world.configure(
        mail={"host": "127.0.0.1", "port": 9, "sender": "a@b.example", "security": "none"},
        apprise={"phone": "json://127.0.0.1:9/"},
    )
    world.gateways.open()
    monkeypatch.setitem(sys.modules, package, None)  # as Python has it for what is not there
    told = f"{package} is not installed: pip install 'hermes-kanban[{extra}]'"
    with pytest.raises(InvalidInput, match=re.escape(told)):
        world.subscribe(destination)
    outcome = anyio.run(notify.send, destination, MESSAGE, structlog.get_logger())
    assert outcome == notify.retry(told)


def test_a_gateway_says_what_is_not_installed_and_serves_the_rest(
    world: World, receiver: Receiver
) -> None:
    program = "import runpy, sys; sys.modules['aiosmtplib'] = sys.modules['apprise'] = None;"
    program += "runpy.run_module('gateway', run_name='__main__', alter_sys=True)"
    bare = World(Gateways(world.gateways.home, ("-c", program)))
    bare.begin(
        allow_private=["127.0.0.1"],
        webhooks={"ops": {"url": f"http://127.0.0.1:{receiver.port}/", "secret": SECRET}},
        mail={"host": "127.0.0.1", "port": 9, "sender": "a@b.example", "security": "none"},
        apprise={"phone": "json://127.0.0.1:9/"},
    )
    try:
        mail = bare.subscribe("email:mara@example.org")
        bare.subscribe("webhook:ops")
        kb.create_task(bare.conn, title="Count")
        bare.until(lambda: receiver.requests)
        told = "aiosmtplib is not installed: pip install 'hermes-kanban[mail]'"
        assert bare.tried(mail).reason == told
        health = bare.gateways.health()
        assert health is not None
        assert f"notify.mail: {told}" in health.degraded
        assert (
            sum("notify.apprise: apprise is not installed" in one for one in health.degraded) == 1
        )
    finally:
        bare.gateways.close()
