"""What a million tasks add to the board's daily acts, and the room that they take.

A thousand of them are open, on the small board a hundred. Where many rows were changed at once
the table is vacuumed, as autovacuum does within a minute.
"""

from __future__ import annotations

from typing import Any, Final

from hermes_kanban import kernel as kb
from tests.bench import boards
from tests.bench.measure import Section, Table, at_most, fresh_home, plain, seconds
from tests.bench.postgres.filling import fill
from tests.bench.postgres.server import Server, addressed
from tests.bench.scale import Rig, ratios, rig

SMALL, LARGE = 1_000, 1_000_000
MOST = 2.0
TABLES: Final = ("tasks", "task_runs", "task_events", "task_links", "task_comments")
LARGE_TABLES: Final = ("tasks", "task_runs", "task_events")
_SCANS = """
SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND relname = ANY (?)
"""
_SIZES = """
SELECT pg_relation_size(c.oid), pg_indexes_size(c.oid), pg_total_relation_size(c.oid),
    c.reltuples::bigint
FROM pg_class c WHERE c.oid = cast(? AS text)::regclass
"""


def measure(server: Server) -> Section:
    with fresh_home() as home, addressed(server.database("million")):
        boards.configure(home)
        small = rig("small", SMALL, fill)
        large: Rig | None = None

        def make() -> None:
            nonlocal large
            large = rig("large", LARGE, fill)

        made = seconds(make)
        assert large is not None
        before = _scans(large.conn)
        figures = ratios(small, large, MOST, _vacuum)
        scans = _scans(large.conn) - before
        sizes = {table: _size(large.conn, table) for table in TABLES}
        for one in (small, large):
            one.conn.close()
    return Section(
        [
            *figures,
            at_most("scans of a whole large table in all of that", scans, 0, ""),
            plain("making that board, by COPY", made, "s"),
        ],
        [_table(sizes)],
        facts=_facts(sizes),
    )  # fmt: skip


def _vacuum(rig: Rig) -> None:
    rig.conn.session.execute("VACUUM tasks")  # type: ignore[attr-defined]


def _scans(conn: kb.BoardConnection) -> int:
    conn.execute("SELECT pg_stat_force_next_flush()")
    return int(conn.execute(_SCANS, (list(LARGE_TABLES),)).fetchone()[0])


def _size(conn: kb.BoardConnection, table: str) -> Any:
    return conn.execute(_SIZES, (table,)).fetchone()


def _table(sizes: dict[str, Any]) -> Table:
    rows = [
        (table, f"{count:,}", f"{heap / 2**20:,.0f} MiB", f"{indexes / 2**20:,.0f} MiB",
         f"{total / count:,.0f}")
        for table, (heap, indexes, total, count) in sizes.items()
    ]  # fmt: skip
    return Table(("table", "rows", "rows' size", "indexes", "bytes a row with its indexes"), rows)


def _facts(sizes: dict[str, Any]) -> dict[str, float]:
    facts: dict[str, float] = {}
    for table, (heap, indexes, _, count) in sizes.items():
        facts |= {f"{table}_row": heap / count, f"{table}_indexes": indexes / count}
    return facts
