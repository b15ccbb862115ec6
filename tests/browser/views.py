"""Every view of the page, in one place: by this list they are photographed, and axe looks at them.

Whoever builds a view adds it here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.looking import come_to_rest, press, shown
from tests.browser.sample import Sample

Arrange = Callable[[Page], None]


def _nothing(page: Page) -> None:
    del page


@dataclass(frozen=True)
class View:
    """``path`` is its address on the sample board; ``arrange`` brings it to what is to be seen."""

    path: Callable[[Sample], str]
    arrange: Arrange = _nothing
    # Nobody has keys on a telephone.
    keyboard: bool = False

    def open(self, page: Page, address: str, sample: Sample) -> None:
        """Go there, and wait until everything is shown."""
        page.goto(address + self.path(sample))
        shown(page)
        self.arrange(page)
        page.wait_for_load_state("networkidle")
        come_to_rest(page)


def _at(view: str) -> View:
    return View(lambda sample: sample.path(view))


def _dialog_by(*keys: str) -> Arrange:
    def arrange(page: Page) -> None:
        press(page, *keys)
        expect(page.get_by_role("dialog").first).to_be_visible()

    return arrange


def _graph_of(name: str, more: str = "") -> View:
    return View(lambda sample: f"{sample.path('graph')}?root={sample.tasks[name]}{more}")


def _past(minutes_ago: int, more: str = "") -> View:
    """As it was; ``more`` may have names of tasks in braces."""

    def path(sample: Sample) -> str:
        at = sample.now - minutes_ago * 60
        return f"{sample.path('past')}?at={at}{more.format(**sample.tasks)}"

    return View(path)


VIEWS: dict[str, View] = {
    "board": _at(""),
    "drawer": View(lambda sample: f"{sample.path()}?task={sample.tasks['rotate']}"),
    "task": View(lambda sample: sample.task_path("rotate")),
    "inbox": _at("inbox"),
    "graph": View(lambda sample: f"{sample.path('graph')}?root={sample.tasks['plan']}"),
    "trees": _at("graph"),
    "timeline": _at("timeline"),
    "metrics": _at("metrics"),
    "health": _at("health"),
    "profiles": _at("profiles"),
    "notifications": _at("notifications"),
    "outbox": _at("notifications?show=outbox&state=dead"),
    "notify": View(lambda sample: f"{sample.path()}?notify={sample.tasks['rotate']}"),
    "settings": _at("settings"),
    "past": _past(148),
    "past-task": _past(148, "&was={rotate}"),
    "past-changes": _past(148, "&view=changes"),
    "palette": View(lambda sample: sample.path(), _dialog_by("ControlOrMeta+k"), keyboard=True),
    "keys": View(lambda sample: sample.path(), _dialog_by("?"), keyboard=True),
    "empty": View(lambda _: "/b/default"),
}
