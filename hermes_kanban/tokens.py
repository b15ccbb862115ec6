"""Tokens by which a run's tools prove themselves over HTTP.

A token is ``<board>.<secret>``: it says where to look, and the board keeps only its hash, so that
whoever reads the board cannot act as its runs. It counts for as long as its run is open.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, NamedTuple

_SECRET_BYTES: Final = 32
_TOKEN_CHARACTERS: Final = 200


class RunToken(NamedTuple):
    """A token in its parts: the board's slug, and the hash that its run's row has."""

    board: str
    hash: str


def new_token(board: str) -> str:
    """A fresh token for a run of ``board``."""
    return f"{board}.{secrets.token_urlsafe(_SECRET_BYTES)}"


def token_hash(token: str) -> str:
    """SHA-256 as hex: the secret is random, so that nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse_token(token: str) -> RunToken | None:
    """The parts of a token, or None for what is none."""
    board, dot, secret = token.partition(".")
    if not (board and dot and secret and token.isascii()) or len(token) > _TOKEN_CHARACTERS:
        return None
    return RunToken(board, token_hash(token))
