"""Which agent a run belongs to, told by who descends from whom.

A worker's agent may start other agent programs through its shell, and those inherit all that names
the run. Its tools therefore bind to one process: the client that first reached the board is
written to ``runs/<run_id>/agent.json``, and whoever belongs to another agent may only read.

It is told from the line of processes between the caller and the run's supervisor, which on Linux
everything that a run starts descends from, a daemon too. This guards against agents that take the
run for their own, not against code that means harm: that runs as the same user.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from hermes_kanban.machine import machine
from hermes_kanban.model import Identity
from hermes_kanban.regular import open_regular, read_regular
from hermes_kanban.workers import programs
from hermes_kanban.workers.ancestry import Process, ancestors, process_table, read_process

AGENT_FILE = "agent.json"
LOCK_FILE = "agent.lock"
SPEC_FILE = "spec.json"

# How the caller reached the board: a tool server, a request, a command, or a call in its process.
Via = Literal["mcp", "http", "cli", "python"]


class Agent(NamedTuple):
    """A known agent program, and the process in which it runs."""

    program: str
    identity: Identity


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the caller is of the agent that the run belongs to.

    ``program`` and ``pid`` name the caller's own agent, as far as one is known.
    """

    own: bool
    program: str | None = None
    pid: int | None = None

    @property
    def nested(self) -> bool:
        """Whether another agent has the run: the caller may only read."""
        return not self.own

    @property
    def caller(self) -> str:
        """The caller's agent in words, such as ``codex, pid 12``."""
        return f"{self.program or 'another program'}, pid {self.pid}"


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """``agent.json``: who has the run.

    ``client`` is the process that the tools bind to, None for one on another machine; ``program``
    says which known agent that is, None for any other. ``agent`` is the nearest known agent at or
    above it, ``root`` the process that the supervisor started. ``at`` is Unix seconds.
    """

    v: int = 1
    client: Identity | None
    program: str | None
    agent: Identity | None
    root: Identity | None
    at: int
    via: Via


class Line(NamedTuple):
    """The processes from a caller up to its run's supervisor, the caller first.

    ``supervised`` is False where no supervisor of that run stands above.
    """

    processes: list[Process]
    supervised: bool

    def agents(self) -> list[list[Process]]:
        """The known agents in the line, nearest first, each with its wrappers, innermost first."""
        groups: list[list[Process]] = []
        below: Process | None = None
        for process in self.processes:
            if process.program is not None:
                if groups and below is groups[-1][-1] and _is_wrapper(process, below):
                    groups[-1].append(process)
                else:
                    groups.append([process])
            below = process
        return groups


def client_of(pid: int) -> Identity | None:
    """The client of the tool process ``pid``: its first ancestor that is no launcher.

    Where all are launchers up to the run's supervisor, the uppermost of them; None if the process
    is gone or has no ancestor.
    """
    above = _line(pid, None).processes[1:]
    chosen = next((one for one in above if not one.launcher), above[-1] if above else None)
    return None if chosen is None else _identity(chosen)


def nearest_agent(pid: int, until: Identity | None = None) -> Agent | None:
    """The first known agent program met on the way up from ``pid``, itself included.

    The way ends at ``until`` (not looked at), else at a run's supervisor or at process 1.
    """
    for process in _line(pid, None).processes:
        if until is not None and _identity(process) == until:
            return None
        if process.program is not None:
            return Agent(process.program, _identity(process))
    return None


def agent_in_run(pid: int) -> Agent | None:
    """The nearest known agent above ``pid`` if a supervisor of any run stands above that.

    Such a caller is no person, whatever it says of itself.
    """
    line = _line(pid, None)
    found = next((one for one in line.processes if one.program is not None), None)
    if found is None or found.program is None or not line.supervised:
        return None
    return Agent(found.program, _identity(found))


def run_above(pid: int) -> Path | None:
    """The folder of the run whose supervisor ``pid`` descends from; None if there is none."""
    folders = (programs.run_of_supervisor(process.argv) for process in ancestors(pid))
    return next((Path(folder) for folder in folders if folder is not None), None)


def bind(run_dir: Path, pid: int | None, via: Via) -> Binding:
    """Bind the run in ``run_dir`` to the agent that ``pid`` works for, or say that it may not.

    ``pid`` is the tool process (``mcp``, ``cli``), the agent itself (``python``), or the other end
    of a request (``http``). That may be None if the bearer of the run's token is not to be told:
    it is taken at its word, and for the agent that the run's supervisor started. The first to come
    has the run. After that: the same client and its scripts are of it, also through a new
    tool process; a client that the run's own first process started after the bound one died takes
    its place; every other is nested.

    A run without ``spec.json``, as those that outside workers claimed, has nothing to bind. What
    cannot be written is not bound; the answer then rests on the line alone.
    """
    if not (run_dir / SPEC_FILE).exists():
        return Binding(own=True)
    place = _Place(run_dir, pid, via)
    if place.stranger or len(place.agents) > 1:
        return place.answer(own=not place.agents)
    verdict = place.judge(read_bound(run_dir))
    if verdict == "bind":
        verdict = _bind_in_turn(run_dir, place)
    return place.answer(own=verdict != "nested")


def read_bound(run_dir: Path) -> Bound | None:
    """Who has the run; None if nobody reached the board yet, or what stands there is no record."""
    try:
        return msgspec.json.decode(read_regular(run_dir / AGENT_FILE), type=Bound)
    except (OSError, msgspec.DecodeError):
        return None


def reached_board(run_dir: Path) -> bool:
    """Whether the run's agent ever reached the board, by a tool or a command of ours."""
    return (run_dir / AGENT_FILE).exists()


Verdict = Literal["own", "bind", "nested"]


class _Place:
    """Where a caller stands in the run."""

    def __init__(self, run_dir: Path, pid: int | None, via: Via) -> None:
        self.via, self.run_dir = via, run_dir
        line = Line([], True) if pid is None else _line(pid, run_dir)
        self.processes = line.processes
        self.agents = line.agents()
        self.nearest = self.agents[0][0] if self.agents else None
        # The supervisor can be seen but is not above: something else started this caller.
        self.stranger = not line.supervised and _has_supervisor(run_dir)
        self.root = self.processes[-1] if self.processes else None
        self.client = self._client()

    def _client(self) -> Process | None:
        if self.via == "cli":
            return self.nearest or self.root
        # A request or a call comes from the client itself; a tool server is its child.
        above = self.processes[1:] if self.via == "mcp" else self.processes
        return next((one for one in above if not one.launcher), self.root)

    def judge(self, bound: Bound | None) -> Verdict:
        """What this caller, with one agent at most in its line, is to the run."""
        if bound is None:
            return "bind"
        if self.client is None or self._is_of(bound):
            return "own"
        if self._knows_better(bound):
            return "bind"
        if self.via == "cli" and self.nearest is None:
            # A script of the run, above its agent or beside it.
            return "own"
        return "bind" if self._follows(bound) else "nested"

    def _is_of(self, bound: Bound) -> bool:
        """The bound client itself; for a command also what it started, with no agent between."""
        if self.client is None:
            return False
        known = {bound.client, bound.agent} - {None}
        if self.via != "cli":
            return _identity(self.client) in known
        upto = self.processes.index(self.nearest) + 1 if self.nearest else len(self.processes)
        return any(_identity(one) in known for one in self.processes[:upto])

    def _knows_better(self, bound: Bound) -> bool:
        """Bound was only what a command saw: a script, or an agent above the true client."""
        if bound.client is None:
            return True
        if bound.via != "cli":
            return False
        if bound.program is None:
            return self.nearest is not None or self.via != "cli"
        return self.nearest is not None and _identity(self.nearest) == bound.agent

    def _follows(self, bound: Bound) -> bool:
        """The bound client is dead, and what the supervisor started goes on with another."""
        return (
            bound.client is not None
            and self.root is not None
            and _identity(self.root) == bound.root
            and not _alive(bound.client)
        )

    def record(self) -> Bound:
        """What to write of this caller."""
        client, nearest, root = self.client, self.nearest, self.root
        if client is None:
            line = _started_by_supervisor(self.run_dir)
            client = nearest = line[0] if line and line[0].program else None
            root = line[-1] if line else None
        return Bound(
            client=_named(client),
            program=client.program if client else None,
            agent=_named(nearest),
            root=_named(root),
            at=int(time.time()),
            via=self.via,
        )

    def answer(self, *, own: bool) -> Binding:
        """What to tell the caller."""
        shown = self.nearest or self.client
        if shown is None:
            return Binding(own=own)
        return Binding(own=own, program=shown.program or shown.name, pid=shown.pid)


def _bind_in_turn(run_dir: Path, place: _Place) -> Verdict:
    """Judge again with the file's lock held, so that of two who come at once one is first."""
    import fcntl

    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        lock = os.open(run_dir / LOCK_FILE, flags, 0o600)
    except OSError:
        return "own"
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        verdict = place.judge(read_bound(run_dir))
        if verdict == "bind":
            with contextlib.suppress(OSError):
                _write(run_dir, place.record())
        return verdict
    finally:
        os.close(lock)


def _write(run_dir: Path, record: Bound) -> None:
    """There whole or not at all; only the holder of the lock comes here."""
    temporary = run_dir / f"{AGENT_FILE}.tmp"
    with open(open_regular(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as stream:
        stream.write(msgspec.json.encode(record))
    temporary.replace(run_dir / AGENT_FILE)


def _line(pid: int, run_dir: Path | None) -> Line:
    """The caller and what is above it, up to the supervisor of that run, by default of any."""
    found: list[Process] = []
    for process in ancestors(pid):
        folder = programs.run_of_supervisor(process.argv)
        if folder is not None:
            return Line(found, run_dir is None or _same(folder, run_dir))
        found.append(process)
    return Line(found, False)


def _is_wrapper(outer: Process, inner: Process) -> bool:
    """Whether the one program started the other, its child, only to hand its arguments on.

    An agent that starts its like gives it other work, and so other arguments.
    """
    if outer.program != inner.program:
        return False
    given, handed = programs.arguments(outer.argv), programs.arguments(inner.argv)
    if given is None or handed is None:
        return True
    return _in_order(given, handed) if given else not handed


def _in_order(words: Iterable[str], among: Iterable[str]) -> bool:
    rest = iter(among)
    return all(word in rest for word in words)


def _has_supervisor(run_dir: Path) -> bool:
    return any(
        (folder := programs.run_of_supervisor(one.argv)) is not None and _same(folder, run_dir)
        for one in process_table()
    )


def _started_by_supervisor(run_dir: Path) -> list[Process]:
    """The run's agent and what is above it, up to the process that the supervisor started.

    That process alone where no known agent is below it, nothing where it cannot be seen.
    """
    children: dict[int, list[Process]] = {}
    supervisor: Process | None = None
    for one in process_table():
        children.setdefault(one.parent, []).append(one)
        folder = programs.run_of_supervisor(one.argv)
        if folder is not None and _same(folder, run_dir):
            supervisor = one
    if supervisor is None or not children.get(supervisor.pid):
        return []
    # The others are what it adopted, and so came later.
    root = min(children[supervisor.pid], key=lambda one: (one.start_ticks, one.pid))
    lines = [[root]]
    for line in lines:
        if line[0].program is not None:
            below = children.get(line[0].pid, [])
            inner = [one for one in below if one.program and _is_wrapper(line[0], one)]
            return [*inner[:1], *line]
        lines += [[child, *line] for child in children.get(line[0].pid, [])]
    return [root]


def _same(folder: str, run_dir: Path) -> bool:
    try:
        return run_dir.samefile(folder)
    except OSError:
        return str(run_dir) == folder


def _identity(process: Process) -> Identity:
    here = machine()
    return Identity(here.host, here.boot, here.pidns, process.pid, process.start_ticks)


def _named(process: Process | None) -> Identity | None:
    return None if process is None else _identity(process)


def _alive(identity: Identity) -> bool:
    """Whether that process may still live: one that cannot be seen from here counts as living."""
    here = machine()
    if (identity.host, identity.boot) != (here.host, here.boot):
        return identity.host != here.host
    if identity.pidns != here.pidns:
        return True
    found = read_process(identity.pid)
    return found is not None and found.start_ticks == identity.start_ticks
