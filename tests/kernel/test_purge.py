"""Purging: every row and file of an archived task goes, and what stays is as sound as before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from tests.kernel.scenes import ALL, dump, end, in_status, proof
from tests.support.boards import ABoard
from tests.support.rich import rich_board

pytestmark = pytest.mark.usefixtures("stays_sound")


def archived(board: ABoard, **keys: object) -> str:
    """A task with a run, a comment and a hand-over, archived."""
    task = board.create("secret plans", assignee="worker", **keys)
    run = board.start(task)
    kb.add_comment(board.conn, task, "secret remark", **proof(run))
    kb.complete_task(board.conn, task, result="secret result", **proof(run))
    end(board, run, exit_code=0)
    kb.archive_task(board.conn, task)
    return task


def test_nothing_of_it_is_left(board: ABoard) -> None:
    task = archived(board)
    run = kb.latest_run(board.conn, task)
    assert run is not None
    events = len(kb.list_events(board.conn, task))
    purged = kb.purge_task(board.conn, task, actor="person:ann")
    assert "secret" not in dump(board.conn)
    assert task not in kb.replay(board.conn).tasks
    with pytest.raises(kb.NotFound):
        kb.get_task(board.conn, task)
    (event,) = kb.list_events(board.conn)
    assert (event.kind, event.task_id, event.actor) == ("purged", None, "person:ann")
    assert event.payload == {
        "task_id": task,
        "seq": 1,
        "run_ids": [run.id],
        "workspace_kind": "scratch",
        "workspace_path": None,
        "branch": None,
        "events": events,
        "comments": 1,
        "deliveries": 0,
    }
    assert (purged.id, purged.run_ids, purged.events, purged.comments) == (
        task,
        [run.id],
        events,
        1,
    )


@pytest.mark.parametrize("status", [one for one in ALL if one != "archived"])
def test_only_what_is_archived_can_be_purged(board: ABoard, status: str) -> None:
    task = in_status(board, status)
    before = dump(board.conn)
    with pytest.raises(kb.IllegalTransition, match="allowed from: archived"):
        kb.purge_task(board.conn, task)
    assert dump(board.conn) == before


def test_a_task_whose_process_may_still_live_is_refused(board: ABoard) -> None:
    task = board.create("runs", assignee="worker")
    run = board.start(task)
    kb.archive_task(board.conn, task)
    before = dump(board.conn)
    with pytest.raises(kb.InUse, match=rf"run {run.id} \(process {run.worker_pid}\)"):
        kb.purge_task(board.conn, task)
    assert dump(board.conn) == before
    kb.advance_stops(board.conn, board.processes)
    kb.purge_task(board.conn, task)


@pytest.mark.parametrize("release", [True, False])
def test_its_children_are_unlinked_first_and_go_on(board: ABoard, release: bool) -> None:
    parent = board.create("never done")
    child = board.create("waits", parents=[parent])
    kb.archive_task(board.conn, parent, release=release)
    purged = kb.purge_task(board.conn, parent)
    assert purged.unlinked == [child]
    assert kb.list_links(board.conn, child) == []
    assert "unlinked" in board.kinds(child)
    if not release:
        kb.unblock_task(board.conn, child)
    assert board.task(child).status == "ready"


def test_a_child_that_only_waited_for_it_is_let_go(board: ABoard) -> None:
    parent = board.create("never done")
    child = board.create("waits", parents=[parent])
    kb.block_task(board.conn, child, reason="waits for it", kind="dependency")
    kb.archive_task(board.conn, parent)
    kb.purge_task(board.conn, parent)
    assert board.task(child).status == "ready"
    assert board.kinds(child)[-2:] == ["unlinked", "unblocked"]


@pytest.mark.parametrize("status", [one for one in ALL if one != "todo"])
def test_a_child_that_ran_behind_it_stays_true_whatever_it_is_now(
    board: ABoard, status: str
) -> None:
    parent = board.create("done first")
    child = in_status(board, status)
    if status != "archived":
        kb.link_tasks(board.conn, parent, child)
    kb.complete_task(board.conn, parent)
    if status == "ready":
        board.claim(child)
    kb.archive_task(board.conn, parent)
    before = board.task(child).status
    kb.purge_task(board.conn, parent)
    assert board.task(child).status == before


def test_an_archived_child_is_unlinked_too(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    kb.complete_task(board.conn, parent)
    kb.archive_task(board.conn, child)
    kb.archive_task(board.conn, parent)
    kb.purge_task(board.conn, parent)
    assert board.kinds(child)[-1] == "unlinked"


def test_a_parent_keeps_nothing_of_a_child_that_is_purged(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent], priority=9)
    kb.archive_task(board.conn, child)
    kb.purge_task(board.conn, child)
    assert kb.list_links(board.conn, parent) == []
    assert board.task(parent).effective_priority == 0


def test_what_its_runs_wrote_elsewhere_stays_with_its_authors_name(board: ABoard) -> None:
    task, other = board.create("writes", assignee="worker"), board.create("other")
    run = board.claim(task, claimer="outside")
    comment = kb.add_comment(board.conn, other, "seen", **proof(run))
    card = kb.create_task(board.conn, title="card", parents=[other], **proof(run))
    kb.complete_task(board.conn, task, **proof(run))
    kb.archive_task(board.conn, task)
    kb.purge_task(board.conn, task)
    (kept,) = kb.list_comments(board.conn, other)
    assert (kept.id, kept.author, kept.run_id) == (comment, "profile:worker", None)
    created = kb.list_events(board.conn, card)[0]
    assert (created.actor, created.run_id) == ("profile:worker", None)


def test_everything_on_a_rich_board_can_be_purged(board: ABoard) -> None:
    tasks = rich_board(board)
    for name in ("archived", "cancelled", "by_person", "done", "waits", "gave_up", "failed"):
        if board.task(tasks[name]).status != "archived":
            kb.archive_task(board.conn, tasks[name])
        kb.purge_task(board.conn, tasks[name])
        assert kb.check(board.conn, deep=True) == [], name


# Who is told of it.


def test_subscriptions_to_it_go_and_wide_ones_are_owed_no_more_of_it(board: ABoard) -> None:
    task, other = board.create("goes"), board.create("stays")
    mine = subscriptions.subscribe(board.conn, destination="log", task_id=task)
    wide = subscriptions.subscribe(board.conn, destination="log", filter={"kinds": ["all"]})
    only = subscriptions.subscribe(board.conn, destination="log", filter={"tasks": [task]})
    both = subscriptions.subscribe(board.conn, destination="log", filter={"tasks": [task, other]})
    kb.archive_task(board.conn, task)
    kb.prioritise_task(board.conn, other, 2)
    while outbox.advance_cursors(board.conn):
        pass
    purged = kb.purge_task(board.conn, task)
    assert purged.subscriptions == 2
    assert purged.deliveries == 4
    with pytest.raises(kb.NotFound):
        subscriptions.get_subscription(board.conn, mine)
    ended = [subscriptions.get_subscription(board.conn, one).ended_at for one in (wide, only, both)]
    assert [one is None for one in ended] == [True, False, True]
    assert [d.sub_id for d in outbox.list_outbox(board.conn)] == [wide]
    while outbox.advance_cursors(board.conn):
        pass
    owed = [kb.list_events(board.conn, after=d.event_id - 1)[0].kind
            for d in outbox.list_outbox(board.conn)]  # fmt: skip
    assert owed == ["prioritised", "purged"]


def test_what_is_purged_between_reading_and_owing_is_not_owed(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions.subscribe(board.conn, destination="log", filter={"kinds": ["all"]})
    task = board.create("goes")
    kb.archive_task(board.conn, task)
    read = outbox._read

    def read_and_purge(conn: kb.BoardConnection, limit: int) -> object:
        found = read(conn, limit)
        monkeypatch.setattr(outbox, "_read", read)
        other = board.connect()
        kb.purge_task(other, task)
        other.close()
        return found

    monkeypatch.setattr(outbox, "_read", read_and_purge)
    outbox.advance_cursors(board.conn)
    while outbox.advance_cursors(board.conn):
        pass
    kinds = [kb.list_events(board.conn, after=d.event_id - 1)[0].kind
             for d in outbox.list_outbox(board.conn)]  # fmt: skip
    assert kinds == ["purged"]


# Its files.


def test_its_files_go_after_the_commit(board: ABoard, tmp_path: Path) -> None:
    task = archived(board)
    run = kb.latest_run(board.conn, task)
    assert run is not None
    files = lay_files(board, task, run.id)
    with kb.batch(board.conn):
        kb.purge_task(board.conn, task)
        assert all(map(os.path.lexists, files))
    assert all(map(os.path.lexists, files)), "inside a batch they are gc's"
    kb.gc(board.conn)
    assert not any(map(os.path.lexists, files))


def test_outside_a_batch_they_go_at_once(board: ABoard) -> None:
    task = archived(board)
    run = kb.latest_run(board.conn, task)
    assert run is not None
    files = lay_files(board, task, run.id)
    kb.purge_task(board.conn, task)
    assert not any(map(os.path.lexists, files))


def lay_files(board: ABoard, task: str, run_id: int) -> list[Path]:
    """A run folder, and attachments by each way of naming them."""
    root = board.conn.paths.root
    run = board.conn.paths.run_dir(run_id)
    run.mkdir(parents=True)
    (run / "log").write_text("secret")
    (root / "attachments" / task).mkdir(parents=True)
    attached = [root / "attachments" / task / name for name in ("a", "b", "c")]
    stored = [str(attached[0]), f"attachments/{task}/b", f"{task}/c"]
    for file, path in zip(attached, stored, strict=True):
        file.write_text("secret")
        attach(board, task, path)
    return [run, *attached]


def attach(board: ABoard, task: str, path: str) -> None:
    board.conn.execute(
        "INSERT INTO task_attachments (task_id, name, size, media_type, sha256, path, created_at)"
        " VALUES (:task, 'x', 6, 'text/plain', '', :path, 1900000000)",
        {"task": task, "path": path},
    )


def test_a_row_that_names_the_folder_of_all_attachments_removes_none_of_others(
    board: ABoard,
) -> None:
    task = archived(board)
    kept = board.conn.paths.root / "attachments" / "another's"
    kept.parent.mkdir()
    kept.write_text("kept")
    for path in ("attachments", "attachments/", "", "attachments/."):
        attach(board, task, path)
    kb.purge_task(board.conn, task)
    assert kept.read_text() == "kept"


@pytest.mark.parametrize("trap", ["runs", "a run", "inside a run", "attachments", "a path"])
def test_nothing_outside_the_board_is_touched(board: ABoard, tmp_path: Path, trap: str) -> None:
    task = archived(board)
    run = kb.latest_run(board.conn, task)
    assert run is not None
    outside = tmp_path / "outside"
    (outside / str(run.id)).mkdir(parents=True)
    for place in (outside, outside / str(run.id)):
        (place / "precious").write_text("mine")
    root = board.conn.paths.root
    if trap == "runs":
        (root / "runs").symlink_to(outside)
    elif trap == "a run":
        (root / "runs").mkdir()
        (root / "runs" / str(run.id)).symlink_to(outside)
    elif trap == "inside a run":
        (root / "runs" / str(run.id)).mkdir(parents=True)
        (root / "runs" / str(run.id) / "link").symlink_to(outside)
    elif trap == "attachments":
        (root / "attachments").symlink_to(outside)
        attach(board, task, "attachments/precious")
    else:
        for path in (str(outside / "precious"), "../../../../outside/precious", ".."):
            attach(board, task, path)
    kb.purge_task(board.conn, task)
    kb.gc(board.conn, log_days=0)
    assert (outside / "precious").read_text() == "mine"
    assert (outside / str(run.id) / "precious").read_text() == "mine"
