"""The built page as files: packed, tagged, kept as long as may be, and nothing beside them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from hermes_kanban.surfaces.rest.pages import Pages

SCRIPT = b"console.log('the board');\n" * 100


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<!doctype html><title>board</title>")
    (folder / "assets" / "app-1a2b.js").write_bytes(SCRIPT)
    (folder / "icon.png").write_bytes(b"\x89PNG")
    (folder / "notes.py").write_bytes(b"not for you")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return Pages(folder)


async def got(pages: Pages, path: str, **headers: str) -> Response:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": raw,
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    return await pages.serve(Request(scope))


@pytest.mark.asyncio
async def test_the_page_is_asked_for_anew_and_its_parts_are_kept(pages: Pages) -> None:
    index = await got(pages, "/")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in index.headers["content-security-policy"]
    again = await got(pages, "/", if_none_match=index.headers["etag"])
    assert (again.status_code, again.body) == (304, b"")
    script = await got(pages, "/assets/app-1a2b.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert script.body == SCRIPT


@pytest.mark.asyncio
async def test_what_is_text_is_packed_for_who_can_read_it(pages: Pages) -> None:
    packed = await got(pages, "/assets/app-1a2b.js", accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(packed.body)) == SCRIPT
    assert len(packed.body) < 200
    picture = await got(pages, "/icon.png", accept_encoding="gzip")
    assert "content-encoding" not in picture.headers


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/inbox", "/t/t_abc234", "/b/default/graph"])
async def test_an_address_of_the_page_is_the_page(pages: Pages, path: str) -> None:
    assert b"<title>board</title>" in (await got(pages, path)).body


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    ["/notes.py", "/link.txt", "/../secret.txt", "/nothing.js", "/assets/../../secret.txt"],
)
async def test_nothing_else_is_handed_out(pages: Pages, path: str) -> None:
    answer = await got(pages, path)
    assert answer.status_code == 404
    assert b"secret" not in bytes(answer.body)


@pytest.mark.asyncio
async def test_without_a_built_page_that_is_said(tmp_path: Path) -> None:
    answer = await got(Pages(tmp_path / "none"), "/")
    assert answer.status_code == 404
    assert b"/api/v1" in bytes(answer.body)
