"""What a disk may hold when the power goes: images made from a recording.

Up to a point of the recording, what was synced before it is there. Of what was not yet synced any
part may be: each write by itself, also torn at sectors, and each change to a folder. A change to a
folder is lasting once that folder was synced; that a sync of a new file keeps its name too, as
some file systems do, is not relied on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tests.support.recorder import ROOT, Operation, Recording

SECTOR_BYTES = 512
Fate = Literal["kept", "lost", "torn"]
Fates = Callable[[int, Operation], Fate]


def all_kept(index: int, operation: Operation) -> Fate:
    """What kill -9 leaves: all that was handed to the kernel."""
    del index, operation
    return "kept"


def all_lost(index: int, operation: Operation) -> Fate:
    """Nothing reached the disk that nobody waited for."""
    del index, operation
    return "lost"


def by_coin(seed: int) -> Fates:
    """Each operation has its own fate, the same whenever it is asked: writes are reordered."""

    def fate(index: int, operation: Operation) -> Fate:
        chance = random.Random(f"{seed} {index}").random()
        if operation.kind == "write" and chance > 0.8:
            return "torn"
        return "kept" if chance < 0.4 else "lost"

    return fate


def last_torn(last: int) -> Fates:
    """All of it reached the disk but a part of the last write."""

    def fate(index: int, operation: Operation) -> Fate:
        del operation
        return "torn" if index == last else "kept"

    return fate


def names_by_coin(seed: int) -> Fates:
    """All data reached the disk; of the changes to folders, those that a coin says."""

    def fate(index: int, operation: Operation) -> Fate:
        if operation.kind in ("enter", "move", "remove"):
            return "kept" if random.Random(f"{seed} {index}").random() < 0.5 else "lost"
        return "kept"

    return fate


class Image:
    """The folders and files of one moment after the power went."""

    def __init__(self, recording: Recording) -> None:
        self.folders = {node: dict(names) for node, names in recording.folders.items()}
        self.files = {node: bytearray(data) for node, data in recording.files.items()}

    def apply(self, operation: Operation, torn: random.Random | None = None) -> None:
        """Let one operation take effect, or some sectors of it."""
        kind, node = operation.kind, operation.node
        if kind in ("enter", "move"):
            if kind == "move":
                self._drop(operation.from_folder, operation.from_name, node)
            self.folders.setdefault(operation.folder, {})[operation.name] = node
        elif kind == "remove":
            self._drop(operation.folder, operation.name, node)
        elif kind == "cut":
            self._cut(self.files.setdefault(node, bytearray()), operation)
        elif kind == "write":
            file = self.files.setdefault(node, bytearray())
            for offset, data in _sectors(operation, torn):
                if len(file) < offset:
                    file.extend(bytes(offset - len(file)))
                file[offset : offset + len(data)] = data

    def _drop(self, folder: int, name: str, node: int) -> None:
        names = self.folders.setdefault(folder, {})
        if names.get(name) == node:
            del names[name]

    def _cut(self, file: bytearray, operation: Operation) -> None:
        if len(file) < operation.offset:
            file.extend(bytes(operation.offset - len(file)))
        elif operation.name == "to":
            del file[operation.offset :]

    def contents(self) -> dict[str, bytes | None]:
        """Path → data, None for a folder; what no name leads to is gone."""
        found: dict[str, bytes | None] = {}
        waiting = [("", ROOT)]
        while waiting:
            prefix, folder = waiting.pop()
            for name, node in self.folders[folder].items():
                if node in self.folders:
                    found[prefix + name] = None
                    waiting.append((f"{prefix}{name}/", node))
                else:
                    found[prefix + name] = bytes(self.files.get(node, b""))
        return found


def _sectors(operation: Operation, torn: random.Random | None) -> list[tuple[int, bytes]]:
    if torn is None:
        return [(operation.offset, operation.data)]
    end = operation.offset + len(operation.data)
    edges = [operation.offset]
    edges += range((operation.offset // SECTOR_BYTES + 1) * SECTOR_BYTES, end, SECTOR_BYTES)
    parts = zip(edges, [*edges[1:], end], strict=True)
    return [
        (at, operation.data[at - operation.offset : until - operation.offset])
        for at, until in parts
        if torn.random() < 0.5
    ]


def image_at(recording: Recording, point: int, fates: Fates) -> Image:
    """What the disk holds if the power goes just before operation ``point``."""
    image = Image(_with_folders(recording))
    safe = lasting(recording, point)
    for index, operation in enumerate(recording.operations[:point]):
        if operation.kind in ("sync", "tell"):
            continue
        fate = "kept" if index in safe else fates(index, operation)
        if fate == "kept":
            image.apply(operation)
        elif fate == "torn":
            image.apply(operation, random.Random(index))
    return image


def lasting(recording: Recording, point: int) -> set[int]:
    """The operations before ``point`` that a sync before it has made lasting."""
    safe: set[int] = set()
    open_writes: dict[int, list[int]] = {}
    waits_for: dict[int, set[int]] = {}
    for index, operation in enumerate(recording.operations[:point]):
        if operation.kind in ("write", "cut"):
            open_writes.setdefault(operation.node, []).append(index)
        elif operation.kind in ("enter", "remove", "move"):
            waits_for[index] = {operation.folder} | (
                {operation.from_folder} if operation.kind == "move" else set()
            )
        elif operation.kind == "sync":
            safe.update(open_writes.pop(operation.node, ()))
            for change, folders in list(waits_for.items()):
                folders.discard(operation.node)
                if not folders:
                    safe.add(change)
                    del waits_for[change]
    return safe


def _with_folders(recording: Recording) -> Recording:
    """Folders that are made on the way are known as such: an empty one is a folder too."""
    made = {
        one.node: {}
        for one in recording.operations
        if one.kind == "enter" and one.data and one.node not in recording.folders
    }
    folders: dict[int, dict[str, int]] = recording.folders | made
    return recording._replace(folders=folders)


def put(contents: dict[str, bytes | None], folder: Path) -> None:
    """Write an image out below ``folder``."""
    folder.mkdir(parents=True)
    for path, data in sorted(contents.items()):
        if data is None:
            (folder / path).mkdir(exist_ok=True)
        else:
            (folder / path).write_bytes(data)
