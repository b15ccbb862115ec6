"""Tokens of buttons: which question, on which board, answered how, and good in one place alone.

They are signed with a key of the home, or where several hosts serve the boards with one that the
account's secret gives, so nothing has to be remembered about the buttons that are out, and nobody
can make one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any, Final, NamedTuple

from hermes_kanban.config.secret import read_secret
from hermes_kanban.regular import NotRegular, read_regular

KEY_BYTES: Final = 32
_TAG_CHARACTERS: Final = 6
_SIGNATURE_CHARACTERS: Final = 20


class Choice(NamedTuple):
    """What pressing says: the way with that number of the question that an event asks."""

    board: str
    question: int
    way: int


class Tokens:
    """Makes and reads the tokens of one platform."""

    def __init__(self, key: bytes, platform: str) -> None:
        self._key = key
        self._platform = platform

    def make(self, choice: Choice, place: str) -> str:
        """At most 64 characters."""
        body = f"{choice.question:x}.{choice.way:x}.{tag(choice.board)}"
        return f"{body}.{self._sign(body, place)}"

    def read(self, token: str, place: str, boards: list[str]) -> Choice | None:
        """What it says; None if it was not made here for that place and one of the boards."""
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body, place).encode()):
            return None
        question, way, board_tag = body.split(".")
        board = next((one for one in boards if tag(one) == board_tag), None)
        return None if board is None else Choice(board, int(question, 16), int(way, 16))

    def _sign(self, body: str, place: str) -> str:
        told = f"{self._platform}\n{place}\n{body}".encode()
        return hmac.new(self._key, told, hashlib.sha256).hexdigest()[:_SIGNATURE_CHARACTERS]


def tag(board: str) -> str:
    """A short word for a board's name."""
    return hashlib.sha256(board.encode()).hexdigest()[:_TAG_CHARACTERS]


def key_of(file: Path) -> bytes:
    """The key in the file, which is made if it is not there."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        known = read_regular(file)
    except (FileNotFoundError, NotRegular):
        known = b""
    if len(known) == KEY_BYTES:
        return known
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.touch(0o600)
    draft.write_bytes(secrets.token_bytes(KEY_BYTES))
    try:
        if known:
            draft.replace(file)
        else:
            os.link(draft, file)  # another gateway may have been faster
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return read_regular(file)


def account_of(platform: str, settings: Any) -> str:
    """The secret of the account that speaks on a platform. Raises ConfigError."""
    name, value = next(
        (name, value)
        for name in ("token", "bot_token", "access_token")
        if (value := getattr(settings, name, None)) is not None
    )
    return read_secret(f"chat.{platform}.{name}", value)


def key_of_account(secret: str) -> bytes:
    """The key of every host that speaks by that account."""
    return hmac.new(secret.encode(), b"buttons of hermes-kanban", hashlib.sha256).digest()
