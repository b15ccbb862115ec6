"""The environment of a worker: an allow-list of the gateway's, and what names its run."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from hermes_kanban.machine import HOST_ID
from hermes_kanban.model import Board, Run, Task
from hermes_kanban.paths import BoardPaths

# Secrets of the gateway must not leak into every agent: what a profile needs, its env names.
ALLOWED = frozenset(
    {
        "ALL_PROXY",
        "COLORTERM",
        "CURL_CA_BUNDLE",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "NODE_EXTRA_CA_CERTS",
        "NO_PROXY",
        "PATH",
        "REQUESTS_CA_BUNDLE",
        "SHELL",
        "SSH_AUTH_SOCK",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TEMP",
        "TERM",
        "TMP",
        "TMPDIR",
        "TZ",
        "USER",
        "all_proxy",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    }
)
ALLOWED_PREFIXES = ("LC_", "XDG_")

RUN_ID = "HERMES_KANBAN_RUN_ID"
CLAIM_LOCK = "HERMES_KANBAN_CLAIM_LOCK"
BOARD = "HERMES_KANBAN_BOARD"
DATABASE = "HERMES_KANBAN_DATABASE"
# By what a board's server is found and entered, where the environment says it and not the home
# (https://www.postgresql.org/docs/current/libpq-envars.html).
OF_SERVER = frozenset(
    {
        DATABASE,
        "HERMES_KANBAN_DATABASE_PASSWORD_FILE",
        "PGDATABASE",
        "PGHOST",
        "PGHOSTADDR",
        "PGPASSFILE",
        "PGPASSWORD",
        "PGPORT",
        "PGSERVICE",
        "PGSERVICEFILE",
        "PGSSLCERT",
        "PGSSLCRL",
        "PGSSLKEY",
        "PGSSLMODE",
        "PGSSLROOTCERT",
        "PGUSER",
    }
)


def inherited(environ: Mapping[str, str], more: Collection[str] = ()) -> dict[str, str]:
    """What a worker gets of ``environ``; its PATH always finds the system's and our commands.

    ``more`` are the names that its runtime asks for.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if (name in ALLOWED or name in more or name.startswith(ALLOWED_PREFIXES))
        and _is_text(value)
    }
    kept["PATH"] = usable_path(kept.get("PATH", ""))
    return kept


def usable_path(path: str) -> str:
    """``path`` with the system's folders and that of our own commands behind it, if not in it."""
    # Not resolved: a virtual environment's interpreter is a link out of it.
    last = [*os.defpath.split(os.pathsep), str(Path(sys.executable).parent)]
    folders = [*path.split(os.pathsep), *last]
    return os.pathsep.join(dict.fromkeys(folder for folder in folders if folder))


def of_run(
    task: Task, run: Run, board: Board, *, workspace: Path, workspaces_root: Path, profile: str
) -> dict[str, str]:
    """The variables by which a worker, and a search for its processes, knows its run."""
    variables = {
        "HERMES_KANBAN_TASK": task.id,
        RUN_ID: str(run.id),
        CLAIM_LOCK: run.claim_lock or "",
        "HERMES_KANBAN_WORKSPACE": str(workspace),
        "HERMES_KANBAN_WORKSPACES_ROOT": str(workspaces_root),
        BOARD: board.slug,
        "HERMES_PROFILE": profile,
        "TRACEPARENT": traceparent(board.board_id, task.id, run.id),
    }
    if task.branch:
        variables["HERMES_KANBAN_BRANCH"] = task.branch
    if task.tenant:
        variables["HERMES_TENANT"] = task.tenant
    return variables


def of_board(paths: BoardPaths, database: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables by which our own commands find a board: its file, or its home and database.

    Address and password are handed on where the environment gave them; else the home has them.
    """
    host = {HOST_ID: environ[HOST_ID]} if HOST_ID in environ else {}
    if not database:
        return {"HERMES_KANBAN_DB": str(paths.database)} | host
    given = {name: environ[name] for name in sorted(OF_SERVER) if name in environ}
    return {"HERMES_KANBAN_HOME": str(paths.home)} | given | host


def traceparent(board_id: str, task_id: str, run_id: int) -> str:
    """A W3C trace context: one trace a task, one span a run, the same whenever it is asked."""
    trace = hashlib.sha256(f"{board_id}/{task_id}".encode()).hexdigest()[:32]
    span = hashlib.sha256(f"{board_id}/{task_id}/{run_id}".encode()).hexdigest()[:16]
    return f"00-{trace}-{span}-01"


def _is_text(value: str) -> bool:
    """A value of other bytes than UTF-8 could not be written to the run's specification."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
