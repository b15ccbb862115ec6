"""The built page of the board, as files: nothing here is anybody's data, so nobody is asked."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hermes_kanban.surfaces.rest.shield import PAGE_POLICY

STATIC: Final = Path(__file__).parents[1] / "static"
INDEX: Final = "index.html"
# What has a hash of its content in its name.
_LASTING: Final = "assets/"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_PACKED: Final = frozenset({".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".txt"})


class _File(NamedTuple):
    """One file, as it is sent."""

    content: bytes
    packed: bytes | None
    media_type: str
    tag: str


class Pages:
    """Serves what lies in ``folder`` and nothing else; read once, when the server starts."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._files = {
            file.relative_to(folder).as_posix(): _read(file)
            for file in sorted(folder.rglob("*"))
            if file.suffix in _TYPES and file.is_file() and not file.is_symlink()
        }

    async def serve(self, request: Request) -> Response:
        """The file of that path; the page itself for any path that is none of a file."""
        path = request.url.path.lstrip("/")
        name = path if path in self._files else INDEX
        file = self._files.get(name)
        if file is None or (name == INDEX and "." in path.rpartition("/")[2] and path != INDEX):
            return PlainTextResponse(
                "nothing is here; the board's API is at /api/v1, the agents' tools at /mcp\n", 404
            )
        lasting = name.startswith(_LASTING)
        headers = {
            "ETag": file.tag,
            "Vary": "Accept-Encoding",
            "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
            "Content-Security-Policy": PAGE_POLICY,
        }
        if file.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = file.content
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = file.packed, "gzip"
        return Response(content, headers=headers, media_type=file.media_type)


def _read(file: Path) -> _File:
    content = file.read_bytes()
    packed = gzip.compress(content, 9, mtime=0) if file.suffix in _PACKED else None
    tag = hashlib.blake2b(content, digest_size=12).hexdigest()
    smaller = packed if packed is not None and len(packed) < len(content) else None
    return _File(content, smaller, _TYPES[file.suffix], f'"{tag}"')
