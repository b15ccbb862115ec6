"""The gateway's log: one event name a line, with its keys, on a terminal or as JSON.

Call sites emit facts (``log.info("worker.spawned", task=…, run=…, pid=…)``); which events there
are and what they mean is said here and nowhere else. Only the gateway imports this module:
structlog costs more than all the rest of a command.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TextIO, cast

import msgspec
import structlog
from structlog.types import EventDict, FilteringBoundLogger, Processor

from hermes_kanban.config.settings import LoggingSettings
from hermes_kanban.redact import HIDDEN, is_secret_name, one_line, redact, strip_control

FILE_ROTATE_BYTES = 2 * 1024 * 1024
VALUE_CHARACTERS = 8192
VALUE_DEPTH = 6
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")


class LogEvent(NamedTuple):
    """What an event means, and the keys it may carry beside COMMON_KEYS."""

    meaning: str
    keys: tuple[str, ...]


# Times are in seconds; ``pid`` is a supervisor's; ``error`` is one line for people.
COMMON_KEYS: Final = ("board", "task", "run", "profile", "pid", "seconds", "error")

LOG_EVENTS: Final[dict[str, LogEvent]] = {
    "gateway.started": LogEvent("the gateway is up and its services run", ("home", "version")),
    "gateway.stopping": LogEvent("a signal came; nothing new is started", ("signal",)),
    "gateway.stopped": LogEvent("the gateway is down; workers live on", ()),
    "watcher.started": LogEvent("a watcher began", ("watcher",)),
    "watcher.failed": LogEvent(
        "a tick raised; the watcher goes on after delay_seconds",
        ("watcher", "failures", "delay_seconds"),
    ),
    "watcher.recovered": LogEvent("a tick succeeded after failures", ("watcher", "failures")),
    "watcher.off": LogEvent("a setting keeps the watcher from working", ("watcher", "setting")),
    "board.opened": LogEvent("the gateway serves a board", ("database",)),
    "board.refused": LogEvent("a board cannot be opened; it is left untouched", ("database",)),
    "web.listening": LogEvent("the gateway serves HTTP", ("address",)),
    "web.refused": LogEvent("the address cannot be had; it is tried again", ("address",)),
    "web.failed": LogEvent("a request met what was not foreseen; it was answered with 500", ()),
    "web.stopped": LogEvent("the gateway serves HTTP there no more", ("address",)),
    "dispatch.tick": LogEvent(
        "a tick did something; ids by what was done",
        (
            "clock_shifted",
            "imported",
            "stopped",
            "adopted",
            "crashed",
            "reclaimed",
            "timed_out",
            "promoted",
            "claimed",
            "spawned",
            "spawn_failed",
            "held",
            "woken_by",
        ),
    ),
    "dispatch.stuck": LogEvent(
        "eligible tasks and no spawn for ticks in a row; tasks by reason",
        ("ticks", "eligible", "reasons"),
    ),
    "dispatch.unstuck": LogEvent("a stuck board moves again", ("ticks",)),
    "dispatch.standby": LogEvent("another process dispatches this board", ("holder",)),
    "dispatch.took_over": LogEvent("this process dispatches the board from now on", ()),
    "worker.spawned": LogEvent("a supervisor was started and registered", ("runtime", "workspace")),
    "worker.spawn_failed": LogEvent("no worker could be started for a claim", ()),
    "worker.adopted": LogEvent("a worker of an earlier gateway is watched again", ()),
    "worker.exited": LogEvent(
        "a worker's whole tree is gone and its run closed", ("exit_code", "outcome")
    ),
    "worker.stopping": LogEvent("a worker was asked to end, or is killed", ("reason", "signal")),
    "worker.stopped": LogEvent("a stopped worker's tree is gone", ("reason",)),
    "worker.lost": LogEvent("a supervisor died without an exit record", ()),
    "claim.reclaimed": LogEvent("a run was closed and its task went back", ("reason", "claimer")),
    "claim.lost": LogEvent("another claimer was first", ("holder",)),
    "workspace.quarantined": LogEvent(
        "a worktree with work that is nowhere else was moved aside; 'stats' lists them", ()
    ),
    "breaker.opened": LogEvent("a task failed too often and was blocked", ("failures",)),
    "chat.connected": LogEvent("the gateway speaks and listens on a chat platform", ("platform",)),
    "chat.failed": LogEvent(
        "a chat platform is out of reach; it is tried again after delay_seconds",
        ("platform", "delay_seconds"),
    ),
    "chat.refused": LogEvent(
        "a chat platform is configured and cannot be used as it is", ("platform",)
    ),
    "chat.standby": LogEvent(
        "another gateway of this home listens; this one only sends", ("platform", "holder")
    ),
    "chat.stopped": LogEvent("the gateway is on a chat platform no more", ("platform",)),
    "chat.done": LogEvent(
        "somebody gave a command or an answer in a chat", ("platform", "actor", "ok")
    ),
    "chat.stranger": LogEvent(
        "somebody who is not listed was not listened to", ("platform", "user", "place")
    ),
    "chat.fault": LogEvent(
        "what was said met what was not foreseen; it was answered so", ("platform", "trace")
    ),
    "notify.message": LogEvent(
        "a message to the destination 'log'", ("subscription", "event_id", "kind", "title", "text")
    ),
    "notify.closed": LogEvent("a message says what was decided about its question", ("delivery",)),
    "notify.unclosed": LogEvent(
        "a message about a decided question could not be edited and stays as it is", ("delivery",)
    ),
    "notify.woke": LogEvent("agents got tasks by which they are woken", ("tasks",)),
    "notify.delivered": LogEvent(
        "a message reached its destination",
        ("delivery", "subscription", "destination", "event_id", "attempts"),
    ),
    "notify.retry": LogEvent(
        "a message did not arrive and will be sent again",
        ("delivery", "subscription", "destination", "event_id", "attempts", "delay_seconds"),
    ),
    "notify.dead": LogEvent(
        "a message was given up; 'notify retry' sends it again",
        ("delivery", "subscription", "destination", "event_id", "attempts"),
    ),
    "notify.purged": LogEvent(
        "a message's task was purged while it was on its way; nothing is left to mark",
        ("delivery",),
    ),
    "config.reloaded": LogEvent("a changed configuration is in force", ("files",)),
    "config.rejected": LogEvent("a changed configuration is wrong; the last good one stays", ()),
    "health.degraded": LogEvent("something needs a person", ("reasons",)),
    "health.recovered": LogEvent("nothing needs a person any more", ()),
    "library.message": LogEvent("a library's own message", ("logger", "message")),
}

_FRAME: Final = ("timestamp", "level", "event")
_ADDED: Final = frozenset({*_FRAME, *COMMON_KEYS, "exception", "exc_info"})


class UndeclaredLogEvent(ValueError):
    """An event, or a key of one, that LOG_EVENTS does not list."""


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

    With ``strict``, as tests have it, an undeclared event or key raises UndeclaredLogEvent;
    otherwise an undeclared event is logged with ``undeclared: true``.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _declared_or_raise if strict else _declared_or_flagged,
        structlog.processors.format_exc_info,
        _clean,
        *([] if file is None else [_Kept(file)]),
        *(_renderers(settings.format, stream) if stream else [_dropped]),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines(stream or sys.stderr),
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
    colours = terminal and "NO_COLOR" not in os.environ
    plain = structlog.dev.plain_traceback  # the trace is text by then, and has been cleaned
    return [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]


def _dropped(_logger: Any, _method: str, _line: EventDict) -> EventDict:
    raise structlog.DropEvent


def _to_json(line: EventDict, **_: Any) -> str:
    return msgspec.json.encode(line).decode()


def _framed(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """The same keys first in each line."""
    return {key: line[key] for key in _FRAME if key in line} | dict(line)


def _declared_or_raise(_logger: Any, _method: str, line: EventDict) -> EventDict:
    event = LOG_EVENTS.get(line["event"])
    if event is None:
        raise UndeclaredLogEvent(f"LOG_EVENTS has no {line['event']!r}")
    if unknown := sorted(line.keys() - _ADDED - set(event.keys)):
        raise UndeclaredLogEvent(f"LOG_EVENTS has no {unknown} for {line['event']!r}")
    return line


def _declared_or_flagged(_logger: Any, _method: str, line: EventDict) -> EventDict:
    if line["event"] not in LOG_EVENTS:
        line["undeclared"] = True
    return line


def _clean(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """Plain values without secrets and control characters; one line but for a trace."""
    trace = line.pop("exception", None)
    cleaned = {key: _clean_item(key, value, VALUE_DEPTH) for key, value in line.items()}
    if trace is not None:
        cleaned["exception"] = redact(strip_control(str(trace)))
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
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.write(descriptor, text)
            full = os.fstat(descriptor).st_size >= FILE_ROTATE_BYTES
        finally:
            os.close(descriptor)
        if full:
            self._path.replace(self._path.with_name(self._path.name + ".1"))


class _FromLibraries(logging.Handler):
    """Turns the records of the standard library's logging into lines of this log."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
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
