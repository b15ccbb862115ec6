"""Real browsers on real servers. What a test of the page may ask for:

``visit``        ``visit(site, "/b/default/inbox")`` is a logged-in page (Playwright's ``Page``), in
                 a context of its own: two visits are two people. Keywords: ``theme="dark"``,
                 ``size=(390, 844)`` (``WIDE``, ``MIDDLE``, ``NARROW`` in ``visiting``),
                 ``touch=True``, ``login=False``, and all of Playwright's ``new_context``, as
                 ``reduced_motion="reduce"`` or ``permissions=["clipboard-read"]``.
                 When the test ends, anything that a good page never does FAILS it: an error on the
                 console, a violation of the content security policy, an uncaught exception, an
                 answer 5xx, a request to another host. ``visit.forgive(r"pattern")`` lets pass what
                 the test provokes (a killed server: ``visit.forgive("ERR_CONNECTION|WebSocket")``).
``web``          ``hermes-kanban web`` over an empty home of the test's own; nothing dispatches.
``gateway``      a function that starts a gateway which serves the page: ``gateway({"quick":
                 shell("echo done")})``, with ``kill()``, ``again()`` and ``wait_for(id, "done")``.
``sample``       a gateway on the board ``atlas-api`` with a task in every state (``sample.py`` says
                 which), shared by the tests of a file: look, and change nothing.
``own_sample``   the same, the test's own, and without a gateway: nothing moves unless the test
                 moves it.
``crowd``        ``hermes-kanban web`` with 10,000 tasks on the default board, shared by a file.

Each of these servers is a ``Client`` of its API too: ``web.task(title="…")``, ``web.post(path,
{…})``, ``web.get(path).json`` (paths below ``/api/v1``), and has ``conn`` for the kernel: the
default board, which is empty on the samples. These have ``.board``, whose ``tasks["rotate"]`` is an
id, ``path("inbox")`` and ``task_path("rotate")`` addresses, and ``story.conn`` its connection.

``looking`` has the rest: ``column(page, "Ready")``, ``card(page, task_id)``, ``press(page, "g",
"i")``, ``until(page, condition)``, ``shown(page)`` and ``check_access(page)``, which is axe.

Wait with Playwright's ``expect(locator)``, which has a deadline, or with ``until``; never sleep,
and never wait with ``wait_until`` of ``support``, under which no event of a browser arrives, nor
with ``wait_for_function``, which the page's policy forbids as it would any other eval. Find things
as people do: by role and name. A test that fails leaves a picture of each page in
``build/browser``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.browser.launching import Running
from tests.browser.many import fill
from tests.browser.sample import CONFIGURATION, Sample, make_sample
from tests.browser.servers import LiveGateway, WebAlone, configure, isolated
from tests.browser.visiting import Visitor

PICTURES = Path(__file__).parents[2] / "build" / "browser"
CROWD = 10_000
FAILED = pytest.StashKey[bool]()
_running = Running()


class SampleWeb(WebAlone):
    """``hermes-kanban web`` that serves a sample board."""

    board: Sample


class SampleGateway(LiveGateway):
    """A gateway that serves a sample board."""

    board: Sample


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The browser ends with the last of these tests: others in this process need its thread."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        _running.stop()


@pytest.fixture
def visit(request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Opens pages; fails the test for what a good page never does."""
    visitor = Visitor(_running.browser())
    yield visitor
    trouble = visitor.trouble()
    if trouble or request.node.stash.get(FAILED, False):
        visitor.photograph(PICTURES, request.node.name.replace("/", "-"))
    visitor.close()
    assert not trouble, "\n".join(trouble)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, which the environment names."""
    return isolated(tmp_path / "home", monkeypatch)


@pytest.fixture
def web(home: Path) -> Iterator[WebAlone]:
    """A server without a gateway, of an empty board."""
    served = WebAlone(home)
    yield served
    served.close()


@pytest.fixture
def gateway(home: Path) -> Iterator[Callable[..., LiveGateway]]:
    """Starts a gateway with profiles; ended with the test."""
    started: list[LiveGateway] = []

    def start(profiles: dict[str, Any] | None = None, **kanban: Any) -> LiveGateway:
        started.append(LiveGateway(home, profiles or {}, **kanban))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleGateway]:
    """A gateway on the sample board, for all tests of a file; nobody changes it."""
    with pytest.MonkeyPatch.context() as patch:
        home = isolated(tmp_path_factory.mktemp("sample") / "home", patch)
        configure(home, **CONFIGURATION)
        board = make_sample(home)
        served = SampleGateway(home, CONFIGURATION["profiles"], **CONFIGURATION["kanban"])
        served.board = board
        yield served
        served.close()
        board.close()


@pytest.fixture
def own_sample(home: Path) -> Iterator[SampleWeb]:
    """The sample board for one test, which may change it; no gateway."""
    configure(home, **CONFIGURATION)
    board = make_sample(home)
    served = SampleWeb(home)
    served.board = board
    yield served
    served.close()
    board.close()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebAlone]:
    """10,000 tasks on the default board."""
    with pytest.MonkeyPatch.context() as patch:
        home = isolated(tmp_path_factory.mktemp("crowd") / "home", patch)
        conn = kb.connect()
        fill(conn, CROWD)
        conn.close()
        served = WebAlone(home)
        yield served
        served.close()
