"""Several verbs in a row, and what was not foreseen in one of them."""

from __future__ import annotations

import errno
from typing import Any

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import limits
from hermes_kanban.surfaces.rest import performing
from hermes_kanban.surfaces.rest.operations import operations
from hermes_kanban.surfaces.rest.performing import BulkItem
from hermes_kanban.surfaces.rest.problems import Problem, internal, problem_of
from hermes_kanban.verbs import person
from tests.support.boards import ABoard

pytestmark = pytest.mark.stores("sqlite")


def performed(board: ABoard, known: Any, items: list[BulkItem]) -> tuple[Any, list[Exception]]:
    unforeseen: list[Exception] = []

    def report(error: Exception) -> Problem:
        if (problem := problem_of(error)) is None:
            unforeseen.append(error)
            return internal()
        return problem

    caller = person("person:ada", remote=True)
    answer = performing.bulk(board.conn, caller, known, items, report)
    return msgspec.json.decode(answer.body), unforeseen


def test_what_nobody_foresaw_stops_none_of_the_others(board: ABoard) -> None:
    task = board.create()

    def fails(*_: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    known = dict(operations())
    broken = msgspec.structs.replace(known["triage"].verb, function=fails)
    known["triage"] = msgspec.structs.replace(known["triage"], verb=broken)
    items = [
        BulkItem(verb=verb, arguments={"task_id": task} | more)
        for verb, more in (
            ("prioritise", {"priority": 3}),
            ("triage", {}),
            ("comment", {"body": "so"}),
        )
    ]
    told, unforeseen = performed(board, known, items)
    assert [result["status"] for result in told["results"]] == [200, 500, 200]
    assert "nobody foresaw" not in str(told)
    assert [str(error) for error in unforeseen] == ["nobody foresaw this"]
    assert board.task(task).priority == 3
    assert len(kb.list_comments(board.conn, task)) == 1


def test_long_answers_leave_no_room_for_more_of_them_but_for_work(board: ABoard) -> None:
    task = board.create(body="b" * limits.BODY_BYTES)
    shows = [BulkItem(verb="show", arguments={"task_id": task})] * 60
    work = [BulkItem(verb="prioritise", arguments={"task_id": task, "priority": 3})]
    told, _ = performed(board, operations(), [*shows, *work])
    codes = [result.get("problem") and result["problem"]["code"] for result in told["results"]]
    shown = codes.index("too_long")
    assert 0 < shown * limits.BODY_BYTES <= performing.BULK_BYTES + limits.BODY_BYTES
    assert codes == [None] * shown + ["too_long"] * (60 - shown) + [None]
    assert board.task(task).priority == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_one(number: int) -> None:
    problem = problem_of(OSError(number, "full"))
    assert problem is not None
    assert (problem.status, problem.body.code) == (507, "disk_full")
    assert problem_of(OSError(errno.EIO, "broken")) is None
