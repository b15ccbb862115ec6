"""Servers of the board for browsers: without a gateway, and in one whose workers are real."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.rest.secrets import Logins
from tests.rest.client import PROGRAM, Client, Served
from tests.support.gateways import Gateways
from tests.support.ports import free_port
from tests.support.waiting import wait_until


def isolated(home: Path, patch: pytest.MonkeyPatch) -> Path:
    """``home``, empty, which the environment names; whoever asks is ``ada``."""
    for name in [name for name in os.environ if name.startswith("HERMES_")]:
        patch.delenv(name)
    patch.setenv("HERMES_KANBAN_HOME", str(home))
    patch.setenv("HERMES_KANBAN_DURABILITY", "normal")
    patch.setenv("LOGNAME", "ada")
    home.mkdir(exist_ok=True)
    return home


def configure(home: Path, **sections: Any) -> None:
    """Write the home's configuration."""
    (home / "config.yaml").write_text(yaml.safe_dump(sections), "utf-8")


def login_link(site: WebAlone | LiveGateway) -> str:
    """A fresh link that logs in, as the server's home knows it."""
    return f"{site.address}/#/login?code={Logins(site.home).new_code()}"


class WebAlone(Served):
    """``hermes-kanban web``: nothing dispatches. ``conn`` is the board, ``state`` a login."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.state: Any = None

    @property
    def address(self) -> str:
        """``http://host:port``."""
        return f"http://127.0.0.1:{self.port}"

    def login_link(self) -> str:
        """A fresh link that logs in, once."""
        return login_link(self)


class LiveGateway(Client):
    """A gateway that serves the page, and can be killed and started anew on the same port."""

    program: Sequence[str] = ("-m", "gateway")

    def __init__(self, home: Path, profiles: dict[str, Any], **kanban: Any) -> None:
        super().__init__(free_port(), None)
        self.home = home
        self.state: Any = None
        self._gateways = Gateways(home, self.program)
        self._gateways.configure(
            profiles, web={"in_gateway": True, "port": self.port}, durability="normal", **kanban
        )
        self.conn: kb.BoardConnection = self._gateways.open()
        self.process = self._gateways.start()
        self.until_it_answers()
        self.get("/boards", Authorization="Bearer none")
        self.token = (home / "web.token").read_text().strip()

    @property
    def address(self) -> str:
        """``http://host:port``."""
        return f"http://127.0.0.1:{self.port}"

    def login_link(self) -> str:
        """A fresh link that logs in, once."""
        return login_link(self)

    def printed_link(self) -> str:
        """What ``hermes-kanban board`` prints."""
        done = subprocess.run(
            [str(PROGRAM), "board", "--json"], capture_output=True, text=True, check=True
        )
        return str(json.loads(done.stdout)["link"]["url"])

    def until_it_answers(self) -> None:
        """Wait until it does."""
        wait_until(self._answers, message=self._gateways.errors())

    def kill(self) -> None:
        """kill -9; its workers live on."""
        self._gateways.kill(self.process)

    def again(self) -> None:
        """Start it again, and wait until it answers."""
        self.process = self._gateways.start()
        self.until_it_answers()

    def wait_for(self, task_id: str, *statuses: str) -> kb.Task:
        """Wait until the task has one of these statuses."""
        return self._gateways.wait_for(task_id, *statuses)

    def close(self) -> None:
        """End it and what it started."""
        self._gateways.close()

    def _answers(self) -> bool:
        try:
            return self.send("GET", "/healthz").status == 200
        except OSError:
            return False
