"""Entering the server: by TLS, by a password from where it is kept, and without telling it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
import pytest
import trustme

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import ConfigError
from tests.support import stores
from tests.support.boards import isolate
from tests.support.gateways import Gateways, shell
from tests.support.tls_front import tls_front

pytestmark = [pytest.mark.stores("postgres"), pytest.mark.pristine]

USER: Final = "kanban_by_password"
PASSWORD: Final = "c0rrect-horse/battery@staple"
IN_ADDRESS: Final = "c0rrect-horse%2Fbattery%40staple"
CLI: Final = [sys.executable, "-m", "hermes_kanban.surfaces.cli.main"]


class Entry(NamedTuple):
    """How the server is reached: a port that speaks TLS, the certificate of its authority."""

    port: int
    authority: Path
    other_authority: Path
    database: str

    def address(self, secret: str = "", *, host: str = "localhost", authority: str = "") -> str:
        """With the password in it, if one is given."""
        user = USER + (f":{secret}" if secret else "")
        certificates = authority or self.authority
        return (
            f"postgresql://{user}@{host}:{self.port}/{self.database}"
            f"?sslmode=verify-full&sslrootcert={certificates}"
        )


@pytest.fixture
def entry(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entry]:
    """A user that the server asks for a password, and no board yet."""
    del store
    ours, other = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ours.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    with psycopg.connect(stores.address(), autocommit=True) as admin:
        ((rules, name),) = admin.execute("SELECT current_setting('hba_file'), current_database()")
        _ask_for_a_password(Path(rules))
        _make_user(admin, name)
    for variable in [one for one in os.environ if one.startswith("PG")]:
        monkeypatch.delenv(variable)
    isolate(tmp_path / "home", monkeypatch)
    with tls_front(stores.address(), ours, "localhost") as port:
        yield Entry(port, tmp_path / "ours.pem", tmp_path / "other.pem", name)


def _ask_for_a_password(rules: Path) -> None:
    """All the run's workers share the server: the line is there once, and stays."""
    line = f"local all {USER} scram-sha-256\n"
    before = rules.read_text()
    if line not in before:
        rules.write_text(line + before)


def _make_user(admin: psycopg.Connection, database: str) -> None:
    with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        admin.execute(f"CREATE ROLE {USER} LOGIN".encode())
    admin.execute(f"SET password_encryption = 'scram-sha-256'; ALTER ROLE {USER} PASSWORD "
                  f"'{PASSWORD}'; GRANT CREATE ON DATABASE \"{database}\" TO {USER};"
                  "SELECT pg_reload_conf()".encode())  # fmt: skip


def enter() -> int:
    """Open the board, which is made; how many tasks it has."""
    conn = kb.connect()
    try:
        assert conn.session.pgconn.ssl_in_use  # type: ignore[attr-defined]
        kb.create_task(conn, title="by TLS")
        return len(kb.list_tasks(conn))
    finally:
        conn.close()


def password_file(tmp_path: Path, mode: int = 0o600) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(mode)
    return file


def test_the_password_comes_from_its_file(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", entry.address())
    file = password_file(tmp_path)
    monkeypatch.setenv("HERMES_KANBAN_DATABASE_PASSWORD_FILE", str(file))
    assert enter() == 1
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="may be read by others; run: chmod 600"):
        kb.connect()
    file.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        kb.connect()


def test_the_password_comes_from_where_libpq_finds_it(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", entry.address())
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        assert enter() == 1
    with monkeypatch.context() as patch:
        known = tmp_path / "pgpass"
        known.write_text(f"localhost:{entry.port}:*:{USER}:{PASSWORD}\n")
        known.chmod(0o600)
        patch.setenv("PGPASSFILE", str(known))
        assert enter() == 2
    services = tmp_path / "services"
    services.write_text(
        f"[team]\nhost=localhost\nport={entry.port}\nuser={USER}\npassword={PASSWORD}\n"
        f"dbname={entry.database}\nsslmode=verify-full\nsslrootcert={entry.authority}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", "postgresql://?service=team")
    assert enter() == 3


def test_a_server_that_does_not_prove_who_it_is_gets_no_password(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in (
        entry.address(IN_ADDRESS, authority=str(entry.other_authority)),
        entry.address(IN_ADDRESS, host="127.0.0.1"),
    ):
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", address)
        with pytest.raises(kb.BoardUnreachable, match=r"certificate") as told:
            kb.connect()
        assert "horse" not in str(told.value)
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", entry.address("wrong"))
    with pytest.raises(kb.BoardUnreachable, match="password authentication failed"):
        kb.connect()


def test_a_password_in_the_address_is_shown_nowhere(
    entry: Entry, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by a command, nor in a log or a file of the home, nor among a process's words."""
    monkeypatch.delenv("HERMES_KANBAN_DATABASE")
    told = f"echo told; {' '.join(CLI)} show $HERMES_KANBAN_TASK"
    gateways.configure({"worker": shell(told)}, database=entry.address(IN_ADDRESS))
    gateways.home.joinpath("config.yaml").chmod(0o600)
    conn = gateways.open()
    process = gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    gateways.wait_for(task_id, "done", "blocked")
    gateways.wait_for_exit(task_id)
    said = [repr(conn), conn.location, Path(f"/proc/{process.pid}/cmdline").read_text()]
    for words in (["doctor"], ["stats"], ["diagnostics"], ["boards", "list"], ["status"],
                  ["log", task_id], ["show", task_id], ["doctor", "--json"]):  # fmt: skip
        done = subprocess.run([*CLI, *words], capture_output=True, text=True, check=False)
        said += [done.stdout, done.stderr]
    process.terminate()
    process.wait(30)
    files = [file for file in gateways.home.rglob("*") if file.is_file()]
    said += [file.read_bytes().decode("utf-8", "replace") for file in files
             if file.name not in ("config.yaml", ".config-cache.json")]  # fmt: skip
    assert any("kanban.database_password_file" in one for one in said), "doctor names the way"
    assert [one for one in said if "horse" in one] == []


def test_doctor_examines_the_database(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examined() -> list[tuple[str, str]]:
        done = subprocess.run(
            [*CLI, "doctor", "--json"], capture_output=True, text=True, check=False
        )
        found = json.loads(done.stdout)["findings"]
        return [(one["state"], one["text"]) for one in found if one["check"] == "database"]

    monkeypatch.setenv("HERMES_KANBAN_DATABASE", entry.address())
    ((state, text),) = examined()
    assert state == "fault"
    assert "no password supplied" in text
    monkeypatch.setenv("HERMES_KANBAN_DATABASE_PASSWORD_FILE", str(password_file(tmp_path)))
    # The server of the tests does not sync; otherwise all is well.
    ((state, text),) = examined()
    assert (state, text.split(":")[0]) == ("warning", "the server's fsync is off")
    kb.connect().close()
    with psycopg.connect(stores.address(), autocommit=True) as admin:
        admin.execute(f"REVOKE ALL ON kanban_default.task_events FROM {USER}".encode())
    assert ("fault", f"{USER} may not write the board in schema kanban_default") in examined()
