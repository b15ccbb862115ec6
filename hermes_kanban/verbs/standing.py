"""Verbs that say how a board stands: its own row, its gateway, profiles and settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from hermes_kanban import health
from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile
from hermes_kanban.verbs.deciding import Nothing
from hermes_kanban.verbs.verb import Call, Verb

if TYPE_CHECKING:
    from hermes_kanban.kernel.eligibility import World


class BoardView(msgspec.Struct, frozen=True, kw_only=True):
    """The board's own row; ``cursor`` is its newest event, ``now`` the server's time."""

    board_id: str
    slug: str
    name: str
    icon: str | None
    default_workdir: str | None
    paused_at: int | None
    paused_by: str | None
    cursor: int
    now: int


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway that serves the board says of itself; times are Unix seconds.

    ``degraded`` needs a person; ``stuck`` are tasks that should start and do not, by reason.
    """

    state: str
    pid: int
    host: str
    version: str
    started_at: int
    tick_at: int
    interval_seconds: float
    in_progress: int
    degraded: list[str]
    stuck: dict[str, list[str]]


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """One limit on what runs at once: ``taken`` of ``most`` places; ``name`` is None for the
    board's."""

    of: Literal["board", "profile", "tenant", "resource"]
    name: str | None
    taken: int
    most: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the board stands now; ``gateway`` is None where none serves it.

    ``standby`` are the gateways of this home that take over when that one dies. ``in_progress`` of
    ``max_in_progress`` places are taken, ``caps`` are all limits. ``database_bytes`` is what the
    board's data takes. ``deliveries_waiting`` and ``deliveries_dead`` are messages that are owed
    and that were given up. ``config_error`` says what is wrong with the configuration, None where
    nothing is.
    """

    gateway: Gateway | None
    standby: list[Gateway]
    paused_at: int | None
    paused_by: str | None
    in_progress: int
    max_in_progress: int
    caps: list[Cap]
    needs_you: int
    deliveries_waiting: int
    deliveries_dead: int
    database: Literal["sqlite", "postgresql"]
    database_bytes: int
    free_mib: int
    min_free_mib: int
    quarantined: int
    config_error: str | None
    cursor: int
    now: int


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """A profile without its command line; of its variables only the names."""

    name: str
    runtime: str
    description: str
    model: str | None
    provider: str | None
    skills: list[str]
    resources: dict[str, int]
    hosts: list[str]
    requires: list[str]
    max_in_progress: int | None
    max_runtime_seconds: int | None
    exit_zero: str
    resume: bool
    transport: str
    orchestrator: bool
    may_assign: list[str]
    tools: list[str]
    env: list[str]


class Profiles(msgspec.Struct, frozen=True):
    """Who tasks may be assigned to."""

    profiles: list[ProfileView]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force, without secrets.

    ``files`` are those they were read from, ``variables`` those of the environment that override
    them.
    """

    kanban: dict[str, Any]
    logging: dict[str, Any]
    web: dict[str, Any]
    files: list[str]
    variables: list[str]


_COPIED: Final = frozenset(BoardView.__struct_fields__) - {"cursor", "now"}


def board_view(conn: kb.BoardConnection) -> BoardView:
    """The board's own row, as of one moment."""
    with kb.reading(conn):
        board = kb.get_board(conn)
        return BoardView(
            **{name: getattr(board, name) for name in _COPIED},
            cursor=kb.newest_event_id(conn),
            now=conn.clock.now(),
        )


def gateway_view(conn: kb.BoardConnection) -> Gateway | None:
    """The gateway that serves the board, None where none does."""
    record = health.read(conn.paths, conn.clock.now())
    return None if record is None else _gateway(record)


def _gateway(record: health.Health) -> Gateway:
    return Gateway(**{name: getattr(record, name) for name in Gateway.__struct_fields__})


def _health(call: Call, _: Nothing) -> Health:
    from hermes_kanban.kernel.deliveries import count_owed
    from hermes_kanban.kernel.eligibility import survey
    from hermes_kanban.kernel.stats import database_bytes
    from hermes_kanban.workers.workspace import quarantined

    conn = call.conn
    on_server = conn.config.kanban.database and not conn.paths.named_by_file
    with kb.reading(conn):
        world = survey(conn)
        owed = count_owed(conn)
        return Health(
            gateway=gateway_view(conn),
            standby=[_gateway(one) for one in health.standing_by(conn.paths, world.now)],
            paused_at=world.paused_at,
            paused_by=world.paused_by,
            in_progress=world.total,
            max_in_progress=_most(world),
            caps=list(_caps(world)),
            needs_you=kb.counts(conn).needs_you,
            deliveries_waiting=owed.get("waiting", 0),
            deliveries_dead=owed.get("dead", 0),
            database="postgresql" if on_server else "sqlite",
            database_bytes=database_bytes(conn, on_server=bool(on_server)),
            free_mib=world.free_mib,
            min_free_mib=conn.config.kanban.min_free_mb,
            quarantined=len(quarantined(conn.paths)),
            config_error=_config_error(conn),
            cursor=kb.newest_event_id(conn),
            now=world.now,
        )


def _most(world: World) -> int:
    """How many runs all hosts together carry at a time.

    What goes on where no gateway is heard of takes none of the others' places.
    """
    seats = world.places.seats
    apart = max(0, world.total - sum(seat.taken for seat in seats))
    return apart + sum(seat.most for seat in seats)


def _caps(world: World) -> Iterator[Cap]:
    """The board's limit, and those of profiles, tenants and resources that have one."""
    kanban, profiles = world.config.kanban, world.config.profiles
    yield Cap(of="board", name=None, taken=world.total, most=_most(world))
    for name, profile in profiles.items():
        if (most := profile.max_in_progress) is not None:
            yield Cap(of="profile", name=name, taken=world.by_profile[name], most=most)
    for name, most in kanban.max_in_progress_per_tenant.items():
        yield Cap(of="tenant", name=name, taken=world.by_tenant[name], most=most)
    for name, most in kanban.resources.items():
        yield Cap(of="resource", name=name, taken=world.by_resource[name], most=most)


def _config_error(conn: kb.BoardConnection) -> str | None:
    from hermes_kanban.config import load

    try:
        load(conn.paths.home)
    except kb.ConfigError as error:
        return str(error)
    return None


def _profiles(call: Call, _: Nothing) -> Profiles:
    return Profiles([_profile(name, one) for name, one in call.conn.config.profiles.items()])


def _profile(name: str, profile: Profile) -> ProfileView:
    return ProfileView(
        name=name,
        runtime=profile.runtime,
        description=profile.description,
        model=profile.model,
        provider=profile.provider,
        skills=list(profile.skills),
        resources=profile.resources,
        hosts=list(profile.hosts),
        requires=list(profile.requires),
        max_in_progress=profile.max_in_progress,
        max_runtime_seconds=profile.max_runtime_seconds,
        exit_zero=profile.exit_zero,
        resume=profile.resume,
        transport=profile.transport,
        orchestrator=profile.orchestrator,
        may_assign=list(profile.may_assign),
        tools=list(profile.tools),
        env=sorted(profile.env),
    )


def _settings(call: Call, _: Nothing) -> Settings:
    import os

    from hermes_kanban.config.environment import setting_variables

    config = call.conn.config
    return Settings(
        kanban=_shown(config.kanban),
        logging=_shown(config.logging),
        web=_shown(config.web),
        files=[str(file) for file in config.files],
        variables=sorted(name for name in setting_variables() if name in os.environ),
    )


def _shown(section: msgspec.Struct) -> dict[str, Any]:
    """A section for people: a secret is told to be there, and no more."""
    from hermes_kanban.redact import HIDDEN, is_secret_name, redact

    found: dict[str, Any] = msgspec.to_builtins(section)
    for name, value in found.items():
        if isinstance(value, str) and value:
            found[name] = HIDDEN if is_secret_name(name) else redact(value)
    return found


STANDING = (
    Verb(
        name="health",
        request=Nothing,
        response=Health,
        function=_health,
        sentence="How the board stands: its gateway, places taken, database, and what is wrong.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="profiles",
        request=Nothing,
        response=Profiles,
        function=_profiles,
        sentence="The profiles that tasks may be assigned to.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="settings",
        request=Nothing,
        response=Settings,
        function=_settings,
        sentence="The settings in force.",
        changes=False,
        about_task=False,
    ),
)
