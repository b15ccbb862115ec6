"""The simulation can fail: rules that are switched off are missed."""

from __future__ import annotations

import pytest

from tests.simulation.mutant import Mutant
from tests.simulation.mutant_list import MUTANTS, QUICK
from tests.simulation.mutants import PACKAGE, TABLE, applied, named, run

HISTORIES = 60


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_source_in_exactly_one_place(mutant: Mutant) -> None:
    texts: dict[str, str] = {}
    for edit in mutant.edits:
        text = texts.get(edit.file) or (PACKAGE / edit.file).read_text("utf-8")
        texts[edit.file] = applied(edit, text)
    for file, text in texts.items():
        compile(text, file, "exec", dont_inherit=True)


def test_every_mutant_is_in_the_table_as_caught() -> None:
    rows = [line.split(" | ") for line in TABLE.read_text("utf-8").splitlines()]
    told = {row[0].removeprefix("| ") for row in rows if len(row) == 5 and row[3].isdigit()}

    assert len(MUTANTS) >= 40
    assert told == {mutant.name for mutant in MUTANTS}


@pytest.mark.parametrize("name", QUICK)
def test_a_rule_that_is_gone_is_missed(name: str) -> None:
    found = run(named(name), HISTORIES)

    assert "seed" in found, found
