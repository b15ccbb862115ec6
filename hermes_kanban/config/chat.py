"""The ``chat:`` section: which chats the gateway speaks and listens in, and to whom.

A platform that is not named here is never loaded.
"""

from __future__ import annotations

from typing import Annotated, Final, Protocol

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
Id = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^\S+\Z", description="an id")]
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
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
    users: tuple[Id | Number, ...] = ()
    home: Id | Number | None = None

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
    chats: tuple[Id | Number, ...] = ()
    base_url: Address = ""

    @property
    def places(self) -> frozenset[str]:
        """The chats."""
        return self._with_home(self.chats)


class SlackSettings(_Platform, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``chat.slack``: an app in socket mode."""

    app_token: Secret
    bot_token: Secret
    channels: tuple[Id, ...] = ()
    base_url: Address = ""

    @property
    def places(self) -> frozenset[str]:
        """The channels."""
        return self._with_home(self.channels)


class DiscordSettings(_Platform, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``chat.discord``."""

    token: Secret
    channels: tuple[Id | Number, ...] = ()
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
    people: dict[Login, tuple[Id, ...]] = {}
    matrix: MatrixSettings | None = None
    telegram: TelegramSettings | None = None
    slack: SlackSettings | None = None
    discord: DiscordSettings | None = None

    def actor(self, platform: str, user: str) -> str:
        """Who somebody of a platform is on the board: ``person:mara``."""
        known = f"{platform}:{user}"
        login = next((name for name, ids in self.people.items() if known in ids), None)
        return f"person:{login or f'{platform}/{user}'}"


PLATFORMS: Final = ("matrix", "telegram", "slack", "discord")
