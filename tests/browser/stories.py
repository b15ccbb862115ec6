"""The stories of the tutorial as pictures: each told as its page tells it, and looked at meanwhile.

What a story shows has ids and times of its own day, so its pictures are new each time.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, expect

from hermes_kanban.surfaces.rest.secrets import Logins
from tests.browser.looking import cards, shown
from tests.browser.visiting import Visitor
from tests.support.pages import ROOT, blocks
from tests.support.playing import Player

STORIES: Final = ("solo", "fleet", "pipeline", "breaker")
Keep = Callable[[str, Page], None]


class Site:
    """The gateway of a story, as a browser finds it."""

    def __init__(self, player: Player) -> None:
        self.state: Any = None
        self.address = f"http://127.0.0.1:{player.port}"
        self._home = player.home

    def login_link(self) -> str:
        """A fresh link that logs in, once."""
        return f"{self.address}/#/login?code={Logins(self._home).new_code()}"


@dataclass(frozen=True)
class Look:
    """``path`` below the board may name a task of the page; ``there`` waits for what is shown."""

    path: str
    size: tuple[int, int]
    there: Callable[[Page], None]


def _has(*texts: str) -> Callable[[Page], None]:
    def there(page: Page) -> None:
        for text in texts:
            expect(page.get_by_text(text).first).to_be_visible()

    return there


def _at_work(page: Page) -> None:
    expect(cards(page, "Running")).to_have_count(4)
    expect(cards(page, "Ready")).to_have_count(2)


LOOKS: Final = {
    "story-solo": Look("/inbox", (1024, 400), _has("Call it 0.9")),
    "story-fleet": Look("", (1024, 640), _at_work),
    "story-pipeline": Look("/t/{t_abc234}", (1024, 940), _has("Which unit?")),
    "story-pipeline-graph": Look("/graph?root={t_abc234}", (1024, 440), _has("Print the report")),
    "story-breaker": Look("/inbox", (1024, 400), _has("2 of 2 attempts failed")),
}


def tell(visitor: Visitor, story: str, keep: Keep) -> None:
    """Do what the page says, and ``keep`` each picture of it, by its name."""

    def seen(file: str) -> None:
        name = file.removesuffix(".png")
        _look(visitor, player, site, LOOKS[name], lambda page: keep(name, page))

    player = Player(_folder(), seen=seen)
    site = Site(player)
    try:
        for block in blocks((ROOT / "docs" / "tutorial" / f"{story}.md").read_text("utf-8")):
            player.do(block)
    finally:
        player.close()


def _folder() -> Path:
    """An empty folder; pages show where files lie, so it has the same name each time."""
    folder = Path(tempfile.gettempdir(), "home")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _look(
    visitor: Visitor, player: Player, site: Site, look: Look, keep: Callable[[Page], None]
) -> None:
    context = visitor.context(site, size=look.size, reduced_motion="reduce")
    page = context.new_page()
    named = "{" in look.path
    path = look.path.format(t_abc234=player.task("t_abc234")) if named else look.path
    page.goto(f"{site.address}/b/default{path}")
    shown(page)
    look.there(page)
    page.wait_for_load_state("networkidle")
    keep(page)
    context.close()
