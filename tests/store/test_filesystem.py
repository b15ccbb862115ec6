"""A board on a share of the network is refused before anything is written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store import filesystem
from hermes_kanban.store.filesystem import SHARES, file_system, refuse_share

LOCAL = "/dev/sda1 / ext4 rw,relatime 0 0\ntmpfs /run tmpfs rw 0 0\n"


def mounts(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "mounts"
    file.write_text(LOCAL + "".join(f"{line}\n" for line in lines), "utf-8")
    return file


@pytest.mark.parametrize("kind", [*sorted(SHARES), "fuse.sshfs", "fuse.rclone"])
def test_a_share_is_refused(kind: str, tmp_path: Path) -> None:
    table = mounts(tmp_path, f"server:/export {tmp_path} {kind} rw 0 0")
    with pytest.raises(kb.KanbanError, match=rf"{kind}.*postgresql://"):
        refuse_share(tmp_path / "home" / "boards", table)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk"])
def test_a_local_disk_is_not(kind: str, tmp_path: Path) -> None:
    refuse_share(tmp_path, mounts(tmp_path, f"/dev/sdb {tmp_path} {kind} rw 0 0"))


def test_the_innermost_and_the_latest_mount_decides(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    table = mounts(
        tmp_path,
        f"server:/export {tmp_path} nfs4 rw 0 0",
        f"/dev/sdb {inner} ext4 rw 0 0",
        f"/dev/sdc {tmp_path}x cifs rw 0 0",
    )
    assert file_system(tmp_path / "outer", table) == "nfs4"
    assert file_system(inner / "deeper", table) == "ext4"
    covered = mounts(tmp_path, f"a {inner} ext4 rw 0 0", f"b {inner} cifs rw 0 0")
    assert file_system(inner, covered) == "cifs"


def test_a_link_and_a_blank_lead_to_the_right_mount(tmp_path: Path) -> None:
    (share := tmp_path / "my share").mkdir()
    (tmp_path / "link").symlink_to(share)
    table = mounts(tmp_path, f"//server/x {tmp_path}/my\\040share cifs rw 0 0")
    assert file_system(tmp_path / "link" / "home", table) == "cifs"


def test_this_machine_knows_its_own_mounts(tmp_path: Path) -> None:
    assert file_system(tmp_path) is not None
    assert file_system(tmp_path, tmp_path / "no such table") is None


def test_connecting_to_a_share_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(home))
    kb.connect().close()
    table = mounts(tmp_path, f"server:/export {tmp_path} nfs rw 0 0")
    monkeypatch.setattr(filesystem, "MOUNTS", table)
    monkeypatch.setattr("hermes_kanban.store.sqlite._judged", set())
    before = {file: file.stat().st_mtime_ns for file in home.rglob("*")}
    for call in (kb.connect, lambda: kb.create_board("other")):
        with pytest.raises(kb.KanbanError, match="HERMES_KANBAN_HOME"):
            call()
    assert {file: file.stat().st_mtime_ns for file in home.rglob("*")} == before
