"""Files on the command line: attached, listed, saved, and handed in with a completion."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hermes_kanban import kernel as kb


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with two files."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "report.md").write_text("# 42")
    (folder / "table.csv").write_text("a,b")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def workspace(board: Any, worker: kb.Task) -> Path:
    """That of the worker's task, with a file and a folder with another."""
    folder: Path = board.conn.paths.workspaces / worker.id
    (folder / "sub").mkdir(parents=True)
    (folder / "top.txt").write_text("top")
    (folder / "sub" / "deep.txt").write_text("deep")
    return folder


def names(board: Any, task: str) -> list[str]:
    return [one.name for one in kb.list_attachments(board.conn, task)]


def test_files_are_attached_listed_and_saved(cli: Any, board: Any, files: Path) -> None:
    task = board.task()
    done = cli("attach", task, "report.md", str(files / "table.csv"))
    assert done.out.splitlines() == [
        f"attachment 1 on {task}: report.md",
        f"attachment 2 on {task}: table.csv",
    ]
    (header, first, second) = cli("attachments", task).out.splitlines()
    assert header.split() == ["ID", "NAME", "BYTES", "TYPE", "WHEN", "RUN"]
    assert first.split()[:4] == ["1", "report.md", "4", "text/markdown"]
    assert second.split()[:4] == ["2", "table.csv", "3", "text/csv"]
    (files / "report.md").write_text("# 43")
    assert cli("attach", task, "report.md").code == 0
    (files / "out").mkdir()
    saved = cli("attachments", task, "--save", "report.md", "out")
    assert saved.out == "out/report.md\n"
    assert (files / "out" / "report.md").read_text() == "# 43", "the newest of that name"
    assert cli("attachments", task, "--save", "1", "first.md").code == 0
    assert (files / "first.md").read_text() == "# 42"
    again = cli("attachments", task, "--save", "1", "first.md")
    assert (again.code, "exists" in again.error) == (2, True)
    assert cli("attachments", task, "--save", "none", "x").code == 3


def test_the_answer_in_json_tells_no_place_of_the_board(
    cli: Any, board: Any, files: Path, home: Path
) -> None:
    task = board.task()
    (made,) = cli("attach", task, "report.md", "--json").json["attachments"]
    assert made["name"] == "report.md"
    assert made.keys() == set(kb.Attachment.__struct_fields__) - {"path"}
    listed = cli("attachments", task, "--json")
    assert listed.json["attachments"] == [made]
    assert str(home) not in listed.out and "attachments/" not in listed.out
    saved = cli("attachments", task, "--save", "report.md", "copy", "--json").json
    assert (saved["attachment"], saved["file"]) == (made, "copy")


def test_show_and_diff_tell_of_files(cli: Any, board: Any, files: Path) -> None:
    task = board.task()
    before = board.events()
    cli("attach", task, "report.md")
    assert "report.md" in cli("show", task).out
    (told,) = cli("show", task, "--json").json["attachments"]
    assert told["name"] == "report.md" and "path" not in told
    assert "report.md" in cli("show", task, "--at", f"event:{before + 1}").out
    assert "report.md" not in cli("show", task, "--at", f"event:{before}").out
    assert "report.md (4 bytes)" in cli("diff", task, "--from", f"event:{before}").out
    assert cli("replay").out.splitlines()[-1].split() == ["attachments", "1"]
    assert cli("replay", "--verify").code == 0


def test_standard_input_is_a_file_with_a_name(
    cli: Any, board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = board.task()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"piped")))
    assert cli("attach", task, "-", "--name", "change.patch").code == 0
    (made,) = kb.list_attachments(board.conn, task)
    assert (made.name, made.size, made.media_type) == ("change.patch", 5, "text/x-diff")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"piped")))
    assert cli("attach", task, "-").code == 2


def test_more_than_a_page_is_listed(cli: Any, board: Any) -> None:
    task = board.task()
    with kb.batch(board.conn):
        for number in range(120):
            kb.add_attachment(board.conn, task, name=f"{number}", data=b"x")
    assert len(cli("attachments", task, "--json").json["attachments"]) == 120
    assert cli("attachments", board.task()).out == "no attachments\n"
    assert cli("attachments", "t_nobody").code == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["t_nobody", "report.md"], 3), (["ID"], 2), ([], 2), (["ID", "missing"], 2),
        (["ID", "."], 2), (["ID", "report.md", "table.csv", "--name", "x"], 2),
        (["ID", "report.md", "--name", "a/b"], 2),
    ],
)  # fmt: skip
def test_misuse_is_one_line(cli: Any, board: Any, files: Path, words: list[str], code: int) -> None:
    task = board.task()
    done = cli("attach", *[task if word == "ID" else word for word in words])
    assert done.code == code
    assert done.error
    assert names(board, task) == []


def test_what_was_attached_before_a_wrong_file_is_told(cli: Any, board: Any, files: Path) -> None:
    task = board.task()
    done = cli("attach", task, "report.md", "missing", "table.csv")
    assert done.code == 2
    assert "missing is missing" in done.error and "attached before it: report.md" in done.error
    assert names(board, task) == ["report.md"]
    assert cli("attach", task, "report.md", "table.csv").code == 0
    assert names(board, task) == ["report.md", "table.csv"]


def test_a_worker_attaches_without_naming_its_task(
    cli: Any, board: Any, worker: kb.Task, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("attach", "top.txt", "sub/deep.txt").code == 0
    monkeypatch.chdir(workspace / "sub")
    (workspace / "sub" / "top.txt").write_text("the one here")
    assert cli("attach", "top.txt", "--name", "here.txt").code == 0
    assert cli("attach", worker.id, "deep.txt").code == 0
    found = kb.list_attachments(board.conn, worker.id)
    assert [one.name for one in found] == ["top.txt", "deep.txt", "here.txt"]
    assert {one.run_id for one in found} == {worker.current_run_id}
    with kb.open_attachment(board.conn, found[2]) as file:
        assert file.read() == b"the one here"
    for outside in (os.path.join(os.path.dirname(__file__), "conftest.py"), "../../board.lock"):
        refused = cli("attach", outside)
        assert (refused.code, "outside the workspace" in refused.error) == (2, True)
    other = board.task()
    assert cli("attach", other, "top.txt").code == 0
    assert names(board, other) == ["top.txt"]
    assert cli("attachments").out == cli("attachments", worker.id).out


def test_a_worker_hands_artifacts_in(
    cli: Any, board: Any, worker: kb.Task, workspace: Path
) -> None:
    wrong = cli("complete", "--artifact", "top.txt", "--artifact", "none", "--artifact", "sub")
    assert wrong.code == 2
    assert "none is missing; sub is a folder" in wrong.error
    assert board.status(worker.id) == "running"
    assert names(board, worker.id) == []
    done = cli("complete", "--artifact", "top.txt", "--artifact", str(workspace / "sub/deep.txt"))
    assert done.code == 0, done.err
    assert names(board, worker.id) == ["top.txt", "deep.txt"]


def test_a_review_comes_with_artifacts(
    cli: Any, board: Any, worker: kb.Task, workspace: Path
) -> None:
    assert cli("request-review", "--artifact", "none").code == 2
    assert cli("request-review", "--artifact", "top.txt").code == 0
    assert (board.status(worker.id), names(board, worker.id)) == ("review", ["top.txt"])


def test_a_person_completes_with_any_file(cli: Any, board: Any, files: Path) -> None:
    task = board.task()
    assert cli("complete", task, "--artifact", "report.md").code == 0
    assert names(board, task) == ["report.md"]
    both = cli("complete", board.task(), board.task(), "--artifact", "report.md")
    assert (both.code, "one by one" in both.error) == (2, True)


def test_a_stale_worker_is_told_so(cli: Any, board: Any, worker: kb.Task, workspace: Path) -> None:
    kb.reclaim_task(board.conn, worker.id)
    done = cli("attach", "top.txt")
    assert (done.code, "has ended" in done.error) == (4, True)
    assert names(board, worker.id) == []
