"""What becomes of a run whose real client is refused by its model, or cannot reach the board."""

from __future__ import annotations

import time

import pytest

from hermes_kanban import kernel as kb
from tests.agents.office import Office
from tests.support.model import Fail, Say, call


def test_a_rate_limit_puts_the_task_back_and_counts_no_failure(office: Office) -> None:
    office.open(kanban={"rate_limit_base_seconds": 1})
    office.model.script(call("kanban_show"), office.habit.refusal)
    task_id = office.file("Paint the shed")

    office.wait_for_outcome(task_id, "rate_limited")
    office.model.script(call("kanban_complete", summary="painted"), Say("Painted."))
    task = office.wait_for(task_id, "done", "blocked", "triage")

    assert task.status == "done"
    assert task.consecutive_failures == 0
    refused, finished = kb.list_runs(office.conn, task_id)
    assert (refused.outcome, finished.outcome) == ("rate_limited", "completed")
    assert refused.error is not None
    assert "rate limited" in refused.error
    ended = next(
        event for event in kb.list_events(office.conn, task_id) if event.kind == "rate_limited"
    )
    if office.habit.reset is not None:
        assert refused.exited_at is not None
        assert ended.payload["task"]["eligible_at"] >= refused.exited_at + office.habit.reset - 1
        assert finished.started_at >= ended.payload["task"]["eligible_at"]


@pytest.mark.only("codex")
def test_the_end_of_a_plans_window_is_waited_for(office: Office) -> None:
    office.open()
    resets_at = int(time.time()) + 7200
    limit = Fail(
        429,
        "The usage limit has been reached",
        code="usage_limit_reached",
        extra={"plan_type": "plus", "resets_at": resets_at},
    )
    office.model.script(limit)
    task_id = office.file("Paint the shed")

    office.wait_for_outcome(task_id, "rate_limited")

    task = kb.get_task(office.conn, task_id)
    assert task.status == "ready"
    assert task.eligible_at is not None
    # Codex tells it to the minute.
    assert resets_at - 60 <= task.eligible_at <= resets_at + 60


@pytest.mark.only("claude")
def test_the_end_of_a_subscriptions_window_is_waited_for(office: Office) -> None:
    token = {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-none", "ANTHROPIC_API_KEY": ""}
    office.open(env=token)
    resets_at = int(time.time()) + 7200
    window = "anthropic-ratelimit-unified"
    limit = Fail(
        429,
        "This request would exceed your account's rate limit.",
        headers={
            f"{window}-status": "rejected",
            f"{window}-reset": str(resets_at),
            f"{window}-representative-claim": "five_hour",
        },
    )
    office.model.script(limit)
    task_id = office.file("Paint the shed")

    office.wait_for_outcome(task_id, "rate_limited")

    assert kb.get_task(office.conn, task_id).eligible_at == resets_at


def test_a_refused_key_is_a_failure_that_says_so(office: Office) -> None:
    office.open()
    office.model.script(Fail(401, "Incorrect API key provided."))
    task_id = office.file("Paint the shed", max_retries=0)

    office.wait_for_outcome(task_id, "crashed")

    task = office.wait_for(task_id, "blocked")
    assert task.consecutive_failures == 1
    error = office.run(task_id).error
    assert error is not None
    assert "authentication failed" in error
    assert "Incorrect API key provided." in error


def test_a_client_that_cannot_reach_the_board_is_named_as_such(office: Office) -> None:
    office.open(broken=True)
    office.model.script(call("kanban_show"), Say("There is nothing that I can do."))
    task_id = office.file("Paint the shed", max_retries=0)

    office.wait_for(task_id, "blocked")

    run = office.wait_for_end(task_id)
    assert run.error is not None
    if office.habit.notices:
        assert run.outcome == "crashed"
        assert "board" in run.error
    else:
        assert run.outcome == "protocol_violation"
        assert "never reached the board" in run.error
    assert not any("kanban" in name for one in office.model.asked for name in one.tools)
