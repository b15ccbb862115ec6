"""What each verb asks of the server, counted; tests hold the verbs to it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from hermes_kanban import kernel as kb
from tests.bench.measure import Section, Table, fresh_home
from tests.bench.postgres.server import Server, addressed
from tests.support.costs import REHEARSALS, REPEAT, VERBS, _Work
from tests.support.relay import relay

WARM: Final = 5  # until then statements are prepared
_SYNCS = """
SELECT sum(fsyncs)::bigint FROM pg_stat_io
WHERE object = 'wal' AND backend_type = 'client backend'
"""
_ROWS = """
SELECT sum(n_tup_upd)::bigint, sum(n_tup_hot_upd)::bigint FROM pg_stat_user_tables
WHERE schemaname = current_schema()
"""
_LOG = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_QUIET = "CHECKPOINT"  # what is written into the log whole after it, falls on the first calls


def measure(server: Server) -> Section:
    counted: dict[str, Counted] = {}
    with (
        psycopg.connect(server.pattern.format(database="postgres"), autocommit=True) as admin,
        tempfile.TemporaryDirectory(prefix="hk-rel-") as folder,
    ):
        for number, verb in enumerate(VERBS):
            address = server.database(f"counts_{number}")
            place = Path(folder, str(number))
            place.mkdir()
            with relay(address, place) as seen, fresh_home(), addressed(seen.address):
                counted[verb] = _counted(verb, admin, seen)
    head = ("verb", "round trips", "statements", "syncs", "KiB of log", "rows updated", "in place")
    cells = [(verb, *seen.cells()) for verb, seen in counted.items()]
    return Section(tables=[Table(head, cells)], facts=_facts(counted))


def _facts(counted: dict[str, Counted]) -> dict[str, float]:
    return {f"{verb}_trips": counted[verb].trips for verb in ("create", "claim", "complete")}


class Counted(NamedTuple):
    """What one call asked for: ``log`` in KiB, ``in_place`` of the rows that it updated."""

    trips: float
    statements: float
    syncs: float
    log: float
    updated: float
    in_place: float

    def cells(self) -> tuple[str, ...]:
        return (
            f"{self.trips:g}", f"{self.statements:.3g}", f"{self.syncs:.2g}", f"{self.log:.1f}",
            f"{self.updated:.2g}", f"{self.in_place:.2g}",
        )  # fmt: skip


def _counted(verb: str, admin, seen) -> Counted:  # type: ignore[no-untyped-def]
    conn = kb.connect()
    call = VERBS[verb](_Work(conn))
    for _ in range(REHEARSALS):
        call()
    admin.execute(_QUIET)
    for _ in range(WARM):
        call()
    times = REPEAT - WARM
    at_server = _at_server(conn, admin)
    asked = (seen.round_trips, seen.statements)
    for _ in range(times):
        call()
    trips, statements = seen.round_trips - asked[0], seen.statements - asked[1]
    counts = [after - then for after, then in zip(_at_server(conn, admin), at_server, strict=True)]
    conn.close()
    syncs, log, updated, in_place = (count / times for count in counts)
    return Counted(trips / times, statements / times, syncs, log / 1024, updated, in_place)


def _at_server(conn: kb.BoardConnection, admin) -> tuple[int, ...]:  # type: ignore[no-untyped-def]
    """Syncs of all sessions, bytes of the log, rows updated and of those in place; up to now."""
    conn.execute("SELECT pg_stat_force_next_flush()")
    (syncs,) = conn.execute(_SYNCS).fetchone()
    updated, in_place = conn.execute(_ROWS).fetchone()
    (log,) = admin.execute(_LOG).fetchone()
    return int(syncs or 0), int(log), int(updated), int(in_place)
