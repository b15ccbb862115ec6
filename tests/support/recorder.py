"""A recording of what a program does to the files below one folder, and when it says what.

Every operation that could leave something on a disk is recorded with its data, in order, and every
line that the program writes to its standard output. A way of writing that is not known here raises
``Unrecorded``. What goes through a shared mapping is not seen: SQLite maps nothing but ``-shm``,
which it makes anew from the log, and any other writable mapping raises too.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.tracing import Call, follow

ROOT = 1
_AT_REMOVEDIR = 0x200
_MAP_SHARED, _PROT_WRITE, _MAP_ANONYMOUS = 1, 2, 0x20
_FALLOC_FL_KEEP_SIZE = 1
_LIST_CHANGING = frozenset(
    {
        "open", "openat", "creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "link",
        "linkat", "rename", "renameat", "renameat2",
    }
)  # fmt: skip
_FILE_CHANGING = frozenset({"write", "pwrite64", "ftruncate", "fallocate", "fsync", "fdatasync"})
# Known to write, and not written down here.
_OTHERS = frozenset(
    {
        "writev", "pwritev", "pwritev2", "sendfile", "splice", "copy_file_range", "truncate",
        "symlink", "symlinkat", "mmap", "io_submit", "io_uring_enter", "openat2",
    }
)  # fmt: skip


class Unrecorded(AssertionError):
    """The program wrote in a way that the recording does not show."""


class Operation(NamedTuple):
    """One step. Files and folders go by serial numbers; ``ROOT`` is the folder itself.

    ``enter`` makes node an entry of folder, ``move`` too and takes away ``from_name`` of
    ``from_folder``, ``remove`` takes an entry away, ``write`` and ``cut`` (to size ``offset``, or
    up to it) change a file, ``sync`` makes node lasting, ``tell`` is a line of output.
    """

    kind: str
    node: int = 0
    folder: int = 0
    name: str = ""
    from_folder: int = 0
    from_name: str = ""
    offset: int = 0
    data: bytes = b""


class Recording(NamedTuple):
    """``folders`` and ``files`` as they were at the start (lasting), then the operations."""

    folders: dict[int, dict[str, int]]
    files: dict[int, bytes]
    operations: list[Operation]

    def told(self, before: int) -> list[str]:
        """The lines that the program had written before that operation."""
        parts = [one.data for one in self.operations[:before] if one.kind == "tell"]
        return b"".join(parts).decode().splitlines()


def record(
    argv: Sequence[str],
    root: Path,
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | Path = os.devnull,
) -> Recording:
    """Run the program, which must exit with 0, and record what it does below ``root``."""
    recorder = _Recorder(root.resolve())
    with open(os.devnull, "wb") as output, open(stdin, "rb") as source:
        code = follow(argv, recorder, env=env, stdin=source.fileno(), stdout=output.fileno())
    if recorder.problem is not None:
        raise recorder.problem
    assert code == 0, f"{argv} ended with {code}"
    return recorder.recording


class _Recorder:
    names = _LIST_CHANGING | _FILE_CHANGING | _OTHERS

    def __init__(self, root: Path) -> None:
        self._root = root
        self._nodes: dict[tuple[int, int], int] = {}
        self._serial = ROOT
        self._pending: list[Operation] | None = None
        self.problem: Exception | None = None
        self.recording = Recording({}, {}, [])
        self._take_in(root, ROOT)

    def _take_in(self, folder: Path, node: int) -> None:
        """What lies there at the start."""
        self._nodes[_identity(folder.stat())] = node
        entries = self.recording.folders[node] = {}
        for entry in folder.iterdir():
            self._serial += 1
            entries[entry.name] = self._serial
            if entry.is_dir():
                self._take_in(entry, self._serial)
            else:
                self._nodes[_identity(entry.stat())] = self._serial
                self.recording.files[self._serial] = entry.read_bytes()

    def entered(self, call: Call) -> int | None:
        self._pending = None
        if self.problem is not None:
            return errno.EIO  # let it end
        try:
            if call.name in _FILE_CHANGING:
                self._pending = self._change(call)
            elif call.name in _LIST_CHANGING:
                self._pending = getattr(self, f"_{call.name}")(call)
            else:
                self._refuse(call)
        except Exception as problem:
            # Raising here would leave the program stopped for ever.
            self.problem = problem
        return None

    def left(self, call: Call, result: int) -> None:
        if self._pending is None or result < 0:
            return
        for operation in self._pending:
            one = operation
            if one.kind in ("write", "tell"):
                one = one._replace(data=one.data[:result])
            if one.kind == "enter" and one.node == 0:
                one = one._replace(node=self._new_node(call, one, result))
            self.recording.operations.append(one)

    def _new_node(self, call: Call, operation: Operation, result: int) -> int:
        self._serial += 1
        if call.name in ("mkdir", "mkdirat"):
            status = os.stat(operation.data)
        else:
            status = os.stat(f"/proc/{call.pid}/fd/{result}")
        self._nodes[_identity(status)] = self._serial
        return self._serial

    def _place(self, path: Path) -> tuple[int, str] | None:
        """The folder's number and the name in it; None outside the root, or without the folder."""
        folder = Path(os.path.realpath(path.parent))
        if not folder.is_relative_to(self._root) or not folder.is_dir():
            return None
        return self._nodes[_identity(folder.stat())], path.name

    def _change(self, call: Call) -> list[Operation] | None:
        descriptor = call.number(0)
        try:
            status = os.stat(f"/proc/{call.pid}/fd/{descriptor}")
        except FileNotFoundError:
            return None
        node = self._nodes.get(_identity(status))
        if node is None:
            if call.name == "write" and descriptor == 1:
                data = call.memory(call.arguments[1], call.arguments[2])
                return [Operation("tell", data=data)]
            return None
        if call.name in ("fsync", "fdatasync"):
            return [Operation("sync", node)]
        if call.name == "ftruncate":
            return [Operation("cut", node, offset=call.arguments[1], name="to")]
        if call.name == "fallocate":
            if call.number(1) & ~_FALLOC_FL_KEEP_SIZE:
                raise Unrecorded(f"fallocate with mode {call.number(1)}")
            end = call.arguments[2] + call.arguments[3]
            return None if call.number(1) else [Operation("cut", node, offset=end, name="up to")]
        data = call.memory(call.arguments[1], call.arguments[2])
        offset = call.arguments[3] if call.name == "pwrite64" else _position(call, status)
        return [Operation("write", node, offset=offset, data=data)]

    def _refuse(self, call: Call) -> None:
        if call.name == "mmap":
            shared = call.number(3) & _MAP_SHARED and not call.number(3) & _MAP_ANONYMOUS
            if not (shared and call.number(2) & _PROT_WRITE):
                return
            mapped = os.readlink(f"/proc/{call.pid}/fd/{call.number(4)}")
            if mapped.endswith("-shm") or not Path(mapped).is_relative_to(self._root):
                return
            raise Unrecorded(f"{mapped} is mapped for writing")
        if call.name in ("truncate", "symlink", "symlinkat", "openat2", "io_uring_enter"):
            raise Unrecorded(call.name)
        # Where it reads from does not matter; copy_file_range and splice write to the third.
        target = 2 if call.name in ("copy_file_range", "splice") else 0
        file = f"/proc/{call.pid}/fd/{call.number(target)}"
        if os.path.exists(file) and _identity(os.stat(file)) in self._nodes:
            raise Unrecorded(f"{call.name} to {os.readlink(file)}")

    def _created(self, path: Path, flags: int) -> list[Operation] | None:
        place = self._place(path)
        if place is None:
            return None
        folder, name = place
        if not path.exists():
            return [Operation("enter", 0, folder, name)] if flags & os.O_CREAT else None
        if flags & os.O_TRUNC and path.stat().st_size:
            return [Operation("cut", self._nodes[_identity(path.stat())], name="to")]
        return None

    def _open(self, call: Call) -> list[Operation] | None:
        return self._created(call.path(0), call.number(1))

    def _openat(self, call: Call) -> list[Operation] | None:
        return self._created(call.path(1, 0), call.number(2))

    def _creat(self, call: Call) -> list[Operation] | None:
        return self._created(call.path(0), os.O_CREAT | os.O_TRUNC)

    def _made(self, path: Path) -> list[Operation] | None:
        place = self._place(path)
        if place is None or path.exists():
            return None
        return [Operation("enter", 0, *place, data=os.fsencode(path))]

    def _mkdir(self, call: Call) -> list[Operation] | None:
        return self._made(call.path(0))

    def _mkdirat(self, call: Call) -> list[Operation] | None:
        return self._made(call.path(1, 0))

    def _removed(self, path: Path) -> list[Operation] | None:
        place = self._place(path)
        if place is None or not os.path.lexists(path):
            return None
        return [Operation("remove", self._nodes.get(_identity(path.lstat()), 0), *place)]

    def _rmdir(self, call: Call) -> list[Operation] | None:
        return self._removed(call.path(0))

    def _unlink(self, call: Call) -> list[Operation] | None:
        return self._removed(call.path(0))

    def _unlinkat(self, call: Call) -> list[Operation] | None:
        return self._removed(call.path(1, 0))

    def _linked(self, old: Path, new: Path) -> list[Operation] | None:
        place = self._place(new)
        if place is None or new.exists():
            return None
        return [Operation("enter", self._nodes[_identity(old.stat())], *place)]

    def _link(self, call: Call) -> list[Operation] | None:
        return self._linked(call.path(0), call.path(1))

    def _linkat(self, call: Call) -> list[Operation] | None:
        return self._linked(call.path(1, 0), call.path(3, 2))

    def _renamed(self, old: Path, new: Path) -> list[Operation] | None:
        source, target = self._place(old), self._place(new)
        if source is None and target is None:
            return None
        if source is None or target is None:
            raise Unrecorded(f"{old} is renamed to {new} across the edge of the recording")
        if not os.path.lexists(old):
            return None
        node = self._nodes[_identity(old.lstat())]
        return [Operation("move", node, *target, *source)]

    def _rename(self, call: Call) -> list[Operation] | None:
        return self._renamed(call.path(0), call.path(1))

    def _renameat(self, call: Call) -> list[Operation] | None:
        return self._renamed(call.path(1, 0), call.path(3, 2))

    def _renameat2(self, call: Call) -> list[Operation] | None:
        if call.number(4) & ~1:  # RENAME_NOREPLACE
            raise Unrecorded(f"renameat2 with flags {call.number(4)}")
        return self._renamed(call.path(1, 0), call.path(3, 2))


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _position(call: Call, status: os.stat_result) -> int:
    """Where a plain write goes."""
    if not stat.S_ISREG(status.st_mode):
        raise Unrecorded("a write to what is no file")
    fields = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{call.pid}/fdinfo/{call.number(0)}").read_text().splitlines()
        if ":" in line
    )
    if int(fields["flags"], 8) & os.O_APPEND:
        return status.st_size
    return int(fields["pos"])
