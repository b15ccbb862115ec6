"""The ``chat:`` section: which chats the gateway speaks and listens in, and to whom.

A platform that is not named here is never loaded.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

from hermes_kanban.config.secret import Secret

Address = Annotated[
    str,
    Meta(
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?\Z",
        description="an address such as https://matrix.example",
    ),
]
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
NumberText = Annotated[
    str, Meta(pattern=r"^-?[0-9]{1,20}\Z", description="an id, which is a number such as 4242")
]
TelegramChat = Annotated[
    str,
    Meta(
        pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})\Z",
        description="a chat's id, which is a number such as -1001234567890, or a public @name",
    ),
]
SlackChannel = Annotated[
    str,
    Meta(pattern=r"^[CDG][A-Z0-9]{1,30}\Z", description="a channel's id such as C012AB3CD"),
]
SlackUser = Annotated[
    str, Meta(pattern=r"^[UW][A-Z0-9]{1,30}\Z", description="a user's id such as U012AB3CD")
]
Known = Annotated[
    str,
    Meta(
        max_length=300,
        pattern=r"^(matrix|telegram|slack|discord):\S+\Z",
        description="a platform and a user's id there, such as matrix:@mara:matrix.example",
    ),
]
MatrixUser = Annotated[
    str, Meta(pattern=r"^@[^\s:]+:\S+\Z", description="a user id such as @mara:matrix.example")
]
MatrixRoom = Annotated[
    str,
    Meta(pattern=r"^[!#]\S+\Z", description="a room's id or alias: !abc:example, #ops:example"),
]
Login = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}\Z",
        description="a person's name on the board: letters, digits, '.', '_', '@' and '-'",
    ),
]


class PlatformSettings(Protocol):
    """What the settings of every platform have in common; all ids as text."""

    @property
    def places(self) -> frozenset[str]:
        """Where commands and answers are taken from."""

    @property
    def people(self) -> frozenset[str]:
        """Whose they are."""


class _Platform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    users: tuple[NumberText | Number, ...] = ()
    home: Any = None

    @property
    def people(self) -> frozenset[str]:
        """Whose commands and answers are taken."""
        return frozenset(map(str, self.users))

    def _with_home(self, places: tuple[str | int, ...]) -> frozenset[str]:
        home = () if self.home is None else (self.home,)
        return frozenset(map(str, (*places, *home)))


class MatrixSettings(_Platform, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``chat.matrix``: the account that speaks, and where it listens."""

    homeserver: Address
    user: MatrixUser
    access_token: Secret
    rooms: tuple[MatrixRoom, ...] = ()
    users: tuple[MatrixUser, ...] = ()
    home: MatrixRoom | None = None

    @property
    def places(self) -> frozenset[str]:
        """The rooms, by id or alias."""
        return self._with_home(self.rooms)


class TelegramSettings(_Platform, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``chat.telegram``; ``base_url`` is for a Bot API server of one's own."""

    token: Secret
    chats: tuple[TelegramChat | Number, ...] = ()
    home: TelegramChat | Number | None = None
    base_url: Address = ""

    @property
    def places(self) -> frozenset[str]:
        """The chats."""
        return self._with_home(self.chats)


class SlackSettings(_Platform, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``chat.slack``: an app in socket mode."""

    app_token: Secret
    bot_token: Secret
    channels: tuple[SlackChannel, ...] = ()
    users: tuple[SlackUser, ...] = ()
    home: SlackChannel | None = None
    base_url: Address = ""

    @property
    def places(self) -> frozenset[str]:
        """The channels."""
        return self._with_home(self.channels)


class DiscordSettings(_Platform, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``chat.discord``."""

    token: Secret
    channels: tuple[NumberText | Number, ...] = ()
    home: NumberText | Number | None = None
    base_url: Address = ""

    @property
    def places(self) -> frozenset[str]:
        """The channels."""
        return self._with_home(self.channels)


class ChatSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``chat:`` section.

    ``board`` is the one that commands mean unless they name another. ``people`` says who is who:
    a login of the board, and the users of platforms that it is, as ``matrix:@mara:example``.
    """

    board: Annotated[
        str,
        Meta(
            pattern=r"^([a-z0-9][a-z0-9-]{0,63})?\Z",
            description="empty, or a board's name",
        ),
    ] = ""
    people: dict[Login, tuple[Known, ...]] = {}
    matrix: MatrixSettings | None = None
    telegram: TelegramSettings | None = None
    slack: SlackSettings | None = None
    discord: DiscordSettings | None = None

    def __post_init__(self) -> None:
        of: dict[str, str] = {}
        for login, ids in self.people.items():
            for one in ids:
                if of.setdefault(one, login) != login:
                    raise ValueError(f"says in people that {one} is both {of[one]} and {login}")

    def actor(self, platform: str, user: str) -> str:
        """Who somebody of a platform is on the board: ``person:mara``."""
        known = f"{platform}:{user}"
        login = next((name for name, ids in self.people.items() if known in ids), None)
        return f"person:{login or f'{platform}/{user}'}"


PLATFORMS: Final = ("matrix", "telegram", "slack", "discord")
