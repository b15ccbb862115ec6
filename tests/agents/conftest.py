"""One board, one real client as its worker, and the model that the client talks to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.fetch import CLIENTS, TOOLS, chosen
from tests.agents.office import Office
from tests.support.gateways import Gateways
from tests.support.model import ModelEndpoint

# Of the person who runs the tests; a client must find nothing of theirs.
FOREIGN = ("XDG_", "ANTHROPIC_", "CLAUDE", "OPENAI_", "GEMINI_", "GOOGLE_", "QWEN_", "CODEX_")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "client" in metafunc.fixturenames:
        metafunc.parametrize("client", chosen(), indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.clients)
    others = [item for item in items if not _is_for_its_client(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def _is_for_its_client(item: pytest.Item) -> bool:
    only = item.get_closest_marker("only")
    chosen = getattr(item, "callspec", None)
    return only is None or chosen is None or chosen.params.get("client") in only.args


@pytest.fixture
def client(request: pytest.FixtureRequest) -> str:
    """The name of a client of the cache; fails if it is not there."""
    name: str = request.param
    assert CLIENTS[name].is_current(), f"{name} is not in the cache; make test-clients fetches it"
    return name


@pytest.fixture
def model() -> Iterator[ModelEndpoint]:
    """A model without a script yet."""
    with ModelEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
def office(
    client: str,
    model: ModelEndpoint,
    gateways: Gateways,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    """A home with the client in it; no gateway yet."""
    person = tmp_path / "person"
    person.mkdir()
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(person))
    path = [str(CLIENTS[client].programs), str(TOOLS), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    return Office(client, person, model, gateways)
