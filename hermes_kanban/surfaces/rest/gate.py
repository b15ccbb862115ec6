"""Who may come in: the right host, no page of another site, and a proof of who asks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from hermes_kanban.config import WebSettings
from hermes_kanban.surfaces.http.headers import (
    LOOPBACK,
    Headers,
    Misplaced,
    check_host,
    check_own_origin,
)
from hermes_kanban.surfaces.rest.problems import Problem
from hermes_kanban.surfaces.rest.secrets import (
    SESSION_SECONDS,
    Logins,
    NewSession,
    bearer_token,
    same,
)

TOKEN_HEADER: Final = "X-Kanban-Token"
COOKIE_NAME: Final = "hermes-kanban"
SUBPROTOCOL: Final = "hermes-kanban"
COOKIES: Final = 10
TOKEN_SUBPROTOCOL: Final = "token."
_REALM: Final = 'Bearer realm="hermes-kanban"'
_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{20,100}")


class Visitor(NamedTuple):
    """Somebody who proved who they are; ``cookie`` is that of their session."""

    via: Literal["token", "session"]
    cookie: str | None


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A new session: ``token`` goes with every request, in the header X-Kanban-Token.

    It is told once and kept by the page; the cookie alone opens nothing.
    """

    actor: str
    token: str
    expires_at: int


class Gate:
    """The door of one server."""

    def __init__(self, home: Path, settings: WebSettings) -> None:
        self._home = home
        self._settings = settings
        self._hosts = LOOPBACK | settings.names
        self._logins = Logins(home)

    def check_place(self, headers: Headers, *, own_pages_only: bool = True) -> None:
        """The request is for us, and no page of another site sent it. Raises Problem."""
        try:
            check_host(headers, self._hosts)
            if own_pages_only:
                check_own_origin(headers)
        except Misplaced as misplaced:
            if misplaced.status == 421:
                instead = "set web.hosts for names from elsewhere"
                raise Problem("wrong_host", misplaced.told, instead=instead) from None
            instead = "ask from the board's own page, or by a program that sends no Origin"
            raise Problem("forbidden_origin", misplaced.told, instead=instead) from None

    def admit(self, headers: Headers, offered: Iterable[str] = ()) -> Visitor:
        """Who asks. ``offered`` are the subprotocols of a socket, which has no headers of its own.

        Reads files: to be called in a thread. Raises Problem.
        """
        if (given := headers.get("authorization")) is not None:
            scheme, _, bearer = given.partition(" ")
            secret = bearer_token(self._home, self._settings.token)
            if scheme.lower() == "bearer" and same(bearer.strip(), secret):
                return Visitor("token", None)
            raise _unauthorized("this is not the token", error="invalid_token")
        cookies, token = self._cookies(headers), self._page_token(headers, offered)
        if not cookies:
            raise _unauthorized("there is neither a token nor a session")
        if token is None:
            raise _unauthorized(f"a session's cookie counts only with {TOKEN_HEADER}")
        for cookie in cookies:
            if self._logins.find(cookie, token, _place(headers)) is not None:
                return Visitor("session", cookie)
        raise _unauthorized("the session is over, or none")

    def _cookies(self, headers: Headers) -> list[str]:
        """What may be the session's secret. A browser sends cookies of every port of this machine,
        and another program's page may have set one of our name, which must not shut us out."""
        name = _cookie_name(headers)
        parts = [part.strip() for line in headers.all("cookie") for part in line.split(";")]
        found = [value for key, _, value in (part.partition("=") for part in parts) if key == name]
        return [value for value in found if _COOKIE.fullmatch(value)][:COOKIES]

    def _page_token(self, headers: Headers, offered: Iterable[str]) -> str | None:
        for protocol in offered:
            if protocol.startswith(TOKEN_SUBPROTOCOL):
                return protocol.removeprefix(TOKEN_SUBPROTOCOL)
        return headers.get(TOKEN_HEADER.lower())

    def log_in(self, headers: Headers, code: str | None) -> tuple[NewSession, str]:
        """A new session, for a code or for who bears the token, and the header that sets its
        cookie. Raises Problem."""
        if code is None:
            if self.admit(headers).via != "token":
                raise Problem("bad_login", "there is a session already")
            made: NewSession | None = self._logins.open(_place(headers))
        else:
            made = self._logins.redeem(code, _place(headers))
        if made is None:
            raise Problem(
                "bad_login",
                "this link was used, or is older than two minutes",
                instead="make another: hermes-kanban board",
            )
        return made, _set_cookie(headers, made.cookie, SESSION_SECONDS)

    def log_out(self, headers: Headers, visitor: Visitor) -> str:
        """End the visitor's session; the header that takes its cookie away."""
        if visitor.cookie is not None:
            self._logins.forget(visitor.cookie)
        return _set_cookie(headers, "", 0)


def _place(headers: Headers) -> str:
    return (headers.get("host") or "").lower()


def _cookie_name(headers: Headers) -> str:
    """With the port in it: cookies know no ports, and two servers may run beside each other."""
    _, colon, port = _place(headers).rpartition(":")
    return f"{COOKIE_NAME}-{port}" if colon and port.isdigit() else COOKIE_NAME


def _set_cookie(headers: Headers, value: str, seconds: int) -> str:
    secure = "; Secure" if (headers.get("origin") or "").startswith("https://") else ""
    return (
        f"{_cookie_name(headers)}={value}; Path=/; Max-Age={seconds}; HttpOnly;"
        f" SameSite=Strict{secure}"
    )


def _unauthorized(told: str, *, error: str | None = None) -> Problem:
    realm = _REALM if error is None else f'{_REALM}, error="{error}"'
    return Problem(
        "unauthorized",
        told,
        instead="send Authorization: Bearer with the token in web.token, or open a link made by:"
        " hermes-kanban board",
        headers={"WWW-Authenticate": realm},
    )
