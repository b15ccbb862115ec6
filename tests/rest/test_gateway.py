"""The same server in a gateway: it dies under its pages and comes back; they missed nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from websockets.exceptions import WebSocketException

from hermes_kanban import kernel as kb
from tests.rest.client import PROGRAM, Client
from tests.rest.live_client import page
from tests.rest.test_doors import Browser, code_of
from tests.rest.test_live import writer
from tests.support.gateways import Gateways, shell
from tests.support.ports import free_port
from tests.support.waiting import wait_until


class Gateway(Client):
    """A gateway that serves HTTP, which is killed and started anew."""

    def __init__(self, gateways: Gateways) -> None:
        super().__init__(free_port(), None)
        self.gateways = gateways
        self.gateways.configure(
            {"quick": shell("echo working; echo done")},
            web={"in_gateway": True, "port": self.port},
            durability="normal",
        )
        self.conn = gateways.open()
        self.process = gateways.start()
        self.until_it_answers()
        self.get("/boards", Authorization="Bearer none")
        self.token = (gateways.home / "web.token").read_text().strip()

    def until_it_answers(self) -> None:
        wait_until(self._answers, message=self.gateways.errors())

    def _answers(self) -> bool:
        try:
            return self.send("GET", "/healthz").status == 200
        except OSError:
            return False

    def kill(self) -> None:
        self.gateways.kill(self.process)

    def again(self) -> None:
        self.process = self.gateways.start(wait=False)


@pytest.fixture
def gateway(gateways: Gateways) -> Iterator[Gateway]:
    yield Gateway(gateways)


def test_a_gateway_that_is_killed_under_a_page_costs_it_no_event(gateway: Gateway) -> None:
    start = cursor = kb.newest_event_id(gateway.conn)
    seen: list[int] = []
    kills = 0
    with writer(400) as process:
        while len(seen) < 800:
            try:
                with page(gateway) as heard:
                    # A gateway answers before it has opened its boards: a page asks again.
                    while (began := heard.subscribe(after=cursor))["type"] == "gone":
                        pass
                    assert (began["type"], began["cursor"]) == ("subscribed", cursor)
                    while len(seen) < 800:
                        told = heard.hear_of("events")
                        seen += [event["id"] for event in told["events"]]
                        cursor = told["cursor"]
                        if kills < 3 and len(seen) > 150 * (kills + 1):
                            kills += 1
                            gateway.kill()
            except (OSError, WebSocketException):
                if gateway.process.poll() is not None:
                    gateway.again()
                gateway.until_it_answers()
        assert process.wait(60) == 0
    assert kills == 3
    assert seen == list(range(start + 1, start + 801))


def test_a_task_is_filed_done_and_told_by_one_gateway(gateway: Gateway) -> None:
    with page(gateway) as heard:
        heard.subscribe(cards=True)
        presence = heard.hear_of("presence")["gateway"]
        assert (presence["state"], presence["pid"]) == ("dispatching", gateway.process.pid)
        made = gateway.post("/tasks", {"title": "Quick", "assignee": "quick"}).json
        assert made["warnings"] == []
        kinds: list[str] = []
        while "exited" not in kinds:
            told = heard.hear_of("events")
            kinds += [event["kind"] for event in told["events"]]
        assert kinds[0] == "created"
        assert {"claimed", "spawned", "completed"} <= set(kinds)
        run = gateway.get(f"/tasks/{made['id']}/runs").json["runs"][0]
        heard.say("log", board="default", run_id=run["id"])
        assert heard.hear_of("log")["lines"] == ["working", "done"]
        assert heard.hear_of("log")["over"]
    assert gateway.get("/health").json["gateway"]["pid"] == gateway.process.pid


def test_a_board_that_is_made_is_served_at_once(gateway: Gateway) -> None:
    assert gateway.post("/boards", {"slug": "website"}).status == 201
    assert gateway.post("/boards/website/tasks", {"title": "there"}).status == 201
    with page(gateway) as heard:
        assert heard.subscribe("website", after=0)["type"] == "subscribed"
        assert heard.events(1)[0]["kind"] == "created"


def test_the_command_prints_a_link_that_works(gateway: Gateway) -> None:
    done = subprocess.run([str(PROGRAM), "board"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith(f"http://127.0.0.1:{gateway.port}/#/login?code=")
    browser = Browser(gateway, code_of(done.stdout.strip()))  # type: ignore[arg-type]
    assert browser.ask("/cards").status == 200
    public = os.environ | {"HERMES_KANBAN_WEB_PUBLIC_URL": "https://rack.example.org/"}
    done = subprocess.run(
        [str(PROGRAM), "board"], capture_output=True, text=True, check=True, env=public
    )
    here, afar = done.stdout.splitlines()
    assert afar == f"from elsewhere: https://rack.example.org/#/login?code={code_of(here)}"
    gateway.kill()
    done = subprocess.run([str(PROGRAM), "board"], capture_output=True, text=True, check=True)
    assert "nothing listens at" in done.stderr
    assert "hermes-kanban up" in done.stderr


def test_a_page_does_not_hold_up_the_end(gateway: Gateway) -> None:
    with page(gateway) as heard:
        heard.subscribe()
        gateway.process.terminate()
        assert gateway.process.wait(20) == 0


def test_a_gateway_that_serves_no_http_loads_none_of_it() -> None:
    heavy = ("uvicorn", "starlette", "websockets", "prometheus_client", "h11")
    code = f"import sys, gateway.__main__; assert not set({heavy}) & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = (
        "import sys, gateway.web_alone, hermes_kanban.surfaces.rest.app;"
        " assert 'prometheus_client' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_host_is_listed_drained_and_resumed(gateway: Gateway) -> None:
    (host,) = gateway.get("/hosts").json["hosts"]
    assert (host["presence"], host["state"], host["here"]) == ("live", "active", True)
    assert (host["running"], host["profiles"]) == (0, ["quick"])
    body = {"host": host["name"], "reason": "new disk"}
    drained = gateway.post("/hosts/drain", body).json
    assert (drained["host"]["state"], drained["changed"]) == ("draining", True)
    assert gateway.get("/hosts").json["hosts"][0]["drained_reason"] == "new disk"
    assert gateway.post("/hosts/drain", body).json["changed"] is False
    task = gateway.post("/tasks", {"title": "Quick", "assignee": "quick"}).json["id"]
    (hold,) = gateway.get(f"/tasks/{task}/why").json["holds"]
    assert hold["code"] == "draining"
    assert gateway.post("/hosts/resume", {"host": host["host_id"]}).json["changed"] is True
    wait_until(lambda: gateway.get(f"/tasks/{task}").json["task"]["status"] == "done")
    nobody = gateway.post("/hosts/drain", {"host": "nobody"})
    assert (nobody.status, "hosts list" in nobody.json["detail"]) == (404, True)
