"""The hosts of a board: who dispatches it, what each can run, and whether each is still heard of.

A gateway that dispatches writes the row of its host: at its start, when what it offers changes, at
its end, and on a board that several hosts share every ``HEARTBEAT_SECONDS``. Whatever is decided by
a row is decided by what that host said of itself; nobody reads another's configuration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.config import Config, Profile
from hermes_kanban.kernel import limits
from hermes_kanban.kernel.live import LiveRun, host_of
from hermes_kanban.kernel.workspaces import directory
from hermes_kanban.machine import machine
from hermes_kanban.model.errors import InvalidInput, KanbanError, NotFound
from hermes_kanban.model.records import Run, Task
from hermes_kanban.store.protocol import BoardConnection, Row, Transaction, fetch_all, write

HEARTBEAT_SECONDS: Final = 10
SILENT_SECONDS: Final = 3 * HEARTBEAT_SECONDS
# A host of a container that never comes again is forgotten after that long.
FORGOTTEN_SECONDS: Final = 7 * 24 * 3600
# What a host lacks that a profile does not name; no capability has that name.
NAMED: Final = "(named)"
# So much of an id names its host.
ID_CHARACTERS: Final = 6

State = Literal["active", "draining"]
Presence = Literal["live", "lost", "left"]
Resources = dict[str, dict[str, int]]


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """One host as its row has it; times are Unix seconds.

    ``gateway_pid`` is null while no gateway dispatches there, ``lost_at`` tells since when it is
    not heard of. ``profiles`` are those whose tasks it may start, ``resources`` what a run of each
    takes of what all hosts share.
    """

    host_id: str
    name: str
    state: State = "active"
    gateway_pid: int | None = None
    gateway_url: str | None = None
    version: str | None = None
    capabilities: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    resources: Resources = {}
    max_in_progress: int | None = None
    started_at: int | None = None
    last_seen_at: int | None = None
    drained_at: int | None = None
    drained_by: str | None = None
    lost_at: int | None = None

    def presence(self, now: int, silent_seconds: float) -> Presence:
        """Whether its gateway is heard of, is not although it never said good-bye, or has gone."""
        if self.gateway_pid is None:
            return "left"
        silent = now - (self.last_seen_at or 0) > silent_seconds
        return "lost" if silent or self.lost_at is not None else "live"


def describe(
    config: Config,
    host_id: str,
    *,
    gateway_pid: int | None = None,
    version: str | None = None,
    started_at: int | None = None,
) -> Host:
    """A host as its configuration says that it is."""
    name, offers = config.host.name, config.host.offers
    able = {
        key: one for key, one in config.profiles.items() if not missing(one, name, host_id, offers)
    }
    return Host(
        host_id=host_id,
        name=name,
        gateway_pid=gateway_pid,
        gateway_url=config.web.address_of(name) or None,
        version=version,
        capabilities=offers,
        profiles=tuple(sorted(able)),
        resources={key: one.resources for key, one in sorted(able.items()) if one.resources},
        max_in_progress=config.kanban.max_in_progress,
        started_at=started_at,
    )


def missing(profile: Profile, name: str, host_id: str, offers: Iterable[str]) -> list[str]:
    """What keeps a host from running a profile: capabilities that it lacks, and ``NAMED`` if the
    profile names others."""
    lacks = [one for one in profile.requires if one not in set(offers)]
    named = not profile.hosts or name in profile.hosts or host_id in profile.hosts
    return lacks if named else [*lacks, NAMED]


def silent_after(config: Config) -> float:
    """How long after its last word a host is taken for lost, in seconds."""
    return SILENT_SECONDS + config.kanban.host_margin_seconds


def join_host(conn: BoardConnection, host: Host, boot: str) -> bool:
    """Write the row of a host that dispatches from now on; True if it did not before.

    On a shared board that is an event. Called again it writes down what has changed. Raises
    KanbanError when another machine goes by the same id.
    """
    with write(conn, "join") as tx:
        before = _find(tx, host.host_id)
        refuse_twin(tx.conn, host.host_id, boot)
        _forget(tx, host.host_id)
        tx.run(_JOIN, _columns(host) | {"now": tx.now, "started_at": host.started_at or tx.now})
        joins = before is None or before.lost_at is not None or _is_another(before, host)
        if conn.shared and joins:
            _tell(tx, "host_joined", host, "system", _told_of_a_host(host))
        return joins


def _is_another(before: Host, host: Host) -> bool:
    """Whether another gateway of the host begins; in a container each has the same pid."""
    began = host.started_at or before.started_at
    return (before.gateway_pid, before.started_at) != (host.gateway_pid, began)


def refuse_twin(conn: BoardConnection, host_id: str, boot: str) -> None:
    """Raise KanbanError if a machine of another boot was heard of a moment ago by this id.

    Machines that were copied have the same id; each would take the other's workers for dead.
    """
    if not conn.shared:
        return
    now = conn.clock.now()
    twins = fetch_all(conn, _TWIN, {"id": host_id, "boot": boot, "since": now - SILENT_SECONDS})
    for name, seen_at in twins:
        raise KanbanError(
            f"another machine goes by this one's id: host {name} ({host_id}) was heard of"
            f" {max(0, now - seen_at)} s ago, after another start; if this is not the same machine"
            " just started anew, give each its own machine-id, or set HERMES_KANBAN_HOST_ID"
        )


def _forget(tx: Transaction, host_id: str) -> None:
    """Drop the rows of hosts that are gone: a file that moved to another machine has no others."""
    if tx.conn.shared:
        tx.run(_FORGET, {"id": host_id, "before": tx.now - FORGOTTEN_SECONDS})
    else:
        tx.run("DELETE FROM hosts WHERE host_id <> :id", {"id": host_id})


def heartbeat(conn: BoardConnection, host: Host) -> bool:
    """Say that the host lives; no event. False: its row does not know it, so it must join again.

    It waits for no writer of the board, and the board's time is heard anew for it: a gateway with
    nothing to write would not know that the server's clock was set.
    """
    try:
        conn.hear_time()
        given = {"id": host.host_id, "pid": host.gateway_pid, "now": conn.clock.now()}
        return bool(conn.execute(_HEARTBEAT, given).fetchall())
    except conn.Error as error:
        raise conn.translated(error) from error


def leave_host(conn: BoardConnection, host: Host) -> bool:
    """The host's gateway ends; False if its row is another's already."""
    with write(conn, "leave") as tx:
        given = {"id": host.host_id, "pid": host.gateway_pid, "now": tx.now}
        if not tx.all(_LEAVE, given):
            return False
        if conn.shared:
            _tell(tx, "host_left", host, "system")
        return True


def notice_lost(conn: BoardConnection, host: Host) -> list[str]:
    """Write down which other hosts are not heard of any more; their names. Once for each."""
    if not conn.shared:
        return []
    latest = conn.clock.now() - int(silent_after(conn.config))
    given = {"id": host.host_id, "latest": latest}
    if not fetch_all(conn, _SILENT, given):
        return []
    lost = []
    with write(conn, "lose-hosts") as tx:
        for row in tx.all(_SILENT, given):
            other = _host(row)
            tx.run(_LOSE, {"id": other.host_id, "now": tx.now})
            _tell(tx, "host_lost", other, "system", {"last_seen_at": other.last_seen_at})
            lost.append(other.name)
    return lost


def drain_host(
    conn: BoardConnection, host: str, *, reason: str | None = None, actor: str | None = None
) -> Host:
    """Start nothing new on a host, by name or id; what runs there goes on. Returns it as it was.

    Raises NotFound, or InvalidInput for a name that several have.
    """
    return _set_state(conn, host, "draining", reason, limits.actor(actor))


def resume_host(conn: BoardConnection, host: str, *, actor: str | None = None) -> Host:
    """Start tasks on a host again. Returns it as it was."""
    return _set_state(conn, host, "active", None, limits.actor(actor))


def _set_state(
    conn: BoardConnection, word: str, state: State, reason: str | None, actor: str
) -> Host:
    reason = limits.text("reason", reason, limits.REASON_BYTES)
    with write(conn, "drain-host" if state == "draining" else "resume-host") as tx:
        host = pick(list_hosts(tx.conn), word)
        if host.state == state:
            return host
        columns: dict[str, Any] = {"state": state, "drained_at": None, "drained_by": None}
        if state == "draining":
            columns |= {"drained_at": tx.now, "drained_by": actor}
        tx.run(_SET_STATE, columns | {"id": host.host_id})
        kind = "host_drained" if state == "draining" else "host_resumed"
        _tell(tx, kind, host, actor, columns, {"reason": reason} if reason else {})
        return host


def pick(hosts: Iterable[Host], word: str) -> Host:
    """The host of that name or id, or whose id begins so. Raises NotFound or InvalidInput.

    Of several with the name one that has not left: a container has another id at each start.
    """
    found = [one for one in hosts if word in (one.host_id, one.name)]
    if len(found) > 1:
        found = [one for one in found if one.gateway_pid is not None] or found
    if not found and len(word) >= ID_CHARACTERS:
        found = [one for one in hosts if one.host_id.startswith(word)]
    if not found:
        raise NotFound("host", word, "see: hermes-kanban hosts list")
    if len(found) > 1:
        ids = ", ".join(one.host_id for one in found)
        raise InvalidInput("host", f"one of these ids: {ids}", f"{word} is the name of several")
    return found[0]


def list_hosts(conn: BoardConnection) -> list[Host]:
    """Every host that ever dispatched the board and is not forgotten, by name."""
    return [_host(row) for row in fetch_all(conn, _ALL)]


def live_hosts(conn: BoardConnection) -> list[Host]:
    """The hosts of a shared board that are heard of; none of a board that is one machine's."""
    now, silent = conn.clock.now(), silent_after(conn.config)
    known = list_hosts(conn) if conn.shared else []
    return [one for one in known if one.presence(now, silent) == "live"]


def names_of_hosts(conn: BoardConnection) -> dict[str, str]:
    """What each host is called, by id, where others than this one share the board; else none."""
    known = {one.host_id: one.name for one in list_hosts(conn)} if conn.shared else {}
    return known if set(known) - {machine().host} else {}


def name_of(conn: BoardConnection, host_id: str) -> str:
    """What a host is called; of one that is forgotten its id."""
    return next((one.name for one in list_hosts(conn) if one.host_id == host_id), host_id)


def drain_reasons(conn: BoardConnection, known: Iterable[Host]) -> dict[str, str]:
    """Why people want hosts that drain to start nothing, by host id, where they said it."""
    drained = {one.host_id: one.drained_at for one in known if one.state == "draining"}
    newest: dict[str, dict[str, Any]] = {}
    for (payload,) in fetch_all(conn, _DRAINED) if drained else ():
        told = msgspec.json.decode(payload)
        newest.setdefault(told["host"]["host_id"], told)
    # A board that was restored may have no event of it.
    return {
        host_id: told["reason"]
        for host_id, told in newest.items()
        if "reason" in told and drained.get(host_id) == told["host"]["drained_at"]
    }


def in_progress(live: Iterable[LiveRun]) -> Counter[str]:
    """How many places the live runs take on each host; those that nobody can place under ``""``."""
    return Counter(run.host or "" for run in live)


def elsewhere(conn: BoardConnection, run: Run | None) -> str | None:
    """The id of the host that a run is or was on, where that is another than this one; else None.

    What the run left there is not here, though a folder of the same path may be.
    """
    host_id = host_of(run) if conn.shared and run is not None else None
    return None if host_id == machine().host else host_id


def workspace_of(conn: BoardConnection, task: Task, run: Run | None) -> Path | None:
    """The folder in which a run of the task works, as it is called on its host.

    None if that is another host and the folder one of the board's own: it lies where that host's
    settings say. Without a run it is the folder in which this host would let it work.
    """
    away = elsewhere(conn, run) is not None and task.workspace_kind != "dir"
    return None if away else directory(task, conn.paths)


def log_file(conn: BoardConnection, run: Run) -> Path:
    """Where the output of a run is. Raises NotFound if that is another host, saying which."""
    file = conn.paths.run_dir(run.id) / "log"
    host_id = host_of(run)
    if run.worker_pid is None or host_id in (None, machine().host) or file.exists():
        return file
    known = {one.host_id: one for one in list_hosts(conn)}
    host = known.get(host_id)
    where = f"host {host_id if host is None else host.name}"
    hint = f"it is on {where}"
    if host is not None and host.gateway_url:
        hint += f", whose gateway shows it: {host.gateway_url}"
    elif host is not None:
        hint += f"; there: hermes-kanban log {run.task_id} --run {run.id}"
    raise NotFound("log of run", f"{run.id} on this host", hint)


def _find(tx: Transaction, host_id: str) -> Host | None:
    row = tx.one(f"SELECT {COLUMNS} FROM hosts WHERE host_id = :id", {"id": host_id})
    return None if row is None else _host(row)


_DECODED: Final = {
    "capabilities": msgspec.json.Decoder(tuple[str, ...]).decode,
    "profiles": msgspec.json.Decoder(tuple[str, ...]).decode,
    "resources": msgspec.json.Decoder(Resources).decode,
}


def _host(row: Row) -> Host:
    return of_columns(tuple(row))


def of_columns(values: Iterable[Any]) -> Host:
    """The record of a row, from the values of ``COLUMNS`` in order."""
    given = dict(zip(Host.__struct_fields__, values, strict=True))
    return Host(**given | {name: read(given[name]) for name, read in _DECODED.items()})


def _columns(host: Host) -> dict[str, Any]:
    encoded = {name: msgspec.json.encode(getattr(host, name)).decode() for name in _DECODED}
    plain = ("host_id", "name", "gateway_pid", "gateway_url", "version", "max_in_progress")
    return {name: getattr(host, name) for name in plain} | encoded


def _told_of_a_host(host: Host) -> dict[str, Any]:
    told = ("gateway_url", "version", "capabilities", "profiles", "max_in_progress")
    return {name: getattr(host, name) for name in told}


def _tell(
    tx: Transaction,
    kind: str,
    host: Host,
    actor: str,
    columns: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """One event of the board: which host, and what of it is new."""
    named = {"host_id": host.host_id, "name": host.name}
    lifecycle.append_event(tx, None, kind, actor, {"host": named | (columns or {})} | (facts or {}))


COLUMNS: Final = ", ".join(Host.__struct_fields__)
_DRAINED: Final = (
    "SELECT payload FROM task_events WHERE task_id IS NULL AND kind = 'host_drained'"
    " ORDER BY id DESC"
)
# Others only looked once, by hand.
_ALL: Final = f"SELECT {COLUMNS} FROM hosts WHERE last_seen_at IS NOT NULL ORDER BY name, host_id"
_JOIN: Final = """
INSERT INTO hosts (host_id, name, gateway_pid, gateway_url, version, capabilities, profiles,
    resources, max_in_progress, started_at, last_seen_at)
VALUES (:host_id, :name, :gateway_pid, :gateway_url, :version, :capabilities, :profiles,
    :resources, :max_in_progress, :started_at, :now)
ON CONFLICT (host_id) DO UPDATE SET name = excluded.name, gateway_pid = excluded.gateway_pid,
    gateway_url = excluded.gateway_url, version = excluded.version,
    capabilities = excluded.capabilities, profiles = excluded.profiles,
    resources = excluded.resources, max_in_progress = excluded.max_in_progress,
    started_at = excluded.started_at, last_seen_at = excluded.last_seen_at, lost_at = NULL
"""
_TWIN: Final = """
SELECT name, last_seen_at FROM hosts
WHERE host_id = :id AND boot IS NOT NULL AND boot <> :boot AND gateway_pid IS NOT NULL
  AND lost_at IS NULL AND last_seen_at > :since
"""
_HEARTBEAT: Final = """
UPDATE hosts SET last_seen_at = :now
WHERE host_id = :id AND gateway_pid = :pid AND lost_at IS NULL RETURNING host_id
"""
_LEAVE: Final = """
UPDATE hosts SET gateway_pid = NULL, lost_at = NULL, last_seen_at = :now
WHERE host_id = :id AND gateway_pid = :pid RETURNING host_id
"""
_SILENT: Final = f"""
SELECT {COLUMNS} FROM hosts
WHERE host_id <> :id AND gateway_pid IS NOT NULL AND lost_at IS NULL AND last_seen_at < :latest
"""
_LOSE: Final = "UPDATE hosts SET lost_at = :now WHERE host_id = :id"
_SET_STATE: Final = """
UPDATE hosts SET state = :state, drained_at = :drained_at, drained_by = :drained_by
WHERE host_id = :id
"""
# What a person said of a host is kept.
_FORGET: Final = """
DELETE FROM hosts WHERE host_id <> :id AND state = 'active' AND last_seen_at < :before
  AND (gateway_pid IS NULL OR lost_at IS NOT NULL)
"""
