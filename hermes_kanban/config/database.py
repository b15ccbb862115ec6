"""The PostgreSQL server that ``kanban.database`` names, as what connects to it is told."""

from __future__ import annotations

from typing import NamedTuple

from hermes_kanban.config.secret import read_private_file


class Server(NamedTuple):
    """An address of a database, and the file that holds its password; false where there is none.

    Its text tells neither, since an address may have a password in it.
    """

    address: str
    password_file: str = ""

    def __bool__(self) -> bool:
        return bool(self.address)

    def __repr__(self) -> str:
        return "Server(…)"

    def password(self) -> str | None:
        """What the file holds, read anew; None without one. Raises ConfigError."""
        if not self.password_file:
            return None
        return read_private_file("kanban.database_password_file", self.password_file)


def server_of(given: Server | str) -> Server:
    """A server from its address alone, for whoever has no more."""
    return given if isinstance(given, Server) else Server(given)
