"""Files that an agent on another machine hands over: they come before the call that names them.

``PUT /mcp/files/<sha256>/<name>`` with the token of the run; ``HEAD`` tells whether it is there.
They wait in a folder of the run, from which the verb that ends it takes them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from io import BufferedWriter
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from hermes_kanban import handovers
from hermes_kanban.kernel import limits, sources
from hermes_kanban.model.errors import BoardUnreachable, InvalidInput
from hermes_kanban.store.files import make_folder, sync_folder
from hermes_kanban.surfaces.http import body
from hermes_kanban.surfaces.http.headers import LOOPBACK, Headers
from hermes_kanban.surfaces.mcp.answering import Receive, Scope, Send, answer
from hermes_kanban.surfaces.mcp.headers import (
    Rejection,
    bearer_token,
    check_place,
    unknown_token,
    unreachable,
)
from hermes_kanban.surfaces.mcp.http import KEPT_HEADER, THREADS

T = TypeVar("T")

PATH: Final = "/mcp/files/"
UPLOAD_SECONDS: Final = 300.0
AT_ONCE: Final = 4
"""How many files of one run may be on their way at once."""

# Twice what one call may bring: a gateway that was killed may have left some behind.
_FOLDER_BYTES: Final = 2 * limits.ARTIFACTS_BYTES
_BLOCK_BYTES: Final = 256 * 1024
_AGAIN: Final = {"Retry-After": "2"}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def folder_of(root: Path, run_id: int) -> Path:
    """Where the files of a run wait on this host; named so that ``gc`` clears what was left."""
    return handovers.place(root) / f".uploads-{run_id}.tmp"


class UploadApp:
    """The ASGI application below ``PATH``.

    ``find`` tells where the files of a token's run wait, None for one that nobody may have, and
    raises BoardUnreachable; ``hosts`` are allowed beside the names of this machine.
    """

    def __init__(self, find: Callable[..., Path | None], *, hosts: Iterable[str] = ()) -> None:
        self._find = find
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        # Of their own: while the database is away, or the disk slow, each waits for it.
        self._threads = anyio.CapacityLimiter(THREADS)
        self._coming: Counter[Path] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(self._respond, scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        headers = Headers(scope["headers"])
        check_place(headers, self._hosts, frozenset())
        kept = headers.get(KEPT_HEADER) is not None
        find = partial(self._find, bearer_token(headers), kept=kept)
        try:
            folder = await anyio.to_thread.run_sync(
                find, abandon_on_cancel=True, limiter=self._threads
            )
        except BoardUnreachable:
            raise unreachable() from None
        if folder is None:
            raise unknown_token()
        sha256, name = _named(scope["path"])
        if scope["method"] == "HEAD":
            there = await self._in_thread(_is_there, folder, sha256, name)
            return (HTTPStatus.OK if there else HTTPStatus.NOT_FOUND), b""
        if scope["method"] != "PUT":
            told = "Method Not Allowed: PUT a file, or ask by HEAD whether it is here"
            raise Rejection(405, told, headers={"Allow": "PUT, HEAD"})
        if self._coming[folder] >= AT_ONCE:
            raise Rejection(429, f"Too Many Requests: {AT_ONCE} files at once", headers=_AGAIN)
        self._coming[folder] += 1
        try:
            await self._take(folder, sha256, name, headers, receive)
        finally:
            self._coming[folder] -= 1
            if not self._coming[folder]:
                del self._coming[folder]
        return HTTPStatus.CREATED, b""

    async def _take(
        self, folder: Path, sha256: str, name: str, headers: Headers, receive: Receive
    ) -> None:
        """The body as a file, whole or not at all; with a problem it is read to its end too."""
        size = await self._in_thread(_size, folder)
        room = min(limits.ATTACHMENT_BYTES, max(0, _FOLDER_BYTES - size))
        part = await self._in_thread(_Part, folder)
        try:
            async for block in _blocks(body.chunks(headers, receive, room, UPLOAD_SECONDS)):
                await self._in_thread(part.add, block)
            same = await self._in_thread(part.end, sha256, folder / sha256 / name)
        except body.BodyTooLong:
            most = f"{limits.ATTACHMENT_BYTES:,} bytes each, {limits.ARTIFACTS_BYTES:,} together"
            raise Rejection(413, f"Content Too Large: files have at most {most}") from None
        except body.BodyTooSlow:
            told = f"Request Timeout: a file comes within {UPLOAD_SECONDS:.0f} s"
            raise Rejection(408, told, headers={"Connection": "close"}) from None
        finally:
            with anyio.CancelScope(shield=True):
                await self._in_thread(part.drop)
        if not same:
            told = "Unprocessable Content: the file is not the one that its SHA-256 names"
            raise Rejection(422, told)
        if part.problem is not None:
            told = f"Insufficient Storage: {name} cannot be written there ({part.problem.strerror})"
            raise Rejection(507, told)

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._threads)


def _named(path: str) -> tuple[str, str]:
    sha256, _, name = path.removeprefix(PATH).partition("/")
    try:
        if _SHA256.fullmatch(sha256):
            return sha256, sources.file_name(name)
        problem = "the path is the SHA-256 of the file and its name"
    except InvalidInput as error:
        problem = str(error)
    raise Rejection(400, f"Bad Request: {problem}")


def _is_there(folder: Path, sha256: str, name: str) -> bool:
    if not (folder / sha256 / name).is_file():
        return False
    with suppress(OSError):
        os.utime(folder)  # it is about to be used: gc goes by the age
    return True


class _Part:
    """A file that is coming. All of it may take as long as the disk takes, and is not for the loop.

    ``problem`` is what keeps it from being written; what comes after that is thrown away.
    """

    def __init__(self, folder: Path) -> None:
        self.problem: OSError | None = None
        self._path = folder / f".{os.urandom(8).hex()}.part"
        self._digest = hashlib.sha256()
        self._stream: BufferedWriter | None = None
        with self._minding():
            make_folder(folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._stream = open(os.open(self._path, flags, 0o600), "wb")  # noqa: SIM115

    @contextmanager
    def _minding(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.problem = error

    def add(self, block: bytes) -> None:
        """The next bytes of it."""
        self._digest.update(block)
        if self._stream is not None and self.problem is None:
            with self._minding():
                self._stream.write(block)

    def end(self, sha256: str, target: Path) -> bool:
        """It has come: have it lie at ``target``. False where it is not the one that was named."""
        if self._stream is None or self.problem is not None:
            return True
        if self._digest.hexdigest() != sha256:
            return False
        with self._minding():
            self._stream.flush()
            os.fsync(self._stream.fileno())
            target.parent.mkdir(mode=0o700, exist_ok=True)
            os.rename(self._path, target)
            sync_folder(target.parent)
            sync_folder(target.parent.parent)
        return True

    def drop(self) -> None:
        """Leave nothing behind but what lies at its target."""
        with suppress(OSError):
            if self._stream is not None:
                self._stream.close()
        with suppress(OSError):
            self._path.unlink()


async def _blocks(coming: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same in fewer pieces; no more than one, and what comes with its last bytes, is held."""
    block = bytearray()
    async for chunk in coming:
        block += chunk
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _size(folder: Path) -> int:
    """What lies there already, parts of what is coming too."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.stat(os.path.join(here, name), follow_symlinks=False).st_size
    return total
