"""What every surface gets from a verb: clear errors, and what came in meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.verbs import VERBS, Verb, request_schema
from tests.verbs.conftest import Verbs


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"bdy": "x"}, "bdy is not known; allowed: body, task_id"),
        ({}, "missing required field `body`"),
        ({"body": 3}, "body .*got `int`"),
        ({"body": None}, "body .*got `null`"),
        ({"body": "x", "task_id": 3}, "task_id .*got `int`"),
        ({"body": ""}, "comment is empty"),
        ({"body": "x\0"}, "NUL"),
        ({"body": "\ud800"}, "lone surrogate"),
        ({"body": "x" * 70_000}, "65,536 bytes at most"),
    ],
)
def test_arguments_that_do_not_fit_are_named(
    verbs: Verbs, arguments: dict[str, Any], told: str
) -> None:
    me = verbs.worker("coder")
    with pytest.raises(kb.InvalidInput, match=told.replace("`", ".")):
        verbs.call(me, "comment", **arguments)
    assert kb.list_comments(verbs.conn, me.task_id or "") == []


def test_what_came_in_goes_with_the_answer(verbs: Verbs) -> None:
    me = verbs.worker("coder")
    verbs.person("comment", task_id=me.task_id, body="the other table")
    answer = verbs.call(me, "heartbeat")
    assert answer.inbox is not None
    assert [news.text for news in answer.inbox.news] == ["the other table"]
    again = verbs.call(me, "heartbeat")
    assert again.inbox is not None
    assert again.inbox.news == []


def test_a_call_that_fails_keeps_the_news_for_the_next(verbs: Verbs) -> None:
    me = verbs.worker("coder")
    verbs.person("comment", task_id=me.task_id, body="still there")
    for verb, arguments in (("comment", {"body": ""}), ("block", {"reason": ""})):
        with pytest.raises(kb.InvalidInput):
            verbs.call(me, verb, **arguments)
    answer = verbs.call(me, "heartbeat")
    assert answer.inbox is not None
    assert [news.text for news in answer.inbox.news] == ["still there"]


def test_the_call_that_ends_the_run_tells_what_was_never_heard(verbs: Verbs) -> None:
    me = verbs.worker("coder")
    verbs.person("comment", task_id=me.task_id, body="too late now")
    answer = verbs.call(me, "complete", summary="done")
    assert answer.inbox is not None
    assert [news.text for news in answer.inbox.news] == ["too late now"]


def test_people_have_no_inbox(verbs: Verbs) -> None:
    task = verbs.task("coder")
    assert verbs.person("show", task_id=task).task.id == task


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_schemas_are_plain_objects(verb: Verb) -> None:
    schema = request_schema(verb.request, without=frozenset())
    assert schema["type"] == "object"
    assert "$ref" not in msgspec.json.encode(schema).decode()
    names = {field.encode_name for field in msgspec.structs.fields(verb.request)}
    assert schema["properties"].keys() == names
    required = {
        field.encode_name for field in msgspec.structs.fields(verb.request) if field.required
    }
    assert set(schema.get("required", ())) == required


def test_every_answer_can_be_written_as_json(verbs: Verbs) -> None:
    task = verbs.task("coder")
    verbs.person("comment", task_id=task, body="x")
    for verb in ("show", "runs", "events", "comments", "why", "attachments"):
        answer = verbs.person(verb, task_id=task)
        assert isinstance(answer, VERBS[verb].response)
        assert b"claim_lock" not in msgspec.json.encode(answer)
    assert isinstance(verbs.person("list"), VERBS["list"].response)
    assert isinstance(verbs.person("stats"), VERBS["stats"].response)


def test_a_context_has_the_fields_that_the_table_says(verbs: Verbs) -> None:
    answer = verbs.call(verbs.worker("coder"), "context").result
    assert answer.__struct_fields__ == VERBS["context"].response.__struct_fields__


def test_lists_come_in_pages(verbs: Verbs) -> None:
    made = [verbs.task() for _ in range(5)]
    seen: list[str] = []
    after = None
    while True:
        page = verbs.person("list", limit=2, **({} if after is None else {"after": after}))
        seen += [task.id for task in page.tasks]
        after = page.after
        if after is None:
            break
    assert seen == made


def test_a_file_is_saved_into_the_workspace_and_never_in_its_place(verbs: Verbs) -> None:
    me = verbs.worker("finder")
    kb.add_attachment(verbs.conn, me.task_id or "", name="facts.json", data=b"{}")
    workspaces = verbs.conn.paths.workspaces
    workspaces.mkdir(parents=True)
    with pytest.raises(kb.KanbanError, match="cannot write"):
        verbs.call(me, "attachments", save="facts.json")
    assert list(workspaces.iterdir()) == []
    (workspaces / (me.task_id or "")).mkdir()
    answer = verbs.call(me, "attachments", save="facts.json")
    assert answer.result.saved == "facts.json"
    assert (workspaces / (me.task_id or "") / "facts.json").read_bytes() == b"{}"
