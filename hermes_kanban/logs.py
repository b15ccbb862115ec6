"""The gateway's log: one event name a line, with its keys, on a terminal or as JSON.

Which events there are and what they mean is said in ``log_events`` and nowhere else. Only the
gateway imports this module: structlog costs more than all the rest of a command.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TextIO, cast

import msgspec
import structlog
from structlog.types import EventDict, FilteringBoundLogger, Processor

from hermes_kanban import present
from hermes_kanban.config.settings import LoggingSettings
from hermes_kanban.log_events import EXCEPTION, FRAME, problem
from hermes_kanban.log_lines import LogLines, is_told_beside
from hermes_kanban.redact import HIDDEN, is_secret_name, one_line, redact, strip_control
from hermes_kanban.regular import open_regular

FILE_ROTATE_BYTES = 2 * 1024 * 1024
VALUE_CHARACTERS = 8192
VALUE_DEPTH = 6
# Lines that wait for a reader, and how long the end of the process waits for him.
WAITING_LINES = 1000
END_SECONDS = 0.5
REPEAT_SECONDS = 10.0
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")


class UndeclaredLogEvent(ValueError):
    """A line that is not as LOG_EVENTS says."""


def configure(
    settings: LoggingSettings,
    stream: TextIO | None,
    *,
    file: Path | None = None,
    strict: bool = False,
) -> None:
    """Sends this process's log to ``stream``, if any; calling it again replaces the earlier choice.

    ``file`` gets the same lines as JSON, so that ``gateway logs`` can show them whoever started
    the gateway; at ``FILE_ROTATE_BYTES`` it becomes ``<file>.1``.

    With ``strict``, as tests have it, a line that is not as LOG_EVENTS says raises
    UndeclaredLogEvent; otherwise its key ``undeclared`` says what is wrong with it.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _clean,
        _declared_or_raise if strict else _declared_or_flagged,
        *([] if file is None else [_Kept(file)]),
        *(_renderers(settings.format, stream) if stream else [_dropped]),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_lines_to(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    _take_in_libraries()


def get_logger(**bound: Any) -> FilteringBoundLogger:
    """A logger that adds ``bound`` (board, say) to each of its lines."""
    return cast(FilteringBoundLogger, structlog.get_logger(**bound))


def _renderers(kind: Literal["auto", "pretty", "json"], stream: TextIO) -> list[Processor]:
    terminal = stream.isatty()
    if kind == "json" or (kind == "auto" and not terminal):
        return [_framed, structlog.processors.JSONRenderer(serializer=_to_json)]
    return [_Pretty(stream, dated=not terminal)]


class _Pretty:
    """The lines that ``gateway logs`` shows too, as wide as the terminal is at the moment."""

    def __init__(self, stream: TextIO, *, dated: bool) -> None:
        self._stream = stream
        self._lines = LogLines(colour=present.wants_colour(stream), dated=dated)

    def __call__(self, _logger: Any, _method: str, line: EventDict) -> str:
        if is_told_beside(line):
            raise structlog.DropEvent
        width = present.columns(self._stream) if self._stream.isatty() else None
        return "\n".join(self._lines.shown(line, width))


def _dropped(_logger: Any, _method: str, _line: EventDict) -> EventDict:
    raise structlog.DropEvent


def _to_json(line: EventDict, **_: Any) -> str:
    return msgspec.json.encode(line).decode()


def _framed(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """The same keys first in each line."""
    return {key: line[key] for key in FRAME if key in line} | dict(line)


def _declared_or_raise(_logger: Any, _method: str, line: EventDict) -> EventDict:
    if wrong := problem(line):
        raise UndeclaredLogEvent(wrong)
    return line


def _declared_or_flagged(_logger: Any, _method: str, line: EventDict) -> EventDict:
    if wrong := problem(line):
        line["undeclared"] = wrong
    return line


def _clean(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """Plain values without secrets and control characters; one line but for a trace.

    What is not known is left out.
    """
    trace = line.pop(EXCEPTION, None)
    cleaned = {
        key: _clean_item(key, value, VALUE_DEPTH)
        for key, value in line.items()
        if value is not None
    }
    if trace is not None:
        cleaned[EXCEPTION] = redact(strip_control(str(trace)))
    return cleaned


def _clean_item(key: str, value: Any, depth: int) -> Any:
    return HIDDEN if is_secret_name(key) else _clean_value(value, depth)


def _clean_value(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth and isinstance(value, Mapping):
        return {
            one_line(str(key)): _clean_item(str(key), item, depth - 1)
            for key, item in value.items()
        }
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_clean_value(item, depth - 1) for item in value]
    text = redact(one_line(str(value)))
    return text if len(text) <= VALUE_CHARACTERS else text[:VALUE_CHARACTERS] + "…"


class _Lines:
    """Writes whole lines to a stream, from any thread; also the factory that gives itself.

    A log that nobody can read any more (a closed terminal, a full disk) stops no gateway.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, *_names: str) -> _Lines:
        return self

    def msg(self, text: str) -> None:
        self._put(text)

    def _put(self, text: str) -> None:
        with self._lock:
            try:
                self._write(text + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # ValueError: the stream was closed
                return

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:  # a C locale: rather an escape than no line
            self._stream.write(_NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text))

    debug = info = warning = error = critical = msg


class _LinesAside(_Lines):
    """The same by a thread of its own, for what may halt whoever writes to it.

    That is a terminal that was halted (Ctrl-S), and a pipe that nobody reads. What waits then is
    bounded; what finds no room is counted, and the next line that does says so.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: deque[str] = deque()
        self._changed = threading.Condition()
        self._lost = 0
        self._thread: threading.Thread | None = None
        atexit.register(self._wait_for_end)

    def msg(self, text: str) -> None:
        with self._changed:
            if len(self._waiting) >= WAITING_LINES:
                self._lost += 1
                return
            self._waiting.append(text)
            lost, self._lost = self._lost, 0
            self._start()
            self._changed.notify_all()
        if lost:
            get_logger().warning("log.lost", lines=lost)

    debug = info = warning = error = critical = msg

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._write_for_ever, name="log", daemon=True)
            with contextlib.suppress(RuntimeError):  # none is to be had now: with the next line
                thread.start()
                self._thread = thread

    def _write_for_ever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                text = self._waiting[0]
            self._put(text)
            with self._changed:
                self._waiting.popleft()
                self._changed.notify_all()

    def _wait_for_end(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, END_SECONDS)


def _lines_to(stream: TextIO) -> _Lines:
    return _LinesAside(stream) if _may_halt(stream) else _Lines(stream)


def _may_halt(stream: TextIO) -> bool:
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # ValueError: no file lies under it
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


class _Kept:
    """A processor that keeps every line as JSON in a file, and passes it on as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __call__(self, logger: Any, method: str, line: EventDict) -> EventDict:
        text = _to_json(_framed(logger, method, line)).encode() + b"\n"
        # A log that cannot be written stops no gateway.
        with self._lock, contextlib.suppress(OSError):
            self._append(text)
        return line

    def _append(self, text: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = open_regular(self._path, flags, links=True)
        try:
            os.write(descriptor, text)
            written = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        # Another gateway of this home may have moved it already, and what is there now is new.
        if written.st_size >= FILE_ROTATE_BYTES and self._path.stat().st_ino == written.st_ino:
            self._path.replace(self._path.with_name(self._path.name + ".1"))


class _FromLibraries(logging.Handler):
    """Turns the records of the standard library's logging into lines of this log.

    What is said again and again is told once a while: without descriptors asyncio says so in a
    loop, and would fill the disk.
    """

    _last: tuple[str, str] | None = None
    _told_at = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said, now = (record.name, record.getMessage()), time.monotonic()
            if said == self._last and now - self._told_at < REPEAT_SECONDS:
                return
            self._last, self._told_at = said, now
            get_logger().log(
                record.levelno,
                "library.message",
                logger=record.name,
                message=record.getMessage(),
                exc_info=record.exc_info,
            )
        except Exception:
            self.handleError(record)


def _take_in_libraries() -> None:
    """Warnings and worse of asyncio and the like join the log instead of going to stderr."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _FromLibraries):
            root.removeHandler(handler)
    root.addHandler(_FromLibraries(logging.WARNING))
    logging.captureWarnings(True)
