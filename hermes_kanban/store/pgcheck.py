"""What can be wrong below the rows of a board on PostgreSQL: references, pages and indexes.

The deep look is at every row, and at every index against its table. Where the database has the
extension ``amcheck`` its functions look; elsewhere each table is read whole, once by itself and
once through each of its indexes, and both must find as many rows. PostgreSQL's page checksums, if
the server has them, are verified by that reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from hermes_kanban.store.protocol import BrokenReference

if TYPE_CHECKING:
    from hermes_kanban.store.postgres import PostgresConnection

_TABLES: Final = """
SELECT c.oid::bigint, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relkind = 'r' ORDER BY c.relname
"""
_INDEXES: Final = """
SELECT c.oid::bigint, c.relname, i.indisvalid, pg_get_expr(i.indpred, i.indrelid),
    (SELECT string_agg(pg_get_indexdef(c.oid, k, true) || CASE
            WHEN pg_index_column_has_property(c.oid, k, 'desc') THEN ' DESC' ELSE '' END, ', '
            ORDER BY k)
     FROM generate_series(1, i.indnkeyatts) AS k)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = cast(:oid AS oid) ORDER BY c.relname
"""
_AMCHECK: Final = """
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'amcheck'
"""


_REFERENCES: Final = """
SELECT child.relname, parent.relname, k.attname, p.attname, EXISTS (
    SELECT 1 FROM pg_attribute a WHERE a.attrelid = child.oid AND a.attname = 'id')
FROM pg_constraint c
JOIN pg_class child ON child.oid = c.conrelid JOIN pg_class parent ON parent.oid = c.confrelid
JOIN pg_namespace n ON n.oid = c.connamespace
JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = c.conkey[1]
JOIN pg_attribute p ON p.attrelid = c.confrelid AND p.attnum = c.confkey[1]
WHERE c.contype = 'f' AND n.nspname = :schema ORDER BY child.relname, c.conname
"""


_BY: Final = """
SELECT set_config('enable_seqscan', :heap, true), set_config('enable_sort', :heap, true),
    set_config('enable_indexscan', :index, true), set_config('enable_indexonlyscan', :index, true),
    set_config('enable_bitmapscan', 'off', true)
"""


def broken_references(conn: PostgresConnection) -> list[BrokenReference]:
    """Rows that name a row which does not exist; each foreign key is of one column."""
    found = []
    for table, named, column, key, has_id in conn.execute(
        _REFERENCES, {"schema": conn.schema}
    ).fetchall():
        row_id = "c.id" if has_id else "'?'"
        rows = conn.execute(
            f"SELECT {row_id} FROM {table} c LEFT JOIN {named} p ON p.{key} = c.{column}"
            f" WHERE c.{column} IS NOT NULL AND p.{key} IS NULL"
        )
        found += [BrokenReference(table, str(row[0]), named) for row in rows]
    return found


def broken_pages(conn: PostgresConnection) -> list[str]:
    """One line for each thing that is wrong; inside a read transaction, which goes on."""
    found: list[str] = []
    amcheck = conn.execute(_AMCHECK).fetchone()
    for table_oid, table in conn.execute(_TABLES, {"schema": conn.schema}).fetchall():
        looks = [("the table", _read_all(table))]
        for oid, index, valid, predicate, order in conn.execute(
            _INDEXES, {"oid": table_oid}
        ).fetchall():
            if not valid:
                found.append(f"{table}: the index {index} is not valid")
            if amcheck:
                check = f'SELECT "{amcheck[0]}".bt_index_check({oid}::regclass, true)'
                looks.append((f"the index {index}", check))
            else:
                looks.append((f"the index {index}", _count(table, predicate, order)))
        if amcheck:
            heap = f'SELECT msg FROM "{amcheck[0]}".verify_heapam({table_oid}::regclass)'
            looks.append(("amcheck", heap))
        for what, look in looks:
            found += [f"{table}, {what}: {line}" for line in _look(conn, look)]
    return found


def _read_all(table: str) -> str:
    """Every value of every row, wherever it is stored."""
    return f'SELECT NULL FROM "{table}" t WHERE length(t::text) < 0'


def _count(table: str, predicate: str | None, order: str) -> str:
    """How many rows the index should have, in its order: without sorting, only it can tell."""
    condition = f" WHERE {predicate}" if predicate else ""
    return f'SELECT count(*) FROM (SELECT 1 FROM "{table}"{condition} ORDER BY {order} OFFSET 0) t'


def _look(conn: PostgresConnection, look: str) -> list[str]:
    """What one look says: an error of the server's, or lines of its own."""
    conn.execute("SAVEPOINT look")
    try:
        if look.startswith("SELECT count"):
            lines = _differences(conn, look)
        else:
            rows = conn.execute(look).fetchall()
            lines = [str(row[0]) for row in rows if row[0]]
    except psycopg.Error as error:
        lines = [str(error).strip().splitlines()[0]]
        conn.execute("ROLLBACK TO look")
    conn.execute("RELEASE look")
    return lines


def _differences(conn: PostgresConnection, count: str) -> list[str]:
    by_heap = _count_by(conn, count, heap="on", index="off")
    by_index = _count_by(conn, count, heap="off", index="on")
    if by_heap == by_index:
        return []
    return [f"it has {by_index} rows and the table has {by_heap}"]


def _count_by(conn: PostgresConnection, count: str, *, heap: str, index: str) -> int:
    conn.execute(_BY, {"heap": heap, "index": index})
    ((found,),) = conn.execute(count).fetchall()
    return int(found)
