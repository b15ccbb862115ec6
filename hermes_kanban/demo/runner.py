"""The demonstration from its start to its end."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType
from typing import Final

from hermes_kanban import kernel as kb
from hermes_kanban.demo import ending, plan
from hermes_kanban.demo.gateway import Gateway, GatewayFailed
from hermes_kanban.demo.home import SOURCE, Home
from hermes_kanban.demo.mishap import Mishap
from hermes_kanban.demo.news import News
from hermes_kanban.demo.show import Lines, Show, show_for
from hermes_kanban.kernel.live import live_runs
from hermes_kanban.workers.process import SystemProcesses

DONE, FAILED, INTERRUPTED = 0, 1, 130
LOOK_SECONDS: Final = 0.05
# The gateway may need a moment to take up what can start.
IDLE_SECONDS: Final = 2.0


class Interrupt:
    """Set by the first signal that asks this process to end."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        self._event.set()

    def came_within(self, seconds: float) -> bool:
        """Wait so long at most; whether it came."""
        return self._event.wait(seconds)


def run(home: Home, *, exit_when_idle: bool) -> int:
    """File the plan if the board is empty, and show it being done.

    Returns the exit code: 0 when the plan is finished, 1 when it cannot be, 130 when interrupted.
    """
    interrupt = Interrupt()
    home.prepare()
    kb.init_db()
    conn = kb.connect()
    gateway = Gateway(home)
    try:
        return Demonstration(home, conn, gateway, interrupt).run(stays=not exit_when_idle)
    except GatewayFailed as failure:
        print(f"\n{failure}\nIts log: {home.shown(home.gateway_log)}", flush=True)
        return FAILED
    finally:
        _leave(conn, gateway)
        conn.close()


def _leave(conn: kb.BoardConnection, gateway: Gateway) -> None:
    if sys.stdout.isatty():
        print()  # the terminal has written ^C on this line
    if gateway.is_ours:
        seconds = gateway.stop()
        print(f"gateway stopped in {seconds:.1f} s", flush=True)
    elif gateway.pid:
        print(f"the gateway that was running goes on; to stop it: kill {gateway.pid}", flush=True)
    if left := _workers_alive(conn):
        workers = "1 worker goes" if left == 1 else f"{left} workers go"
        print(f"{workers} on without it; the next `make run` takes up where they are", flush=True)


def _workers_alive(conn: kb.BoardConnection) -> int:
    """Not all that the board still counts: nobody records an exit now."""
    processes = SystemProcesses()
    identities = [run.identity() for run in live_runs(conn)]
    return sum(one is not None and processes.liveness(one) == "alive" for one in identities)


class Demonstration:
    """One `make run`."""

    def __init__(
        self, home: Home, conn: kb.BoardConnection, gateway: Gateway, interrupt: Interrupt
    ) -> None:
        self._home = home
        self._conn = conn
        self._gateway = gateway
        self._interrupt = interrupt
        self._news = News(conn)
        self._idle_since: float | None = None

    def run(self, *, stays: bool) -> int:
        """From the gateway's start to the last word; the exit code."""
        print(f"board    {self._home.shown(self._conn.paths.database)}", flush=True)
        self._news.catch_up()
        self._find_gateway()
        self._fill_board()
        if not self._watch_until_idle():
            return INTERRUPTED
        said = ending.lines(self._conn, self._home, self._news.retries, stays=stays)
        print("\n".join(said), flush=True)
        if stays:
            self._stay()
        return FAILED if plan.unfinished(self._conn) else DONE

    def _find_gateway(self) -> None:
        self._gateway.join_or_start()
        log = self._home.shown(self._home.gateway_log)
        how = "started" if self._gateway.is_ours else "was running already and is used:"
        print(f"gateway  {how} pid {self._gateway.pid}, log {log}", flush=True)

    def _fill_board(self) -> None:
        if plan.is_empty(self._conn):
            count = plan.file_plan(self._conn, SOURCE)
            print(f"plan     {count} tasks over {SOURCE}", flush=True)
            return
        counts = kb.stats(self._conn).tasks
        found = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        print(f"plan     none is filed, the board has tasks: {found}", flush=True)

    def _watch_until_idle(self) -> bool:
        """Show the board until nothing moves; False if interrupted before that."""
        show = show_for(self._conn, self._news)
        mishap = Mishap(self._conn)
        try:
            while not self._interrupt.came_within(LOOK_SECONDS):
                if killed := mishap.step():
                    show.say(killed)
                self._look(show)
                if self._is_over():
                    return True
            return False
        finally:
            show.close()

    def _stay(self) -> None:
        """The gateway stays up; what happens is told in lines."""
        lines = Lines(self._news)
        while not self._interrupt.came_within(LOOK_SECONDS):
            self._look(lines)

    def _look(self, show: Show) -> None:
        show.refresh()
        if not self._gateway.look():
            self._gateway.join_or_start()
            show.say(f"the gateway went; started another, pid {self._gateway.pid}")

    def _is_over(self) -> bool:
        if not plan.is_idle(self._conn):
            self._idle_since = None
            return False
        if not plan.unfinished(self._conn):
            return True
        now = time.monotonic()
        self._idle_since = self._idle_since or now
        return now - self._idle_since >= IDLE_SECONDS
