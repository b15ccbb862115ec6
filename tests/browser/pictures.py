"""The page as pictures: ``python -m tests.browser.pictures [NAME…]`` renews those in docs/images.

A name is a view, or a story of the tutorial; without any, all of both.

The sample board stands still at one moment, for its servers and its pages, so that a picture
changes only when the page does. Colours are reduced to 256, which nobody sees.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page

from hermes_kanban import ports
from tests.browser.launching import Missing, Running
from tests.browser.sample import CONFIGURATION, Sample, make_sample
from tests.browser.servers import LiveGateway, configure, isolated
from tests.browser.stories import STORIES, tell
from tests.browser.views import VIEWS, View
from tests.browser.visiting import MIDDLE, NARROW, WIDE, Theme, Visitor

FOLDER: Final = Path(__file__).parents[2] / "docs" / "images"
# A Tuesday, 14:16 UTC.
MOMENT: Final = 1_793_715_360
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
SIZES: Final = (WIDE, MIDDLE, NARROW)
COLOURS: Final = 256
AS_THEY_ARE: Final = 96
UNSEEN: Final = 8
_STANDING = f"""\
import runpy
from hermes_kanban import ports
ports.SystemClock.now = lambda self: {MOMENT}
runpy.run_module("gateway", run_name="__main__")
"""


class StandingGateway(LiveGateway):
    """A gateway whose clock stands still."""

    program = ("-c", _STANDING)


def main() -> int:
    """Take the pictures of what is named, all by default; 1 if something was wrong with one."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    known = (*VIEWS, *STORIES)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER")
    arguments = parser.parse_args()
    names = arguments.names or list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no view is called {unknown[0]!r}; there are {', '.join(known)}")
    arguments.into.mkdir(parents=True, exist_ok=True)
    running = Running()
    try:
        visitor = Visitor(running.browser())
        for story in [name for name in names if name in STORIES]:
            tell(visitor, story, lambda name, page: _keep(page, arguments.into / f"{name}.png"))
        views = [name for name in names if name in VIEWS]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ports.SystemClock, "now", lambda _: MOMENT)
            if views:
                home = isolated(_folder() / "home", patch)
                _photograph(visitor, home, views, arguments.into)
        return _said_of(visitor, arguments.into)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    finally:
        running.stop()


def _folder() -> Path:
    """An empty folder; pages show where a board lies, so it is the same each time."""
    folder = Path(tempfile.gettempdir(), "hermes-kanban-pictures")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _photograph(visitor: Visitor, home: Path, names: list[str], into: Path) -> None:
    configure(home, **CONFIGURATION)
    sample = make_sample(home, now=MOMENT)
    # Nothing happens at this moment, so there is nothing to look for.
    settings = CONFIGURATION["kanban"] | {"dispatch_interval_seconds": 3600}
    gateway = StandingGateway(home, CONFIGURATION["profiles"], **settings)
    try:
        for name in names:
            for theme in THEMES:
                for size in SIZES:
                    _take(visitor, gateway, sample, into, name, theme, size)
    finally:
        gateway.close()
        sample.close()


def _said_of(visitor: Visitor, into: Path) -> int:
    print(f"{sum(file.stat().st_size for file in into.glob('*.png')) / 2**20:.1f} MiB in {into}")
    for trouble in visitor.trouble():
        print(trouble, file=sys.stderr)
    return 1 if visitor.trouble() else 0


def _take(
    visitor: Visitor,
    gateway: LiveGateway,
    sample: Sample,
    into: Path,
    name: str,
    theme: Theme,
    size: tuple[int, int],
) -> None:
    view: View = VIEWS[name]
    if view.keyboard and size == NARROW:
        return
    context = visitor.context(
        gateway, theme=theme, size=size, touch=size == NARROW, reduced_motion="reduce"
    )
    page = context.new_page()
    page.clock.set_fixed_time(MOMENT)
    view.open(page, gateway.address, sample)
    _keep(page, into / f"{name}-{size[0]}-{theme}.png")
    context.close()


def _keep(page: Page, file: Path) -> None:
    taken = _reduced(page.screenshot(animations="disabled"))
    if file.exists() and _looks_like(taken, file.read_bytes()):
        print(f"{file.name}: as it was", flush=True)
    else:
        file.write_bytes(taken)
        print(f"{file.name}: {len(taken) // 1024} KiB", flush=True)


def _reduced(png: bytes) -> bytes:
    """The picture in 256 colours: its most frequent as they are, and the best for all the others.

    Each of the others counts once, so that a small icon keeps its colour beside a large surface.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    counted = sorted(image.getcolors(image.width * image.height) or [], reverse=True)
    colours = [colour for _, colour in counted]
    if len(colours) > COLOURS:
        colours = colours[:AS_THEY_ARE] + _fewer(colours[AS_THEY_ARE:], COLOURS - AS_THEY_ARE)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in colours for part in colour])
    kept = io.BytesIO()
    reduced = image.quantize(palette=palette, dither=Image.Dither.NONE)
    reduced.save(kept, "PNG", optimize=True)
    return kept.getvalue()


def _fewer(colours: list[Any], count: int) -> list[tuple[int, ...]]:
    every = Image.new("RGB", (len(colours), 1))
    every.putdata(colours)
    parts = every.quantize(count, Image.Quantize.MEDIANCUT, kmeans=2).getpalette() or []
    return [tuple(parts[place : place + 3]) for place in range(0, 3 * count, 3)]


def _looks_like(png: bytes, other: bytes) -> bool:
    """Whether nobody sees a difference: the same text is not always drawn to the same bit."""
    one, two = (Image.open(io.BytesIO(each)).convert("RGB") for each in (png, other))
    if one.size != two.size:
        return False
    return all(most <= UNSEEN for _, most in ImageChops.difference(one, two).getextrema())


if __name__ == "__main__":
    sys.exit(main())
