"""People with a browser: each visit is a context of its own, logged in, and watched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal, Protocol
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from tests.browser.launching import DEADLINE_SECONDS

Theme = Literal["light", "dark"]
WIDE, MIDDLE, NARROW = (1440, 900), (1024, 768), (390, 844)

_LOCAL: Final = ("data", "blob", "about")
# The server said no, in an answer that the page reads: the browser's console repeats it.
_REFUSED: Final = re.compile(r"^Failed to load resource: the server responded with a status of 4")


class Site(Protocol):
    """A server of the board, as a browser finds it."""

    state: Any

    @property
    def address(self) -> str:
        """``http://host:port``."""

    def login_link(self) -> str:
        """A fresh link that logs in, once."""


class Visitor:
    """Opens pages, and remembers whatever a good page never does.

    That is: an error on the console (a violation of the content security policy is one), an
    exception that nobody caught, an answer 5xx, a request to any other host. ``forgive`` lets pass
    what a test provokes.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._forgiven: list[re.Pattern[str]] = []
        self._hosts: set[str] = set()
        self._seen: list[str] = []

    def __call__(self, site: Site, path: str = "/", **how: Any) -> Page:
        """A logged-in page at ``path``; keywords as for ``context``."""
        page = self.context(site, **how).new_page()
        page.goto(site.address + path)
        return page

    def context(
        self,
        site: Site,
        *,
        theme: Theme = "light",
        size: tuple[int, int] = WIDE,
        touch: bool = False,
        login: bool = True,
        **options: Any,
    ) -> BrowserContext:
        """A browser of somebody's own; ``options`` as for Playwright's ``new_context``."""
        if login and site.state is None:
            site.state = self._logged_in(site)
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            has_touch=touch,
            is_mobile=touch,
            locale="en-GB",
            timezone_id="UTC",
            storage_state=site.state if login else None,
            **options,
        )
        self._watch(context, site)
        return context

    def forgive(self, pattern: str) -> None:
        """From now on and before: what matches is no trouble."""
        self._forgiven.append(re.compile(pattern))

    def trouble(self) -> list[str]:
        """What was seen and is not forgiven."""
        return [one for one in self._seen if not any(known.search(one) for known in self._forgiven)]

    def photograph(self, folder: Path, name: str) -> None:
        """Keep how each open page looks, for whoever reads of a failure."""
        folder.mkdir(parents=True, exist_ok=True)
        pages = [page for context in self._contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=folder / f"{name}-{number}.png", timeout=5_000)

    def close(self) -> None:
        """End every visit."""
        for context in self._contexts:
            context.close()

    def _logged_in(self, site: Site) -> Any:
        """What a browser keeps of a login, had without a page, which would cost as much again."""
        code = site.login_link().rpartition("code=")[2]
        context = self._browser.new_context()
        try:
            answer = context.request.post(f"{site.address}/api/v1/session", data={"code": code})
            assert answer.ok, f"the link does not log in: {answer.status} {answer.text()}"
            token = {"name": "hermes-kanban.token", "value": answer.json()["token"]}
            kept = {"origin": site.address, "localStorage": [token]}
            return {"cookies": context.storage_state()["cookies"], "origins": [kept]}
        finally:
            context.close()

    def _watch(self, context: BrowserContext, site: Site) -> None:
        self._contexts.append(context)
        self._hosts.add(urlsplit(site.address).netloc)
        context.set_default_timeout(DEADLINE_SECONDS * 1_000)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._seen.append(f"uncaught: {error.error}"))
        context.on("request", self._on_request)
        context.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _REFUSED.match(message.text):
            self._seen.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in _LOCAL and address.netloc not in self._hosts:
            self._seen.append(f"request to another host: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self._seen.append(f"answer {response.status}: {response.url}")
