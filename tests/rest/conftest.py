"""Servers of the board; one for all tests of a file that do not ask for their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rest.client import Served
from tests.support import stores


def _isolated(home: Path, patch: pytest.MonkeyPatch) -> Path:
    stores.forget_ours(patch)
    patch.setenv("HERMES_KANBAN_HOME", str(home))
    patch.setenv("LOGNAME", "ada")
    home.mkdir(exist_ok=True)
    return home


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that the tests of a file share; they make what they need on it."""
    with pytest.MonkeyPatch.context() as patch:
        served = Served(_isolated(tmp_path_factory.mktemp("web") / "home", patch))
        yield served
        served.close()


@pytest.fixture
def home(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, which the environment names."""
    del store
    return _isolated(tmp_path / "home", monkeypatch)


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """A server of the test's own."""
    served = Served(home)
    yield served
    served.close()
