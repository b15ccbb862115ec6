"""Who acts, one statement at a time: actions as greenlets, with a point before every statement.

At a point an action may be set aside for others, or its process may die there. What is dead
executes nothing more: its connection is closed as the operating system would, without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from greenlet import greenlet

from hermes_kanban.model import BoardBusy
from tests.simulation.hosts import Host

_WRITES: Final = ("INSERT", "UPDATE", "DELETE", "COMMIT")

Place = Literal["window", "lock"]


def is_write(sql: str) -> bool:
    """Whether a full disk can stop the statement."""
    return sql.lstrip().startswith(_WRITES)


class Aim(NamedTuple):
    """The place where an action meets its fate, and which one of those that it passes.

    A ``window`` is between two things that only look like one. At a ``lock`` everything that was
    read is known, and nothing of what is to be written rests on it yet: others may come first.
    """

    place: Place
    nth: int


class Crash(BaseException):
    """The process is gone; only the simulation knows of it."""


class Clock:
    """A host's clocks as one connection reads them.

    ``high`` is the latest reading since its action began, ``low`` the earliest since it writes.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.low = self.low_of_action = self.high = 0

    def begin(self) -> None:
        """An action begins."""
        self.low = self.low_of_action = self.high = 0

    def now(self) -> int:
        now = self.host.now()
        self.high = max(self.high, now)
        self.low = min(self.low or now, now)
        self.low_of_action = min(self.low_of_action or now, now)
        return now

    def monotonic(self) -> float:
        return self.host.monotonic()

    def boottime(self) -> float:
        return self.host.boottime()


class Action:
    """One thing that somebody does, from its first statement to its end.

    ``left`` points are passed before its ``fate``: pause, crash, full (the disk) or busy (the
    writer lock). ``many`` says that it is more than one transaction,
    ``pooled`` that its connection is nobody's when it is done.
    """

    def __init__(
        self,
        crew: Crew,
        label: str,
        connection: Any,
        call: Callable[[Action], Any],
        *,
        many: bool = False,
        pooled: bool = True,
    ) -> None:
        self.crew = crew
        self.label = label
        self.conn = connection
        self.many = many
        self.pooled = pooled
        self.left: int | None = None
        self.fate = "run"
        self.aim: Aim | None = None
        self.dead = self.done = False
        self.waits = False
        self.times_aside = 0
        self.writing: str | None = None
        self.commits = 0
        self.faulted = False
        self.newest_before = 0
        self.value: Any = None
        self.error: Exception | None = None
        self._call = call
        self._greenlet = greenlet(self._run)

    def _run(self) -> None:
        try:
            self.value = self._call(self)
        except Crash:
            self.dead = True
        except Exception as error:
            self.error = error
        self.done = True

    def go_on(self, fate: str, after: int, aim: Aim | None = None) -> None:
        """Run on: to the end, or to the fate that waits ``after`` points on, or where it aims."""
        self.fate = fate
        self.aim = aim if fate in ("pause", "crash") else None
        # A disk fills while somebody writes, which is later than most that is worth a pause.
        self.left = None if fate == "run" or self.aim else after + 5 * (fate == "full")
        self.crew.current = self
        self._greenlet.switch()
        self.crew.current = None

    def die(self) -> None:
        """Its process is killed while it is set aside."""
        self.dead = True
        if not self.done:
            self._greenlet.switch()

    def point(self) -> None:
        """Here it may be set aside, or die."""
        if self.dead:
            raise Crash
        if self.left is None:
            return
        self.left -= 1
        if self.left <= 0:
            self._meet_fate()

    def window(self) -> None:
        """A point between two things that only look like one: spawned and registered, say."""
        self._pass("window")
        self.point()

    def before_lock(self) -> None:
        """The point between what was read and waiting for the lock to write."""
        self._pass("lock")
        self.point()

    def _pass(self, place: str) -> None:
        if self.aim is None or self.aim.place != place:
            return
        self.aim = self.aim._replace(nth=self.aim.nth - 1) if self.aim.nth > 1 else None
        if self.aim is None:
            self._meet_fate()

    def _meet_fate(self) -> None:
        self.left = None
        if self.fate == "pause":
            self._set_aside()
        elif self.fate == "crash":
            self.dead = True
            raise Crash

    def _set_aside(self) -> None:
        self.times_aside += 1
        self.crew.main.switch()
        if self.dead:
            raise Crash

    def wait_for_lock(self, lock: SimulatedLock, seconds: float) -> None:
        """Others write: wait for the lock, or give up as a bounded wait does."""
        if self.fate == "busy" and self.left is not None:
            self.left, self.faulted = None, True
            self.crew.busy += 1
            raise BoardBusy("a simulated process", seconds)
        while lock.holder is not None:
            self.waits = True
            self._set_aside()
        self.waits = False

    def disk_is_full(self) -> bool:
        """Whether the disk fills at this statement."""
        if self.fate != "full" or self.left is None or self.left > 1 or self.writing is None:
            return False
        self.left, self.faulted = None, True
        return True


class SimulatedLock:
    """The board's writer lock: waiting for it is being set aside."""

    def __init__(self, crew: Crew, conn: Any) -> None:
        self.crew = crew
        self.conn = conn

    def acquire(self, verb: str, wait_seconds: float) -> None:
        action = self.conn.action
        if action is not None:
            action.before_lock()
            action.wait_for_lock(self.crew.lock, wait_seconds)
            action.writing = verb
            self.conn.clock.low = 0
        if self.crew.lock.holder is not None:
            raise AssertionError(f"{verb} writes while {self.crew.lock.holder.action} does")
        self.crew.lock.holder = self.conn
        self.crew.taken(self.conn)

    def release(self) -> None:
        if self.crew.lock.holder is self.conn:
            self.crew.lock.holder = None
        if self.conn.action is not None:
            self.conn.action.writing = None

    def close(self) -> None:
        self.release()


class _Held:
    """Who holds the lock that all connections share."""

    holder: Any = None


class Crew:
    """Every action under way, and the connections they use.

    ``seam`` is where it takes hold of them: ``on_sqlite`` or ``on_postgres``.
    """

    def __init__(
        self, seam: Any, connect: Callable[[], Any], committed: Callable[[Action], None]
    ) -> None:
        self.seam = seam
        self.main = greenlet.getcurrent()
        self.lock = _Held()
        self.current: Action | None = None
        self.aside: list[Action] = []
        self.free: list[Any] = []
        self._dropped = 0
        self.statements = 0
        self.crashes = 0
        self.busy = 0
        self.full = 0
        self.taken: Callable[[Any], None] = lambda _conn: None
        self._connect = connect
        self._committed = committed

    # Connections.

    def open(self) -> Any:
        """A connection, new or left behind by an action that ended well."""
        if self.free:
            return self.free.pop()
        conn = self._connect()
        conn.action = None
        self.seam.take(conn, self)
        return conn

    def has_committed(self, action: Action) -> None:
        """A transaction of an action is over; was it one that writes?"""
        if action.writing is not None:
            action.commits += 1
            self._committed(action)
            action.point()

    # Actions.

    def next_to_run(self, action: Action) -> Action:
        """The action, or whoever holds the lock that it waits for."""
        if action.waits and self.lock.holder is not None:
            holder: Action = self.lock.holder.action
            return holder
        return action

    def run(self, action: Action, fate: str, after: int, aim: Aim | None = None) -> None:
        """Run an action on, up to its fate."""
        if action in self.aside:
            self.aside.remove(action)
        action.go_on(fate, after, aim)
        if not action.done:
            self.aside.append(action)
        elif action.dead:
            self.crashes += 1
            if action.pooled:
                self.drop(action.conn)
        else:
            action.conn.action = None

    def kill(self, action: Action) -> None:
        """The process of an action that was set aside is gone."""
        self.aside.remove(action)
        action.die()
        self.crashes += 1
        if action.pooled:
            self.drop(action.conn)

    def drop(self, conn: Any) -> None:
        """Its process is gone, and what it had not committed.

        Opening another costs more than all the rest, so most are rolled back and used again:
        to everybody else that looks the same.
        """
        if self.lock.holder is conn:
            self.lock.holder = None
        conn.action = None
        self._dropped += 1
        if self._dropped % 16 == 0:
            self.seam.close(conn)
            return
        self.seam.roll_back(conn)
        self.seam.squeeze(conn, full=False)
        conn.transaction = None
        self.free.append(conn)

    def close(self, conn: Any) -> None:
        """Close a connection for good."""
        conn.action = None
        self.seam.close(conn)
