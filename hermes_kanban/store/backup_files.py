"""The attached files of a backup: a folder beside it, linked where it can be, else copied.

``mine.db`` has ``mine.db.attachments/``. Contents never change, so a link to one is as good as a
copy and takes no room; removing the board's own leaves the backup's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hermes_kanban.regular import open_regular
from hermes_kanban.store import contents
from hermes_kanban.store.contents import Content
from hermes_kanban.store.files import folder_below, sync_folder
from hermes_kanban.store.protocol import BoardConnection

SUFFIX: Final = ".attachments"
_ATTACHED: Final = "SELECT DISTINCT sha256, size FROM task_attachments"


def files_of_backup(backup: Path) -> Path:
    """Where the files of that backup lie, if it has any."""
    return backup.with_name(backup.name + SUFFIX)


def named_in(conn: sqlite3.Connection | BoardConnection) -> list[Content]:
    """What the board's attachments hold, and refused work that may yet be adopted."""
    found = {Content(*row) for row in conn.execute(_ATTACHED)}
    for (payload,) in conn.execute(contents.REFUSED):
        found.update(contents.of_refused(payload))
    return sorted(one for one in found if contents.is_name(one.sha256))


@contextlib.contextmanager
def brought(root: Path, wanted: list[Content], backup: Path) -> Iterator[None]:
    """Give ``backup``, which the block makes, its files first; if it fails they are gone.

    A file that the board itself lacks is left out: whoever restores the backup is told.
    """
    folder = files_of_backup(backup)
    if not wanted:
        yield
        return
    draft = backup.with_name(f".{folder.name}.{os.urandom(4).hex()}.tmp")
    draft.mkdir(mode=0o700)
    try:
        _fill(root, wanted, draft)
        os.rename(draft, folder)
        sync_folder(folder.parent)
        draft = folder
        yield
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _fill(root: Path, wanted: list[Content], folder: Path) -> None:
    with folder_below(folder) as target:
        if target is not None:
            for content in wanted:
                contents.hand_over(root, content, target)
    sync_folder(folder)


def keep_all(root: Path, backup: Path) -> None:
    """Beside a copy that cannot say what it names: every file that the board has."""
    with folder_below(root, contents.FOLDER) as folder:
        names = [] if folder is None else filter(contents.is_name, os.listdir(folder))
        sizes = [(one, os.stat(one, dir_fd=folder, follow_symlinks=False).st_size) for one in names]
    with brought(root, [Content(*one) for one in sizes], backup):
        pass


def take(backup: Path, wanted: list[Content], root: Path) -> None:
    """Let the board's folder ``root`` have those files of a backup that it lacks.

    What is not the content that its name tells is left out, as is what the backup lacks.
    """
    for content in wanted:
        if contents.is_kept(root, content):
            continue
        file = _open(files_of_backup(backup) / content.sha256)
        if file is None:
            continue
        try:
            os.close(contents.keep(root, contents.of_file(file), content))
        except contents.Changed:
            continue
        finally:
            os.close(file)


def _open(file: Path) -> int | None:
    try:
        return open_regular(file)
    except OSError:
        return None
