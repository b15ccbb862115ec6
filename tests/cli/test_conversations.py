"""How the next run begins, who answers for the model, and what runs cost, on the command line."""

from __future__ import annotations

import msgspec
import pytest

from hermes_kanban import kernel as kb
from tests.cli.conftest import Cli


@pytest.fixture
def blocked(cli: Cli) -> str:
    task: str = cli("create", "asks", "--assignee", "writer", "--json").json["task"]["id"]
    assert cli("block", task, "which table?").code == 0
    return task


@pytest.mark.parametrize(("words", "kept"), [((), None), (("--resume",), 1), (("--fresh",), 0)])
def test_unblock_says_how_the_next_run_begins(
    cli: Cli, blocked: str, words: tuple[str, ...], kept: int | None
) -> None:
    assert cli("unblock", blocked, "--reason", "the second", *words).code == 0
    assert cli("show", blocked, "--json").json["task"]["resume"] == kept


def test_the_wish_is_the_next_runs_and_then_gone(cli: Cli, blocked: str) -> None:
    cli("unblock", blocked, "--resume")
    assert "goes on with the conversation" in cli("show", blocked).out
    claimed = cli("claim", blocked, "--json").json
    assert claimed["task"]["resume"] is None
    (run,) = (run for run in cli("runs", blocked, "--json").json["runs"] if not run["outcome"])
    assert run["resume"] == 1


def test_changes_may_be_asked_for_in_a_fresh_conversation(cli: Cli) -> None:
    task = cli("create", "is reviewed", "--assignee", "writer", "--json").json["task"]["id"]
    run = cli("claim", task, "--json").json["run"]
    proof = ("--run", str(run["id"]), "--lock", run["claim_lock"])
    assert cli("request-review", task, "--summary", "look", *proof).code == 0
    assert cli("request-changes", task, "May is missing", "--fresh").code == 0
    assert cli("show", task, "--json").json["task"]["resume"] == 0


def test_the_provider_goes_round(cli: Cli) -> None:
    task = cli("create", "x", "--provider", "local", "--model", "small", "--json").json["task"][
        "id"
    ]
    assert "provider" in cli("show", task).out
    assert cli("edit", task, "--provider", "").code == 0
    assert cli("show", task, "--json").json["task"]["provider"] is None
    assert cli("undo", task).code == 0
    assert cli("show", task, "--json").json["task"]["provider"] == "local"


def test_what_runs_cost_is_shown_where_it_is_known(cli: Cli, blocked: str) -> None:
    assert "COST" not in cli("runs", blocked).out
    cli("unblock", blocked)
    run = cli("claim", blocked, "--json").json["run"]
    usage = kb.Usage(input=12_100, output=340, cost_usd=0.1)
    conn = kb.connect()
    conn.execute(
        "UPDATE task_runs SET usage = ? WHERE id = ?",
        (msgspec.json.encode(usage).decode(), run["id"]),
    )
    conn.close()
    shown = cli("runs", blocked).out
    assert "12.1k/340 $0.10" in shown
    assert cli("runs", blocked, "--json").json["runs"][-1]["usage"] == {
        "input": 12_100,
        "output": 340,
        "cost_usd": 0.1,
    }


def test_locks_and_tokens_stay_with_their_holder(cli: Cli, blocked: str) -> None:
    cli("unblock", blocked)
    lock = cli("claim", blocked, "--json").json["run"]["claim_lock"]
    for words in (("show", blocked), ("runs", blocked), ("events", blocked), ("list",)):
        shown = cli(*words, "--json").out
        assert lock not in shown
        assert "token_hash" not in shown
