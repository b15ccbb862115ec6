"""The power goes at any moment of a recorded history: the board opens, whole, with what was told.

A real process is recorded down to its file operations. Every image that a disk could hold at a
point of it is written out and opened with the real kernel. What the images are, and what that does
not show, stands in docs/proof-torture.md.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from hermes_kanban.store.schema import SCHEMA_VERSION
from tests.stress.power import (
    Contents,
    Judge,
    assert_complete,
    board_of_version,
    every_point,
    in_memory,
    recording_of,
    some_points,
    supervisor_command,
)
from tests.stress.recorded import state_of
from tests.support.disk import all_kept, all_lost, by_coin, image_at, last_torn
from tests.support.recorder import Recording, Unrecorded, record

folder = pytest.fixture(in_memory)


def test_power_loss_leaves_every_verb_that_was_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recording_of("verbs", folder / "root")
    judge = Judge(made, folder, monkeypatch)
    judge.look_everywhere(some_points(made, 40))
    judge.report("verbs")


@pytest.mark.torture
@pytest.mark.parametrize("part", range(4))
def test_power_loss_at_every_point(
    part: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recording_of("verbs", folder / "root")
    judge = Judge(made, folder, monkeypatch)
    judge.look_everywhere(every_point(made)[part::4], lambda point: range(point, point + 2))
    judge.report(f"verbs, part {part}")


def test_power_loss_leaves_each_attachment_its_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for durability in ("full", "normal"):
        made = recording_of("attached", folder / durability, HERMES_KANBAN_DURABILITY=durability)
        judge = Judge(made, folder, monkeypatch, last_may_go=durability == "normal")
        judge.look_everywhere(some_points(made, 60))
        # Whoever purges may not remove a file whose row could come back.
        gone = [at for at, one in enumerate(made.operations) if one.kind == "remove"]
        for point in [after for at in gone for after in range(at + 1, at + 6)]:
            for seed in range(12):
                judge.look(point, by_coin(seed))
        judge.report(f"attached, durability {durability}")


@pytest.mark.torture
@pytest.mark.parametrize("durability", ["full", "normal"])
def test_power_loss_leaves_each_attachment_its_file_at_every_point(
    durability: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recording_of("attached", folder / "root", HERMES_KANBAN_DURABILITY=durability)
    judge = Judge(made, folder, monkeypatch, last_may_go=durability == "normal")
    judge.look_everywhere(every_point(made), lambda point: range(point, point + 3))
    judge.report(f"attached, durability {durability}")


@pytest.mark.parametrize("unsynced", ["files", "folders"])
def test_the_images_show_an_attachment_that_is_not_synced(
    unsynced: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same history without the syncs of the attached files, or of the folder they lie in."""
    made = recording_of("attached", folder / "root")
    (place,) = {one.node for one in made.operations if one.name == "attachments"}
    drafts = {one.node for one in made.operations if one.folder == place and one.kind == "enter"}
    assert len(drafts) > 4
    left_out = drafts if unsynced == "files" else {place}
    kept = [one for one in made.operations if one.kind != "sync" or one.node not in left_out]
    judge = Judge(made._replace(operations=kept), folder, monkeypatch)
    with pytest.raises(AssertionError, match="noun='attachment'"):
        for point in every_point(judge.made):
            judge.look(point, all_lost)


def test_with_durability_normal_only_the_last_verbs_may_be_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recording_of("verbs", folder / "root", HERMES_KANBAN_DURABILITY="normal")
    judge = Judge(made, folder, monkeypatch, last_may_go=True)
    judge.look_everywhere(some_points(made, 25))
    judge.report("durability normal")
    assert judge.figures["with verbs missing"] > 0


@pytest.mark.torture
def test_with_durability_normal_at_every_point(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recording_of("verbs", folder / "root", HERMES_KANBAN_DURABILITY="normal")
    judge = Judge(made, folder, monkeypatch, last_may_go=True)
    judge.look_everywhere(every_point(made))
    judge.report("durability normal")


def test_the_images_show_a_verb_that_was_told_too_early(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would be seen if a verb returned before its sync: with durability normal it does."""
    made = recording_of("verbs", folder / "root", HERMES_KANBAN_DURABILITY="normal")
    judge = Judge(made, folder, monkeypatch)
    with pytest.raises(AssertionError, match="no state that a verb left it in"):
        for point in some_points(made, 40):
            judge.look(point, all_lost)


def test_the_images_show_a_log_that_is_not_synced_before_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same history without its syncs in between: then a checkpoint tears the board."""
    made = recording_of("verbs", folder / "root")
    kept = [one for one in made.operations if one.kind != "sync" or not one.node % 2]
    judge = Judge(made._replace(operations=kept), folder, monkeypatch, last_may_go=True)
    with pytest.raises(Exception, match=r"intact|no state|Violation"):
        for point in some_points(judge.made, 300):
            judge.look(point, by_coin(point))


def test_a_board_is_created_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = creation(folder, monkeypatch)
    judge.look_everywhere(some_points(judge.made, 20))
    judge.report("creation")


@pytest.mark.torture
def test_a_board_is_created_whole_at_every_point(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = creation(folder, monkeypatch)
    judge.look_everywhere(every_point(judge.made), lambda point: range(point, point + 5))
    judge.report("creation")


def creation(folder: Path, patch: pytest.MonkeyPatch) -> Judge:
    """The first board of a home whose folders are not there either."""
    made = recording_of("few", folder / "root", "deep/home")
    return Judge(made, folder, patch, database="deep/home/boards/default/board.db")


def test_a_board_named_by_its_file_is_created_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = creation_by_file(folder, monkeypatch)
    judge.look_everywhere(some_points(judge.made, 20))
    judge.report("creation by file")


@pytest.mark.torture
def test_a_board_named_by_its_file_is_created_whole_at_every_point(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = creation_by_file(folder, monkeypatch)
    judge.look_everywhere(every_point(judge.made), lambda point: range(point, point + 5))
    judge.report("creation by file")


def creation_by_file(folder: Path, patch: pytest.MonkeyPatch) -> Judge:
    """A board made by linking: its folder was there before."""
    database = folder / "root" / "some" / "work.db"
    made = recording_of("few", folder / "root", HERMES_KANBAN_DB=str(database))
    return Judge(made, folder, patch, database="some/work.db")


class UpgradeJudge(Judge):
    """Holds against each image, too, that a board of the new version has its backup."""

    before: list[tuple[object, ...]]

    def judge(self, place: Path, contents: Contents, told: int) -> None:
        """The board is old or new; if new, a whole backup of the old one is beside it."""
        looked_at = place.with_name(place.name + "-copy")
        shutil.copytree(place, looked_at)
        database = looked_at / "boards/default/board.db"
        ((version,),) = rows(database, "PRAGMA user_version")
        self.figures[f"of version {version}"] += 1
        assert rows(database, EVENTS)[: len(self.before)] == self.before
        for later in range(EARLIEST + 1, int(str(version)) + 1):
            backup = looked_at / f"boards/default/backups/before-migration-{later}.db"
            assert rows(backup, "PRAGMA integrity_check") == [("ok",)]
            assert rows(backup, "PRAGMA user_version") == [(later - 1,)]
            assert rows(backup, EVENTS) == self.before
        shutil.rmtree(looked_at)
        super().judge(place, contents, told)


EARLIEST = 1
EVENTS = "SELECT id, task_id, kind, payload FROM task_events ORDER BY id"


def rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    conn = sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)
    found = conn.execute(sql).fetchall()
    conn.close()
    return found


def upgrade(folder: Path, patch: pytest.MonkeyPatch) -> UpgradeJudge:
    """A board of the first version is opened by this one."""
    root = folder / "root"
    board_of_version(EARLIEST, root)
    before = rows(root / "boards/default/board.db", EVENTS)
    judge = UpgradeJudge(recording_of("few", root), folder, patch)
    judge.before = before
    return judge


def test_a_migrating_board_is_old_or_new_with_its_backup_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = upgrade(folder, monkeypatch)
    judge.look_everywhere(some_points(judge.made, 25))
    judge.report("migration")
    assert judge.figures["of version 1"] and judge.figures[f"of version {SCHEMA_VERSION}"]


@pytest.mark.torture
def test_a_migrating_board_at_every_point(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = upgrade(folder, monkeypatch)
    judge.look_everywhere(every_point(judge.made), lambda point: range(point, point + 5))
    judge.report("migration")


class BackupJudge(Judge):
    """Holds against each image, too, that a backup is whole or has no name yet."""

    def judge(self, place: Path, contents: Contents, told: int) -> None:
        """Every backup that was told of is there, and every one that is there is whole."""
        lines = [json.loads(line) for line in self.made.told(len(self.made.operations))]
        for line in lines[:told]:
            assert "backup" not in line or line["backup"] in contents, "a backup is gone"
        for name in contents:
            if "/backups/" in name and name.endswith(".attachments"):
                whole = {Path(one).name for one in contents if one.startswith(f"{name}/")}
                assert all(
                    hashlib.sha256(contents[f"{name}/{one}"] or b"").hexdigest() == one
                    for one in whole
                ), "half a file in a backup"
            if "/backups/" in name and name.endswith(".db"):
                with sqlite3.connect(
                    f"{(place / name).as_uri()}?mode=ro&immutable=1", uri=True
                ) as conn:
                    wanted = {one for (one,) in conn.execute("SELECT sha256 FROM task_attachments")}
                found = {Path(one).name for one in contents if f"{name}.attachments/" in one}
                assert wanted == found, "a backup without its files"
                self.figures["files"] += len(found)
                conn = sqlite3.connect(f"{(place / name).as_uri()}?mode=ro&immutable=1", uri=True)
                assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                assert state_of(conn) in {line["state"] for line in lines}
                conn.close()
                self.figures["backups"] += 1
        super().judge(place, contents, told)


SAVING = pytest.mark.parametrize("program", ["saved", "restored"])


@SAVING
def test_a_backup_is_whole_and_a_restore_is_done_or_not(
    program: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = BackupJudge(recording_of(program, folder / "root"), folder, monkeypatch)
    judge.look_everywhere(some_points(judge.made, 15))
    judge.report(program)
    assert judge.figures["backups"]


@pytest.mark.torture
@SAVING
def test_backup_and_restore_at_every_point(
    program: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = BackupJudge(recording_of(program, folder / "root"), folder, monkeypatch)
    judge.look_everywhere(every_point(judge.made))
    judge.report(program)


@pytest.mark.parametrize("go", [True, False])
def test_an_exit_record_is_there_whole_or_not_at_all(go: bool, folder: Path) -> None:
    run_folder = folder / "root"
    made = record_supervisor(run_folder, "G" if go else "")
    whole = (run_folder / "exit.json").read_bytes()
    assert json.loads(whole)["exit_code"] == (3 if go else None)
    found = set()
    for point in every_point(made):
        for fates in (all_kept, all_lost, last_torn(point - 1), by_coin(point), by_coin(-point)):
            record = image_at(made, point, fates).contents().get("exit.json")
            assert record in (None, whole), f"half a record before operation {point}"
            found.add(record is None)
    assert found == {True, False}
    # It has exited: now the record is there, whatever was not synced.
    assert image_at(made, len(made.operations), all_lost).contents()["exit.json"] == whole


def record_supervisor(folder: Path, go: str) -> Recording:
    """The supervisor of a run whose agent exits with 3, if it is given its go."""
    command = supervisor_command(folder, exit_code=3)
    pipe = folder.with_name("go")
    pipe.write_text(go)
    made = record(command, folder, stdin=pipe)
    assert_complete(made, folder)
    return made


MAPS = """
import mmap, sys
with open(sys.argv[1] + "/file", "w+b") as file:
    file.write(b"x" * 4096)
    file.flush()
    mmap.mmap(file.fileno(), 4096)[0] = 1
"""


def test_what_is_written_in_an_unknown_way_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(Unrecorded, match="mapped for writing"):
        record([sys.executable, "-c", MAPS, str(tmp_path)], tmp_path)
