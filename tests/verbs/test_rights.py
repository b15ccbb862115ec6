"""Who may call which verb, on which task; and that a run which is over writes nothing."""

from __future__ import annotations

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.verbs import VERBS, Caller, offered, orchestrator, person
from tests.verbs.conftest import Verbs

WORKERS = ["kanban_show", "kanban_complete", "kanban_block", "kanban_heartbeat", "kanban_comment"]


def tools(caller: Caller | None) -> list[str]:
    return [verb.tool or "" for verb in offered(caller)]


def test_a_worker_has_what_every_worker_needs(verbs: Verbs) -> None:
    assert tools(verbs.worker("coder")) == WORKERS


def test_a_profile_may_give_its_workers_more(verbs: Verbs) -> None:
    more = ["kanban_wait_for", "kanban_why", "kanban_attachments", "kanban_attach"]
    assert tools(verbs.worker("finder")) == [*WORKERS, *more]


def test_whoever_may_assign_may_create(verbs: Verbs) -> None:
    assert tools(verbs.worker("splitter")) == [*WORKERS, "kanban_create", "kanban_link"]


def test_an_orchestrators_worker_has_every_tool(verbs: Verbs) -> None:
    every = [verb.tool for verb in VERBS.values() if verb.tool]
    assert tools(verbs.worker("lead")) == every


def test_without_a_run_an_orchestrator_has_nothing_to_finish(verbs: Verbs) -> None:
    offer = tools(verbs.lead())
    assert "kanban_create" in offer
    assert not {"kanban_complete", "kanban_block", "kanban_heartbeat"} & set(offer)
    assert not {"kanban_request_review", "kanban_wait_for"} & set(offer)


def test_nobody_else_has_tools(verbs: Verbs) -> None:
    assert tools(None) == []
    assert tools(person()) == []
    assert orchestrator("coder", verbs.conn.config.profiles) is None
    assert orchestrator("unheard", verbs.conn.config.profiles) is None


@pytest.mark.parametrize("verb", [name for name, verb in VERBS.items() if verb.least == "person"])
def test_what_is_for_people_is_for_no_agent(verbs: Verbs, verb: str) -> None:
    before = kb.newest_event_id(verbs.conn)
    for caller in (verbs.worker("lead"), verbs.lead(), verbs.worker("coder")):
        before = kb.newest_event_id(verbs.conn)
        with pytest.raises((kb.NotAllowed, kb.InvalidInput)):
            verbs.call(caller, verb)
        assert kb.newest_event_id(verbs.conn) == before


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("context", {}),
        ("comment", {"body": "x"}),
        ("complete", {"summary": "x"}),
        ("block", {"reason": "x"}),
        ("heartbeat", {}),
    ],
)
def test_a_worker_reaches_its_own_task_only(
    verbs: Verbs, verb: str, arguments: dict[str, str]
) -> None:
    other = verbs.task("coder")
    me = verbs.worker("coder")
    before = kb.newest_event_id(verbs.conn)
    with pytest.raises(kb.NotAllowed, match=f"{other} is not your task"):
        verbs.call(me, verb, task_id=other, **arguments)
    assert kb.newest_event_id(verbs.conn) == before


@pytest.mark.parametrize("verb", ["list", "unblock", "approve", "create", "attach", "why"])
def test_a_plain_worker_is_told_what_it_may(verbs: Verbs, verb: str) -> None:
    arguments = {"create": {"title": "x"}, "attach": {"path": "x"}}.get(verb, {})
    with pytest.raises(kb.NotAllowed, match="allowed: context, complete, block, heartbeat"):
        verbs.call(verbs.worker("coder"), verb, **arguments)


def test_even_an_orchestrator_finishes_no_other_run(verbs: Verbs) -> None:
    other = verbs.worker("coder")
    lead = verbs.worker("lead")
    for verb, arguments in (("complete", {}), ("block", {"reason": "x"}), ("heartbeat", {})):
        with pytest.raises(kb.NotAllowed, match="comment on the task instead"):
            verbs.call(lead, verb, task_id=other.task_id, **arguments)
    assert kb.get_task(verbs.conn, other.task_id or "").status == "running"


def test_an_orchestrator_reads_and_comments_everywhere(verbs: Verbs) -> None:
    other = verbs.task("coder", body="what it is about")
    lead = verbs.worker("lead")
    assert "what it is about" in verbs.call(lead, "context", task_id=other).result.text
    verbs.call(lead, "comment", task_id=other, body="mind the gap")
    (comment,) = kb.list_comments(verbs.conn, other)
    assert (comment.author, comment.run_id) == ("profile:lead", lead.run_id)


@pytest.mark.parametrize("assignee", ["coder", None])
def test_a_profile_assigns_to_whom_it_may(verbs: Verbs, assignee: str | None) -> None:
    made = verbs.call(verbs.worker("splitter"), "create", title="part", assignee=assignee).result
    task = kb.get_task(verbs.conn, made.id)
    assert (task.assignee, task.created_by) == (assignee, "profile:splitter")


@pytest.mark.parametrize("assignee", ["lead", "splitter", "unheard"])
@pytest.mark.parametrize("by", ["splitter", "lead"])
def test_and_to_nobody_else(verbs: Verbs, assignee: str, by: str) -> None:
    me = verbs.worker(by)
    with pytest.raises(kb.NotAllowed, match=f"may not assign to {assignee}; allowed: coder"):
        verbs.call(me, "create", title="part", assignee=assignee)


def test_a_worker_links_only_what_is_its_own(verbs: Verbs) -> None:
    me = verbs.worker("splitter")
    part = verbs.call(me, "create", title="part").result.id
    other = verbs.task("coder")
    assert verbs.call(me, "link", parent_id=part, child_id=me.task_id).result.changed
    for parent, child in ((other, part), (part, other), (other, me.task_id)):
        with pytest.raises(kb.NotAllowed, match=f"{other} is neither your task"):
            verbs.call(me, "link", parent_id=parent, child_id=child)


def test_the_boards_word_on_the_profile_counts(verbs: Verbs) -> None:
    me = verbs.worker("coder")
    boasting = msgspec.structs.replace(me, profile="lead", rights=verbs.worker("lead").rights)
    with pytest.raises(kb.NotAllowed, match="profile coder may not list"):
        verbs.call(boasting, "list")


@pytest.mark.parametrize(
    "change", [{"claim_lock": "0" * 32}, {"claim_lock": None}, {"task_id": "t_zzzzzz"}]
)
def test_a_run_that_is_not_its_own_gets_nothing(
    verbs: Verbs, change: dict[str, str | None]
) -> None:
    me = msgspec.structs.replace(verbs.worker("coder"), **change)
    with pytest.raises(kb.StaleRun):
        verbs.call(me, "context")


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [("complete", {"summary": "late"}), ("block", {"reason": "late"}), ("heartbeat", {})],
)
def test_a_run_that_is_over_is_told_who_holds_the_task(
    verbs: Verbs, verb: str, arguments: dict[str, str]
) -> None:
    first = verbs.worker("coder")
    task = first.task_id or ""
    verbs.person("reclaim", task_id=task)
    second = verbs.worker("coder", task)
    with pytest.raises(kb.WriteRefused, match=f"held by profile:coder in run {second.run_id}"):
        verbs.call(first, verb, **arguments)
    assert kb.get_task(verbs.conn, task).current_run_id == second.run_id


def test_a_run_that_is_over_orchestrates_nothing(verbs: Verbs) -> None:
    lead = verbs.worker("lead")
    blocked = verbs.task("coder")
    verbs.person("block", task_id=blocked, reason="which?")
    verbs.person("reclaim", task_id=lead.task_id)
    for verb, arguments in (
        ("unblock", {"task_id": blocked}),
        ("create", {"title": "late"}),
        ("comment", {"task_id": blocked, "body": "late"}),
    ):
        before = kb.newest_event_id(verbs.conn)
        with pytest.raises(kb.StaleRun, match=f"{lead.task_id} is ready"):
            verbs.call(lead, verb, **arguments)
        assert kb.newest_event_id(verbs.conn) == before


def test_a_process_that_may_only_read_reads(verbs: Verbs) -> None:
    me = msgspec.structs.replace(
        verbs.worker("coder"), read_only="this run belongs to another agent"
    )
    assert tools(me) == ["kanban_show"]
    assert verbs.call(me, "context").result.page == 1
    with pytest.raises(kb.NotAllowed, match="belongs to another agent"):
        verbs.call(me, "complete", summary="not mine")
    assert kb.get_task(verbs.conn, me.task_id or "").status == "running"


def test_nobody_approves_their_own_work(verbs: Verbs) -> None:
    lead = verbs.worker("lead")
    verbs.call(lead, "request_review", summary="look")
    with pytest.raises(kb.InvalidInput, match="other than the one that asked"):
        verbs.call(verbs.lead(), "approve", task_id=lead.task_id)
    second = orchestrator("second", verbs.conn.config.profiles)
    assert second is not None
    assert verbs.call(second, "approve", task_id=lead.task_id).result.status == "done"


def test_work_of_a_profile_that_a_person_claimed_is_its_own_too(verbs: Verbs) -> None:
    task = verbs.task("lead")
    claimed = kb.claim_task(verbs.conn, task, claimer="person:ada")
    assert claimed is not None
    assert kb.request_review(verbs.conn, task, run_id=claimed.current_run_id or 0)
    with pytest.raises(kb.InvalidInput, match="other than the one that asked"):
        verbs.call(verbs.lead(), "approve", task_id=task)
