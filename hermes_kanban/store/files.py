"""Files beside the database: written so that they last, removed only below a board's own folder.

Removal opens each folder on the way by itself and follows no link, so that whatever is renamed or
linked meanwhile, nothing outside the folder it started from is ever touched.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def create_private(file: Path) -> None:
    """A new empty file that only its owner may read. Raises FileExistsError."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def sync_file(file: Path) -> None:
    """Let the file's content survive a loss of power. Never for a database that is open."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Write beside the file and then in its place: whole or not at all.

    Owner and rights stay those it had; a new one gets ``mode``. A link stays, and what it leads to
    is changed. An OSError names the file, not what was written beside it.
    """
    try:
        _replace_file(file, content, mode)
    except OSError as error:
        error.filename = str(file)
        raise


def _replace_file(file: Path, content: bytes, mode: int) -> None:
    import tempfile  # slow to import, and few write files of settings

    file = Path(os.path.realpath(file))
    try:
        before: os.stat_result | None = file.stat()
    except FileNotFoundError:
        before = None
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            if before is not None:
                if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                    with contextlib.suppress(OSError):
                        os.fchown(stream.fileno(), before.st_uid, before.st_gid)
                mode = stat.S_IMODE(before.st_mode)
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    sync_folder(file.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it, for us alone; they survive a loss of power."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing or [folder]):  # what parents=True makes is open to others
        one.mkdir(mode=0o700, exist_ok=True)
    # One that is there already may be somebody else's of a moment ago, not synced yet.
    for one in missing or [folder]:
        # What lies above the home may be closed to us, and is there already.
        with contextlib.suppress(PermissionError):
            sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Let the folder's names survive a loss of power, where its file system can promise that."""
    descriptor = os.open(folder, _FOLDER)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def folder_below(root: Path, *names: str) -> Iterator[int | None]:
    """A descriptor of ``root/names…``, reached without a link; None where there is no such folder.

    Raises OSError (ELOOP, ENOTDIR) for a link or a file on the way below ``root``.
    """
    opened = []
    try:
        here = os.open(root, _FOLDER)
        opened.append(here)
        for name in names:
            here = os.open(_plain(name), _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            opened.append(here)
    except FileNotFoundError:
        here = None
    except BaseException:
        _close(opened)
        raise
    try:
        yield here
    finally:
        _close(opened)


def remove_below(root: Path, *names: str) -> int | None:
    """Remove the file or folder ``root/names…``; its bytes, or None if there was none.

    A link is removed itself, never what it leads to. Raises OSError for a link on the way, for a
    mounted disk, and for what cannot be removed.
    """
    with folder_below(root, *names[:-1]) as folder:
        if folder is None:
            return None
        name = _plain(names[-1])
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(name, dir_fd=folder)
            return found.st_size
        if found.st_dev != os.fstat(folder).st_dev:
            raise OSError(f"{root.joinpath(*names)} is a mounted disk and was left alone")
        import shutil  # slow to import, and not for those who only open a board

        size = _size_of_tree(folder, name)
        shutil.rmtree(name, dir_fd=folder)
        return size


def size_below(root: Path, *names: str) -> int:
    """The bytes that ``remove_below`` would free; 0 where there is nothing or a link on the way."""
    try:
        with folder_below(root, *names[:-1]) as folder:
            if folder is None:
                return 0
            found = os.stat(_plain(names[-1]), dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                return _size_of_tree(folder, names[-1])
            return found.st_size
    except OSError:
        return 0


def _size_of_tree(folder: int, name: str) -> int:
    total = 0
    for _, _, files, here in os.fwalk(name, dir_fd=folder, follow_symlinks=False):
        for file in files:
            with contextlib.suppress(OSError):
                total += os.stat(file, dir_fd=here, follow_symlinks=False).st_size
    return total


def _plain(name: str) -> str:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise OSError(f"{name!r} names no file of a board's own")
    return name


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
