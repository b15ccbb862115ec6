"""The browser of the tests: the one that ``make setup`` unpacked, or that ``CHROMIUM`` names."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Playwright, expect, sync_playwright

INSTALLED: Final = Path(sys.prefix) / "browser"
AXE: Final = INSTALLED / "node_modules" / "axe-core" / "axe.min.js"
DEADLINE_SECONDS: Final = 20

_FLAGS: Final = (
    # Text is drawn as if there were no screen, the same on every machine.
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--force-color-profile=srgb",
    # Nobody but this machine has a name.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-gpu",
    "--no-zygote",
)


class Missing(Exception):
    """There is no browser; the message says how to get one."""


def program() -> Path:
    """The browser's program. Raises Missing."""
    named = os.environ.get("CHROMIUM")
    found = Path(named) if named else INSTALLED / "bin" / "chromium"
    if found.is_file():
        return found
    if named:
        raise Missing(f"There is no browser at {named}, which CHROMIUM names.")
    raise Missing(
        "There is no browser for the tests: run make setup, or, where that brings none (it does on"
        " Linux on x86-64), name a Chromium of yours: CHROMIUM=/path/to/chromium"
    )


def launch(playwright: Playwright, *flags: str) -> Browser:
    """A browser without a window. Raises Missing."""
    path = program()
    environment = {
        name: value for name, value in os.environ.items() if name != "HERMES_KANBAN_HOME"
    }
    if path.is_relative_to(INSTALLED):
        environment["LD_LIBRARY_PATH"] = str(INSTALLED / "bin" / "lib")
    if (fonts := INSTALLED / "fonts.conf").exists():
        environment["FONTCONFIG_FILE"] = str(fonts)
    return playwright.chromium.launch(
        executable_path=path, env=environment, args=[*_FLAGS, *flags], chromium_sandbox=False
    )


class Running:
    """The one browser of this process, which starts when somebody first asks for it.

    While it runs the thread has an event loop, and no other can be run there: it is stopped before
    any test that may want one.
    """

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """The browser, started if it is not running. Raises Missing."""
        if self._browser is None:
            program()
            self._playwright = sync_playwright().start()
            expect.set_options(timeout=DEADLINE_SECONDS * 1_000)
            self._browser = launch(self._playwright)
        return self._browser

    def stop(self) -> None:
        """End it, if it runs."""
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._playwright = self._browser = None
