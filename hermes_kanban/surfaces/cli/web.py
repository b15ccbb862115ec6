"""``web`` and ``board``: the board in a browser."""

from __future__ import annotations

import sys

import click
import msgspec

from hermes_kanban.config import WebSettings, load
from hermes_kanban.paths import home
from hermes_kanban.surfaces.cli.session import Session, command


@command(
    "web",
    click.Option(["--port"], type=click.IntRange(0, 65535), help="Default: web.port; 0: any."),
    click.Option(["--open", "in_browser"], is_flag=True, help="Open the board in a browser."),
    examples="""
    hermes-kanban web
    hermes-kanban web --port 0 --open
    """,
)
def web_command(session: Session, port: int | None, in_browser: bool) -> int:
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
        link = _link(address)
        session.answer("web", {"address": address, "link": link}, [f"board at {link}"])
        sys.stdout.flush()
        if in_browser:
            _open(session, link)

    return run(home(), settings, opened)


@command(
    "board",
    click.Option(["--open", "in_browser"], is_flag=True, help="Open it in a browser, too."),
    examples="hermes-kanban board --open",
)
def board_command(session: Session, in_browser: bool) -> None:
    """Print a link that opens the board in a browser.

    It can be followed once, within two minutes.
    """
    # Whoever follows the link acts as a person: no agent makes one.
    session.may_write()
    settings = load(home()).web
    if not _listens(settings):
        session.warn(
            f"nothing listens at {settings.address}; start it with: hermes-kanban web, or set"
            " web.in_gateway for the gateway"
        )
    link = _link(settings.address)
    session.answer("link", {"url": link, "seconds": _code_seconds()}, [link])
    if in_browser:
        _open(session, link)


def _link(address: str) -> str:
    from hermes_kanban.surfaces.rest.secrets import Logins

    # Behind the number sign, so that no server, log or referrer ever has it.
    return f"{address}/#/login?code={Logins(home()).new_code()}"


def _code_seconds() -> int:
    from hermes_kanban.surfaces.rest.secrets import CODE_SECONDS

    return CODE_SECONDS


def _listens(settings: WebSettings) -> bool:
    import socket

    host, _, port = settings.address.removeprefix("http://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def _open(session: Session, link: str) -> None:
    import webbrowser

    if not webbrowser.open(link):
        session.warn("no browser could be opened; open the link by hand")
