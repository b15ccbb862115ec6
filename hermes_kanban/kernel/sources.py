"""Files that a caller names to be attached: opened safely, or said to be wrong.

Only plain files are taken, never what a link leads to. What a run names must lie in its workspace:
the folders on the way are resolved first and then walked one by one, so that a link which is put
there meanwhile leads nowhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hermes_kanban.kernel import limits
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.paths import BoardPaths
from hermes_kanban.regular import open_regular
from hermes_kanban.store.files import folder_below

DEFAULT_MEDIA_TYPE: Final = "application/octet-stream"
_MEDIA_TYPE: Final = re.compile("/".join([r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"] * 2))
# What agents hand over most, and Python's tables lack or know since lately only.
_ENDINGS: Final = {
    ".diff": "text/x-diff",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".patch": "text/x-diff",
    ".toml": "application/toml",
    ".webp": "image/webp",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
_PACKED: Final = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "br": "application/x-brotli",
    "compress": "application/x-compress",
}
# Controls, surrogates, line and paragraph separators; and what turns a line round.
_UNSAFE: Final = ("Cc", "Cs", "Zl", "Zp")
_TURNING: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# A database and what lies beside it while it is open.
_BESIDE: Final = ("", "-wal", "-shm", "-journal")


class Unfit(Exception):
    """A file cannot be attached; the message says why, after its name."""


def shown(path: object) -> str:
    """A path as it can be written into a message, whatever it is made of."""
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    return str(text).encode("utf-8", "backslashreplace").decode()


def file_name(name: str) -> str:
    """``name`` if it can be that of an attachment: one component of a path. Raises InvalidInput."""
    checked = limits.required("name", name, limits.FILE_NAME_BYTES)
    if "/" in checked or checked in (".", ".."):
        raise InvalidInput("name", "one name, without folders", f"{checked!r} is a path")
    if any(one in _TURNING or unicodedata.category(one) in _UNSAFE for one in checked):
        raise InvalidInput("name", "a name without control characters", f"{checked!r} has some")
    return checked


def media_type(given: str | None, name: str) -> str:
    """The media type that was given, else what the name's ending says. Raises InvalidInput."""
    if given is not None:
        if not isinstance(given, str) or not _MEDIA_TYPE.fullmatch(given):
            raise InvalidInput("media_type", "a type such as text/plain", f"is {given!r}")
        return given
    if known := _ENDINGS.get(os.path.splitext(name)[1].lower()):
        return known
    import mimetypes  # slow to import, and not for a verb that brings no file

    # Its own tables only: what a host has in /etc would make the answer another on each.
    found, packed = mimetypes.MimeTypes().guess_type(f"file:{name}", strict=False)
    if packed is not None:
        return _PACKED.get(packed, DEFAULT_MEDIA_TYPE)
    return found or DEFAULT_MEDIA_TYPE


@contextlib.contextmanager
def opened(
    path: str | os.PathLike[str], workspace: Path | None, board: BoardPaths | None
) -> Iterator[int]:
    """A descriptor of the plain file ``path``; with a ``workspace``, of one that lies in it.

    A relative path counts from the workspace, without one from the current folder. ``board`` is
    None on a machine that has none. Raises Unfit.
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str) or "\0" in text or not text:
        raise Unfit("is no path")
    try:
        folder, name = os.path.split(os.path.join(workspace or os.getcwd(), text))
        if name in ("", ".", ".."):
            raise Unfit("is a folder")
        with _folder(os.path.realpath(folder), workspace) as there:
            descriptor = _open_plain(name, there, board)
    except FileNotFoundError:
        raise Unfit("is missing") from None
    except OSError as error:
        raise Unfit(f"cannot be read ({error.strerror or error})") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _folder(real: str, workspace: Path | None) -> Iterator[int]:
    """A descriptor of the folder ``real``, reached without a link from the workspace on."""
    base = Path(real if workspace is None else os.path.realpath(workspace))
    if not Path(real).is_relative_to(base):
        raise Unfit("lies outside the workspace")
    with folder_below(base, *Path(real).relative_to(base).parts) as folder:
        if folder is None:
            raise FileNotFoundError
        yield folder


def _open_plain(name: str, folder: int, board: BoardPaths | None) -> int:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if problem := _unfit(found.st_mode):
        raise Unfit(problem)
    if board is not None:
        _refuse_databases(found, board)
    descriptor = open_regular(name, dir_fd=folder)
    if not os.path.samestat(os.fstat(descriptor), found):
        os.close(descriptor)
        raise Unfit("was replaced while it was opened; try again")
    return descriptor


def _unfit(mode: int) -> str:
    if stat.S_ISREG(mode):
        return ""
    if stat.S_ISLNK(mode):
        return "is a link; name the file that it leads to"
    return "is a folder" if stat.S_ISDIR(mode) else "is a device, pipe or socket, not a file"


def _refuse_databases(found: os.stat_result, board: BoardPaths) -> None:
    """To close a database that is open in this process would drop SQLite's locks on it.

    https://www.sqlite.org/howtocorrupt.html, section 2.2.
    """
    boards = [board.database, *board.home.glob("boards/*/board.db")]
    for database in boards:
        for beside in _BESIDE:
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(f"{database}{beside}"), found):
                    raise Unfit("is the database of a board; attach a backup of it")
