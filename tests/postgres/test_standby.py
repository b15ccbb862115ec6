"""A standby that lags and is promoted: what was lost is gone, what is there is sound."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import NotFound
from hermes_kanban.model.records import Refused
from tests.bench.postgres.server import Server, addressed, running
from tests.support.boards import isolate
from tests.support.waiting import wait_until

pytestmark = pytest.mark.torture

_CAUGHT_UP = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"


class Standby:
    """A second server that follows the first."""

    def __init__(self, first: Server, folder: Path) -> None:
        (behind,) = parse_qs(urlsplit(first.pattern).query)["host"]
        self.first, self.data, self._log = Path(behind), folder / "data", folder / "log"
        self._programs = Path(os.readlink(f"/proc/{first.pid}/exe")).parent
        self._user = self.first.owner()
        shutil.chown(folder, self._user)
        self.run(
            "pg_basebackup", "-h", self.first, "-U", "postgres", "-D", self.data, "-R", "-X",
            "stream", "--checkpoint=fast",
        )  # fmt: skip
        for socket in self.data.glob(".s.PGSQL*"):
            socket.unlink()
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(f"\nunix_socket_directories = '{self.data}'\nlisten_addresses = ''\n")

    def run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        subprocess.run(command, user=self._user, check=True, capture_output=True, timeout=120)

    def start(self) -> None:
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self._log, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop")

    def promote(self) -> None:
        self.run("pg_ctl", "-D", self.first, "-w", "-m", "immediate", "stop")
        self.start()
        self.run("pg_ctl", "-D", self.data, "-w", "promote")

    def has_all(self, position: str) -> bool:
        with psycopg.connect(f"postgresql://postgres@/postgres?host={self.data}") as conn:
            return bool(conn.execute(_CAUGHT_UP, (position,)).fetchone() == (True,))


@contextmanager
def pair() -> Iterator[tuple[str, Standby]]:
    """The address of both servers, and the second, which runs."""
    with running() as first, tempfile.TemporaryDirectory(prefix="hk-sb-") as folder:
        first.database("boards")
        standby = Standby(first, Path(folder))
        standby.start()
        hosts = f"{standby.first},{standby.data}"
        try:
            yield (
                f"postgresql://postgres@/boards?host={hosts}&target_session_attrs=read-write",
                standby,
            )
        finally:
            standby.stop()


def test_a_standby_that_lags_and_is_promoted_has_a_sound_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(tmp_path / "home", monkeypatch)
    monkeypatch.setenv("HERMES_KANBAN_DURABILITY", "full")
    with pair() as (address, standby), addressed(address):
        conn = kb.connect()
        kept, torn = (kb.create_task(conn, title=title, assignee="a") for title in ("one", "two"))
        held = kb.claim_task(conn, kept)
        assert held is not None
        position = conn.execute("SELECT pg_current_wal_lsn()::text").fetchone()[0]
        wait_until(lambda: standby.has_all(position))
        standby.stop()
        lost = kb.claim_task(conn, torn)
        gone = kb.create_task(conn, title="three")
        assert lost is not None
        standby.promote()

        assert kb.get_task(conn, torn).status == "ready"
        with pytest.raises(NotFound):
            kb.get_task(conn, gone)
        late = kb.complete_task(
            conn, torn, result="done", run_id=lost.current_run_id, claim_lock=lost.claim_lock
        )
        assert isinstance(late, Refused)
        again = kb.claim_task(conn, torn)
        assert again is not None
        assert again.current_run_id not in (lost.current_run_id, held.current_run_id)
        assert (
            kb.complete_task(
                conn, kept, result="done", run_id=held.current_run_id, claim_lock=held.claim_lock
            )
            is True
        )
        assert kb.check(conn, deep=True) == []
        conn.close()
