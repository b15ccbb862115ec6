"""Answers that are remembered by the key of their request, so that a repeat is not done twice.

Kept in memory: an hour, the newest thousand, of 32 MiB together. A server that is started anew has
forgotten them, and a repeat is then performed like any request; ``create`` alone is safe over that,
by the keys that the board itself keeps.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import msgspec

from hermes_kanban.surfaces.rest.performing import Answer
from hermes_kanban.surfaces.rest.problems import Problem

KEPT: Final = 1_000
KEPT_SECONDS: Final = 3600.0
KEPT_BYTES: Final = 256 * 1024
ALL_KEPT_BYTES: Final = 32 * 1024 * 1024
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


class _Entry(msgspec.Struct):
    """One request: what it was, its answer once there is one, and until when that counts."""

    fingerprint: bytes
    until: float
    done: anyio.Event
    answer: Answer | None = None


class Remembered:
    """The answers of one server."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._size = 0

    async def once(
        self, board: str, key: str, request: bytes, perform: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The answer of ``perform``, or that of the same request before.

        A repeat that comes while the first is under way waits for it. Raises Problem for a key
        that stood for another request.
        """
        if not _KEY.fullmatch(key):
            allowed = ["1 to 200 visible ASCII characters"]
            told = "Idempotency-Key is no key"
            raise Problem("invalid_input", told, field="Idempotency-Key", allowed=allowed)
        self._forget_old()
        name, fingerprint = (board, key), hashlib.sha256(request).digest()
        while (entry := self._entries.get(name)) is not None:
            if entry.fingerprint != fingerprint:
                raise Problem(
                    "idempotency_key_reused",
                    "this Idempotency-Key came with another request before",
                    field="Idempotency-Key",
                    instead="make a new key for each request",
                )
            if entry.answer is not None:
                replayed = entry.answer.headers | {"Idempotency-Replayed": "true"}
                return msgspec.structs.replace(entry.answer, headers=replayed)
            await entry.done.wait()
        entry = _Entry(fingerprint, anyio.current_time() + KEPT_SECONDS, anyio.Event())
        self._entries[name] = entry
        try:
            answer = await perform()
            if len(answer.body) <= KEPT_BYTES:
                entry.answer = answer
                self._size += len(answer.body)
            return answer
        finally:
            # What failed may be tried again.
            if entry.answer is None and self._entries.get(name) is entry:
                del self._entries[name]
            entry.done.set()

    def _forget_old(self) -> None:
        now = anyio.current_time()
        while self._entries:
            name, oldest = next(iter(self._entries.items()))
            much = len(self._entries) > KEPT or self._size > ALL_KEPT_BYTES
            if not ((much or oldest.until <= now) and oldest.done.is_set()):
                return
            del self._entries[name]
            self._size -= len(oldest.answer.body) if oldest.answer is not None else 0
