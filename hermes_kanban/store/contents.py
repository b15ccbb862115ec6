"""Attached files by their content: whole, private and lasting before any row may name them.

A content lies in ``attachments/`` of the board's folder under its SHA-256, so that the same file
is kept once. It is written under a draft's name, synced, renamed, and its folder synced: whoever
finds the name finds all of it, after a crash and a loss of power too.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_kanban.regular import NotRegular, open_regular
from hermes_kanban.store.files import folder_below

if TYPE_CHECKING:
    import hashlib

FOLDER: Final = "attachments"
READ_BYTES: Final = 1 << 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NO_SYNC: Final = (errno.EINVAL, errno.ENOTSUP)
_NO_LINK: Final = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)

# Refused work keeps the contents that it brought: whoever adopts it gets them.
REFUSED: Final = (
    "SELECT e.payload FROM task_runs r JOIN task_events e ON e.run_id = r.id"
    " WHERE r.fenced_count > 0 AND e.kind = 'fenced'"
)

Read = Callable[[int, int], bytes]
"""At most so many bytes from an offset on; empty at the end."""


class Content(msgspec.Struct, frozen=True, order=True):
    """What a file holds, by its SHA-256 (hex) and its size in bytes."""

    sha256: str
    size: int


class _Refused(msgspec.Struct, frozen=True):
    artifacts: tuple[Content, ...] = ()


_decode_refused = msgspec.json.Decoder(_Refused).decode


def of_refused(payload: str) -> tuple[Content, ...]:
    """The contents that a ``fenced`` event's payload names; none if it cannot be read."""
    try:
        return _decode_refused(payload).artifacts
    except (msgspec.MsgspecError, UnicodeError):
        return ()


class Changed(Exception):
    """The source no longer holds what was measured."""


class Lost(Changed):
    """The copy was cleared away before it was whole, as one that nobody would finish."""


def of_file(descriptor: int) -> Read:
    """Reads an open file, wherever its position is."""
    return lambda count, offset: os.pread(descriptor, count, offset)


def of_bytes(data: bytes) -> Read:
    """Reads what is in memory."""
    return lambda count, offset: data[offset : offset + count]


def measure(read: Read, limit: int) -> Content:
    """The content of a source; reading ends once it is over ``limit`` bytes."""
    digest, size = _sha256(), 0
    while size <= limit and (part := read(READ_BYTES, size)):
        digest.update(part)
        size += len(part)
    return Content(digest.hexdigest(), size)


def copy(read: Read, target: int, limit: int = sys.maxsize) -> Content:
    """Write a source to a descriptor; what was written. It ends once it is over ``limit`` bytes."""
    digest, size = _sha256(), 0
    while size <= limit and (part := read(READ_BYTES, size)):
        digest.update(part)
        size += len(part)
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(target, rest) :]
    return Content(digest.hexdigest(), size)


def _sha256() -> hashlib._Hash:
    import hashlib  # slow to import, and not for a verb that brings no file

    return hashlib.sha256()


def is_name(name: str) -> bool:
    """Whether a file of that name could be a content."""
    return _SHA256.fullmatch(name) is not None


def root_named(stored: str, content: Content) -> Path | None:
    """The board's folder in the home that a row's whole path to the content names, if it is one."""
    path = Path(stored)
    named = path.parts[-2:] == (FOLDER, content.sha256)
    return path.parents[1] if path.is_absolute() and named else None


def is_kept(root: Path, content: Content) -> bool:
    """Whether the board's folder ``root`` has that content, as far as its size tells."""
    with _opened(root) as folder:
        return folder is not None and _size_of(folder, content.sha256) == content.size


def open_kept(root: Path, content: Content) -> int | None:
    """A descriptor for reading, or None where it is not kept whole."""
    with _opened(root) as folder:
        return None if folder is None else _open(folder, content)


def keep(root: Path, read: Read, content: Content) -> int:
    """Keep the content of a source, which costs nothing where it is kept already.

    Returns a descriptor of the kept file, which stays readable whatever becomes of its name. Raises
    Changed if the source holds something else by now, OSError if it cannot be written; then nothing
    has that name.
    """
    _make(root)
    with folder_below(root, FOLDER) as folder:
        if folder is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root / FOLDER))
        kept = _open(folder, content)
        if kept is None:
            kept = _write(folder, read, content)
        try:
            # Also where it was there: whoever renamed it may not have come to this yet.
            _sync(folder)
        except BaseException:
            os.close(kept)
            raise
        return kept


def hand_over(root: Path, content: Content, target: int) -> bool:
    """Let the folder ``target``, a descriptor, have the content too; False if it is not kept.

    By a link, which takes no room, or else as a copy that is compared with the content's name.
    """
    with _opened(root) as folder:
        if folder is None or _size_of(folder, content.sha256) != content.size:
            return False
        try:
            os.link(
                content.sha256,
                content.sha256,
                src_dir_fd=folder,
                dst_dir_fd=target,
                follow_symlinks=False,
            )
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            return _copy(folder, content, target)
        return True


def _copy(folder: int, content: Content, target: int) -> bool:
    kept = _open(folder, content)
    if kept is None:
        return False
    try:
        os.close(_write(target, of_file(kept), content))
    except Changed:
        return False
    finally:
        os.close(kept)
    return True


def _make(root: Path) -> None:
    """The folder of all contents, so that its name lasts."""
    with folder_below(root) as here:
        with contextlib.suppress(FileExistsError):
            os.mkdir(FOLDER, 0o700, dir_fd=here)
        if here is not None:
            _sync(here)


def _write(folder: int, read: Read, content: Content) -> int:
    draft = f".{content.sha256[:16]}.{os.urandom(4).hex()}.tmp"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    written = os.open(draft, flags, 0o600, dir_fd=folder)
    try:
        _fill(written, read, content)
        _sync(written)
        try:
            os.rename(draft, content.sha256, src_dir_fd=folder, dst_dir_fd=folder)
        except FileNotFoundError:
            raise Lost from None
    except BaseException:
        os.close(written)
        with contextlib.suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise
    return written


def _fill(target: int, read: Read, content: Content) -> None:
    if copy(read, target, content.size) != content:
        raise Changed


def _sync(descriptor: int) -> None:
    """Let it survive a loss of power, where its file system can promise that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def _open(folder: int, content: Content) -> int | None:
    """A file of another size was cut off by something else than us: it is no content."""
    if _size_of(folder, content.sha256) != content.size:
        return None
    try:
        return open_regular(content.sha256, dir_fd=folder)
    except (FileNotFoundError, NotRegular):
        return None


def _size_of(folder: int, name: str) -> int | None:
    """The size of a plain file, None where there is none."""
    if not is_name(name):
        return None
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


@contextlib.contextmanager
def _opened(root: Path) -> Iterator[int | None]:
    """The folder of all contents; None where there is none, or a link or file in its place."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(folder_below(root, FOLDER))
        except OSError:
            folder = None
        yield folder
