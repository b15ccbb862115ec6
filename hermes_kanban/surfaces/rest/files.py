"""Files over HTTP: attaching one, handing one out, and a run's log as a file.

What is handed out is somebody else's: it is always a download, never a page of this site.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.hosts import log_file
from hermes_kanban.kernel.limits import ATTACHMENT_BYTES
from hermes_kanban.logtail import LogReader
from hermes_kanban.surfaces.http import body as bodies
from hermes_kanban.surfaces.rest.boards import Boards
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.surfaces.rest.endpoints import (
    board_of,
    encoded,
    headers_of,
    too_long,
    too_slow,
)
from hermes_kanban.surfaces.rest.requests import check_task_id, query_of
from hermes_kanban.surfaces.rest.shield import FILE_POLICY
from hermes_kanban.verbs import views

UPLOAD_SECONDS: Final = 300.0
CHUNK_BYTES: Final = 64 * 1024
# A browser shows these in a page of ours without running anything of theirs.
_HARMLESS: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "application/pdf"}
)
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_ID: Final = re.compile(r"[0-9]{1,18}")


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it is kept; the same content under the same name is there once."""

    attachment: views.AttachmentView  # type: ignore[valid-type]
    warnings: list[str] = []


class Files:
    """Answers what is about files."""

    def __init__(self, desk: Desk, boards: Boards) -> None:
        self._desk = desk
        self._boards = boards

    async def upload(self, request: Request) -> Response:
        """Keep the body as a file of the task, under the ``name`` of the query."""
        board, task_id = board_of(request, self._boards), _task_of(request)
        name = _one(request, "name", ("name",))
        if name is None:
            raise kb.InvalidInput("name", "the file's name, in the query", "is missing")
        given = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        media_type = given if _MEDIA_TYPE.fullmatch(given) else None
        with tempfile.TemporaryDirectory(prefix="hermes-kanban-") as folder:
            file = Path(folder) / "upload"
            await _spool(request, file)

            def keep(conn: kb.BoardConnection) -> kb.Attachment:
                return kb.add_attachment(
                    conn,
                    task_id,
                    path=file,
                    name=name,
                    media_type=media_type,
                    actor=self._desk.actor,
                )

            kept = await self._desk.change(board, keep)
        return encoded(Uploaded(attachment=views.attachment_view(kept)), 201)

    async def download(self, request: Request) -> Response:
        """A file of the task."""
        board, task_id = board_of(request, self._boards), _task_of(request)
        _one(request, None, ())
        number = request.path_params["attachment_id"]
        if not _ID.fullmatch(number):
            raise kb.InvalidInput("attachment_id", "a whole number", f"is {number[:40]!r}")

        def find(conn: kb.BoardConnection) -> tuple[kb.Attachment, BinaryIO]:
            kb.get_task(conn, task_id)
            found = kb.find_attachment(conn, task_id, int(number))
            return found, kb.open_attachment(conn, found)

        attachment, stream = await self._desk.look(board, find)
        tag = f'"{attachment.sha256}"'
        headers = _of_file(attachment.name) | {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            stream.close()
            return Response(status_code=304, headers=headers)
        headers["Content-Length"] = str(attachment.size)
        known = attachment.media_type in _HARMLESS
        media_type = attachment.media_type if known else "application/octet-stream"
        return StreamingResponse(_chunks(stream), headers=headers, media_type=media_type)

    async def log(self, request: Request) -> Response:
        """All that is kept of a run's output, as text."""
        board, task_id = board_of(request, self._boards), _task_of(request)
        number = _one(request, "run_id", ("run_id",))
        if number is not None and not _ID.fullmatch(number):
            raise kb.InvalidInput("run_id", "the number of a run", f"is {number[:40]!r}")

        def find(conn: kb.BoardConnection) -> tuple[kb.Run, Path]:
            run = kb.find_run(conn, task_id, None if number is None else int(number))
            return run, log_file(conn, run)

        run, file = await self._desk.look(board, find)
        headers = _of_file(f"{task_id}-run-{run.id}.log")
        return StreamingResponse(
            _lines(file), headers=headers, media_type="text/plain; charset=utf-8"
        )


def _task_of(request: Request) -> str:
    return check_task_id("task_id", request.path_params["task_id"])


def _one(request: Request, name: str | None, known: tuple[str, ...]) -> str | None:
    """The value of ``name`` in the query; nothing else may stand there."""
    given = query_of(request.scope["query_string"])
    for other, values in given.items():
        if other not in known:
            raise kb.InvalidInput(other, ", ".join(known) or "no argument", "is not known")
        if len(values) > 1:
            raise kb.InvalidInput(other, "one value", f"is given {len(values)} times")
    return given[name][0] if name in given else None


async def _spool(request: Request, file: Path) -> None:
    """The body as a file, so that ten uploads at once are no matter of memory."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        try:
            coming = bodies.chunks(
                headers_of(request), request.receive, ATTACHMENT_BYTES, UPLOAD_SECONDS
            )
            async for chunk in coming:
                stream.write(chunk)
        except bodies.BodyTooLong:
            raise too_long(ATTACHMENT_BYTES) from None
        except bodies.BodyTooSlow:
            raise too_slow() from None


def _of_file(name: str) -> dict[str, str]:
    """Headers of a download: to be saved, and to be taken for nothing but what it says it is."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)[:150] or "file"
    exact = quote(name, safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}",
        "Content-Security-Policy": FILE_POLICY,
    }


async def _chunks(stream: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while chunk := await anyio.to_thread.run_sync(stream.read, CHUNK_BYTES):
            yield chunk
    finally:
        stream.close()


async def _lines(file: Path) -> AsyncIterator[bytes]:
    reader = LogReader(file)
    try:
        lines: Iterator[str] = reader.lines(final=True)
        while chunk := await anyio.to_thread.run_sync(_some, lines):
            yield chunk
    finally:
        reader.close()


def _some(lines: Iterator[str]) -> bytes:
    chunk = bytearray()
    for line in lines:
        chunk += line.encode() + b"\n"
        if len(chunk) >= CHUNK_BYTES:
            break
    return bytes(chunk)
