"""One message of a client as work: the calls that it asks for, and the replies that it is owed."""

from __future__ import annotations

import threading
from typing import Any, Final

import msgspec

from hermes_kanban.surfaces.mcp.jsonrpc import Reply, RequestId, encode

CALL_SECONDS: Final = 50.0
"""When a call is answered at the latest; clients give up at 60 s."""


class Call(msgspec.Struct, frozen=True):
    """A tool to be called, and the version in which its result is told."""

    id: RequestId
    name: str
    arguments: dict[str, Any]
    read_only: bool
    version: str | None


class Turn:
    """What one message asks for. Each call is settled once: answered, cancelled or given up.

    Whoever settles the last is handed the bytes to send; every other gets None.
    """

    def __init__(self, *, batch: bool = False) -> None:
        self.batch = batch
        self.calls: list[Call] = []
        self.cancels: list[RequestId] = []
        self._replies: list[Reply] = []
        self._open: list[Call] = []
        self._lock = threading.Lock()

    # While the message is read

    def reply(self, reply: Reply) -> None:
        """A reply that is ready."""
        self._replies.append(reply)

    def ask(self, call: Call) -> None:
        """A call that is to be made."""
        self.calls.append(call)
        self._open.append(call)

    # Afterwards, from any thread

    @property
    def done(self) -> bool:
        """Whether no call is open any more."""
        return not self._open

    @property
    def error(self) -> int | None:
        """The code of the error, where the answer is one error."""
        return self._replies[0].code if self._replies and not self.batch else None

    def is_open(self, call: Call) -> bool:
        """Whether the answer to ``call`` is still wanted."""
        return any(one is call for one in self._open)

    def answer(self) -> bytes | None:
        """What is sent at once, if no call is to be made first; None for nothing."""
        with self._lock:
            return self._whole()

    def settle(self, call: Call, reply: Reply) -> bytes | None:
        """Answer one call; too late for one that was cancelled or given up."""
        with self._lock:
            if not self.is_open(call):
                return None
            self._close(call)
            self._replies.append(reply)
            return self._whole()

    def cancel(self, request_id: RequestId) -> bytes | None:
        """The client wants no answer to that request: it gets none."""
        with self._lock:
            named = [call for call in self._open if call.id == request_id]
            for call in named:
                self._close(call)
            return self._whole() if named else None

    def open_calls(self) -> list[Call]:
        """The calls that are neither answered nor cancelled."""
        return list(self._open)

    def _close(self, call: Call) -> None:
        self._open = [one for one in self._open if one is not call]

    def _whole(self) -> bytes | None:
        if self._open or not self._replies:
            return None
        return encode(self._replies, batch=self.batch)
