"""The help of every command: what each option is for, in order, with an example."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from hermes_kanban.surfaces.cli.root import MODULES
from hermes_kanban.surfaces.cli.root import cli as root
from tests.cli.conftest import Cli


def _every() -> Iterator[tuple[str, click.Command]]:
    for name in MODULES:
        found = root.get_command(click.Context(root), name)
        assert found is not None
        yield name, found
        if isinstance(found, click.Group):
            yield from ((f"{name} {part}", one) for part, one in found.commands.items())


EVERY = dict(_every())


@pytest.mark.parametrize("name", EVERY)
def test_it_has_examples_and_says_what_each_option_is_for(name: str) -> None:
    command = EVERY[name]
    assert command.epilog
    assert "hermes-kanban" in command.epilog
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.opts for one in options if not one.help] == []


def test_its_own_options_come_before_those_of_every_command(cli: Cli) -> None:
    told = cli("complete", "--help").out
    order = ["Options:", "--summary", "Who acts:", "--lock", "Always:", "--json", "Examples:"]
    at = [told.index(one) for one in order]
    assert at == sorted(at)
    assert "Who acts:" not in cli("list", "--help").out
