"""A run's log: bounded on disk, and never a reason for the agent to wait or die.

Light on purpose: the supervisor imports it at the start of every run.
"""

import errno
import posix

from hermes_kanban.regular import open_regular

TAIL_BYTES = 4096


class RunLog:
    """Copies output to ``path``, moving it to ``path.1`` at ``rotate_bytes``.

    So at most twice ``rotate_bytes`` lie on disk. After ``cap_bytes`` in all nothing more is
    copied. A write that fails is dropped and counted, and the log says so once it can.
    """

    def __init__(self, path: str, rotate_bytes: int, cap_bytes: int) -> None:
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._room = cap_bytes
        self._size = 0
        self._lost = 0
        self._tail = b""
        self._file: int | None = None

    def write(self, data: bytes) -> None:
        """Keep ``data``, as far as the disk and the limits allow; never raises OSError."""
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        if self._room <= 0:
            return
        self._room -= len(data)
        if self._lost:
            notice = b"\n[%d bytes of output are lost: they could not be written]\n" % self._lost
            if not self._append(notice):
                self._lost += len(data)
                return
            self._lost = 0
        self._lost += len(data) - self._append(data)
        if self._room <= 0:
            self._append(b"\n[the log is full: later output is not kept]\n")

    def tail(self) -> str:
        """The last 4 KiB of all output as text; cut at a character, NUL replaced."""
        start = 0
        while start < min(4, len(self._tail)) and self._tail[start] & 0xC0 == 0x80:
            start += 1
        return self._tail[start:].decode("utf-8", "replace").replace("\0", "�")

    def _append(self, data: bytes) -> int:
        """Write what can be written; returns how many bytes that was."""
        written = 0
        while written < len(data):
            try:
                if self._size >= self._rotate_bytes:
                    self._rotate()
                space = max(1, self._rotate_bytes - self._size)
                count = posix.write(self._open(), data[written : written + space])
            except OSError as error:
                # A file-size limit below ours: start the next file, once.
                if error.errno == errno.EFBIG and self._size > 0 and self._rotated():
                    continue
                return written
            self._size += count
            written += count
        return written

    def _rotated(self) -> bool:
        try:
            self._rotate()
        except OSError:
            return False
        return True

    def _rotate(self) -> None:
        if self._file is not None:
            posix.close(self._file)
            self._file = None
        if posix.access(self._path, posix.F_OK):  # else somebody deleted it
            posix.replace(self._path, self._path + ".1")
        self._size = 0

    def _open(self) -> int:
        if self._file is None:
            flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND
            self._file = open_regular(self._path, flags)
            self._size = posix.fstat(self._file).st_size
        return self._file
