"""The page of the board with 10,000 tasks in a real browser: opened, moved about, kept current."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from hermes_kanban import kernel as kb
from tests.bench.measure import Figure, Section, at_most, percentile, plain
from tests.browser.launching import Missing, launch
from tests.browser.looking import card, cards, column, until
from tests.browser.many import fill
from tests.browser.servers import LiveGateway, isolated
from tests.browser.visiting import Visitor

TASKS: Final = 10_000
OPENINGS: Final = 11
CHANGES: Final = 120
# Between two changes, so that each is one of its own and comes at any moment of a frame.
REST_MS: Final = 73
DRAGS: Final = 4
STEPS: Final = 60
TEXT: Final = "duplicate webhook on slow networks"

# Usable is when the first card that can be worked on has been painted: seen in a frame, and the
# frame handed over.
_WATCH_PAINT: Final = """
window.longest = 0
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration)
}).observe({ type: 'longtask', buffered: true })
const look = () => {
  if (document.querySelector('main section li') === null) return requestAnimationFrame(look)
  const channel = new MessageChannel()
  channel.port1.onmessage = () => { window.usableAt = performance.now() }
  requestAnimationFrame(() => channel.port2.postMessage(null))
}
requestAnimationFrame(look)
"""
# The browser counts as long what takes 50 ms: this shows that it does count.
BUSY_MS: Final = 120
_BE_BUSY: Final = f"""() => {{ setTimeout(() => {{
  const since = performance.now()
  while (performance.now() - since < {BUSY_MS}) {{}}
}}) }}"""
# Resolves when a text is on the screen: milliseconds since the epoch.
_WHEN_PAINTED: Final = """(text) => new Promise((resolve) => {
  const main = document.querySelector('main')
  const painted = () => {
    if (!main.textContent.includes(text)) return
    observer.disconnect()
    const channel = new MessageChannel()
    channel.port1.onmessage = () => resolve(performance.timeOrigin + performance.now())
    requestAnimationFrame(() => channel.port2.postMessage(null))
  }
  const observer = new MutationObserver(painted)
  observer.observe(main, { subtree: true, childList: true, characterData: true })
})"""


def measure() -> Section:
    """Figures of the page; what is missing, where there is no browser."""
    try:
        with _gateway() as gateway, sync_playwright() as playwright:
            browser = launch(playwright)
            visitor = Visitor(browser)
            figures = [
                *_opening(visitor, gateway),
                *_moving(visitor, gateway),
                *_live(visitor, gateway),
            ]
            assert not visitor.trouble(), visitor.trouble()
            browser.close()
    except Missing as missing:
        return Section(missing=[str(missing)])
    return Section(figures=figures)


@contextmanager
def _gateway() -> Iterator[LiveGateway]:
    """A gateway that serves the page of a large board; nothing there has a profile, or starts."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        home = isolated(Path(folder, "home"), patch)
        patch.delenv("HERMES_KANBAN_DURABILITY")
        with kb.connect() as conn:
            fill(conn, TASKS)
        gateway = LiveGateway(home, {})
        try:
            yield gateway
        finally:
            gateway.close()


def _opening(visitor: Visitor, gateway: LiveGateway) -> list[Figure]:
    """From the address to a board that can be used, with nothing in the browser's cache."""
    usable, longest, sent, asked = [], [], [], []
    for _ in range(OPENINGS):
        context = visitor.context(gateway)
        context.add_init_script(_WATCH_PAINT)
        page = context.new_page()
        received = _received(page)
        page.goto(gateway.address)
        _settled(page)
        usable.append(float(page.evaluate("window.usableAt")))
        longest.append(_longest(page))
        sent.append(dict(received))
        asked.append(len(received))
        heap = _heap_mebibytes(page)
        elements = page.evaluate("document.querySelectorAll('*').length")
        context.close()
    files = [sum(size for url, size in one.items() if "/api/" not in url) for one in sent]
    whole = [sum(one.values()) for one in sent]
    return [
        at_most("first usable paint, p50", percentile(usable, 0.5), 1_000, "ms"),
        plain("first usable paint, slowest", max(usable), "ms"),
        plain(
            "longest task while it opens, p50 (0: none of 50 ms)", percentile(longest, 0.5), "ms"
        ),
        at_most("the page itself, as transferred", statistics.median(files) / 1024, 250, "KiB"),
        plain("with the first cards, as transferred", statistics.median(whole) / 1024, "KiB"),
        plain("requests", statistics.median(asked), ""),
        plain("JavaScript's memory, opened", heap, "MiB"),
        plain("elements in the page", float(elements), ""),
    ]


def _settled(page: Page) -> None:
    """Wait until the board can be used, and has all that it asked for."""
    until(page, lambda: page.evaluate("window.usableAt !== undefined"))
    page.wait_for_load_state("networkidle")


def _longest(page: Page) -> float:
    """The longest task since this was last asked, in milliseconds; 0 if none took 50."""
    return float(page.evaluate("[window.longest, window.longest = 0][0]"))


def _received(page: Page) -> dict[str, int]:
    """What each answer weighed on the wire, headers included; filled in as they come."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    urls: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def began(event: dict[str, Any]) -> None:
        urls[event["requestId"]] = event["request"]["url"]

    def ended(event: dict[str, Any]) -> None:
        url = urls[event["requestId"]]
        sizes[url] = sizes.get(url, 0) + int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", began)
    session.on("Network.loadingFinished", ended)
    return sizes


def _heap_mebibytes(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    told = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in told if one["name"] == "JSHeapUsedSize") / 2**20


def _moving(visitor: Visitor, gateway: LiveGateway) -> list[Figure]:
    """Dragging a card over the board and back, and typing into the search."""
    context = visitor.context(gateway)
    context.add_init_script(_WATCH_PAINT)
    page = context.new_page()
    page.goto(gateway.address)
    _settled(page)
    page.evaluate(_BE_BUSY)
    until(page, lambda: _longest(page) >= BUSY_MS)
    _longest(page)
    for _ in range(DRAGS):
        _drag_about(page, cards(page, "Ready").nth(1))
    dragging = _longest(page)
    search = page.get_by_role("searchbox")
    search.click()
    search.press_sequentially(TEXT, delay=35)
    page.wait_for_load_state("networkidle")
    typing = _longest(page)
    search.fill("")
    page.wait_for_load_state("networkidle")
    _longest(page)
    _scroll(page)
    scrolling = _longest(page)
    context.close()
    return [
        at_most("longest task while dragging (0: none of 50 ms)", dragging, 100, "ms"),
        at_most("longest task while typing (0: none of 50 ms)", typing, 100, "ms"),
        at_most("longest task while scrolling (0: none of 50 ms)", scrolling, 100, "ms"),
    ]


def _drag_about(page: Page, one: Locator) -> None:
    """Lift a card, carry it over every column, back and over them again, and let it be."""
    box = one.bounding_box()
    far = column(page, "Done").bounding_box()
    assert box is not None and far is not None
    start = (box["x"] + box["width"] / 2, box["y"] + 12)
    page.mouse.move(*start)
    page.mouse.down()
    there = (far["x"] + far["width"] / 2, far["y"] + far["height"] / 2)
    for place in (there, start, there):
        page.mouse.move(*place, steps=STEPS)
    # Where it may not go says so, which shows that it is being carried.
    expect(page.get_by_text("Only the dispatcher starts a task")).to_be_visible()
    page.keyboard.press("Escape")
    page.mouse.up()
    # Until it has flown home nobody can act on it.
    expect(page.locator("[inert]")).to_have_count(0)


def _scroll(page: Page) -> None:
    box = column(page, "Ready").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(STEPS):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(16)


def _live(visitor: Visitor, gateway: LiveGateway) -> list[Figure]:
    """From the end of a commit by another process to the frame that shows it."""
    page = visitor(gateway)
    first = cards(page, "Ready").first
    first.wait_for()
    shown = [
        one.id
        for one in kb.list_tasks(gateway.conn, status="ready", limit=200)
        if card(page, one.id).count() == 1
    ]
    taken = []
    for number in range(CHANGES):
        text = f"Change {number} of {CHANGES}"
        waiting = page.evaluate_handle(f"({{ painted: ({_WHEN_PAINTED})({text!r}) }})")
        kb.edit_task(gateway.conn, shown[number % len(shown)], title=text)
        committed = time.time() * 1_000
        painted = float(waiting.evaluate("(one) => one.painted"))
        taken.append(painted - committed)
        page.wait_for_timeout(REST_MS)
    return [
        at_most("a change, from commit to pixels, p50", percentile(taken, 0.5), 150, "ms"),
        plain("a change, from commit to pixels, p99", percentile(taken, 0.99), "ms"),
    ]
