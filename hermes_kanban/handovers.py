"""Hand-overs that wait on disk: the board could not be reached when a worker's run was to end.

Each is a folder named by its run, with what was asked and copies of the files that came with it.
It is there whole or not at all, also after a loss of power, never changes, and goes only once the
board has accepted or refused it. All lie in one place, so that one look finds those of runs which
the board has closed since.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.regular import NotRegular, read_regular
from hermes_kanban.store.files import make_folder, sync_file, sync_folder

FOLDER: Final = "handovers"
FILES: Final = "files"
_ASKED: Final = "asked.json"
_REFUSED: Final = ".refused"


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker handed in: the verb that ends its run, and its arguments.

    ``artifacts`` are the copies, as paths below the folder ``files`` beside it. ``kept_at`` is Unix
    seconds of this host. ``token`` proves the run, in place of its id and lock, where the board is
    reached over HTTP by gateways at ``addresses``.
    """

    v: int = 1
    verb: str
    arguments: dict[str, Any]
    task_id: str = ""
    run_id: int = 0
    claim_lock: str | None = None
    artifacts: list[str] = []
    kept_at: int
    token: str = ""
    addresses: list[str] = []


def place(root: Path) -> Path:
    """Where the hand-overs of the board that lies in ``root`` wait."""
    return root / FOLDER


def keep(folder: Path, name: str, asked: HandOver, files: Mapping[str, int]) -> bool:
    """Keep a hand-over under ``name``; False if one waits under it, which stays as it is.

    ``files`` are descriptors, by the name that each copy has in ``artifacts``. Raises OSError with
    nothing kept.
    """
    if (folder / name).exists():
        return False
    make_folder(folder)
    draft = folder / f".{name}.{os.urandom(4).hex()}.tmp"
    draft.mkdir(mode=0o700)
    try:
        for copy, descriptor in files.items():
            _copy(descriptor, draft / FILES / copy)
        _write(draft / _ASKED, msgspec.json.encode(asked))
        sync_folder(draft)
        os.rename(draft, folder / name)
    except FileExistsError:
        return False
    except OSError:
        if (folder / name).exists():  # a folder that is not empty is not replaced
            return False
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync_folder(folder)
    return True


def _copy(descriptor: int, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.dup(descriptor), "rb") as source, target.open("xb") as copy:
        source.seek(0)
        shutil.copyfileobj(source, copy)
    sync_file(target)
    sync_folder(target.parent)
    sync_folder(target.parent.parent)


def _write(file: Path, data: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(data)
    sync_file(file)


def waiting(folder: Path) -> list[str]:
    """The names of those that wait."""
    try:
        with os.scandir(folder) as found:
            names = [one.name for one in found if not one.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(one for one in names if not one.endswith(_REFUSED))


def read(folder: Path, name: str) -> HandOver | None:
    """The hand-over of that name; None if it has gone. Raises ValueError for what is none."""
    try:
        data = read_regular(folder / name / _ASKED)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NotRegular:
        raise ValueError(f"{_ASKED} is no regular file") from None
    return msgspec.json.decode(data, type=HandOver)


def drop(folder: Path, name: str) -> None:
    """The board has it: remove it."""
    gone = folder / f".{name}.{os.urandom(4).hex()}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.rename(folder / name, gone)
        shutil.rmtree(gone, ignore_errors=True)


def set_aside(folder: Path, name: str, why: str) -> Path:
    """The board cannot take it, now or ever: leave it for a person, with the reason."""
    number = 1
    while True:
        target = folder / f"{name}-{number}{_REFUSED}"
        try:
            os.rename(folder / name, target)
        except FileNotFoundError:
            return target
        except OSError:
            number += 1
            if number > 100:
                raise
        else:
            with contextlib.suppress(OSError):
                (target / "why").write_text(f"{why}\n", "utf-8")
            return target
