"""Artifacts: what a run declares is kept before its workspace may go, or nothing is done."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import limits
from hermes_kanban.kernel.gc import DRAFT_SECONDS
from hermes_kanban.model import Run
from hermes_kanban.workers.housekeeping import sweep_workspaces
from tests.kernel.scenes import dump, end, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

HandIn = Callable[..., bool | kb.Refused]
HANDING_IN = pytest.mark.parametrize("hand_in", [kb.complete_task, kb.request_review])


def at_work(board: ABoard, **keys: Any) -> tuple[str, Run, Path]:
    """A running task with its workspace."""
    task = board.create(assignee="worker", **keys)
    run = board.claim(task, claimer="profile:worker")
    board.register(run)
    run = kb.get_run(board.conn, run.id)
    workspace = board.conn.paths.workspaces / task
    workspace.mkdir(parents=True, exist_ok=True)
    return task, run, workspace


def read(board: ABoard, attachment: kb.Attachment) -> bytes:
    with kb.open_attachment(board.conn, attachment) as file:
        return file.read()


def kept(board: ABoard) -> list[str]:
    folder = board.conn.paths.root / "attachments"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


@HANDING_IN
def test_artifacts_outlive_the_workspace(board: ABoard, hand_in: HandIn) -> None:
    task, run, workspace = at_work(board)
    (workspace / "out").mkdir()
    (workspace / "out" / "report.md").write_text("# 42")
    (workspace / "table.csv").write_text("a,b")
    declared = ["out/report.md", str(workspace / "table.csv"), "out/report.md"]
    assert hand_in(board.conn, task, artifacts=declared, **proof(run))
    report, table = kb.list_attachments(board.conn, task)
    assert (report.name, report.media_type, report.run_id) == ("report.md", "text/markdown", run.id)
    assert (table.name, table.media_type, table.run_id) == ("table.csv", "text/csv", run.id)
    kinds = board.kinds(task)
    assert kinds[-3:-1] == ["attached", "attached"]
    closing = kb.list_events(board.conn, task)[-1]
    assert closing.kind in ("completed", "review_requested")
    assert closing.payload["artifacts"] == [report.id, table.id]
    assert {event.actor for event in kb.list_events(board.conn, task)[-3:]} == {"profile:worker"}
    if closing.kind == "review_requested":
        kb.approve_task(board.conn, task)
    end(board, run, exit_code=0)
    assert sweep_workspaces(board.conn).removed == [task]
    assert not workspace.exists()
    assert (read(board, report), read(board, table)) == (b"# 42", b"a,b")


@HANDING_IN
def test_all_that_is_wrong_is_told_and_nothing_is_done(board: ABoard, hand_in: HandIn) -> None:
    task, run, workspace = at_work(board)
    (workspace / "good").write_text("good")
    (workspace / "folder").mkdir()
    (workspace / "link").symlink_to("good")
    os.mkfifo(workspace / "pipe")
    (workspace / "big").write_bytes(b"x" * (limits.ATTACHMENT_BYTES + 1))
    (workspace / "line\nbreak").write_text("x")
    (workspace.parent / "foreign").write_text("another's")
    declared = [
        "good", "missing", "folder", "link", "pipe", "big", "line\nbreak", "../foreign",
        "/etc/passwd", "..", "no/such/folder", "",
    ]  # fmt: skip
    before = dump(board.conn)
    with pytest.raises(kb.InvalidInput) as caught:
        hand_in(board.conn, task, summary="done", artifacts=declared, **proof(run))
    told = str(caught.value)
    for problem in (
        "missing is missing", "folder is a folder", "link is a link", "pipe is a device, pipe",
        "big has 26,214,401 bytes", "its name 'line\\nbreak' has some", ".. is a folder",
        "../foreign lies outside the workspace", "/etc/passwd lies outside the workspace",
        "no/such/folder is missing", " is no path", f"in the workspace {workspace}",
    ):  # fmt: skip
        assert problem in told, problem
    assert "good" not in told.split("allowed", maxsplit=1)[0].replace("foreign", "")
    assert (dump(board.conn), kept(board)) == (before, [])
    assert board.task(task).status == "running"
    assert hand_in(board.conn, task, artifacts=["good"], **proof(run))


@pytest.mark.parametrize("way", ["a folder", "two folders", "the file", "a folder back in"])
def test_no_link_leads_out_of_the_workspace(board: ABoard, tmp_path: Path, way: str) -> None:
    task, run, workspace = at_work(board)
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    for place in (outside, outside / "deep"):
        (place / "secret").write_text("secret")
    (workspace / "sub").mkdir()
    (workspace / "sub" / "mine").write_text("mine")
    path = {
        "a folder": "out/secret", "two folders": "out/deep/secret", "the file": "secret",
        "a folder back in": "in/mine",
    }[way]  # fmt: skip
    (workspace / "out").symlink_to(outside)
    (workspace / "secret").symlink_to(outside / "secret")
    (workspace / "in").symlink_to("sub")
    given: dict[str, Any] = {"artifacts": [path], **proof(run)}
    if way == "a folder back in":
        assert kb.complete_task(board.conn, task, **given)
        assert read(board, kb.list_attachments(board.conn, task)[0]) == b"mine"
        return
    with pytest.raises(kb.InvalidInput, match=r"outside the workspace|is a link"):
        kb.complete_task(board.conn, task, **given)
    with pytest.raises(kb.InvalidInput, match=r"outside the workspace|is a link"):
        kb.add_attachment(board.conn, task, path=path, **proof(run))
    assert kept(board) == []


def test_a_folder_that_becomes_a_link_leads_nowhere(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the path was resolved, and before the file is opened, its folder is swapped."""
    task, run, workspace = at_work(board)
    (workspace / "sub").mkdir()
    (workspace / "sub" / "file").write_text("mine")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    real = os.path.realpath

    def then_swapped(path: Any, **keys: Any) -> str:
        found = real(path, **keys)
        if found == str(workspace):
            (workspace / "sub").rename(workspace / "was")
            (workspace / "sub").symlink_to(outside)
        return found

    monkeypatch.setattr("os.path.realpath", then_swapped)
    with pytest.raises(kb.InvalidInput, match="sub/file cannot be read"):
        kb.complete_task(board.conn, task, artifacts=["sub/file"], **proof(run))
    assert (workspace / "sub").is_symlink()
    assert kept(board) == []


def test_a_workspace_below_a_link_is_still_one(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "spaces").symlink_to("elsewhere")
    monkeypatch.setenv("HERMES_KANBAN_WORKSPACES_ROOT", str(tmp_path / "spaces"))
    task, run, workspace = at_work(board)
    (workspace / "file").write_text("mine")
    assert kb.add_attachment(board.conn, task, path="file", **proof(run))
    named = str(tmp_path / "elsewhere" / task / "file")
    assert kb.complete_task(board.conn, task, artifacts=[named], **proof(run))


def test_a_run_attaches_what_lies_in_its_workspace(board: ABoard, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "notes").write_text("half way")
    task = board.create(workspace=f"dir:{folder}")
    run = board.claim(task, claimer="profile:writer")
    made = kb.add_attachment(board.conn, task, path="notes", **proof(run))
    assert (made.run_id, read(board, made)) == (run.id, b"half way")
    assert kb.list_events(board.conn, task)[-1].actor == "profile:writer"
    with pytest.raises(kb.InvalidInput, match="outside the workspace"):
        kb.add_attachment(board.conn, task, path=__file__, **proof(run))
    assert kb.add_attachment(board.conn, task, path=__file__, actor="person:ann").run_id is None
    given = kb.add_attachment(board.conn, task, name="x", data=b"written by a tool", **proof(run))
    assert given.run_id == run.id


def test_without_a_workspace_nothing_lies_in_it(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    with pytest.raises(kb.InvalidInput, match="x is missing"):
        kb.complete_task(board.conn, task, artifacts=["x"], **proof(run))
    assert kb.complete_task(board.conn, task, **proof(run))


def test_a_person_declares_any_file(board: ABoard, tmp_path: Path) -> None:
    file = tmp_path / "by-hand.txt"
    file.write_text("by hand")
    task, running = board.create(), board.create()
    board.start(running)
    for one in (task, running):
        assert kb.complete_task(board.conn, one, artifacts=[file], actor="person:ann")
        (made,) = kb.list_attachments(board.conn, one)
        assert (made.run_id, made.name) == (None, "by-hand.txt")
    with pytest.raises(kb.IllegalTransition, match="cannot complete"):
        kb.complete_task(board.conn, task, artifacts=[file])
    assert kb.undo(board.conn, task, actor="person:ann").verb == "complete"
    assert len(kb.list_attachments(board.conn, task)) == 1


@pytest.mark.parametrize("actor", ["profile:lead", "system"])
def test_an_agent_without_a_run_names_no_file(board: ABoard, tmp_path: Path, actor: str) -> None:
    (tmp_path / "secret").write_text("secret")
    task, path = board.create(), tmp_path / "secret"
    with pytest.raises(kb.InvalidInput, match=f"is {actor}'s"):
        kb.add_attachment(board.conn, task, path=path, actor=actor)
    with pytest.raises(kb.InvalidInput, match=f"is {actor}'s"):
        kb.complete_task(board.conn, task, artifacts=[path], actor=actor)
    assert kept(board) == []
    assert kb.add_attachment(board.conn, task, name="x", data=b"written", actor=actor)
    assert kb.complete_task(board.conn, task, actor=actor)


def test_how_much_one_hand_over_may_bring(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> None:
    task, run, workspace = at_work(board)
    monkeypatch.setattr(limits, "ARTIFACTS", 3)
    monkeypatch.setattr(limits, "ARTIFACTS_BYTES", 10)
    for name in "abcd":
        (workspace / name).write_text("4444")
    for names, why in (("abcd", "3 at most"), ("abc", "have 12 bytes together")):
        with pytest.raises(kb.InvalidInput, match=why):
            kb.complete_task(board.conn, task, artifacts=list(names), **proof(run))
    with pytest.raises(kb.InvalidInput, match="is one path"):
        kb.complete_task(board.conn, task, artifacts="a", **proof(run))
    with pytest.raises(kb.InvalidInput, match="7 is no path"):
        kb.complete_task(board.conn, task, artifacts=[7], **proof(run))  # type: ignore[list-item]
    assert kb.complete_task(board.conn, task, artifacts=["a", "b"], **proof(run))


def test_a_stale_run_attaches_nothing(board: ABoard) -> None:
    task, run, workspace = at_work(board)
    (workspace / "file").write_text("late")
    kb.reclaim_task(board.conn, task)
    before = dump(board.conn)
    for given in ({"path": "file"}, {"name": "x", "data": b"x"}, {"path": "gone"}):
        with pytest.raises(kb.StaleRun):
            kb.add_attachment(board.conn, task, **given, **proof(run))
    with pytest.raises(kb.StaleRun):
        kb.add_attachment(board.conn, task, name="x", data=b"x", run_id=run.id, claim_lock="no")
    with pytest.raises(kb.NotFound, match="run"):
        kb.add_attachment(board.conn, task, name="x", data=b"x", run_id=999)
    with pytest.raises(kb.InvalidInput, match="run_id"):
        kb.add_attachment(board.conn, task, name="x", data=b"x", claim_lock="alone")
    assert dump(board.conn) == before


@pytest.mark.parametrize("done", [False, True])
def test_refused_work_keeps_its_files_and_can_be_adopted(board: ABoard, done: bool) -> None:
    task, run, workspace = at_work(board)
    (workspace / "report").write_text("late, but good")
    kb.reclaim_task(board.conn, task)
    end(board, run, exit_code=0)
    if done:
        kb.complete_task(board.conn, task)
    given: dict[str, Any] = {"result": "42", "artifacts": ["report"], **proof(run)}
    assert not kb.complete_task(board.conn, task, **given)
    (workspace / "report").write_text("of the next run")
    assert kb.list_attachments(board.conn, task) == []
    (name,) = kept(board)
    folder = board.conn.paths.root / "attachments"
    os.utime(folder / name, (1, 1))
    board.clock.advance(2 * DRAFT_SECONDS)
    assert kb.gc(board.conn).removed == [], "somebody may adopt it"
    kb.adopt_result(board.conn, task, run_id=run.id, actor="person:ann")
    (made,) = kb.list_attachments(board.conn, task)
    assert (made.name, made.run_id, read(board, made)) == ("report", None, b"late, but good")
    adopted = [e for e in kb.list_events(board.conn, task) if e.kind == "adopted"]
    assert adopted[0].payload["artifacts"] == [made.id]
    kb.archive_task(board.conn, task)
    kb.purge_task(board.conn, task)
    assert kept(board) == []


@pytest.mark.stores("sqlite")
def test_refused_files_go_with_their_task_and_what_is_gone_is_told(board: ABoard) -> None:
    task, run, workspace = at_work(board)
    (workspace / "report").write_text("late")
    kb.reclaim_task(board.conn, task)
    end(board, run, exit_code=0)
    assert not kb.complete_task(board.conn, task, artifacts=["report"], **proof(run))
    (name,) = kept(board)
    file = board.conn.paths.root / "attachments" / name
    file.unlink()
    kb.adopt_result(board.conn, task, run_id=run.id)
    adopted = [e for e in kb.list_events(board.conn, task) if e.kind == "adopted"]
    assert adopted[0].payload["artifacts_gone"] == ["report"]
    assert kb.list_attachments(board.conn, task) == []
    file.write_text("late")
    kb.archive_task(board.conn, task)
    kb.purge_task(board.conn, task)
    assert kept(board) == []


def test_a_refused_run_of_another_task_leaves_nothing(board: ABoard) -> None:
    task, _, workspace = at_work(board)
    (workspace / "file").write_text("x")
    _, other, _ = at_work(board)
    before = dump(board.conn)
    refused = kb.complete_task(board.conn, task, artifacts=["file"], **proof(other))
    assert not refused
    assert (dump(board.conn), kept(board)) == (before, [])


def test_what_was_attached_already_is_not_attached_again(board: ABoard) -> None:
    task, run, workspace = at_work(board)
    (workspace / "report").write_text("42")
    made = kb.add_attachment(board.conn, task, path="report", **proof(run))
    assert kb.complete_task(board.conn, task, artifacts=["report"], **proof(run))
    assert kb.list_attachments(board.conn, task) == [made]
    assert kb.list_events(board.conn, task)[-1].payload["artifacts"] == [made.id]
    assert board.kinds(task).count("attached") == 1


def test_artifacts_of_a_batch_that_is_undone_are_undone(board: ABoard) -> None:
    task, run, workspace = at_work(board)
    (workspace / "report").write_text("42")
    before = dump(board.conn)
    with pytest.raises(ZeroDivisionError), kb.batch(board.conn):
        assert kb.complete_task(board.conn, task, artifacts=["report"], **proof(run))
        assert len(kb.list_attachments(board.conn, task)) == 1
        raise ZeroDivisionError
    assert dump(board.conn) == before
    assert kb.complete_task(board.conn, task, artifacts=["report"], **proof(run))


def test_created_cards_and_artifacts_are_both_checked(board: ABoard) -> None:
    task, run, workspace = at_work(board)
    (workspace / "report").write_text("42")
    given: dict[str, Any] = {"artifacts": ["report"], **proof(run)}
    with pytest.raises(kb.InvalidInput, match="created_cards"):
        kb.complete_task(board.conn, task, created_cards=["t_nobody"], **given)
    assert kb.list_attachments(board.conn, task) == []
    assert board.task(task).status == "running"


@pytest.mark.parametrize("verb", ["complete", "by a person", "review", "wait"])
def test_a_summary_that_names_unknown_tasks_leaves_a_warning(board: ABoard, verb: str) -> None:
    known = board.create()
    task = board.create()
    run = board.claim(task)
    summary = f"like {known} and t_zzzzzz, (t_yyyyyy): not t_zzzzzz, at_zzzzzz, t_zzz or t_1zzzzz"
    if verb == "complete":
        assert kb.complete_task(board.conn, task, summary=summary, **proof(run))
    elif verb == "by a person":
        assert kb.complete_task(board.conn, task, summary=summary)
    elif verb == "review":
        assert kb.request_review(board.conn, task, summary=summary, **proof(run))
    else:
        assert kb.wait_for(board.conn, task, [known], summary=summary, **proof(run))
    (warning,) = [e for e in kb.list_events(board.conn, task) if e.kind == "warned"]
    assert (warning.actor, warning.run_id) == ("system", run.id)
    assert warning.payload["unknown_ids"] == ["t_zzzzzz", "t_yyyyyy"]
    assert warning.payload["reason"].endswith("t_zzzzzz, t_yyyyyy")


def test_a_summary_of_known_tasks_leaves_none_and_a_warning_hinders_no_undo(board: ABoard) -> None:
    known, task, other = board.create(), board.create(), board.create()
    kb.complete_task(board.conn, task, summary=f"after {known}")
    assert board.kinds(task)[-1] == "completed"
    kb.complete_task(board.conn, other, summary="after t_zzzzzz")
    assert board.kinds(other)[-1] == "warned"
    assert kb.undo(board.conn, other).verb == "complete"
    assert kb.why(board.conn, known) is not None
