"""Workspaces, through real gateways: nothing of a person's goes, and nothing is left for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.workers.housekeeping import clear_workspaces, sweep_workspaces
from hermes_kanban.workers.workspace import quarantined
from tests.support.gateways import Gateways, shell
from tests.support.repositories import git, make_repository
from tests.support.waiting import wait_until


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


def run_once(gateways: Gateways, task: str, *statuses: str) -> None:
    gateways.wait_for(task, *statuses)
    gateways.wait_for_exit(task)


def test_worker_and_second_attempt_meet_in_one_worktree_until_it_is_archived(
    gateways: Gateways, repository: Path
) -> None:
    """Handed in, sent back, done: always the same branch; archived: gone, the branch stays."""
    work = (
        "git branch --show-current; cat file; echo again >> file;"
        " git -c user.name=t -c user.email=t@example.org commit -qam work;"
        " hermes-kanban request-review --summary read"
    )
    gateways.configure({"worker": shell(work)})
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="work", assignee="worker", workspace=f"worktree:{repository}")
    run_once(gateways, task, "review")
    kb.request_changes(conn, task, comment="once more")
    wait_until(lambda: len(kb.list_runs(conn, task)) == 2)
    run_once(gateways, task, "review")
    second = Path(kb.list_runs(conn, task)[1].log_path or "").read_text()
    assert second.split()[:3] == [f"hermes-kanban/{task}", "one", "again"]

    place = conn.paths.workspaces / task
    kb.approve_task(conn, task)
    sweep_workspaces(conn)
    assert place.exists()
    kb.archive_task(conn, task)
    sweep_workspaces(conn)
    assert not place.exists()
    assert str(place) not in git(repository, "worktree", "list")
    log = git(repository, "log", "--format=%s", f"hermes-kanban/{task}")
    assert log.split() == ["work", "work", "Start"]


def test_two_tasks_of_one_repository_do_not_meet(gateways: Gateways, repository: Path) -> None:
    gate = gateways.home / "gate"
    work = (
        f"echo up; while [ ! -e {gate} ]; do sleep 0.02; done;"
        " echo $HERMES_KANBAN_TASK >> file; git diff --stat; cat file"
    )
    gateways.configure({"worker": shell(work)}, max_in_progress=2)
    conn = gateways.open()
    gateways.start()
    where = f"worktree:{repository}"
    tasks = [
        kb.create_task(conn, title=f"{n}", assignee="worker", workspace=where) for n in range(2)
    ]
    wait_until(lambda: {kb.get_task(conn, task).status for task in tasks} == {"running"})
    gate.touch()
    for task in tasks:
        run_once(gateways, task, "done")
        file = conn.paths.workspaces / task / "file"
        assert file.read_text().split() == ["one", task]
    assert (repository / "file").read_text() == "one\n"


def test_uncommitted_work_outlives_its_task(gateways: Gateways, repository: Path) -> None:
    gateways.configure({"worker": shell("echo unsaved > draft")})
    conn = gateways.open()
    gateway = gateways.start()
    task = kb.create_task(conn, title="work", assignee="worker", workspace=f"worktree:{repository}")
    run_once(gateways, task, "done")
    kb.archive_task(conn, task)
    gateways.kill(gateway)
    gateways.start()  # the first look of a gateway clears up
    wait_until(lambda: not (conn.paths.workspaces / task).exists())
    (kept,) = quarantined(conn.paths)
    assert (kept / "draft").read_text() == "unsaved\n"
    kb.purge_task(conn, task)
    kb.gc(conn, workspaces=clear_workspaces)
    assert (kept / "draft").read_text() == "unsaved\n"


def test_whatever_becomes_of_its_task_a_persons_folder_stays(
    gateways: Gateways, tmp_path: Path
) -> None:
    """Given as a workspace, and linked from within one that is removed."""
    project = tmp_path / "project"
    (project / "deep").mkdir(parents=True)
    (project / "deep" / "precious").write_text("kept")
    gateways.configure({"worker": shell(f"ln -s {project} link; ln -s {project}/deep deep")})
    conn = gateways.open()
    gateways.start()
    tasks = [
        kb.create_task(conn, title="scratch", assignee="worker"),
        kb.create_task(conn, title="dir", assignee="worker", workspace=f"dir:{project}"),
    ]
    for task in tasks:
        run_once(gateways, task, "done")
        kb.archive_task(conn, task)
    sweep_workspaces(conn)
    assert not (conn.paths.workspaces / tasks[0]).exists()
    for task in tasks:
        kb.purge_task(conn, task)
    kb.gc(conn, workspaces=clear_workspaces)
    assert (project / "deep" / "precious").read_text() == "kept"
    assert (project / "link").is_symlink()


def test_a_reviewer_works_in_the_worktree_of_the_worker(
    gateways: Gateways, repository: Path
) -> None:
    """Saved or not, what the worker left is what the reviewer reads; then it decides."""
    gateways.configure(
        {
            "worker": shell("echo two >> file; echo left > draft; hermes-kanban request-review"),
            "reviewer": shell(
                "git branch --show-current; cat file draft; echo seen > notes;"
                " hermes-kanban approve $(git branch --show-current | cut -d/ -f2) && echo decided",
                orchestrator=True,
            ),
        }
    )
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="work", assignee="worker", workspace=f"worktree:{repository}")
    run_once(gateways, task, "review")
    place = conn.paths.workspaces / task
    review = kb.create_task(conn, title="read", assignee="reviewer", workspace=f"dir:{place}")
    run_once(gateways, review, "done")
    run = kb.latest_run(conn, review)
    assert run is not None
    said = Path(run.log_path or "").read_text().split()
    assert said[:4] == [f"hermes-kanban/{task}", "one", "two", "left"]
    assert said[-1] == "decided"
    assert kb.get_task(conn, task).status == "done"
    assert (place / "notes").read_text() == "seen\n"
    kb.archive_task(conn, review)
    sweep_workspaces(conn)
    assert (place / "draft").exists(), "the end of the review takes nothing away"
    kb.archive_task(conn, task)
    sweep_workspaces(conn)
    (kept,) = quarantined(conn.paths)
    assert {one.name for one in kept.iterdir()} >= {"file", "draft", "notes"}


def test_an_artifact_is_there_when_its_workspace_has_gone(gateways: Gateways) -> None:
    """One that does not exist is refused, and the worker goes on; its child reads the other."""
    gateways.configure(
        {
            "worker": shell(
                "echo 42 > report; hermes-kanban complete --artifact report --artifact none"
                " --artifact /etc/passwd; echo refused $?;"
                " hermes-kanban complete --artifact report --summary 'see t_zzzzzz'"
            )
        }
    )
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="write", assignee="worker")
    run_once(gateways, task, "done")
    run = kb.latest_run(conn, task)
    assert run is not None
    said = Path(run.log_path or "").read_text()
    assert "none is missing; /etc/passwd lies outside the workspace" in said
    assert "refused 2" in said
    kinds = [event.kind for event in kb.list_events(conn, task)]
    assert [kinds.count(kind) for kind in ("attached", "completed", "warned")] == [1, 1, 1]
    wait_until(lambda: not (conn.paths.workspaces / task).exists() or sweep_workspaces(conn))
    assert not (conn.paths.workspaces / task).exists()

    read = f"hermes-kanban attachments {task} --save report . && cat report"
    gateways.configure({"reader": shell(read)})
    child = kb.create_task(conn, title="read", assignee="reader", parents=[task])
    run_once(gateways, child, "done")
    done = kb.latest_run(conn, child)
    assert done is not None and (done.summary or "").split() == ["report", "42"]
