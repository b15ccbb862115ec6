"""docs/clients.md names for each client what the code does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermes_kanban.clients import CLIENTS, Place

PAGE = Path(__file__).resolve().parents[2] / "docs" / "clients.md"


@pytest.mark.parametrize("name", list(CLIENTS))
def test_the_table_says_where_each_client_keeps_its_things(name: str, user: Path) -> None:
    client = CLIENTS[name]
    place, project = Place(os.environ), Path("/project")
    assert client.skills is not None
    inside = os.path.relpath(client.config(Place(os.environ, project)), project)
    cells = [
        client.title,
        f"`{name}`",
        f"`~/{client.config(place).relative_to(user)}`",
        f"`{inside}`" if client.projects else "–",
        f"`~/{client.skills(place).relative_to(user)}`",
    ]
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {client.title} ")]
    assert len(rows) == 1
    found = [cell.strip() for cell in rows[0].strip("|").split("|")]
    assert [found[at] for at in (0, 1, 2, 4, 5)] == cells
