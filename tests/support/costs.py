"""What each verb asks of SQLite and of the disk: ``cost_of(verb)``, from a program that does it.

``python -m tests.support.costs VERB FILE`` is that program: it makes a board in the home of its
environment, does the verb many times inside the window that ``counting`` counts, and writes to FILE
how many statements that took.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from hermes_kanban import kernel as kb
from tests.support.counting import Calls, calls_of, the_window

REPEAT: Final = 40
REHEARSALS: Final = 2  # what only the first calls of a process cost
BATCH: Final = 50
BODY: Final = "b" * 400
RESULT: Final = "r" * 200


class Cost(NamedTuple):
    """What one call of a verb costs, averaged over REPEAT calls."""

    statements: float
    syncs: float
    writes: float
    bytes_written: float


def cost_of(verb: str, home: Path, count: Callable[[list[str]], Calls] = calls_of) -> Cost:
    """Do the verb on a new board in ``home``; ``count`` watches the program's system calls."""
    home.mkdir()
    before = os.environ.get("HERMES_KANBAN_HOME")
    os.environ["HERMES_KANBAN_HOME"] = str(home)
    try:
        told = home / "statements"
        calls = count([sys.executable, "-m", "tests.support.costs", verb, str(told)])
    finally:
        del os.environ["HERMES_KANBAN_HOME"]
        if before is not None:
            os.environ["HERMES_KANBAN_HOME"] = before
    return Cost(*(total / REPEAT for total in (int(told.read_text()), *calls)))


def _create(conn: kb.BoardConnection, parents: Iterable[str] = ()) -> str:
    return kb.create_task(
        conn, title="Measure one package", body=BODY, assignee="coder", parents=parents
    )


class _Work:
    """The board on which the verbs are done, with as many tasks of each kind as there are calls."""

    def __init__(self, conn: kb.BoardConnection) -> None:
        self.conn = conn
        self.sweep = kb.Sweep()
        self.parent = _create(conn)
        self.task = kb.claim_task(conn, _create(conn))
        self.seconds = iter(range(1000, 9000))

    def some(self) -> Iterator[str]:
        """Ready tasks, enough for every call."""
        with kb.batch(self.conn):
            return iter([_create(self.conn) for _ in range(REPEAT + REHEARSALS)])

    def claimed(self) -> Iterator[kb.Task]:
        """Running tasks."""
        ids = self.some()
        with kb.batch(self.conn):
            tasks = [kb.claim_task(self.conn, task_id) for task_id in ids]
        return (task for task in tasks if task is not None)


Call = Callable[[], object]


def _create_one(work: _Work) -> Call:
    return lambda: _create(work.conn)


def _create_behind_a_parent(work: _Work) -> Call:
    return lambda: _create(work.conn, parents=[work.parent])


def _claim(work: _Work) -> Call:
    ready = work.some()
    return lambda: kb.claim_task(work.conn, next(ready))


def _lose_a_claim(work: _Work) -> Call:
    taken = work.claimed()
    return lambda: kb.claim_task(work.conn, next(taken).id)


def _heartbeat(work: _Work) -> Call:
    assert work.task is not None
    task_id, run_id = work.task.id, work.task.current_run_id
    return lambda: kb.heartbeat_claim(
        work.conn, task_id, run_id=run_id, ttl_seconds=next(work.seconds)
    )


def _complete(work: _Work) -> Call:
    tasks = work.claimed()

    def call() -> None:
        task = next(tasks)
        assert kb.complete_task(
            work.conn, task.id, result=RESULT, summary="done", run_id=task.current_run_id
        )

    return call


def _complete_and_promote(work: _Work) -> Call:
    tasks = list(work.claimed())
    with kb.batch(work.conn):
        for task in tasks:
            _create(work.conn, parents=[task.id])
    left = iter(tasks)

    def call() -> None:
        task = next(left)
        assert kb.complete_task(work.conn, task.id, result=RESULT, run_id=task.current_run_id)

    return call


def _block(work: _Work) -> Call:
    tasks = work.claimed()

    def call() -> None:
        task = next(tasks)
        assert kb.block_task(work.conn, task.id, reason="which?", run_id=task.current_run_id)

    return call


def _unblock(work: _Work) -> Call:
    tasks = list(work.claimed())
    with kb.batch(work.conn):
        for task in tasks:
            assert kb.block_task(work.conn, task.id, reason="which?", run_id=task.current_run_id)
    left = iter(tasks)
    return lambda: kb.unblock_task(work.conn, next(left).id, reason="the first")


def _comment(work: _Work) -> Call:
    return lambda: kb.add_comment(work.conn, work.parent, "Looks right to me.")


def _link(work: _Work) -> Call:
    children = work.some()
    return lambda: kb.link_tasks(work.conn, work.parent, next(children))


def _batch(work: _Work) -> Call:
    def call() -> None:
        with kb.batch(work.conn):
            for _ in range(BATCH):
                _create(work.conn)

    return call


def _tick(work: _Work) -> Call:
    def never(task: kb.Task, run: kb.Run) -> int:
        raise AssertionError(f"{task.id} must not start, run {run.id}")

    with kb.batch(work.conn):
        kb.triage_task(work.conn, work.parent)
    return lambda: kb.dispatch_once(work.conn, spawn_fn=never, sweep=work.sweep)


VERBS: Final[dict[str, Callable[[_Work], Call]]] = {
    "create": _create_one,
    "create behind a parent": _create_behind_a_parent,
    "claim": _claim,
    "a claim that is lost": _lose_a_claim,
    "heartbeat": _heartbeat,
    "complete": _complete,
    "complete and promote a child": _complete_and_promote,
    "block": _block,
    "unblock": _unblock,
    "comment": _comment,
    "link, which demotes the child": _link,
    f"a batch of {BATCH} creates": _batch,
    "a tick with nothing to do": _tick,
}
"""By name: what prepares the verb on a board and hands back one call of it."""


class _Drawn:
    """The same ids on every run, so that they fall on the same pages."""

    def __init__(self) -> None:
        self.random = random.Random(7)

    def randbits(self, bits: int) -> int:
        return self.random.getrandbits(bits)

    def token(self) -> str:
        return self.random.randbytes(16).hex()


def main(verb: str, told: str) -> None:
    """Do the verb REPEAT times in the window; leave without the last close's checkpoint."""
    conn = kb.connect()
    conn.execute("PRAGMA wal_autocheckpoint = 0")
    conn.randomness = _Drawn()
    call = VERBS[verb](_Work(conn))
    for _ in range(REHEARSALS):
        call()
    statements = 0

    def count(sql: str) -> None:
        nonlocal statements
        statements += not sql.startswith("--")  # a trigger's own statements are shown as comments

    conn.set_trace_callback(count)
    with the_window():
        for _ in range(REPEAT):
            call()
    conn.set_trace_callback(None)
    Path(told).write_text(str(statements))
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
