"""The headers of a request, and whether it was meant for us."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Misplaced(Exception):
    """A request that a page of another site may have made; ``status`` is the answer's."""

    def __init__(self, status: int, told: str) -> None:
        self.status, self.told = status, told
        super().__init__(told)


class Headers:
    """The headers of one request; names are in lower case, as ASGI has them."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in raw:
            self._values.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))

    def get(self, name: str) -> str | None:
        """The value of that header, the first if there are several."""
        return next(iter(self._values.get(name, ())), None)

    def all(self, name: str) -> list[str]:
        """Every value of that header."""
        return self._values.get(name, [])

    def times(self, name: str) -> int:
        """How often that header stands there."""
        return len(self._values.get(name, ()))


def check_host(headers: Headers, hosts: frozenset[str]) -> None:
    """No page of another site may reach us by a name that it made point here (DNS rebinding)."""
    host = (headers.get("host") or "").lower()
    if headers.times("host") != 1 or without_port(host) not in hosts:
        raise Misplaced(421, "Misdirected Request: this host is not served here")


def check_any_origin(headers: Headers, origins: frozenset[str]) -> None:
    """A request of no page, of one of ``origins``, or of any page of this machine."""
    origin = headers.get("origin")
    if origin is None or origin.lower() in origins:
        return
    scheme, _, place = origin.lower().partition("://")
    if scheme not in ("http", "https") or without_port(place) not in LOOPBACK:
        raise _foreign()


def check_own_origin(headers: Headers) -> None:
    """A request of no page, or of a page that this very host and port served.

    Another port of this machine is another program: it counts as foreign.
    """
    for origin in headers.all("origin"):
        scheme, _, place = origin.lower().partition("://")
        if scheme not in ("http", "https") or place != (headers.get("host") or "").lower():
            raise _foreign()
    # What a browser says of itself, and no page can change: also where it sends no Origin.
    if (headers.get("sec-fetch-site") or "none") not in ("none", "same-origin"):
        raise _foreign()


def _foreign() -> Misplaced:
    return Misplaced(403, "Forbidden: requests from this origin are not allowed")


def without_port(host: str) -> str:
    """The name or address of a ``Host``."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
