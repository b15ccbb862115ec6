"""The ``notify:`` section: where messages may go beside chats, and with which secrets.

Subscriptions name what is configured here, so that no address with a secret in it is stored on a
board, shown or logged.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hermes_kanban.config.secret import Secret

DestinationName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\Z",
        description="a name: lower-case letters, digits, '.', '_' and '-', 64 at most",
    ),
]
WebhookSecret = Annotated[
    str,
    Meta(
        pattern=r"^(env:.+|file:.+|.{16,1000})\Z",
        description="a secret of 16 to 1,000 characters, env:NAME or file:/path",
    ),
]
PrivateHost = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9:]([a-z0-9.:-]{0,252}[a-z0-9:])?\Z",
        description="a name or address without a port, in lower case: hooks.internal, 10.0.0.7",
    ),
]
MailAddress = Annotated[
    str,
    Meta(
        pattern=r"^[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}\Z",
        description="a mail address such as ops@example.org",
    ),
]
Recipient = Annotated[
    str,
    Meta(
        pattern=r"^[^\s@<>,;:\"()\[\]\\]{0,64}@[A-Za-z0-9.-]{1,253}\Z",
        description="a mail address, or all of a domain: ops@example.org, @example.org",
    ),
]
ServerName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9.:-]{1,253}\Z", description="a name or address without a port")
]
Security = Literal["starttls", "tls", "none"]

SUBMISSION_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``notify.webhooks.<name>``: an address, and the secret that its messages are signed with."""

    url: Secret
    secret: WebhookSecret


class MailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``notify.mail``: the server that takes mail from us; ``port`` follows from ``security``.

    ``recipients`` are those who may be written to; none means anybody.
    """

    host: ServerName
    sender: MailAddress
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    security: Security = "starttls"
    user: Annotated[str, Meta(min_length=1, max_length=320)] | None = None
    password: Secret | None = None
    recipients: tuple[Recipient, ...] = ()

    def __post_init__(self) -> None:
        if (self.user is None) != (self.password is None):
            raise ValueError("needs both user and password, or neither")
        if self.user is not None and self.security == "none":
            raise ValueError("has a password, which security none would send in the clear")

    @property
    def submission_port(self) -> int:
        """Where the server listens."""
        return self.port or SUBMISSION_PORTS[self.security]

    def may_be_written_to(self, address: str) -> bool:
        """Whether mail to that address is allowed."""
        folded = address.casefold()
        domain = f"@{folded.rpartition('@')[2]}"
        allowed = {one.casefold() for one in self.recipients}
        return not allowed or not allowed.isdisjoint({folded, domain})


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``notify:`` section.

    ``allow_private`` are the hosts of webhooks that may lie in a private network, and may be
    spoken to without TLS.
    """

    allow_private: tuple[PrivateHost, ...] = ()
    webhooks: dict[DestinationName, Webhook] = {}
    mail: MailSettings | None = None
    apprise: dict[DestinationName, Secret] = {}
