"""How soon a task that another host filed has its worker, and what a run writes."""

from __future__ import annotations

import os
import time

from hermes_kanban import kernel as kb
from tests.bench import boards
from tests.bench.dispatch import BLOCKS, CONFIG, LIVES, best_block, live_once, middle
from tests.bench.measure import Section, fresh_home, plain
from tests.bench.postgres.server import Server, addressed
from tests.bench.service import gateway

SETTLE_SECONDS = 2.0  # sessions tell their counts once they are idle
_WRITTEN = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
    (SELECT sum(w.wal_bytes)::bigint FROM pg_stat_activity a, pg_stat_get_backend_wal(a.pid) w
     WHERE a.datname = current_database()),
    (SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables
     WHERE schemaname = current_schema() AND relname = 'tasks')
"""


def measure(server: Server) -> Section:
    """One task at a time, filed from a home and a connection of its own; the gateway is idle."""
    with fresh_home() as home, addressed(server.database("dispatch")):
        for pipe in ("bell", "go"):
            os.mkfifo(home / pipe)
        boards.configure(home, CONFIG.replace("ENV", f"BELL: {home}/bell, GO: {home}/go"))
        notes = home / "spawn-calls"
        with gateway("-m", "tests.bench.probe", str(notes)), fresh_home():
            conn = kb.connect()
            live_once(conn, home, notes)
            before = _written(conn)
            blocks = [[live_once(conn, home, notes) for _ in range(LIVES)] for _ in range(BLOCKS)]
            after = _written(conn)
            conn.close()
    runs = BLOCKS * LIVES
    commits, log, rewritten = ((now - then) / runs for now, then in zip(after, before, strict=True))
    return Section(
        [
            best_block("commit elsewhere to spawn call, p50", blocks, 0, 0.5, 10),
            middle("commit elsewhere to spawn call", blocks, 0),
            middle("commit elsewhere to the agent's first instruction", blocks, 1),
            middle("exit to closed run", blocks, 2),
            plain("commits of a run, from filing to its exit", commits, ""),
            plain("the log that they write", log / 1024, "KiB"),
            plain("rows of tasks that they write anew, elsewhere", rewritten, ""),
        ],
        facts={"run_commits": commits, "run_log": log, "run_rewrites": rewritten},
    )


def _written(conn: kb.BoardConnection) -> tuple[int, ...]:
    """Transactions that wrote, bytes of the log, rows of tasks that no update left in place."""
    time.sleep(SETTLE_SECONDS)
    return tuple(conn.execute(_WRITTEN).fetchone())
