"""What every test may ask for: a board in a folder of its own, with a clock turned by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import server, stores
from tests.support.boards import ABoard, ManualClock
from tests.support.gateways import Gateways

MakeBoard = Callable[..., ABoard]


# The rooms whose tests run on every store, unless a test is marked with its ``stores``. Those of
# the others that ask for ``store`` do so with ``--every-room``.
ON_EVERY_STORE = frozenset({"kernel", "notify", "simulation", "stress", "verbs"})
FOLDER = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store",
        choices=(*stores.STORES, "both"),
        default="both",
        help="the stores on which the tests of the kernel run (default: both)",
    )
    parser.addoption(
        "--every-room",
        action="store_true",
        help="run the tests of every room on those stores, and no others: make test-stores",
    )


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    config.stash[FOLDER] = Path(worker["folder"]) if worker else server.folder_of_run()
    stores.use_server(config.stash[FOLDER])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["folder"] = str(node.config.stash[FOLDER])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: tests wait for servers, and for time to pass."""
    return (os.cpu_count() or 1) + 1


def pytest_unconfigure(config: pytest.Config) -> None:
    stores.close()
    if not hasattr(config, "workerinput"):
        server.stop(config.stash[FOLDER])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", _stores_of(metafunc), indirect=True)


def _stores_of(metafunc: pytest.Metafunc) -> tuple[str, ...]:
    chosen = metafunc.definition.get_closest_marker("stores")
    if chosen is not None:
        return tuple(chosen.args)
    room = metafunc.definition.path.relative_to(Path(__file__).parent).parts[0]
    everywhere = room in ON_EVERY_STORE or metafunc.config.getoption("--every-room")
    return stores.STORES if everywhere else ("sqlite",)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted, all_rooms = config.getoption("--store"), config.getoption("--every-room")
    dropped = [item for item in items if not _is_to_run(item, wanted, only_stores=all_rooms)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


def _is_to_run(item: pytest.Item, wanted: str, *, only_stores: bool) -> bool:
    """On the wanted store, and on one for which the case of the test is marked."""
    store, marked = _store_of(item), item.get_closest_marker("stores")
    if store is None:
        return not only_stores
    return wanted in ("both", store) and (marked is None or store in marked.args)


def _store_of(item: pytest.Item) -> str | None:
    """The one store that a test is about; None if it is about none."""
    chosen = getattr(item, "callspec", None)
    if chosen is not None and "store" in chosen.params:
        return str(chosen.params["store"])
    marked = item.get_closest_marker("stores")
    return None if marked is None else str(marked.args[0])


@pytest.fixture
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The store on which the test runs, with nothing on it; the environment points at it."""
    name: str = request.param
    if name == "postgres":
        stores.enter(pristine=request.node.get_closest_marker("pristine") is not None)
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", stores.address())
    yield name
    if name == "postgres":
        stores.leave()


@pytest.fixture
def make_board(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeBoard]:
    """A function that opens boards of one home: ``make_board()``, ``make_board("other")``."""
    del store
    made: list[ABoard] = []

    def make(slug: str = "default") -> ABoard:
        made.append(ABoard(tmp_path / "home", monkeypatch, slug))
        return made[-1]

    yield make
    for board in made:
        board.close()


@pytest.fixture
def board(make_board: MakeBoard) -> ABoard:
    """The default board, empty."""
    return make_board()


@pytest.fixture
def clock(board: ABoard) -> ManualClock:
    """The clock of ``board``."""
    return board.clock


@pytest.fixture
def gateways(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateways]:
    """Real gateways over an empty home; all ended when the test ends."""
    home = tmp_path / "home"
    home.mkdir()
    del store
    stores.forget_ours(monkeypatch)
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(home))
    running = Gateways(home)
    yield running
    running.close()
