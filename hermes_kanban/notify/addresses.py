"""Which addresses a message may be sent to: names are resolved once, and what was checked is used.

A webhook is a request that this machine makes for somebody else. Without this check it would reach
what only this machine can: services on loopback and in its network, and the metadata service of
its cloud, which hands out keys.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from hermes_kanban.notify import threads

Address = IPv4Address | IPv6Address

# They hand out keys to whoever asks, so that even a host that may be private may not be these.
_METADATA: Final = frozenset(
    map(ip_address, ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"))
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = IPv6Network("::/96")
_TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
_SHARED: Final = ip_network("100.64.0.0/10")


class Forbidden(Exception):
    """The host has an address to which nothing may be sent; the message says which and why."""


async def resolve(host: str, port: int, allow_private: Collection[str]) -> list[str]:
    """The addresses of ``host``, each of them checked; OSError if it has none.

    ``allow_private`` are the hosts that may be of a private network. Raises Forbidden if a single
    address may not be spoken to: who answers with a mixture means no good.
    """
    found = await lookup(host, port)
    for address in found:
        check(address, private_allowed=host.casefold() in allow_private)
    return found


async def lookup(host: str, port: int) -> list[str]:
    """The addresses of ``host``, none of them checked; OSError or UnicodeError if it has none."""
    found = await threads.run(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def check(address: str, *, private_allowed: bool) -> None:
    """Raises Forbidden with the reason if nothing may be sent to the address."""
    plain = address.partition("%")[0]  # fe80::1%eth0
    for one in _meant(ip_address(plain)):
        if why := _why_never(one):
            raise Forbidden(f"{plain} is {why}")
        if not private_allowed and (why := _why_private(one)):
            raise Forbidden(f"{plain} is {why}, and notify.allow_private does not name its host")


def _meant(address: Address) -> list[Address]:
    """The address, and the IPv4 address that is written in it, as that is where it may lead."""
    if isinstance(address, IPv4Address):
        return [address]
    if (mapped := address.ipv4_mapped) is not None:
        return [mapped]
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _COMPATIBLE and int(address) > 1:
        return [last]
    if address in _NAT64 or address in _LOCAL_NAT64 or address in _TRANSLATED:
        return [last]
    if address.sixtofour is not None:
        # The address itself is private to some versions of Python, and global to others.
        return [address.sixtofour]
    if address.teredo is not None:
        return [address, *address.teredo]
    return [address]


def _why_never(address: Address) -> str:
    if address in _METADATA or address.is_link_local:
        return "link-local or a metadata service"
    if address.is_unspecified:
        return "no address of a host"
    if address.is_multicast:
        return "multicast"
    if address == IPv4Address("255.255.255.255"):
        return "broadcast"
    return ""


def _why_private(address: Address) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_private or address in _SHARED:
        return "private"
    if address.is_reserved or not address.is_global:
        return "reserved"
    return ""
