"""The pages as a site: whole, every link leads somewhere, and nothing is asked of the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.pages import ROOT, all_pages, name_of

# Attributes by which a page has something fetched without anybody's click.
FETCHED = {"src", "srcset", "poster", "data"}
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
SERVICES = re.compile(r"https?://(?:fonts\.|cdn\.|unpkg\.|cdnjs\.|www\.google)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; no link or anchor leads nowhere, and each page is in the menu, else this fails."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        # Not --quiet: what is not said is not counted as wrong either.
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


class Fetches(HTMLParser):
    """What a page fetches from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        names = FETCHED | ({"href"} if tag == "link" and known.get("rel") != "canonical" else set())
        self.elsewhere += [
            value for name in names if (value := known.get(name) or "").startswith(("http", "//"))
        ]


def test_every_page_is_built_and_asks_nobody_for_anything(site: Path) -> None:
    for page in all_pages()[1:]:
        built = site / page.relative_to(ROOT / "docs").with_suffix(".html")
        fetches = Fetches()
        fetches.feed(built.read_text("utf-8"))
        assert fetches.elsewhere == [], name_of(page)
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", sheet.read_text("utf-8")), sheet
        assert not SERVICES.search(sheet.read_text("utf-8")), sheet


def test_the_readme_links_to_files_that_are_there() -> None:
    links = LINK.findall((ROOT / "README.md").read_text("utf-8"))
    assert links
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert missing == []
