"""Coming in by a link, staying in over a reload, going out, and who does not come in."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from hermes_kanban.surfaces.rest.gate import COOKIE_NAME
from tests.browser.looking import check_access, shown, until
from tests.browser.servers import LiveGateway, WebAlone
from tests.browser.visiting import Visitor

OPEN_IT = "Open the board from a terminal"


def the_board(page: Page) -> None:
    """The page shows a board, and is connected."""
    expect(page.get_by_role("link", name="Board", exact=True)).to_be_visible()
    expect(shown(page).get_by_text("Not connected")).to_have_count(0)


def refused(page: Page) -> None:
    """The page shows how to come in, and nothing of the board."""
    expect(page.get_by_role("heading", name=OPEN_IT)).to_be_visible()
    expect(page.get_by_text("hermes-kanban board --open")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)


def test_the_link_that_the_command_prints_opens_the_board(
    gateway: type[LiveGateway], visit: Visitor
) -> None:
    served = gateway()
    page = visit.context(served, login=False).new_page()
    page.goto(served.printed_link())
    the_board(page)
    assert "code" not in page.url
    expect(page.get_by_role("link", name="Gateway")).to_be_visible()


def test_a_link_counts_once_and_a_made_up_one_never(web: WebAlone, visit: Visitor) -> None:
    first, second, third = (visit.context(web, login=False).new_page() for _ in range(3))
    first.goto(web.link)
    the_board(first)
    second.goto(web.link)
    refused(second)
    third.goto(f"{web.address}/#/login?code=guessed")
    refused(third)
    for page in (second, third):
        expect(page.get_by_text("This link was used")).to_be_visible()
    first.goto(web.link)
    the_board(first)


def test_who_has_no_link_is_told_how_to_get_one(web: WebAlone, visit: Visitor) -> None:
    page = visit(web, "/b/default/inbox", login=False)
    refused(page)
    check_access(page)
    page.goto(web.login_link())
    the_board(page)


def test_a_session_lasts_over_a_reload_and_in_a_second_tab(web: WebAlone, visit: Visitor) -> None:
    page = visit(web)
    the_board(page)
    page.reload()
    the_board(page)
    second = page.context.new_page()
    second.goto(f"{web.address}/b/default")
    the_board(second)


def test_a_session_that_ends_takes_the_board_away(web: WebAlone, visit: Visitor) -> None:
    visit.forgive("WebSocket")
    page = visit(web)
    the_board(page)
    status = page.evaluate(
        """async () => {
          const headers = { 'X-Kanban-Token': localStorage.getItem('hermes-kanban.token') }
          return (await fetch('/api/v1/session', { method: 'DELETE', headers })).status
        }"""
    )
    assert status == 200
    page.reload()
    refused(page)
    # Which of them hangs on whether the page heard of it before it was loaded again.
    over = re.compile("The session is over|This browser is not logged in")
    expect(page.get_by_text(over)).to_be_visible()
    assert page.evaluate("localStorage.getItem('hermes-kanban.token')") is None


def test_no_script_reads_the_cookie_and_the_token_alone_opens_nothing(
    web: WebAlone, visit: Visitor
) -> None:
    visit.forgive("WebSocket")
    page = visit(web)
    the_board(page)
    (cookie,) = page.context.cookies()
    assert cookie["name"].startswith(COOKIE_NAME)
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    page.context.clear_cookies()
    page.reload()
    refused(page)


def test_the_policy_lets_in_no_script_and_no_other_host(web: WebAlone, visit: Visitor) -> None:
    context = visit.context(web)
    page = context.new_page()
    answer = page.goto(web.address)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    the_board(page)
    assert visit.trouble() == []
    page.evaluate(
        """() => {
          const script = document.createElement('script')
          script.textContent = 'window.ran = true'
          document.body.append(script)
          const picture = new Image()
          picture.src = 'http://elsewhere.example/picture.png'
          document.body.append(picture)
        }"""
    )
    until(page, lambda: len(visit.trouble()) >= 2)
    assert page.evaluate("window.ran") is None
    found = "\n".join(visit.trouble())
    assert "script-src" in found
    assert "img-src" in found
    visit.forgive("Content Security Policy|elsewhere.example")
    assert visit.trouble() == []


HOSTILE = """<!doctype html><title>hostile</title><body><script>
const site = new URLSearchParams(location.search).get('site')
const say = (name, told) => { const p = document.createElement('p'); p.id = name
  p.textContent = told; document.body.append(p) }
const create = { method: 'POST', body: '{"title": "theirs"}' }
fetch(site + '/api/v1/cards', { credentials: 'include' })
  .then(async (answer) => say('read', await answer.text()), () => say('read', 'refused'))
fetch(site + '/api/v1/tasks', { ...create, mode: 'no-cors', credentials: 'include' })
  .then((answer) => say('write', answer.type), () => say('write', 'refused'))
const socket = new WebSocket(site.replace('http', 'ws') + '/api/v1/live', ['hermes-kanban'])
socket.onopen = () => say('socket', 'open')
socket.onerror = () => say('socket', 'refused')
const frame = document.createElement('iframe')
frame.onload = () => { let told; try { told = frame.contentDocument === null ? 'closed' : 'empty' }
  catch { told = 'closed' } say('frame', told) }
frame.src = site + '/'
document.body.append(frame)
</script>"""


class _Hostile(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(HOSTILE.encode())

    def log_message(self, *_: object) -> None:
        """Nothing is told."""


@pytest.fixture
def hostile() -> Iterator[str]:
    """The address of a page on another port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_page_of_another_origin_gets_nothing_and_changes_nothing(
    web: WebAlone, visit: Visitor, hostile: str
) -> None:
    visit.forgive(".")  # it is a bad page
    page = visit(web)
    the_board(page)
    theirs = page.context.new_page()
    theirs.goto(f"{hostile}?site={web.address}")
    for name, told in (("read", "refused"), ("socket", "refused"), ("frame", "closed")):
        expect(theirs.locator(f"#{name}")).to_have_text(told)
    expect(theirs.locator("#write")).to_have_text(re.compile("refused|opaque"))
    assert web.get("/cards").json["cards"] == []
