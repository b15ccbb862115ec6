"""The plot of a run, as SVG by hand: bars in groups on a logarithmic axis around ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from tests.bench.measure import Bar

WIDTH: Final = 860
LEFT, RIGHT, TOP, BOTTOM = 280, 40, 84, 34
BAR, GAP, GROUP_GAP, TITLE = 16, 6, 20, 22
INK, FAINT, PAPER = "#1f2933", "#d9dee3", "#ffffff"
COLOURS: Final = {True: "#2f6f9f", False: "#c9822b", None: "#8a949e"}
LEGEND: Final = (
    (True, "each put is synced before it returns"),
    (False, "not synced before it returns"),
    (None, "not counted"),
)
FONT: Final = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


def draw(bars: Sequence[Bar]) -> str:
    """An SVG document of the bars, grouped in the order in which they come."""
    low, high = _decades([bar.ratio for bar in bars])
    groups = {bar.group: [one for one in bars if one.group == bar.group] for bar in bars}
    height = TOP + BOTTOM + sum(
        TITLE + GROUP_GAP + len(group) * (BAR + GAP) for group in groups.values()
    )  # fmt: skip

    def across(ratio: float) -> float:
        share = (math.log10(ratio) - low) / (high - low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' {FONT} font-size='13' fill='{INK}'>",
        f"<rect width='{WIDTH}' height='{height}' fill='{PAPER}'/>",
        _text(20, 30, "Tasks a second, beside hermes-kanban (1 ×, durability: full)", size=16),
        *_legend({bar.synced for bar in bars}),
        *_axis(low, high, across, height),
    ]
    y = TOP
    for title, group in groups.items():
        parts.append(_text(20, y + 15, title, weight="600"))
        y += TITLE
        for bar in group:
            parts += _bar(bar, across, y)
            y += BAR + GAP
        y += GROUP_GAP
    return "\n".join((*parts, "</svg>", ""))


def _decades(ratios: Iterable[float]) -> tuple[int, int]:
    """Whole powers of ten around all of them and around 1."""
    logs = [math.log10(ratio) for ratio in ratios]
    return min(-1, math.floor(min(logs))), max(1, math.ceil(max(logs)))


def _legend(kinds: set[bool | None]) -> list[str]:
    parts, x = [], 20
    for kind, words in LEGEND:
        if kind in kinds:
            parts.append(f"<rect x='{x}' y='47' width='12' height='12' fill='{COLOURS[kind]}'/>")
            parts.append(_text(x + 18, 58, words))
            x += 34 + 7 * len(words)
    return parts


def _axis(low: int, high: int, across, height: int) -> list[str]:  # type: ignore[no-untyped-def]
    parts = []
    for power in range(low, high + 1):
        for step in range(1, 10 if power < high else 2):
            x = across(step * 10.0**power)
            one = power == 0 and step == 1
            colour = INK if one else FAINT
            width = 1.5 if one else 1 if step == 1 else 0.4
            parts.append(
                f"<line x1='{x:.1f}' y1='{TOP}' x2='{x:.1f}' y2='{height - BOTTOM}' "
                f"stroke='{colour}' stroke-width='{width}'/>"
            )
        label = f"{10.0**power:g} ×"
        parts.append(_text(across(10.0**power), height - BOTTOM + 18, label, anchor="middle"))
    return parts


def _bar(bar: Bar, across, y: int) -> list[str]:  # type: ignore[no-untyped-def]
    start, end = sorted((across(1.0), across(bar.ratio)))
    return [
        _text(LEFT - 12, y + 13, bar.label, anchor="end"),
        f"<rect x='{start:.1f}' y='{y}' width='{max(end - start, 1):.1f}' height='{BAR}' "
        f"fill='{COLOURS[bar.synced]}'/>",
        _text(end + 6, y + 13, f"{bar.ratio:.2f} ×"),
    ]


def _text(
    x: float, y: float, words: str, *, size: int = 13, anchor: str = "start", weight: str = "400"
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y}' font-size='{size}' text-anchor='{anchor}' "
        f"font-weight='{weight}'>{escape(words)}</text>"
    )
