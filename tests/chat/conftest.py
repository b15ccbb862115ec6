"""What the tests of chats may ask for: one Matrix server a session, and rooms there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.chat.room import Room
from tests.chat.synapse_server import Synapse
from tests.support.gateways import Gateways

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """The server."""
    server = Synapse(tmp_path_factory.mktemp("synapse"))
    yield server
    server.close()


@pytest.fixture
def room(synapse: Synapse, gateways: Gateways) -> Room:
    """A room of the test's own, configured, with a home and no gateway yet."""
    made = Room(synapse, next(_NUMBERS), gateways)
    made.configure()
    gateways.open()
    return made
