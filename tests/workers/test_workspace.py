"""Workspaces: what may be asked for, how they are made ready and taken away."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from hermes_kanban.kernel.workspaces import Choice, parse_workspace
from hermes_kanban.model import InvalidInput, Task
from hermes_kanban.workers import workspace
from hermes_kanban.workers.workspace import Removal
from tests.support.repositories import git, make_repository
from tests.support.waiting import wait_until
from tests.workers.conftest import Rig, a_task


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


def worktree_task(repository: Path, **changes: object) -> Task:
    return a_task(workspace_kind="worktree", workspace_path=str(repository), **changes)


def test_each_kind_can_be_asked_for(tmp_path: Path, repository: Path) -> None:
    assert parse_workspace("scratch") == Choice("scratch", None)
    assert parse_workspace(f"dir:{tmp_path}/") == Choice("dir", str(tmp_path))
    assert parse_workspace(f"worktree:{repository}") == Choice("worktree", str(repository))
    assert parse_workspace("worktree", str(repository)) == Choice("worktree", str(repository))
    assert parse_workspace("scratch", str(repository)) == Choice("scratch", None)


def test_the_boards_folder_decides_when_nothing_is_asked(tmp_path: Path, repository: Path) -> None:
    assert parse_workspace(None) == Choice("scratch", None)
    assert parse_workspace(None, str(tmp_path)) == Choice("dir", str(tmp_path))
    assert parse_workspace(None, str(repository)) == Choice("worktree", str(repository))


@pytest.mark.parametrize(
    "text",
    [
        "dir",
        "dir:",
        "dir:relative/path",
        "dir:~/x",
        "dir:/tmp/../etc",
        "dir:/a\0b",
        "worktree",
        "worktree:relative",
        "scratch:/tmp",
        "Scratch",
        "elsewhere:/tmp",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="workspace"):
        parse_workspace(text)


def test_a_path_through_a_link_is_refused_with_the_real_one(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(InvalidInput, match=f"through a link; allowed: {tmp_path}/real/inner"):
        parse_workspace(f"dir:{tmp_path}/link/inner")


def test_scratch_is_made_private_and_kept_for_the_next_run(rig: Rig) -> None:
    rig.start("/bin/sh", "-c", "echo first > file").record()
    folder = rig.paths.workspaces / "t_abc"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert rig.start("cat", "file").record().tail == "first\n"


def test_a_scratch_folder_that_is_a_link_is_a_spawn_failure(rig: Rig, tmp_path: Path) -> None:
    rig.paths.workspaces.mkdir(parents=True)
    (rig.paths.workspaces / "t_abc").symlink_to(tmp_path)
    record = rig.start("true").record()
    assert "is a link or a file" in (record.spawn_failed or "")


def test_a_dir_is_used_where_it_lies(rig: Rig, tmp_path: Path) -> None:
    task = a_task(workspace_kind="dir", workspace_path=str(tmp_path))
    assert rig.start("pwd", "-P", task=task).record().tail == f"{tmp_path}\n"


def test_a_dir_that_is_missing_or_became_a_link_is_a_spawn_failure(
    rig: Rig, tmp_path: Path
) -> None:
    task = a_task(workspace_kind="dir", workspace_path=f"{tmp_path}/place")
    missing = rig.start("true", task=task).record()
    assert "No such file or directory" in (missing.spawn_failed or "")
    (tmp_path / "place").symlink_to("/etc")
    linked = rig.start("true", task=task).record()
    assert "leads through a link to /etc" in (linked.spawn_failed or "")


def test_worker_and_reviewer_share_one_worktree(rig: Rig, repository: Path) -> None:
    task = worktree_task(repository)
    script = "git branch --show-current; cat file; echo two > file; echo $HERMES_KANBAN_BRANCH"
    record = rig.start("/bin/sh", "-c", script, task=task).record()
    assert record.tail == "hermes-kanban/t_abc\none\nhermes-kanban/t_abc\n"
    assert rig.start("cat", "file", task=task).record().tail == "two\n"
    assert git(repository, "branch", "--show-current") == "main"


def test_an_existing_branch_is_taken_up(rig: Rig, repository: Path) -> None:
    git(repository, "branch", "feature")
    task = worktree_task(repository, branch="feature")
    assert rig.start("git", "branch", "--show-current", task=task).record().tail == "feature\n"


def test_a_worktree_on_a_wrong_branch_is_a_spawn_failure(rig: Rig, repository: Path) -> None:
    task = worktree_task(repository)
    rig.start("git", "checkout", "--quiet", "-b", "other", task=task).record()
    record = rig.start("true", task=task).record()
    assert "is on other, not on the branch hermes-kanban/t_abc" in (record.spawn_failed or "")


def test_a_worktree_that_was_half_made_is_made_again(rig: Rig, repository: Path) -> None:
    task = worktree_task(repository)
    rig.start("true", task=task).record()
    (rig.paths.workspaces / "t_abc" / "file").unlink()
    (repository / ".git/worktrees/t_abc/locked").write_text("initializing")
    assert rig.start("cat", "file", task=task).record().tail == "one\n"


def test_a_worktree_whose_folder_is_gone_is_made_again(rig: Rig, repository: Path) -> None:
    task = worktree_task(repository)
    rig.start("true", task=task).record()
    subprocess.run(["rm", "-r", str(rig.paths.workspaces / "t_abc")], check=True)
    assert rig.start("cat", "file", task=task).record().tail == "one\n"


def test_other_files_are_not_taken_for_a_worktree(rig: Rig, repository: Path) -> None:
    place = rig.paths.workspaces / "t_abc"
    place.mkdir(parents=True)
    (place / "precious").write_text("x")
    record = rig.start("true", task=worktree_task(repository)).record()
    assert "not a worktree of this repository" in (record.spawn_failed or "")
    assert (place / "precious").exists()


def test_a_folder_that_is_no_repository_is_a_spawn_failure(rig: Rig, repository: Path) -> None:
    (repository / "inner").mkdir()
    for place in (repository.parent, repository / "inner"):
        record = rig.start("true", task=worktree_task(place)).record()
        assert "is not the top of a git repository" in (record.spawn_failed or "")


def test_a_stop_during_preparation_starts_nothing(rig: Rig, repository: Path) -> None:
    hook = repository / ".git/hooks/post-checkout"
    hook.write_text("#!/bin/sh\necho hooked >&2\ntouch ../hooked\nexec sleep 600\n")
    hook.chmod(0o755)
    worker = rig.start("/bin/sh", "-c", "echo started", task=worktree_task(repository))
    wait_until((rig.paths.workspaces / "hooked").exists)
    worker.stop(grace=10)
    record = worker.record()
    assert (record.never_started, record.stopped, record.spawn_failed) == (True, True, None)
    assert "started" not in worker.log


def test_a_preparation_that_fails_as_it_is_stopped_was_stopped(rig: Rig, repository: Path) -> None:
    held = rig.paths.workspaces / "held"
    hook = repository / ".git/hooks/post-checkout"
    hook.write_text(
        f"#!/bin/sh\necho here >{held}\nuntil rm ../go; do sleep 0.01; done 2>&-\nexit 1\n"
    )
    hook.chmod(0o755)
    worker = rig.start("/bin/sh", "-c", "echo started", task=worktree_task(repository))
    wait_until(lambda: held.exists() and held.read_text().endswith("\n"))
    supervisor = psutil.Process(worker.ref.pid)
    (preparing,) = supervisor.children()
    # Asked to stop while it cannot hear it, and git has failed by the time it can.
    supervisor.suspend()
    supervisor.terminate()
    (rig.paths.workspaces / "go").touch()
    wait_until(lambda: preparing.status() == psutil.STATUS_ZOMBIE)
    supervisor.resume()
    record = worker.record()
    assert (record.never_started, record.stopped, record.spawn_failed) == (True, True, None)


def test_scratch_is_removed_and_its_links_are_not_followed(rig: Rig, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "work").write_text("x")
    place = rig.paths.workspaces / "t_abc"
    (place / "deep").mkdir(parents=True)
    (place / "link").symlink_to(precious)
    (place / "deep" / "file").symlink_to(precious / "work")
    (place / "deep").chmod(0o500)
    assert workspace.remove(a_task(), rig.paths) == Removal("removed", None)
    assert workspace.remove(a_task(), rig.paths) == Removal("absent", None)
    assert (precious / "work").read_text() == "x"


def test_a_workspace_that_became_a_link_is_not_removed(rig: Rig, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    rig.paths.workspaces.mkdir(parents=True)
    (rig.paths.workspaces / "t_abc").symlink_to(precious)
    with pytest.raises(InvalidInput, match="t_abc is a link or a file"):
        workspace.remove(a_task(), rig.paths)
    assert precious.exists()


def test_a_workspaces_root_that_became_a_link_is_refused(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "precious" / "t_abc").mkdir(parents=True)
    rig.paths.root.mkdir()
    rig.paths.workspaces.symlink_to(tmp_path / "precious")
    with pytest.raises(InvalidInput, match="is a link or file"):
        workspace.remove(a_task(), rig.paths)
    assert (tmp_path / "precious" / "t_abc").exists()


@pytest.mark.parametrize("name", ["..", "../board", "quarantine", "/etc", ""])
def test_no_task_id_names_another_folder(rig: Rig, name: str) -> None:
    rig.paths.workspaces.mkdir(parents=True)
    with pytest.raises(InvalidInput, match="names no folder"):
        workspace.remove(a_task(id=name), rig.paths)


def test_a_persons_folder_is_kept(rig: Rig, tmp_path: Path) -> None:
    task = a_task(workspace_kind="dir", workspace_path=str(tmp_path))
    assert workspace.remove(task, rig.paths) == Removal("kept", tmp_path)
    assert tmp_path.exists()


def test_a_clean_worktree_goes_and_its_branch_stays(rig: Rig, repository: Path) -> None:
    task = worktree_task(repository)
    rig.start("true", task=task).record()
    assert workspace.remove(task, rig.paths) == Removal("removed", None)
    assert "t_abc" not in git(repository, "worktree", "list")
    assert "hermes-kanban/t_abc" in git(repository, "branch", "--list", "hermes-kanban/*")


def test_commits_on_no_branch_are_not_thrown_away(rig: Rig, repository: Path) -> None:
    task = worktree_task(repository)
    rig.start("true", task=task).record()
    place = rig.paths.workspaces / "t_abc"
    git(place, "checkout", "--quiet", "--detach")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "Drift")
    assert workspace.remove(task, rig.paths).state == "quarantined"


@pytest.mark.parametrize("repository_is_gone", [False, True])
def test_uncommitted_work_is_quarantined_and_listed(
    rig: Rig, repository: Path, repository_is_gone: bool
) -> None:
    task = worktree_task(repository)
    rig.start("/bin/sh", "-c", "echo new > fresh", task=task).record()
    if repository_is_gone:
        repository.rename(repository.with_name("elsewhere"))
    kept = rig.paths.workspaces / "quarantine" / "t_abc-1"
    assert workspace.remove(task, rig.paths) == Removal("quarantined", kept)
    assert (kept / "fresh").read_text() == "new\n"
    assert workspace.quarantined(rig.paths) == [kept]
    assert not os.path.lexists(rig.paths.workspaces / "t_abc")
    if not repository_is_gone:
        assert str(kept) in git(repository, "worktree", "list")
