"""What tests look at and press, found as a person finds it: by role and name."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from playwright.sync_api import Locator, Page, expect

from tests.browser.launching import AXE, DEADLINE_SECONDS

T = TypeVar("T")
GRAVE: Final = ("serious", "critical")
_TURN_MS: Final = 20


def column(page: Page, name: str) -> Locator:
    """The column of a status, by its name as it is shown."""
    return page.get_by_role("region", name=name)


def cards(page: Page, name: str) -> Locator:
    """The cards of a column, as far as they are rendered."""
    return column(page, name).get_by_role("listitem")


def card(page: Page, task_id: str) -> Locator:
    """A task's card, wherever it is."""
    return page.get_by_role("main").get_by_role("listitem").filter(has_text=task_id)


def shown(page: Page) -> Page:
    """The page, when its view has its heading and nothing says that it is still being loaded."""
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    return page


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other, as ``Shift+J`` or ``g``."""
    for key in keys:
        page.keyboard.press(key)


def focused(page: Page) -> str:
    """The accessible text of what has the focus."""
    return str(page.evaluate("document.activeElement?.innerText ?? ''"))


def until(
    page: Page, condition: Callable[[], T], *, seconds: float = DEADLINE_SECONDS, message: str = ""
) -> T:
    """The first true value of ``condition``, while the browser goes on; AssertionError if none."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, message or f"{condition} did not come true"
        page.wait_for_timeout(_TURN_MS)
    return value


def access_faults(page: Page) -> list[str]:
    """What axe finds that is serious or critical, a line for each element at fault."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)"
    )
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def come_to_rest(page: Page) -> None:
    """Wait until nothing moves or fades any more, but for what does so for ever."""
    page.evaluate(
        """Promise.all(document.getAnimations()
          .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity)
          .map((one) => one.finished.catch(() => null))).then(() => null)"""
    )


def check_access(page: Page) -> None:
    """No serious fault for whoever uses a screen reader, a keyboard, or poor eyes."""
    come_to_rest(page)  # what fades is paler than it will be
    if access_faults(page):
        come_to_rest(page)  # a message may have begun to fade during the look
        faults = access_faults(page)
        assert not faults, "\n".join(faults)
