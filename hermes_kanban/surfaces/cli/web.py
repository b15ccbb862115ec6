"""``web`` and ``board``: the board in a browser."""

from __future__ import annotations

import sys
from typing import Final

import click
import msgspec

from hermes_kanban.config import load, load_last_good
from hermes_kanban.page import listens, served_at
from hermes_kanban.paths import home
from hermes_kanban.surfaces.cli.session import Session, command

# As in surfaces/rest/secrets.py, whose imports a command need not pay for.
CODE_SECONDS: Final = 120


@command(
    "web",
    click.Option(["--port"], type=click.IntRange(0, 65535), help="Default: web.port; 0: any."),
    click.Option(["--open", "opens"], is_flag=True, help="Open the board in a browser."),
    examples="""
    hermes-kanban web
    hermes-kanban web --port 0 --open
    """,
)
def web_command(session: Session, port: int | None, opens: bool) -> int:
    """Serve the board over HTTP, without a gateway.

    In the foreground, until a signal. It dispatches nothing; a gateway with web.in_gateway serves
    the same.
    """
    from gateway.web_alone import run

    session.may_write()
    settings = load(home()).web
    if port is not None:
        # Not checked as a setting: 0 is for this command alone, and takes what is free.
        settings = msgspec.structs.replace(settings, port=port)

    def opened(address: str) -> None:
        link = link_at(address)
        session.answer("web", {"address": address, "link": link}, [f"board at {link}"])
        sys.stdout.flush()
        if opens:
            in_browser(session, link)

    return run(home(), settings, opened)


@command(
    "board",
    click.Option(["--open", "opens"], is_flag=True, help="Open it in a browser, too."),
    examples="hermes-kanban board --open",
)
def board_command(session: Session, opens: bool) -> None:
    """Print a link that opens the board in a browser.

    It can be followed once, within two minutes. Where web.public_url is set, the link from
    elsewhere is printed too.
    """
    # Whoever follows the link acts as a person: no agent makes one.
    session.may_write()
    # To look at a board needs no configuration: one that is wrong right now is no hindrance.
    settings = load_last_good(home()).web
    address = served_at() or settings.address
    if not listens(address):
        session.warn(f"nothing listens at {address}; start it with: hermes-kanban up")
    link = link_at(address)
    public = settings.public_url.rstrip("/") or address
    afar = None if public == address else public + link.removeprefix(address)
    lines = [link] if afar is None else [link, f"from elsewhere: {afar}"]
    session.answer("link", {"url": link, "public_url": afar, "seconds": CODE_SECONDS}, lines)
    if opens:
        in_browser(session, link)


def link_at(address: str) -> str:
    """A link to the page at ``address`` that logs a browser in, once."""
    from hermes_kanban.surfaces.rest.secrets import Logins

    # Behind the number sign, so that no server, log or referrer ever has it.
    return f"{address}/#/login?code={Logins(home()).new_code()}"


def in_browser(session: Session, link: str) -> None:
    """Open the link, or say that it is to be opened by hand."""
    import webbrowser

    if not webbrowser.open(link):
        session.warn("no browser could be opened; open the link by hand")
