"""One notifier a board over all homes and hosts: stand-by, take-over, and one that stood still."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gateway import locks
from gateway.locks import chat_lock
from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.config import Server
from hermes_kanban.kernel import outbox
from hermes_kanban.kernel.subscriptions import subscribe
from hermes_kanban.store.opening import server_of
from hermes_kanban.store.pgnames import lock_key, schema_of
from tests.notify.conftest import Inbox
from tests.support import stores
from tests.support.boards import ABoard
from tests.support.gateways import Gateways
from tests.support.relay import relay
from tests.support.several_hosts import AHost
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")

# A gateway of which a call that takes three seconds hangs.
HANGS_SOON = "import gateway.kernel_thread; gateway.kernel_thread.SLOW_SECONDS = 3"
# A gateway that takes one which was silent for seconds, not for half a minute, to stand still.
QUICK_TO_JUDGE = """
import gateway.charge, gateway.locks
gateway.locks.SILENT_SECONDS = 4
gateway.charge.KEEP_SECONDS = 0.5
from gateway.__main__ import main
main()
"""


class Pair:
    """Two gateways of two homes that serve the same board.

    ``first`` is the address by which the first of them, which then has the role, reaches it.
    """

    def __init__(self, tmp_path: Path, gateways: Gateways, first: str | None = None) -> None:
        self.gateways = gateways
        self.inbox = Inbox(tmp_path / "inbox")
        gateways.configure({})
        self.conn = gateways.open()
        subscribe(self.conn, destination=self.inbox.command(), filter={"kinds": ["created"]})
        self.homes = [tmp_path / "one", tmp_path / "two"]
        self.processes = [self._start(self.homes[0], first)]
        if first is not None:
            wait_until(lambda: self.holder() == 0)
        self.processes.append(self._start(self.homes[1]))

    def _start(self, home: Path, address: str | None = None) -> subprocess.Popen[bytes]:
        home.mkdir()
        (home / "config.yaml").write_bytes((self.gateways.home / "config.yaml").read_bytes())
        with (home / "err").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", (HANGS_SOON if address else "") + QUICK_TO_JUDGE],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env=os.environ
                | {"HERMES_KANBAN_HOME": str(home)}
                | ({"HERMES_KANBAN_DATABASE": address} if address else {}),
            )
        self.gateways.processes.append(process)
        return process

    def told(self, which: int, event: str) -> int:
        """How often one of them logged that."""
        log = self.homes[which] / "gateway.log"
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        return sum(json.loads(line)["event"] == event for line in lines)

    def holder(self) -> int | None:
        """Which of them has the role, as the server knows it."""
        with psycopg.connect(stores.address()) as server:
            row = server.execute(HOLDER, (lock_key(f"notifier {schema_of('default')}"),)).fetchone()
        pid = None if row is None else int(row[0].split()[1])
        return next((at for at, one in enumerate(self.processes) if one.pid == pid), None)

    def settled_holder(self) -> int:
        """The holder, once there is one and the other stands by."""
        wait_until(lambda: self.holder() is not None, message="nobody delivers")
        holder = self.holder()
        assert holder is not None
        wait_until(lambda: self.told(1 - holder, "notify.standby") > 0)
        return holder

    def titles(self) -> list[str]:
        """What was sent, in order."""
        return [message["task"]["title"] for message in self.inbox.messages()]

    def create(self, title: str) -> None:
        kb.create_task(self.conn, title=title)


HOLDER = """
SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32) | l.objid::bigint = %s
"""


@pytest.fixture
def pair(tmp_path: Path, gateways: Gateways) -> Iterator[Pair]:
    made = Pair(tmp_path, gateways)
    yield made
    for process in made.processes:
        process.send_signal(signal.SIGCONT)


def test_a_message_goes_out_once_and_the_other_takes_over(pair: Pair) -> None:
    holder = pair.settled_holder()
    pair.create("one")
    wait_until(lambda: pair.told(holder, "notify.delivered") == 1)
    pair.processes[holder].kill()
    pair.create("two")
    wait_until(lambda: pair.titles() == ["one", "two"])
    wait_until(lambda: pair.holder() == 1 - holder)
    assert pair.told(1 - holder, "notify.took_over") == 1


def test_a_holder_that_stands_still_is_displaced_and_sends_nothing_afterwards(pair: Pair) -> None:
    holder = pair.settled_holder()
    frozen = pair.processes[holder]
    frozen.send_signal(signal.SIGSTOP)
    pair.create("while it stands still")
    wait_until(lambda: pair.titles() == ["while it stands still"], timeout=60)
    wait_until(lambda: pair.holder() == 1 - holder)
    frozen.send_signal(signal.SIGCONT)
    # It notices that it was displaced, and stands by.
    wait_until(lambda: pair.told(holder, "notify.standby") > 0, timeout=60)
    pair.create("afterwards")
    wait_until(lambda: pair.told(1 - holder, "notify.delivered") == 2)
    assert pair.titles() == ["while it stands still", "afterwards"]
    wait_until(lambda: pair.holder() == 1 - holder)


def test_a_holder_whose_call_hangs_gives_way(tmp_path: Path, gateways: Gateways) -> None:
    """Although it lives, and its other sessions speak."""
    with (
        tempfile.TemporaryDirectory(prefix="hk-") as folder,
        relay(stores.address(), Path(folder)) as line,
    ):
        pair = Pair(tmp_path, gateways, line.address)
        assert pair.settled_holder() == 0
        line.stall_at(b"FROM deliveries o JOIN kanban_notify_subs t")
        pair.create("one")
        wait_until(lambda: pair.titles() == ["one"], timeout=60)
        assert line.has_stalled
        wait_until(lambda: pair.holder() == 1)
        assert pair.told(0, "watcher.waits") > 0


def test_one_that_stands_still_gives_way_to_one_of_another_user(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose sessions it cannot see, let alone end: the server does."""
    monkeypatch.setattr(locks, "SILENT_SECONDS", 0.5)
    del board
    name = "kanban_of_another_host"
    with psycopg.connect(stores.address(), autocommit=True) as admin:
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is None:
            admin.execute(f"CREATE ROLE {name} LOGIN".encode())
    mine = Server(stores.address())
    theirs = Server(stores.address().replace("//postgres:@", f"//{name}@"))
    # The other has no right to end ours.
    still, other = (
        chat_lock(tmp_path / file, server, "matrix", "an account")
        for file, server in (("still", mine), ("other", theirs))
    )
    assert still.try_take()
    wait_until(other.try_take)
    assert not still.try_take()
    still.release()
    other.release()


def test_why_it_did_not_arrive_names_the_host_where_there_are_several(board: ABoard) -> None:
    conn = board.conn
    subscribe(conn, destination="log", filter={"kinds": ["created"]})
    board.create("one")
    assert outbox.advance_cursors(conn)
    (head,) = outbox.survey_outbox(conn).heads
    unreached = notify.not_now(notify.unreached("matrix"))
    assert outbox.mark(conn, head.delivery.id, unreached).reason == unreached.reason
    assert AHost(board, "another", profiles={}).join()
    marked = outbox.mark(conn, head.delivery.id, unreached)
    assert marked.reason == f"on {conn.config.host.name}: {unreached.reason}"
    outbox.due_again(conn, "matrix")
    assert [one.delivery.id for one in outbox.survey_outbox(conn).heads] == [head.delivery.id]


def test_one_listens_for_an_account_in_a_chat_whatever_its_home(
    board: ABoard, tmp_path: Path
) -> None:
    server = server_of(board.conn.paths)
    ours, theirs, another = (
        chat_lock(tmp_path / name, server, "matrix", account)
        for name, account in (("ours", "secret"), ("theirs", "secret"), ("another", "other"))
    )
    assert [lock.try_take() for lock in (ours, theirs, another)] == [True, False, True]
    ours.release()
    wait_until(theirs.try_take)
    assert not ours.try_take()
    for lock in (ours, theirs, another):
        lock.release()
