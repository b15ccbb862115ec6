"""Reads the log of a run as it grows, over its rotation, as clean lines without secrets.

A place in a log stays right when the file is moved aside: whoever comes back with it misses nothing
and sees nothing twice.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from hermes_kanban.colours import shown_lines
from hermes_kanban.regular import NotRegular, open_regular

CHUNK_BYTES: Final = 64 * 1024
# A private key, or a line without end, is held back that long at most.
HELD_BYTES: Final = 64 * 1024
_LAST_LINE_BYTES: Final = 8 * 1024
_LAST_LINE_CHARACTERS: Final = 300
_STAMP_BYTES: Final = 64
# With the colours that a highlighter gives it.
_COLOURS = rb"(?:\x1b\[[0-9;:]{0,64}m)*"
_KEY_BEGINS: Final = re.compile(rb"-----" + _COLOURS + rb"BEGIN" + _COLOURS + rb" ")
_KEY_ENDS: Final = re.compile(rb"-----" + _COLOURS + rb"END" + _COLOURS + rb" ")
_PLACE: Final = re.compile(r"(\d{1,20})\.(\d{1,10}):(\d{1,18})")


class LogReader:
    """One reader of one log: from its beginning, from its last part, or from a place.

    ``tail_bytes`` begins about so many bytes before the end. ``place`` goes on where another
    reader stopped; where that is gone, ``resumed`` is False and it begins as without one.
    ``colours`` keeps the codes of colours, and of nothing else.
    """

    def __init__(
        self,
        path: Path,
        *,
        tail_bytes: int | None = None,
        place: str | None = None,
        colours: bool = False,
    ) -> None:
        self._path = path
        self._aside = path.with_name(f"{path.name}.1")
        self._stream: IO[bytes] | None = None
        self._before: IO[bytes] | None = None
        self._pending = b""
        self._to_drop = 0
        self._begun = False
        self._whole = True
        self._tail_bytes = tail_bytes
        self._colours = colours
        self._start = None if place is None else self._find(place)
        self.resumed = self._start is not None

    def __enter__(self) -> LogReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        for stream in (self._stream, self._before):
            if stream is not None:
                stream.close()
        self._stream = self._before = None

    @property
    def whole(self) -> bool:
        """Whether the lines so far are all that is kept of the log."""
        return self._whole

    @property
    def place(self) -> str | None:
        """Where the next line begins; None while nothing was written."""
        if self._stream is None:
            return None
        at = self._stream.tell() - len(self._pending)
        if at >= 0:
            return _place(self._stream, at)
        if self._before is None:
            return _place(self._stream, 0)
        return _place(self._before, max(0, self._before.tell() + at))

    def lines(self, *, final: bool) -> Iterator[str]:
        """The lines that came since the last call; with ``final`` the unfinished one too."""
        more = True
        while more:
            found, more = self.some_lines(final=final)
            yield from found

    def some_lines(self, *, final: bool) -> tuple[list[str], bool]:
        """Some of them, of at most 64 KiB more, and whether there may be others by now."""
        data = self._read_some()
        self._pending += data
        return list(self._ready(final=final and not data)), bool(data)

    def _read_some(self) -> bytes:
        """What comes next; nothing where nothing was written."""
        if not self._begun:
            self._begun = True
            self._begin()
        while True:
            if self._stream is None and not self._open():
                return b""
            assert self._stream is not None
            # A second time, for what came between the first and the rotation.
            for _ in range(2):
                if data := self._stream.read(CHUNK_BYTES):
                    return data
                if not self._was_rotated():
                    return b""
            if self._before is not None:
                self._before.close()
            self._before, self._stream = self._stream, None

    def _begin(self) -> None:
        """Open the file in which this reader begins, there."""
        if self._start is not None:
            file, offset = self._start
            self._whole = False
        else:
            before, here = _size(self._aside), _size(self._path)
            offset = 0
            if self._tail_bytes is not None:
                offset = max(0, before + here - self._tail_bytes - HELD_BYTES)
            if offset:
                self._whole = False
                # Of these it can not be told whether a key began before them.
                self._to_drop = HELD_BYTES
            file = self._aside if offset < before else self._path
            offset -= 0 if file == self._aside else before
        try:
            self._stream = _opened(file)
        except FileNotFoundError:
            return
        self._stream.seek(offset)

    def _open(self) -> bool:
        try:
            self._stream = _opened(self._path)
        except FileNotFoundError:
            return False
        return True

    def _find(self, place: str) -> tuple[Path, int] | None:
        """The file of a place and the offset in it; None for what is no place of this log."""
        found = _PLACE.fullmatch(place)
        if found is None:
            return None
        offset = int(found[3])
        for file in (self._path, self._aside):
            try:
                with _opened(file) as stream:
                    if offset <= _size(file) and _place(stream, offset) == place:
                        return file, offset
            except FileNotFoundError:
                continue
        return None

    def _was_rotated(self) -> bool:
        assert self._stream is not None
        try:
            return os.lstat(self._path).st_ino != os.fstat(self._stream.fileno()).st_ino
        except FileNotFoundError:
            return False

    def _ready(self, *, final: bool) -> Iterator[str]:
        """Whole lines; a private key is held back until it can be hidden as a whole."""
        end = len(self._pending) if final else self._pending.rfind(b"\n") + 1
        if not final and len(self._pending) - end > HELD_BYTES:
            end = len(self._pending)
        begins = _last_start(_KEY_BEGINS, self._pending, end)
        open_key = begins >= 0 and _KEY_ENDS.search(self._pending, begins, end) is None
        if open_key and not final and end - begins < HELD_BYTES:
            end = self._pending.rfind(b"\n", 0, begins) + 1
        text = self._pending[:end].decode("utf-8", "replace")
        self._pending = self._pending[end:]
        for line in shown_lines(text):
            if self._to_drop > 0:
                self._to_drop -= len(line.text.encode()) + 1
                continue
            yield line.coloured if self._colours else line.text


def last_line(path: Path) -> tuple[str, int] | None:
    """The last line of a log that says something, and when the log grew last; None without one."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    line = _last_line(path, found.st_ino, found.st_size)
    return None if line is None else (line, int(found.st_mtime))


@functools.lru_cache(maxsize=256)
def _last_line(path: Path, inode: int, size: int) -> str | None:
    """``inode`` and ``size`` are of the file as it is now: a log only grows."""
    del inode, size
    last = None
    with LogReader(path, tail_bytes=_LAST_LINE_BYTES) as reader:
        for line in reader.lines(final=True):
            last = line if line.strip() else last
    return None if last is None else last.strip()[:_LAST_LINE_CHARACTERS]


def _last_start(pattern: re.Pattern[bytes], data: bytes, end: int) -> int:
    """Where the last match before ``end`` begins; -1 without one."""
    start = -1
    for found in pattern.finditer(data, 0, end):
        start = found.start()
    return start


def _place(stream: IO[bytes], offset: int) -> str:
    """Names the file by its inode and its first bytes, since an inode is used again."""
    number = stream.fileno()
    stamp = zlib.crc32(os.pread(number, min(offset, _STAMP_BYTES), 0))
    return f"{os.fstat(number).st_ino}.{stamp}:{offset}"


def _opened(file: Path) -> IO[bytes]:
    """A log, for reading. Raises FileNotFoundError, also for a link or a pipe in its place.

    Its worker can put such a thing there, and another file's content is nothing that it said.
    """
    try:
        return os.fdopen(open_regular(file), "rb")
    except NotRegular:
        raise FileNotFoundError(errno.ENOENT, "is no file", str(file)) from None


def _size(file: Path) -> int:
    try:
        return os.lstat(file).st_size
    except FileNotFoundError:
        return 0
