"""Boards of any size on PostgreSQL, by COPY: the same rows as those in SQLite."""

from __future__ import annotations

from typing import Any

import psycopg

from hermes_kanban import kernel as kb
from tests.bench.boards import Bulk, bulks

_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid), i.indexrelid::regclass::text
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relnamespace = current_schema()::regnamespace AND NOT EXISTS (
    SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
_COUNTERS = """
SELECT setval(pg_get_serial_sequence('tasks', 'seq'), (SELECT max(seq) FROM tasks)),
    setval(pg_get_serial_sequence('task_runs', 'id'), (SELECT max(id) FROM task_runs))
"""


def fill(conn: kb.BoardConnection, total: int) -> None:
    """Make it a board of ``total`` tasks, frozen and with statistics, as autovacuum leaves one.

    Indexes are built afterwards, which takes a quarter of the time.
    """
    session: psycopg.Connection[Any] = conn.session  # type: ignore[attr-defined]
    session.execute("SET session_replication_role = replica")  # the rows fit: no foreign keys
    indexes = session.execute(_INDEXES).fetchall()
    for _, name in indexes:
        session.execute(f"DROP INDEX {name}".encode())
    wanted = bulks(total)
    tables = ", ".join(bulk.table for bulk in wanted)
    with session.transaction():
        session.execute(f"TRUNCATE {tables} CASCADE".encode())  # only then rows come in frozen
        for bulk in wanted:
            _copy(session, bulk)
    for definition, _ in indexes:
        session.execute(definition.encode())
    session.execute(_COUNTERS)
    session.execute("SET session_replication_role = origin")
    session.execute(f"VACUUM (ANALYZE) {tables}".encode())
    session.execute("CHECKPOINT")  # not while others measure


def _copy(session: psycopg.Connection[Any], bulk: Bulk) -> None:
    command = f"COPY {bulk.table} ({', '.join(bulk.columns)}) FROM STDIN (FREEZE)"
    with session.cursor() as cursor, cursor.copy(command.encode()) as copy:
        for row in bulk.rows:
            copy.write_row(row)
