"""What a worker is told, on the command line: whole, or page by page."""

from __future__ import annotations

import re
from typing import Any

from hermes_kanban import kernel as kb


def _long(board: Any) -> str:
    return str(board.task(body="\n".join(f"line {number} of the body" for number in range(2_000))))


def test_the_whole_of_it_is_what_the_kernel_tells(cli: Any, board: Any) -> None:
    task = _long(board)
    told = kb.build_worker_context(board.conn, task)
    assert cli("context", task).out == told
    assert cli("context", task, "--json").json["context"] == {"task_id": task, "text": told}


def test_pages_lead_from_one_to_the_next(cli: Any, board: Any) -> None:
    task = _long(board)
    command: list[str] = ["context", task, "--page", "1"]
    seen = ""
    while True:
        page = cli(*command)
        assert page.code == 0
        assert len(page.out.encode()) <= 7 * 1024
        seen += page.out
        more = re.search(r"^\(page \d+ of \d+; more with: hermes-kanban (.*)\)$", page.out, re.M)
        if more is None:
            break
        command = more[1].split()
    assert seen.splitlines()[-1] == "(page 8 of 8; the last)"
    assert all(f"line {number} of the body" in seen for number in range(2_000))


def test_a_page_in_json_says_which_it_is(cli: Any, board: Any) -> None:
    task = _long(board)
    page = cli("context", task, "--page", "2", "--json").json["context"]
    assert set(page) == {"task_id", "text", "page", "pages", "next_page"}
    assert (page["page"], page["pages"], page["next_page"]) == (2, 8, 3)


def test_a_single_page_needs_no_number(cli: Any, board: Any) -> None:
    task = board.task()
    assert cli("context", task, "--page", "1").out == cli("context", task).out


def test_a_page_that_there_is_not_is_misuse(cli: Any, board: Any) -> None:
    refused = cli("context", board.task(), "--page", "7")
    assert refused.code == 2
    assert "page" in refused.error
    assert "1 to 1" in refused.error


def test_a_worker_need_not_name_its_task(cli: Any, worker: kb.Task) -> None:
    assert f"# Task {worker.id}" in cli("context", "--page", "1").out
