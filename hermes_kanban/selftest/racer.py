"""One process of a race: find a ready task, claim it, complete it, until there is none.

Opens and closes the board each time, as commands do. Says ``ready``, waits for a line, and says
what it did; whatever it meets that it should not ends it.
"""

from __future__ import annotations

import random
import sys
import time

from hermes_kanban import kernel as kb
from hermes_kanban.selftest.nursery import tell

FIND = "SELECT id FROM tasks WHERE status = 'ready' AND claim_lock IS NULL LIMIT 1"
WORK_SECONDS = 0.004


def race(slug: str) -> None:
    """Take what can be taken; the answer goes to standard output."""
    tell({"ready": True})
    sys.stdin.readline()
    claimed: list[str] = []
    lost, longest = 0, 0.0
    while True:
        conn = kb.connect(slug)
        try:
            row = conn.execute(FIND).fetchone()
            if row is None:
                break
            began = time.monotonic()
            task = kb.claim_task(conn, row[0])
            longest = max(longest, time.monotonic() - began)
            if task is None:
                lost += 1
                continue
            claimed.append(task.id)
            time.sleep(random.uniform(0, WORK_SECONDS))
            began = time.monotonic()
            done = kb.complete_task(
                conn,
                task.id,
                result="done",
                run_id=task.current_run_id,
                claim_lock=task.claim_lock,
            )
            longest = max(longest, time.monotonic() - began)
            if not done:
                raise RuntimeError(f"the completion of {task.id} was refused: {done}")
        finally:
            conn.close()
    tell({"claimed": claimed, "lost": lost, "longest": longest})


if __name__ == "__main__":
    race(sys.argv[1])
