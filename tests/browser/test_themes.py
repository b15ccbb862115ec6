"""Every theme can be read: text has a contrast of 4.5, shapes and the borders of controls 3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.built import SOURCE
from tests.browser.looking import shown
from tests.browser.servers import WebAlone
from tests.browser.visiting import Theme, Visitor

TEXT, SHAPE = 4.5, 3.0
GROUNDS: Final = ("surface", "canvas", "sunken", "raised")
STATUSES: Final = (
    "triage", "todo", "ready", "running", "review", "blocked", "done", "archived",
)  # fmt: skip
SKINS: Final = (
    "",
    *sorted(
        set(
            re.findall(
                r'\[data-skin="([^"]+)"\]', (SOURCE / "src/styles/skins.css").read_text("utf-8")
            )
        )
    ),
)
# What a theme may not override: layer 1, and what makes the layout.
PRIVATE: Final = re.compile(r"--(n-\d|s-\d|text-(2xs|xs|sm|md|lg|xl)|lh|w-|t-|t:|z-|ease|control)")

# The colours of tokens as they are painted, in sRGB from 0 to 255.
_PAINTED = """
(names) => {
  const brush = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  const style = getComputedStyle(document.documentElement)
  return names.map((name) => {
    brush.fillStyle = style.getPropertyValue(`--${name}`).trim()
    brush.fillRect(0, 0, 1, 1)
    return [...brush.getImageData(0, 0, 1, 1).data.slice(0, 3)]
  })
}
"""


def pairs() -> Iterator[tuple[str, str, float]]:
    """What stands on what, and the contrast that it needs."""
    for ground in GROUNDS:
        for text in ("text", "text-2", "text-3", "accent-text"):
            yield text, ground, TEXT
        for shape in ("line-control", "accent"):
            yield shape, ground, SHAPE
    for status in STATUSES:
        for ground in ("surface", "canvas", f"st-{status}-soft"):
            yield f"st-{status}", ground, TEXT
        yield "text", f"st-{status}-soft", TEXT
    for text in ("text", "text-2", "accent-text"):
        yield text, "accent-soft", TEXT
    yield "on-accent", "accent", TEXT
    # The number on a red dot, and words in a tip.
    yield "surface", "st-blocked", TEXT
    yield "surface", "text", TEXT


def luminance(colour: tuple[int, int, int]) -> float:
    """The relative luminance of WCAG 2."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def faults(page: Page) -> list[str]:
    """The pairs that the theme which is on cannot have, each named with its contrast."""
    wanted = list(pairs())
    names = sorted({name for one, other, _ in wanted for name in (one, other)})
    painted = dict(zip(names, page.evaluate(_PAINTED, names), strict=True))
    found = []
    for one, other, least in wanted:
        light, dark = sorted((luminance(painted[one]), luminance(painted[other])), reverse=True)
        contrast = (light + 0.05) / (dark + 0.05)
        if contrast < least:
            found.append(f"--{one} on --{other}: {contrast:.2f}, and needs {least}")
    return found


def wear(page: Page, skin: str) -> None:
    """Put a theme's colours on."""
    page.evaluate("(skin) => { document.documentElement.dataset.skin = skin }", skin)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_theme_can_be_read_and_one_that_cannot_is_named(
    web: WebAlone, visit: Visitor, theme: Theme
) -> None:
    page = shown(visit(web, "/b/default/settings", theme=theme))
    for skin in SKINS:
        wear(page, skin)
        assert faults(page) == [], f"the theme {skin or 'plain'} is refused in {theme}"
        # The choice of a person says the same as the system's.
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        assert faults(page) == [], f"the theme {skin or 'plain'} is refused as {theme}"
        page.evaluate("() => { delete document.documentElement.dataset.theme }")
    page.evaluate("document.documentElement.style.setProperty('--text-3', '#888')")
    refused = faults(page)
    assert any(one.startswith("--text-3 on --surface: ") for one in refused) == (theme == "light")
    page.evaluate("document.documentElement.style.setProperty('--text-3', 'var(--canvas)')")
    assert "--text-3 on --canvas: 1.00, and needs 4.5" in faults(page)


def test_every_theme_can_be_chosen_and_keeps_to_what_it_may_override(
    web: WebAlone, visit: Visitor
) -> None:
    sheet = (SOURCE / "src/styles/skins.css").read_text("utf-8")
    overridden = re.findall(r"^\s*(--[\w-]+:)", sheet, re.MULTILINE)
    assert overridden
    assert [name for name in overridden if PRIVATE.match(name)] == []
    page = shown(visit(web, "/b/default/settings"))
    choices = page.get_by_role("group", name="Colours").get_by_role("button")
    expect(choices).to_have_count(len(SKINS))
    for index, skin in enumerate(SKINS):
        choices.nth(index).click()
        worn = page.evaluate("document.documentElement.dataset.skin ?? ''")
        assert worn == skin
