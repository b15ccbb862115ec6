"""Hosts for tests of several machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.building import Building, building


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Building]:
    """An empty building."""
    with building(tmp_path) as made:
        yield made
