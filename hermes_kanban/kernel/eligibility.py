"""The one answer to "may this task start now?": dispatch, badges, stuck and ``why`` all ask here.

``survey`` takes one look at the board (settings, pause, live runs, disk); ``holds`` says what
keeps a given task from starting, in the order in which a person would want to hear it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from hermes_kanban.config import Config
from hermes_kanban.kernel import hosts, placement
from hermes_kanban.kernel.hosts import Host
from hermes_kanban.kernel.live import LiveRun, ask_live_runs
from hermes_kanban.kernel.placement import Places
from hermes_kanban.model.records import Hold, Identity
from hermes_kanban.ports import Skills
from hermes_kanban.store.protocol import BoardConnection, Row, ask_all, fetch_value

_MIB: Final = 1024 * 1024
_NAMED: Final = 5


class World(msgspec.Struct):
    """One look at the board: everything that eligibility depends on besides the task itself."""

    now: int
    config: Config
    paused_at: int | None
    paused_by: str | None
    paused_why: str | None
    free_mib: int
    places: Places
    total: int
    by_profile: Counter[str]
    by_tenant: Counter[str]
    by_resource: Counter[str]
    processes: dict[str, int]
    folders: dict[str, list[LiveRun]]
    skills: Skills | None = None

    def took(self, profile: str | None, tenant: str | None, host: str | None) -> None:
        """One more run takes its places, on that host."""
        self.total += 1
        if tenant is not None:
            self.by_tenant[tenant] += 1
        if profile is not None:
            self.by_profile[profile] += 1
            self.by_resource.update(self.places.resources_of(self.config, profile, host))


def survey(
    conn: BoardConnection,
    live: list[LiveRun] | None = None,
    *,
    free_mib: Callable[[], int] | None = None,
    here: Identity | None = None,
) -> World:
    """Look at the board as it is now; inside a write transaction the counts are exact.

    ``free_mib`` reports the free space of the board's disk in MiB, ``here`` is the dispatcher that
    looks: it judges for its own host.
    """
    asked = ask_all(conn, _BOARD_AND_HOSTS)
    found = ask_live_runs(conn) if live is None else lambda: live
    (paused_at, paused_by), known = _board_and_hosts(asked())
    runs = found()
    now = conn.clock.now()
    world = World(
        now=now,
        config=conn.config,
        paused_at=paused_at,
        paused_by=paused_by,
        paused_why=None if paused_at is None else _why_paused(conn),
        free_mib=disk_free_mib(conn) if free_mib is None else free_mib(),
        places=placement.places(
            known,
            conn.config,
            hosts.in_progress(runs),
            shared=conn.shared,
            now=now,
            here=here,
            reasons=hosts.drain_reasons(conn, known),
        ),
        total=0,
        by_profile=Counter(),
        by_tenant=Counter(),
        by_resource=Counter(),
        processes={run.task_id: run.id for run in runs if run.registered},
        folders={},
        skills=conn.skills,
    )
    for run in runs:
        world.took(run.profile, run.tenant, run.host)
        if run.registered and run.workspace_kind == "dir" and run.workspace_path is not None:
            world.folders.setdefault(run.workspace_path, []).append(run)
    return world


def _board_and_hosts(found: list[Any]) -> tuple[tuple[Any, Any], list[Host]]:
    """Who paused the board and when, and every host, in one look."""
    rows = [tuple(row) for row in found]
    known = [hosts.of_columns(row[2:]) for row in rows if row[2] is not None]
    return rows[0][:2], known


_HOST_COLUMNS: Final = ", ".join(f"h.{name}" for name in Host.__struct_fields__)
_BOARD_AND_HOSTS: Final = (
    f"SELECT b.paused_at, b.paused_by, {_HOST_COLUMNS} FROM boards b LEFT JOIN hosts h ON 1 = 1"
    " ORDER BY h.name, h.host_id"
)


def disk_free_mib(conn: BoardConnection) -> int:
    """Free space of the disk that the board lies on, in MiB, for an ordinary user."""
    status = os.statvfs(conn.paths.root)
    return status.f_bavail * status.f_frsize // _MIB


TaskRow = Mapping[str, Any] | Row


def holds(world: World, task: TaskRow) -> list[Hold]:
    """What keeps a ready task from starting now; empty means eligible."""
    return [hold for rule in _RULES if (hold := rule(world, task)) is not None]


def board_hold(world: World) -> Hold | None:
    """What keeps every task of the board from starting, if anything does."""
    every = {"assignee": None}
    return (
        _paused(world, every)
        or _drained(world, every)
        or _disk(world, every)
        or _total(world, every)
    )


def profile_hold(world: World, profile: str | None) -> Hold | None:
    """What keeps every task of one profile from starting, if anything does."""
    task = {"assignee": profile, "id": ""}
    return (
        _profile(world, task)
        or _drained(world, task)
        or _total(world, task)
        or _profile_cap(world, task)
        or _resources(world, task)
    )


def tenant_hold(world: World, tenant: str | None) -> Hold | None:
    """What keeps every task of one tenant from starting, if anything does."""
    return _tenant_cap(world, {"tenant": tenant})


def process_hold(world: World, task: TaskRow) -> Hold | None:
    """What a process that has not exited keeps from starting: its own task, or its folder's."""
    return _earlier_process(world, task) or _folder_in_use(world, task)


def skills_hold(world: World, task: TaskRow) -> Hold | None:
    """What a task misses that its profile's agent, as far as that can be told, cannot load."""
    if world.skills is None or not world.places.local:
        return None
    profile = world.config.profiles.get(task["assignee"] or "")
    own = task["skills"]
    if profile is None or (own in ("[]", []) and not profile.skills):
        return None
    asked = msgspec.json.decode(own, type=list[str]) if isinstance(own, str) else own
    unknown = world.skills.unknown(
        task["assignee"], profile, [*profile.skills, *asked], task["workspace_path"]
    )
    if unknown is None:
        return None
    names = ", ".join(unknown.names)
    text = f"{unknown.runtime} finds no skill {names} for profile {task['assignee']}"
    mine = set(unknown.names).isdisjoint(profile.skills)
    otherwise = (
        f"hermes-kanban edit {task['id']} --skill NAME" if mine else "change skills of the profile"
    )
    return Hold("unknown_skill", text, f"install it in {unknown.where}, or {otherwise}")


def _why_paused(conn: BoardConnection) -> str | None:
    """The reason that was given with the newest pause."""
    payload: str = fetch_value(conn, _PAUSED) or "{}"
    reason: str | None = msgspec.json.decode(payload).get("reason")
    return reason


_PAUSED: Final = (
    "SELECT payload FROM task_events WHERE task_id IS NULL AND kind = 'paused'"
    " ORDER BY id DESC LIMIT 1"
)


def _paused(world: World, _: TaskRow) -> Hold | None:
    if world.paused_at is None:
        return None
    why = f": {world.paused_why}" if world.paused_why else ""
    text = f"the board was paused by {world.paused_by}{why}"
    return Hold("paused", text, "hermes-kanban resume", since=world.paused_at)


def _disk(world: World, _: TaskRow) -> Hold | None:
    floor = world.config.kanban.min_free_mb
    if world.free_mib >= floor or not world.places.local:
        return None
    text = f"only {world.free_mib} MiB are free and kanban.min_free_mb is {floor}"
    return Hold("disk", text, "free some disk space")


def _drained(world: World, task: TaskRow) -> Hold | None:
    return placement.drained(world.places, task["assignee"])


def _total(world: World, task: TaskRow) -> Hold | None:
    seats = world.places.seats_for(task["assignee"])
    active = [one for one in seats if one.host.state == "active"]
    return placement.full_hold(active, several=len(world.places.seats) > 1)


def _profile(world: World, task: TaskRow) -> Hold | None:
    assignee = task["assignee"]
    if assignee is None:
        lifted = f"{_assigning(world, task)}, or hermes-kanban claim {task['id']}"
        return Hold("unassigned", "it is assigned to nobody", lifted)
    hold = placement.missing_host(world.places, world.config, assignee)
    if hold is None or hold.code != "no_profile":
        return hold
    lifted = f"{hold.lifted_by}, {_assigning(world, task)}, or hermes-kanban claim {task['id']}"
    return msgspec.structs.replace(hold, lifted_by=lifted)


def _assigning(world: World, task: TaskRow) -> str:
    """The command that gives the task to a profile that there is: the one that was meant, maybe."""
    profiles = list(world.config.profiles)
    if not task["id"]:
        return ""  # asked for a whole profile, where only the code counts
    if len(profiles) > 1 and task["assignee"] is not None:
        from difflib import get_close_matches

        profiles = get_close_matches(task["assignee"], profiles, n=1) or profiles
    command = f"hermes-kanban assign {task['id']}"
    if len(profiles) == 1:
        return f"{command} {profiles[0]}"
    named = ", ".join(profiles[:_NAMED]) + (", …" if len(profiles) > _NAMED else "")
    return f"{command} PROFILE (one of {named})" if named else f"{command} PROFILE"


def _profile_cap(world: World, task: TaskRow) -> Hold | None:
    profile = world.config.profiles.get(task["assignee"] or "")
    if profile is None or profile.max_in_progress is None:
        return None
    running = world.by_profile[task["assignee"]]
    if running < profile.max_in_progress:
        return None
    text = (
        f"{running} runs of {task['assignee']} are in progress, {profile.max_in_progress} allowed"
    )
    return Hold("profile_cap", text, "a run of that profile ends, or its cap is raised")


def _resources(world: World, task: TaskRow) -> Hold | None:
    needs = world.places.resources_of(world.config, task["assignee"] or "", None)
    for name, wanted in needs.items():
        capacity = world.config.kanban.resources.get(name, 0)
        if world.by_resource[name] + wanted > capacity:
            text = f"it needs {wanted} {name}; {world.by_resource[name]} of {capacity} are in use"
            return Hold("resource", text, f"a run that uses {name} ends, or its number is raised")
    return None


def _tenant_cap(world: World, task: TaskRow) -> Hold | None:
    tenant = task["tenant"]
    cap = world.config.kanban.max_in_progress_per_tenant.get(tenant) if tenant else None
    if cap is None or world.by_tenant[tenant] < cap:
        return None
    text = f"{world.by_tenant[tenant]} runs of tenant {tenant} are in progress, {cap} allowed"
    return Hold("tenant_cap", text, "a run of that tenant ends, or its cap is raised")


def _scheduled(world: World, task: TaskRow) -> Hold | None:
    at = task["scheduled_at"]
    if at is None or at <= world.now:
        return None
    lifted = f"time, or hermes-kanban schedule {task['id']} now"
    return Hold("scheduled", "it is scheduled for later", lifted, until=at)


def _backing_off(world: World, task: TaskRow) -> Hold | None:
    at = task["eligible_at"]
    if at is None or at <= world.now:
        return None
    return Hold("backing_off", "it waits after its last run", "time", until=at)


def _earlier_process(world: World, task: TaskRow) -> Hold | None:
    run_id = world.processes.get(task["id"])
    if run_id is None:
        return None
    text = f"the process of its run {run_id} has not exited yet"
    return Hold("earlier_process", text, "that process ends; it is being stopped")


def _folder_in_use(world: World, task: TaskRow) -> Hold | None:
    if task["workspace_kind"] != "dir":
        return None
    for run in world.folders.get(task["workspace_path"], ()):
        if run.task_id != task["id"]:
            text = f"run {run.id} of {run.task_id} still uses its folder {task['workspace_path']}"
            return Hold("folder_in_use", text, "that process ends", since=run.started_at)
    return None


_RULES: Final[tuple[Callable[[World, TaskRow], Hold | None], ...]] = (
    _paused,
    _profile,
    _drained,
    _scheduled,
    _backing_off,
    _earlier_process,
    _folder_in_use,
    _total,
    _profile_cap,
    _tenant_cap,
    _resources,
    _disk,
    skills_hold,
)
