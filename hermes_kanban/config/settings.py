"""Every setting with its type, range and default: the one list of what may be configured.

Times are seconds, sizes are in their name. ``config/hermes-kanban.yaml`` shows the same keys to
people, and a test holds the two together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hermes_kanban.config.capacity import default_max_in_progress
from hermes_kanban.config.chat import ChatSettings
from hermes_kanban.config.database import Server
from hermes_kanban.config.host import Capability, HostSettings, MachineName
from hermes_kanban.config.notify import NotifySettings

YEAR_SECONDS = 31_536_000

# The upper bounds keep a slip (milliseconds for seconds, say) and SQLite's 64 bits apart.
Seconds = Annotated[float, Meta(gt=0, le=YEAR_SECONDS)]
WholeSeconds = Annotated[int, Meta(ge=1, le=YEAR_SECONDS)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
CountOrNone = Annotated[int, Meta(ge=0, le=1_000_000)]
Word = Annotated[str, Meta(min_length=1, max_length=200, description="text of 1 to 200 characters")]
FolderPath = Annotated[str, Meta(min_length=1, description="the path of a folder")]
Slug = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z",
        description="a board's name: lower-case letters, digits and '-', 64 at most",
    ),
]
ProfileName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
        description="a profile's name: letters, digits, '.', '_' and '-', 64 at most",
    ),
]
Skill = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\Z",
        description="a skill's name: lower-case letters, digits, '.', '_' and '-', 64 at most",
    ),
]
EnvironmentName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z",
        description="the name of an environment variable",
    ),
]
WebUrl = Annotated[
    str,
    Meta(
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?\Z",
        description="empty, or the address of the board as people reach it: https://board.example",
    ),
]
BindHost = Annotated[
    str,
    Meta(
        pattern=r"^(localhost|\d{1,3}(\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\Z",
        description="an address of this machine: 127.0.0.1, ::1, localhost, 0.0.0.0 or another",
    ),
]
HostName = Annotated[
    str,
    Meta(
        pattern=r"^([a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*|\[[0-9a-f:.]+\])\Z",
        description="a name or address without a port, in lower case: board.example, 192.0.2.7",
    ),
]
WebToken = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9._~+/=-]{32,200})?\Z",
        description="empty, or a secret of 32 to 200 letters, digits and ._~+/=-",
    ),
]
Port = Annotated[int, Meta(ge=1, le=65535)]
DatabaseAddress = Annotated[
    str,
    Meta(
        pattern=r"^(postgres(ql)?://.+)?\Z",
        description="empty for SQLite, or postgresql://user@host/database",
    ),
]
PasswordFile = Annotated[
    str,
    Meta(
        pattern=r"^([/~].*)?\Z",
        description="empty, or the absolute path of a file that only you may read",
    ),
]

Runtime = Literal["command", "hermes", "claude", "codex", "gemini", "opencode", "qwen", "continue"]
ExtraTool = Literal["request_review", "wait_for", "attach", "attachments", "why", "create", "link"]
ExitZero = Literal["complete", "protocol_violation"]


class KanbanSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``kanban:`` section; ``HERMES_KANBAN_<KEY>`` overrides each key."""

    dispatch_in_gateway: bool = True
    dispatch_interval_seconds: Seconds = 60
    boards: Literal["all"] | tuple[Slug, ...] = "all"
    max_retries: CountOrNone = 1
    max_runs: Count = 20
    lease_seconds: WholeSeconds = 900
    stop_grace_seconds: Seconds = 5
    linger_seconds: Seconds = 30
    max_spawn: Count = 8
    max_in_progress: Count = msgspec.field(default_factory=default_max_in_progress)
    max_in_progress_per_tenant: dict[Word, CountOrNone] = {}
    resources: dict[Word, CountOrNone] = {}
    backoff_base_seconds: WholeSeconds = 10
    backoff_max_seconds: WholeSeconds = 3600
    rate_limit_base_seconds: WholeSeconds = 60
    stuck_ticks: Count = 5
    min_free_mb: CountOrNone = 256
    durability: Literal["full", "normal"] = "full"
    database: DatabaseAddress = ""
    database_password_file: PasswordFile = ""
    host_margin_seconds: WholeSeconds = 60
    notify_in_gateway: bool = True

    @property
    def server(self) -> Server:
        """The database server of the boards; false where they lie in files."""
        return Server(self.database, self.database_password_file)

    def serves(self, board: str) -> bool:
        """Whether this gateway dispatches the board of that name."""
        return self.boards == "all" or board in self.boards


class LoggingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``logging:`` section; ``HERMES_KANBAN_LOGGING_<KEY>`` overrides each key."""

    format: Literal["auto", "pretty", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``web:`` section; ``HERMES_KANBAN_WEB_<KEY>`` overrides each key.

    ``hosts`` are the names by which it may be reached beside those of this machine. Without a
    ``token`` it keeps one of its own making in ``<home>/web.token``. ``public_url`` is how people
    reach it, for the links in messages.
    """

    in_gateway: bool = False
    host: BindHost = "127.0.0.1"
    port: Port = 8790
    hosts: tuple[HostName, ...] = ()
    token: WebToken = ""
    public_url: WebUrl = ""

    @property
    def public_address(self) -> str:
        """What links begin with: ``public_url``, else where the gateway serves it, else nothing."""
        if self.public_url:
            return self.public_url.rstrip("/")
        return self.address if self.in_gateway else ""

    def address_of(self, machine: str) -> str:
        """Where people at other machines reach it by this one's name; empty where they cannot."""
        if self.public_url:
            return self.public_url.rstrip("/")
        if not self.in_gateway or self.is_loopback:
            return ""
        host = machine if self.host in ("0.0.0.0", "::") else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine can connect."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def names(self) -> frozenset[str]:
        """What a request's ``Host`` may be, beside the names of this machine."""
        own = f"[{self.host.lower()}]" if ":" in self.host else self.host
        public = self.public_url.partition("://")[2].partition("/")[0].lower()
        name, colon, port = public.rpartition(":")
        if colon and port.isdigit():
            public = name
        return frozenset(self.hosts) | {own} | ({public} if public else set())

    @property
    def address(self) -> str:
        """Where programs of this machine reach it, without a path."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        host = f"[{here}]" if ":" in here else here
        return f"http://{host}:{self.port}"


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to start an agent for an assignee; its name is the key under ``profiles:``.

    ``{task_id}``, ``{workspace}`` and ``{prompt}`` in ``argv``, ``args``, ``env`` and ``cwd`` are
    filled in when the agent starts. ``on_exit_zero`` is None for the runtime's own habit, which
    ``exit_zero`` resolves.
    """

    runtime: Runtime = "command"
    argv: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    prompt: Literal["stdin", "file", "argument"] = "stdin"
    env: dict[EnvironmentName, str] = {}
    cwd: FolderPath | None = None
    model: Word | None = None
    provider: Word | None = None
    skills: tuple[Skill, ...] = ()
    resources: dict[Word, Count] = {}
    hosts: tuple[MachineName, ...] = ()
    requires: tuple[Capability, ...] = ()
    max_in_progress: CountOrNone | None = None
    max_runtime_seconds: WholeSeconds | None = None
    on_exit_zero: ExitZero | None = None
    resume: bool = False
    transport: Literal["stdio", "http"] = "stdio"
    orchestrator: bool = False
    may_assign: tuple[ProfileName, ...] = ()
    tools: tuple[ExtraTool, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        if self.runtime == "command" and not (self.argv and self.argv[0]):
            raise ValueError("needs argv, the command to start, or the runtime of an agent")
        if self.runtime != "command" and self.argv:
            raise ValueError(
                f"has argv, which is for runtime command; give args to runtime {self.runtime}"
            )

    @property
    def exit_zero(self) -> ExitZero:
        """What exit 0 without a word means: a plain command is done, an agent has gone silent."""
        if self.on_exit_zero is not None:
            return self.on_exit_zero
        return "complete" if self.runtime == "command" else "protocol_violation"


class Sections(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that may be written, as the files and the environment together say it."""

    kanban: KanbanSettings = msgspec.field(default_factory=KanbanSettings)
    logging: LoggingSettings = msgspec.field(default_factory=LoggingSettings)
    web: WebSettings = msgspec.field(default_factory=WebSettings)
    host: HostSettings = msgspec.field(default_factory=HostSettings)
    chat: ChatSettings = msgspec.field(default_factory=ChatSettings)
    notify: NotifySettings = msgspec.field(default_factory=NotifySettings)
    profiles: dict[ProfileName, Profile] = {}

    def check_resources(self) -> None:
        """Raises UnknownResource: a misspelt resource would be a cap that never holds."""
        for name, profile in self.profiles.items():
            for resource in profile.resources.keys() - self.kanban.resources.keys():
                raise UnknownResource(name, resource)

    def check_web(self) -> None:
        """Raises OpenToAll: whoever can connect from elsewhere must have been given a secret."""
        if not self.web.is_loopback and not self.web.token:
            raise OpenToAll


class Config(Sections, frozen=True, kw_only=True):
    """Everything that is configured; ``files`` are those it was read from, config.yaml first."""

    files: tuple[Path, ...] = ()


class UnknownResource(ValueError):
    """A profile uses a resource that ``kanban.resources`` does not have."""

    def __init__(self, profile: str, resource: str) -> None:
        self.profile, self.resource = profile, resource
        super().__init__(f"profile {profile} uses the resource {resource}")


class OpenToAll(ValueError):
    """``web.host`` can be reached from other machines, and ``web.token`` is empty."""

    def __init__(self) -> None:
        super().__init__(
            "web.host can be reached from other machines, so web.token must be set: a secret of 32"
            " characters or more"
        )
