"""Who may come in: hosts, origins, tokens, links, cookies; and what a hostile client can cost."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from hermes_kanban import kernel as kb
from tests.rest.client import Answer, Client, Served
from tests.rest.test_api import problem
from tests.support.waiting import TIMEOUT_SECONDS, wait_until

CREATE = b'{"title": "a"}'
ADDRESSES = ("/api/v1/cards", "/api/v1/session", "/api/v1/openapi.json", "/metrics", "/api/v1/x")


class Browser(Client):
    """Follows a link, and then sends the cookie, and the token that only its page has."""

    def __init__(self, served: Served, code: str) -> None:
        super().__init__(served.port, None)
        self.cookie = self.page_token = ""
        self.login = self.log_in(code)

    def log_in(self, code: str) -> Answer:
        answer = self.post("/session", {"code": code}, Origin=self.origin)
        if answer.status == 200:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
            self.page_token = answer.json["token"]
        return answer

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, body: bytes | None = None, **headers: str | None) -> Answer:
        """What the page asks; keywords replace its headers."""
        given = {
            "Cookie": self.cookie,
            "X-Kanban-Token": self.page_token,
            "Origin": None if body is None else self.origin,
            "Sec-Fetch-Site": "same-origin",
        }
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("GET" if body is None else "POST", f"/api/v1{path}", body, given)


def code_of(link: str) -> str:
    before, _, query = link.partition("#/login?")
    assert "code" not in before
    return parse_qs(query)["code"][0]


def new_link(served: Served) -> str:
    from hermes_kanban.surfaces.rest.secrets import Logins

    return f"http://127.0.0.1:{served.port}/#/login?code={Logins(served.home).new_code()}"


@pytest.mark.parametrize("path", ADDRESSES)
def test_nobody_comes_in_without_a_proof(shared: Served, path: str) -> None:
    for given in (None, "", "Bearer", "Bearer ", "Bearer x", f"Basic {shared.token}", "é"):
        answer = shared.send("GET", path, None, {"Authorization": given})
        told = problem(answer, 401, "unauthorized")
        assert "hermes-kanban board" in told["instead"]
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert shared.send("GET", path).status in (200, 404)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:PORT", "localhost.evil", "", "[::2]"],
)
def test_a_name_that_was_made_to_point_here_is_refused(shared: Served, host: str) -> None:
    host = host.replace("PORT", str(shared.port))
    for path in (*ADDRESSES, "/", "/healthz"):
        problem(shared.send("GET", path, None, {"Host": host}), 421, "wrong_host")
    before = kb.newest_event_id(shared.conn)
    problem(shared.send("POST", "/api/v1/tasks", CREATE, {"Host": host}), 421, "wrong_host")
    assert kb.newest_event_id(shared.conn) == before


@pytest.mark.parametrize("host", ["localhost:PORT", "127.0.0.1", "[::1]:PORT", "LOCALHOST"])
def test_the_names_of_this_machine_are_served(shared: Served, host: str) -> None:
    host = host.replace("PORT", str(shared.port))
    assert shared.send("GET", "/api/v1/cards", None, {"Host": host}).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1.evil.example:PORT",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "http://localhost:PORT",
        "null",
        "file://",
        "chrome-extension://abc",
    ],
)
def test_a_page_of_another_site_reaches_nothing(shared: Served, origin: str) -> None:
    origin = origin.replace("PORT", str(shared.port))
    before = kb.newest_event_id(shared.conn)
    for method, body in (("GET", None), ("POST", CREATE), ("OPTIONS", None)):
        answer = shared.send(method, "/api/v1/tasks", body, {"Origin": origin})
        problem(answer, 403, "forbidden_origin")
        assert "access-control-allow-origin" not in answer.headers
    assert kb.newest_event_id(shared.conn) == before
    browser = Browser(shared, code_of(new_link(shared)))
    problem(browser.ask("/tasks", CREATE, Origin=origin), 403, "forbidden_origin")
    code = code_of(new_link(shared))
    problem(shared.post("/session", {"code": code}, Origin=origin), 403, "forbidden_origin")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_says_that_it_is_another_site(shared: Served, site: str) -> None:
    """Where it sends no Origin, with a GET of an image say."""
    answer = shared.send("GET", "/api/v1/cards", None, {"Sec-Fetch-Site": site})
    assert "own page" in problem(answer, 403, "forbidden_origin")["instead"]


def test_a_link_opens_the_board_once(served: Served) -> None:
    browser = Browser(served, code_of(served.link))
    assert browser.login.status == 200
    assert browser.login.json["actor"] == "person:ada"
    cookie = browser.login.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in cookie
    assert cookie.startswith(f"hermes-kanban-{served.port}=")
    assert browser.ask("/session").json["via"] == "session"
    made = browser.ask("/tasks", CREATE)
    assert made.status == 201
    (event,) = kb.list_events(served.conn, made.json["id"])
    assert event.actor == "person:ada"
    problem(browser.log_in(code_of(served.link)), 401, "bad_login")
    for code in ("", "x", "../../etc", "a" * 200):
        problem(browser.log_in(code), 401, "bad_login")


def test_a_link_that_waited_too_long_opens_nothing(home: Path) -> None:
    from hermes_kanban.surfaces.rest.secrets import CODE_SECONDS, Logins
    from tests.support.boards import ManualClock

    clock = ManualClock()
    logins = Logins(home, clock=clock)
    one, two = logins.new_code(), logins.new_code()
    clock.advance(CODE_SECONDS - 1)
    assert logins.redeem(one, "here") is not None
    clock.advance(2)
    assert logins.redeem(two, "here") is None


def test_a_stolen_cookie_alone_does_nothing(shared: Served) -> None:
    browser = Browser(shared, code_of(new_link(shared)))
    before = kb.newest_event_id(shared.conn)
    for token in (None, "", "x", browser.cookie.partition("=")[2]):
        for body in (None, CREATE):
            answer = browser.ask("/tasks", body, X_Kanban_Token=token)
            problem(answer, 401, "unauthorized")
    problem(browser.ask("/tasks", None, Cookie=None), 401, "unauthorized")
    assert kb.newest_event_id(shared.conn) == before
    assert browser.ask("/tasks").status == 200


def test_a_session_counts_only_where_it_was_opened(served: Served, shared: Served) -> None:
    browser = Browser(served, code_of(served.link))
    for host in ("localhost", "127.0.0.1"):
        elsewhere = f"{host}:{shared.port}"
        answer = browser.send(
            "GET",
            "/api/v1/cards",
            None,
            {
                "Host": f"{host}:1",
                "Cookie": browser.cookie.replace(str(served.port), "1"),
                "X-Kanban-Token": browser.page_token,
            },
        )
        problem(answer, 401, "unauthorized")
        assert elsewhere


def test_two_servers_of_one_machine_do_not_mix_their_cookies(served: Served) -> None:
    browser = Browser(served, code_of(served.link))
    mixed = f"other=1; hermes-kanban-1=xxxxxxxxxxxxxxxxxxxxxxxxx; {browser.cookie}; last=2"
    assert browser.ask("/cards", None, Cookie=mixed).status == 200


def test_a_cookie_that_another_program_set_shuts_nobody_out(served: Served) -> None:
    """Cookies know no ports: a page of another one of this machine may set ours."""
    browser = Browser(served, code_of(served.link))
    name = browser.cookie.partition("=")[0]
    for tossed in ("x" * 43, "short", ""):
        both = f"{name}={tossed}; {browser.cookie}"
        assert browser.ask("/cards", None, Cookie=both).status == 200
    many = "; ".join(f"{name}={number:043d}" for number in range(50))
    problem(browser.ask("/cards", None, Cookie=many), 401, "unauthorized")


def test_no_page_of_another_site_makes_us_look_into_databases(shared: Served) -> None:
    stranger: dict[str, str | None] = {"Authorization": None}
    assert shared.send("GET", "/readyz", None, stranger).status == 200
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        problem(shared.send("GET", "/readyz", None, stranger | foreign), 403, "forbidden_origin")
    assert shared.send("GET", "/healthz", None, stranger).status == 200


def test_whoever_logs_out_is_out(served: Served) -> None:
    browser = Browser(served, code_of(served.link))
    other = Browser(served, code_of(new_link(served)))
    headers = {"Cookie": browser.cookie, "X-Kanban-Token": browser.page_token}
    out = browser.send("DELETE", "/api/v1/session", None, headers)
    assert out.status == 200
    assert "Max-Age=0" in out.headers["set-cookie"]
    problem(browser.ask("/cards"), 401, "unauthorized")
    assert other.ask("/cards").status == 200


def test_a_session_outlives_its_server(served: Served) -> None:
    browser = Browser(served, code_of(served.link))
    served.process.kill()
    served.process.wait(20)
    import subprocess

    from tests.rest.client import PROGRAM

    again = subprocess.Popen(
        [str(PROGRAM), "web", "--port", str(served.port)], stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _answers(browser), message=served.errors())
        assert browser.ask("/cards").status == 200
    finally:
        again.kill()
        again.wait(20)


def _answers(client: Client) -> bool:
    try:
        return client.send("GET", "/healthz").status == 200
    except OSError:
        return False


def test_who_bears_the_token_may_open_a_session(served: Served) -> None:
    made = served.post("/session")
    assert made.status == 200
    problem(served.post("/session", None, Authorization=None), 401, "unauthorized")
    headers = {
        "Authorization": None,
        "Cookie": made.headers["set-cookie"].partition(";")[0],
        "X-Kanban-Token": made.json["token"],
    }
    assert served.send("GET", "/api/v1/cards", None, headers).status == 200


def test_a_new_token_counts_at_once_and_the_old_no_more(served: Served) -> None:
    file = served.home / "web.token"
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    problem(served.get("/cards"), 401, "unauthorized")
    served.token = file.read_text().strip()
    assert served.get("/cards").status == 200
    file.chmod(0o644)
    assert "chmod 600" in problem(served.get("/cards"), 503, "configuration")["detail"]
    assert (served.home / "web.sessions").stat().st_mode & 0o777 == 0o600


def test_no_secret_is_kept_as_it_is(served: Served) -> None:
    browser = Browser(served, code_of(served.link))
    link = new_link(served)
    secrets = (browser.cookie.partition("=")[2], browser.page_token, code_of(link))
    for file in served.home.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(secret.encode() in content for secret in secrets), file


@pytest.mark.parametrize("path", [*ADDRESSES, "/", "/healthz", "/readyz", "/nothing.js", "/mcp"])
def test_every_answer_is_shielded(shared: Served, path: str) -> None:
    for token in (shared.token, "wrong"):
        answer = shared.send("GET", path, None, {"Authorization": f"Bearer {token}"})
        if path == "/mcp":
            assert answer.status in (401, 405)
            continue
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in answer.headers


def test_ten_megabytes_are_taken_and_a_byte_more_is_not(shared: Served) -> None:
    limit = 10 * 1024 * 1024
    frame = b'{"title": "a", "body": ""}'
    just = frame[:-2] + b"x" * (limit - len(frame)) + frame[-2:]
    told = problem(shared.send("POST", "/api/v1/tasks", just), 422, "invalid_input")
    assert told["field"] == "body"
    problem(shared.send("POST", "/api/v1/tasks", just + b" "), 413, "too_long")
    nobody: dict[str, str | None] = {"Authorization": None}
    assert shared.send("POST", "/api/v1/tasks", b"x", nobody).status == 401


def test_a_body_that_hides_its_length_is_cut_off(shared: Served) -> None:
    with connected(shared) as stream:
        stream.sendall(
            f"POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1:{shared.port}\r\n"
            f"Authorization: Bearer {shared.token}\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        answer = b""
        with closing(stream.makefile("rb")) as reader:
            for _ in range(3_000):
                try:
                    stream.sendall(chunk)
                except OSError:
                    break
            else:
                raise AssertionError("190 MB were taken")
            try:
                answer = reader.readline()
            except OSError:
                return  # cut off before the answer could be read
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_ends_in_two_places_is_refused(shared: Served) -> None:
    """A proxy that believes the other header would take the rest for somebody else's request."""
    with connected(shared) as stream:
        stream.sendall(
            f"POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1:{shared.port}\r\n"
            f"Authorization: Bearer {shared.token}\r\nContent-Type: application/json\r\n"
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG".encode()
        )
        with closing(stream.makefile("rb")) as reader:
            assert reader.readline().startswith(b"HTTP/1.1 400 ")
            assert b"connection: close\r\n" in reader.read().lower()


def test_a_file_of_25_megabytes_is_taken_and_no_larger(shared: Served) -> None:
    task = shared.task()
    path = f"/api/v1/tasks/{task}/attachments?name=large"
    kind = {"Content-Type": "application/octet-stream"}
    assert shared.send("POST", path, b"x" * (25 * 1024 * 1024), kind).status == 201
    problem(shared.send("POST", path, b"x" * (25 * 1024 * 1024 + 1), kind), 413, "too_long")
    assert len(kb.list_attachments(shared.conn, task)) == 1


def test_nobody_gets_a_byte_of_theirs_read_before_they_are_known(shared: Served) -> None:
    with connected(shared) as stream:
        stream.sendall(
            f"POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1:{shared.port}\r\n"
            "Content-Type: application/json\r\nContent-Length: 9000000\r\n\r\n{".encode()
        )
        with closing(stream.makefile("rb")) as reader:
            assert reader.readline().startswith(b"HTTP/1.1 401 ")


@contextmanager
def connected(client: Client) -> Iterator[socket.socket]:
    with closing(
        socket.create_connection(("127.0.0.1", client.port), timeout=TIMEOUT_SECONDS)
    ) as stream:
        yield stream


def test_a_page_is_served_or_said_to_be_missing(shared: Served) -> None:
    answer = shared.send("GET", "/", None, {"Authorization": None})
    assert answer.status in (200, 404)
    for path in ("/../web.token", "/%2e%2e/web.token", "/..%2fweb.token", "//etc/passwd"):
        told = shared.send("GET", path, None, {"Authorization": None})
        assert shared.token is not None
        assert shared.token.encode() not in told.body
        assert b"root:" not in told.body
