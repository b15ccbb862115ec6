"""The identity columns of a board: what they have come to, and raising them for a copied board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hermes_kanban.store.postgres import PostgresConnection

# Each table whose numbers count up, with its sequence and the number that it gave out last.
_COUNTERS: Final = """
SELECT t.relname, s.oid::bigint, pg_sequence_last_value(s.oid::regclass)
FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
    AND d.deptype = 'i'
JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE s.relkind = 'S' AND n.nspname = :schema ORDER BY t.relname
"""


def counters(conn: PostgresConnection) -> dict[str, int]:
    """The newest number that each table ever gave out."""
    rows = conn.execute(_COUNTERS, {"schema": conn.schema}).fetchall()
    return {table: value for table, _, value in rows if value is not None}


def raise_counters(conn: PostgresConnection, wanted: Mapping[str, int]) -> None:
    """Let each table give out only numbers above these."""
    for table, oid, value in conn.execute(_COUNTERS, {"schema": conn.schema}).fetchall():
        if (least := wanted.get(table, 0)) > (value or 0):
            conn.execute(
                "SELECT setval(cast(:oid AS oid)::regclass, :value)",
                {"oid": oid, "value": least},
            )
