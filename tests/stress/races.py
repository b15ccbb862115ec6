"""One racer of a race for the same rows; ``test_races`` starts several and says go.

python -m tests.stress.races

Each line of input is a move: ``at``, the moment to start (CLOCK_MONOTONIC, the same for all
processes), ``now``, the time on the racer's clock, and ``verb`` with its arguments. Each line of
output says what came of it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from hermes_kanban import kernel as kb
from tests.support.boards import ManualClock

Move = dict[str, Any]


def link(conn: kb.BoardConnection, move: Move) -> object:
    return kb.link_tasks(conn, move["parent"], move["child"])


def create(conn: kb.BoardConnection, move: Move) -> object:
    return kb.create_task(conn, title="once", idempotency_key=move["key"])


def claim(conn: kb.BoardConnection, move: Move) -> object:
    return kb.claim_task(conn, move["task"], ttl_seconds=move.get("ttl")) is not None


def reopen(conn: kb.BoardConnection, move: Move) -> object:
    return kb.reopen_task(conn, move["task"])


def beat(conn: kb.BoardConnection, move: Move) -> object:
    return bool(kb.heartbeat_claim(conn, move["task"], run_id=move["run"], ttl_seconds=60))


def complete(conn: kb.BoardConnection, move: Move) -> object:
    done = kb.complete_task(conn, move["task"], run_id=move.get("run"), result=move["result"])
    return bool(done)


def release(conn: kb.BoardConnection, move: Move) -> object:
    del move
    return kb.release_stale_claims(conn)


def attach(conn: kb.BoardConnection, move: Move) -> object:
    data = move["data"].encode()
    return kb.add_attachment(conn, move["task"], name="file", data=data).id


def purge(conn: kb.BoardConnection, move: Move) -> object:
    return kb.purge_task(conn, move["task"]).id


def gc(conn: kb.BoardConnection, move: Move) -> object:
    del move
    return len(kb.gc(conn).removed)


VERBS: dict[str, Callable[[kb.BoardConnection, Move], object]] = {
    verb.__name__: verb
    for verb in (link, create, claim, reopen, beat, complete, release, attach, purge, gc)
}


def main() -> None:
    clock = ManualClock()
    conn = kb.connect(clock=clock)
    print("ready", flush=True)
    for line in sys.stdin:
        move = json.loads(line)
        clock.at = move["now"]
        while time.monotonic() < move["at"]:
            pass
        try:
            answer: dict[str, object] = {"returned": VERBS[move["verb"]](conn, move)}
        except (kb.IllegalTransition, kb.InvalidInput) as error:
            answer = {"refused": str(error)}
        print(json.dumps(answer), flush=True)
    conn.close()


if __name__ == "__main__":
    main()
