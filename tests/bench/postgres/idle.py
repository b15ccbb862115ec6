"""What a gateway costs that has nothing to do, here and on the server."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from hermes_kanban import kernel as kb
from tests.bench import boards
from tests.bench.idle import SETTLE_SECONDS, TASKS, WATCH_SECONDS
from tests.bench.mcp import Server as Tools
from tests.bench.measure import Section, fresh_home, plain
from tests.bench.postgres.filling import fill
from tests.bench.postgres.server import Server, addressed
from tests.bench.service import cpu_seconds, gateway, memory_kib

_SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
AND backend_type = 'client backend'
"""
_TRANSACTIONS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


def measure(server: Server) -> Section:
    address = server.database("idle")
    with fresh_home() as home, addressed(address):
        boards.configure(home, boards.CONFIG.replace("max_in_progress: 2", "max_in_progress: 0"))
        conn = kb.connect()
        fill(conn, TASKS)
        arguments = _of_a_run(conn)
        conn.close()
        with gateway() as pid, psycopg.connect(address, autocommit=True) as admin:
            time.sleep(SETTLE_SECONDS)
            sessions = [row[0] for row in admin.execute(_SESSIONS)]
            spent, served, since = cpu_seconds(pid), _served(sessions), time.monotonic()
            asked = _one(admin, _TRANSACTIONS)
            time.sleep(WATCH_SECONDS)
            span = time.monotonic() - since
            share = (cpu_seconds(pid) - spent) / span * 100
            server_share = (_served(sessions) - served) / span * 100
            asked = (_one(admin, _TRANSACTIONS) - asked) / span
            resident = memory_kib(pid, "status", "VmRSS") / 1024
            proportional = memory_kib(pid, "smaps_rollup", "Pss") / 1024
            held = sum(memory_kib(one, "smaps_rollup", "Pss") for one in sessions) / 1024
            tools = _of_tools(admin, arguments) - len(sessions)
    return Section(
        [
            plain("idle gateway, processor", share, "% of a core"),
            plain("its sessions on the server, processor", server_share, "% of a core"),
            plain("what it asks the server", asked, "/s"),
            plain("idle gateway, resident memory", resident, "MiB"),
            plain("idle gateway, its share of the memory", proportional, "MiB"),
            plain("connections that it holds", len(sessions), ""),
            plain("their share of the server's memory", held, "MiB"),
            plain("connections that an agent's tools hold between two calls", tools, ""),
        ],
        facts={
            "connections_of_a_gateway": len(sessions),
            "mib_of_a_connection": held / len(sessions),
            "connections_of_tools": tools,
        },
    )


def _of_a_run(conn: kb.BoardConnection) -> list[str]:
    task = kb.claim_task(conn, kb.create_task(conn, title="Measure", assignee="coder"))
    assert task is not None
    run = ["--task", task.id, "--run", str(task.current_run_id), "--profile", "coder"]
    return [*run, "--lock", str(task.claim_lock)]


def _of_tools(admin: psycopg.Connection[Any], arguments: list[str]) -> int:
    """How many sessions there are once an agent's tools have answered a call, and wait."""
    tools = Tools(arguments)
    try:
        tools.list()
        tools.call("kanban_show")
        time.sleep(1)
        return len(admin.execute(_SESSIONS).fetchall())
    finally:
        tools.close()


def _served(sessions: list[int]) -> float:
    return sum(cpu_seconds(one) for one in sessions)


def _one(conn: psycopg.Connection[tuple[int]], sql: str) -> int:
    row = conn.execute(sql.encode()).fetchone()
    assert row is not None
    return row[0]
