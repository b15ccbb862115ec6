"""Every event of the gateway's log: its level, what it means, its keys, and how people read it.

Call sites emit facts, ``log.info("worker.spawned", task=…, run=…, pid=…)``, and no wording. Light
on purpose: the command line reads it, and must not pay for structlog.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")
KeyType = Literal["text", "whole number", "number", "yes or no", "list", "object"]


class Key(NamedTuple):
    """What goes by a name, the same in every event; ``unit`` where it is measured."""

    type: KeyType
    meaning: str
    unit: str = ""


class LogEvent(NamedTuple):
    """One event. ``level`` is None where a library says it.

    ``shown`` is the line for people: ``{key}`` is the key's value, ``{key:n}`` how many there are,
    and what stands in brackets is left out where a key in it is missing. The task, the profile and
    the board stand before it.
    """

    level: Level | None
    meaning: str
    keys: tuple[str, ...]
    shown: str


KEYS: Final[dict[str, Key]] = {
    "actor": Key("text", "who acted, as `person:NAME`"),
    "address": Key("text", "where HTTP is served"),
    "attempts": Key("whole number", "attempts so far"),
    "board": Key("text", "the board's name"),
    "clock_shifted": Key("object", "by how much a set clock moved which rows"),
    "crashed": Key("list", "runs whose supervisor died"),
    "database": Key("text", "the file, or the address of the database"),
    "delay_seconds": Key("number", "how long until the next try", "seconds"),
    "delivery": Key("whole number", "the message, as `notify outbox` numbers it"),
    "destination": Key("text", "the kind of destination: matrix, webhook …"),
    "error": Key("text", "what went wrong, in one line"),
    "event_id": Key("whole number", "the board's event that it is about"),
    "exit_code": Key("whole number", "the agent's exit code; below 0: minus the signal"),
    "exited": Key("list", "runs whose process has exited"),
    "failures": Key("whole number", "failures in a row"),
    "folder": Key("text", "the folder's name"),
    "files": Key("list", "the files that were read"),
    "holder": Key("text", "the pid of the process that has it"),
    "home": Key("text", "the folder that holds everything"),
    "host": Key("text", "the host's name"),
    "kind": Key("text", "the kind of the board's event"),
    "lines": Key("whole number", "lines of the log"),
    "logger": Key("text", "the library's logger"),
    "lost": Key("list", "tasks that somebody else took first"),
    "message": Key("text", "what the library says"),
    "ok": Key("yes or no", "whether it was done"),
    "outcome": Key("text", "how the run ended"),
    "pid": Key("whole number", "the process: a worker's is its supervisor"),
    "place": Key("text", "the chat or room"),
    "platform": Key("text", "the chat platform"),
    "profile": Key("text", "the profile of the run"),
    "promoted": Key("list", "tasks that became ready"),
    "reason": Key("text", "why"),
    "reasons": Key("object", "tasks by the reason that holds them"),
    "reclaimed": Key("list", "runs that were closed, their tasks going back"),
    "run": Key("whole number", "the run's number"),
    "runtime": Key("text", "the kind of agent"),
    "seconds": Key("number", "how long it ran", "seconds"),
    "setting": Key("text", "the configuration's key"),
    "signal": Key("text", "the signal's name"),
    "spawn_failed": Key("list", "tasks without a worker, each with the reason"),
    "spawned": Key("list", "what was started: task, run, pid"),
    "stopped": Key("list", "runs whose stop is complete"),
    "subscription": Key("whole number", "the subscription, as `notify list` numbers it"),
    "task": Key("text", "the task's id"),
    "tasks": Key("list", "the ids of tasks"),
    "text": Key("text", "the message"),
    "ticks": Key("whole number", "looks in a row"),
    "timed_out": Key("list", "runs past their longest time"),
    "title": Key("text", "the task's title"),
    "troubles": Key("list", "what needs a person, a sentence each"),
    "unblocked": Key("list", "tasks whose block was for a time that is over"),
    "user": Key("text", "the user's id on the platform"),
    "verb": Key("text", "the verb: complete, block …"),
    "version": Key("text", "the program's version"),
    "watcher": Key("text", "the service: dispatcher, notifier, web, chat, pulse"),
    "woken_by": Key("text", "why it looked: start, change, exit, interval …"),
}

_RUN: Final = ("board", "task", "run", "profile")
_SENT: Final = ("board", "task", "delivery", "subscription", "destination", "event_id", "attempts")

LOG_EVENTS: Final[dict[str, LogEvent]] = {
    "gateway.started": LogEvent(
        "info",
        "the gateway is up and its services run",
        ("home", "version", "pid"),
        "version {version}, pid {pid}, home {home}",
    ),
    "gateway.stopping": LogEvent(
        "info", "a signal came; nothing new is started", ("signal",), "{signal} came"
    ),
    "gateway.stopped": LogEvent(
        "info", "the gateway is down; workers live on", (), "workers live on"
    ),
    "gateway.cut_short": LogEvent(
        "warning",
        "a call hung after the signal; the gateway ended without it",
        (),
        "something hung; workers live on",
    ),
    "watcher.started": LogEvent("info", "a watcher began", ("watcher",), "{watcher}"),
    "watcher.failed": LogEvent(
        "error",
        "a service met an error; it goes on after delay_seconds",
        ("board", "watcher", "failures", "delay_seconds", "error"),
        "{watcher}[, {failures} in a row][, again in {delay_seconds}]: {error}",
    ),
    "watcher.recovered": LogEvent(
        "info",
        "a look succeeded after failures",
        ("board", "watcher", "failures"),
        "{watcher}, after {failures} failures",
    ),
    "watcher.waits": LogEvent(
        "warning",
        "a call takes long and holds a watcher up: a database or a disk may hang",
        ("board", "watcher", "seconds"),
        "{watcher}: a call has not ended for {seconds}",
    ),
    "watcher.off": LogEvent(
        "info",
        "a setting keeps the watcher from working",
        ("watcher", "setting"),
        "{watcher}, by {setting}",
    ),
    "board.opened": LogEvent(
        "info", "the gateway serves a board", ("board", "database"), "{database}"
    ),
    "board.refused": LogEvent(
        "error", "a board cannot be opened; it is left untouched", ("board", "error"), "{error}"
    ),
    "board.gone": LogEvent(
        "warning",
        "a board was taken away, replaced or set back; what is there now is opened anew",
        ("board", "error"),
        "{error}",
    ),
    "web.listening": LogEvent("info", "the gateway serves HTTP", ("address",), "{address}"),
    "web.refused": LogEvent(
        "error",
        "the address cannot be had; it is tried again",
        ("address", "error"),
        "{error}",
    ),
    "web.failed": LogEvent(
        "error",
        "a request met what was not foreseen; it was answered with 500",
        ("error",),
        "{error}",
    ),
    "web.stopped": LogEvent(
        "info", "the gateway serves HTTP there no more", ("address",), "{address}"
    ),
    "dispatch.tick": LogEvent(
        "info",
        "a look at the board did something; ids by what was done",
        (
            "board",
            "woken_by",
            "clock_shifted",
            "exited",
            "stopped",
            "crashed",
            "reclaimed",
            "timed_out",
            "promoted",
            "unblocked",
            "spawned",
            "spawn_failed",
            "lost",
        ),
        "by {woken_by}:[ {exited:n} exited,][ {stopped:n} stopped,][ {crashed:n} crashed,]"
        "[ {reclaimed:n} reclaimed,][ {timed_out:n} timed out,][ {promoted:n} promoted,]"
        "[ {unblocked:n} unblocked,][ {spawned:n} started,][ {spawn_failed:n} failed to start,]"
        "[ {lost:n} lost,][ the clock was set: {clock_shifted},]",
    ),
    "dispatch.stuck": LogEvent(
        "warning",
        "tasks should start and did not for several looks",
        ("board", "ticks", "reasons"),
        "for {ticks} looks: {reasons}",
    ),
    "dispatch.unstuck": LogEvent("info", "a stuck board moves again", ("board",), "it moves again"),
    "dispatch.standby": LogEvent(
        "info",
        "another process dispatches this board",
        ("board", "holder"),
        "[process {holder} dispatches it]",
    ),
    "dispatch.took_over": LogEvent(
        "info",
        "this process dispatches the board from now on",
        ("board",),
        "dispatching from now on",
    ),
    "host.joined": LogEvent(
        "info", "the gateway of a host dispatches the board too", ("board", "host"), "{host}"
    ),
    "host.left": LogEvent("info", "the gateway of a host has ended", ("board", "host"), "{host}"),
    "host.lost": LogEvent(
        "warning",
        "a host is not heard of; its runs are given up with their leases",
        ("board", "host"),
        "{host} is not heard of any more",
    ),
    "host.draining": LogEvent(
        "info",
        "a person wants a host to start nothing new",
        ("board", "host", "actor", "reason"),
        "{host}, by {actor}[: {reason}]",
    ),
    "host.resumed": LogEvent(
        "info", "a host starts tasks again", ("board", "host", "actor"), "{host}, by {actor}"
    ),
    "worker.spawned": LogEvent(
        "info",
        "a supervisor was started and registered",
        (*_RUN, "pid", "runtime"),
        "run {run}[, pid {pid}][, {runtime}]",
    ),
    "worker.spawn_failed": LogEvent(
        "warning",
        "no worker could be started for a claim; it counts as a failure",
        (*_RUN, "error"),
        "run {run}[: {error}]",
    ),
    "worker.adopted": LogEvent(
        "info",
        "a worker of an earlier gateway is watched again",
        (*_RUN, "pid", "seconds"),
        "run {run}, pid {pid}[, up {seconds}]",
    ),
    "worker.exited": LogEvent(
        "info",
        "a worker's whole tree is gone",
        (*_RUN, "outcome", "exit_code", "seconds", "error"),
        "run {run}[ {outcome}][ after {seconds}][: {error}]",
    ),
    "worker.failed": LogEvent(
        "warning",
        "a worker's whole tree is gone; its run counts as a failure",
        (*_RUN, "outcome", "exit_code", "seconds", "error"),
        "run {run} {outcome}[ after {seconds}][: {error}]",
    ),
    "worker.stopping": LogEvent(
        "info", "a worker was asked to end", (*_RUN, "reason"), "run {run}[: {reason}]"
    ),
    "claim.reclaimed": LogEvent(
        "warning",
        "a run was closed and its task went back",
        (*_RUN, "reason"),
        "run {run}[: {reason}]",
    ),
    "handover.delivered": LogEvent(
        "info",
        "what a worker handed in while the board could not be reached is on the board",
        ("board", "task", "run", "verb"),
        "run {run}: {verb}",
    ),
    "handover.fenced": LogEvent(
        "warning",
        "such a hand-over came too late; it is kept with its task",
        ("board", "task", "run", "verb", "reason"),
        "run {run}: {verb}[, {reason}]",
    ),
    "handover.waits": LogEvent(
        "warning",
        "the board is there and could not take such a hand-over; each look tries again",
        ("board", "folder", "error"),
        "{folder}: {error}",
    ),
    "handover.refused": LogEvent(
        "error",
        "the board does not take such a hand-over; it lies in the board's folder",
        ("board", "task", "run", "verb", "reason"),
        "run {run}: {verb}[, {reason}]",
    ),
    "workspace.quarantined": LogEvent(
        "warning",
        "a worktree with work that is nowhere else was moved aside",
        ("board", "task"),
        "moved aside; see: hermes-kanban stats",
    ),
    "breaker.opened": LogEvent(
        "warning",
        "a task failed too often and was blocked",
        (*_RUN, "failures", "error"),
        "blocked[ after {failures} failures]; see: hermes-kanban why {task}",
    ),
    "chat.connected": LogEvent(
        "info", "the gateway speaks and listens on a chat platform", ("platform",), "{platform}"
    ),
    "chat.failed": LogEvent(
        "warning",
        "a chat platform is out of reach; it is tried again after delay_seconds",
        ("platform", "error", "delay_seconds"),
        "{platform}, again in {delay_seconds}: {error}",
    ),
    "chat.refused": LogEvent(
        "error",
        "a chat platform is configured and cannot be used as it is",
        ("platform", "error"),
        "{platform}: {error}",
    ),
    "chat.unsent": LogEvent(
        "warning",
        "a chat platform did not take an answer or a file",
        ("platform", "error"),
        "{platform}: {error}",
    ),
    "chat.standby": LogEvent(
        "info",
        "another gateway of this home listens; this one only sends",
        ("platform", "holder"),
        "{platform}[, process {holder} listens]",
    ),
    "chat.stopped": LogEvent(
        "info", "the gateway is on a chat platform no more", ("platform",), "{platform}"
    ),
    "chat.done": LogEvent(
        "info",
        "somebody gave a command or an answer in a chat",
        ("platform", "actor", "ok"),
        "{platform}, {actor}[, done: {ok}]",
    ),
    "chat.stranger": LogEvent(
        "warning",
        "somebody who is not listed was not listened to",
        ("platform", "user", "place"),
        "{platform}, {user} in {place}",
    ),
    "chat.fault": LogEvent(
        "error",
        "what was said met what was not foreseen; it was answered so",
        ("platform",),
        "{platform}",
    ),
    "notify.standby": LogEvent(
        "info",
        "another process delivers the news of this board",
        ("board",),
        "[another process delivers its news]",
    ),
    "notify.took_over": LogEvent(
        "info",
        "this process delivers the news of the board from now on",
        ("board",),
        "delivering its news from now on",
    ),
    "notify.message": LogEvent(
        "info",
        "a message to the destination 'log'",
        ("board", "task", "run", "subscription", "event_id", "kind", "title", "text"),
        "{text}",
    ),
    "notify.closed": LogEvent(
        "info",
        "a message says what was decided about its question",
        ("board", "delivery"),
        "message {delivery}",
    ),
    "notify.unclosed": LogEvent(
        "warning",
        "a message about a decided question could not be edited",
        ("board", "delivery", "error"),
        "message {delivery}: {error}",
    ),
    "notify.woke": LogEvent(
        "info", "agents got tasks by which they are woken", ("board", "tasks"), "{tasks}"
    ),
    "notify.delivered": LogEvent(
        "info",
        "a message reached its destination",
        _SENT,
        "message {delivery} to {destination}",
    ),
    "notify.retry": LogEvent(
        "warning",
        "a message did not arrive and will be sent again",
        (*_SENT, "error", "delay_seconds"),
        "message {delivery} to {destination}, again in {delay_seconds}[: {error}]",
    ),
    "notify.dead": LogEvent(
        "warning",
        "a message was given up; 'notify retry' sends it again",
        (*_SENT, "error"),
        "message {delivery} to {destination}, {attempts} attempts[: {error}]",
    ),
    "notify.purged": LogEvent(
        "info",
        "a message's task was purged while it was on its way",
        ("board", "delivery"),
        "message {delivery}",
    ),
    "log.lost": LogEvent(
        "warning",
        "nobody read this log for a while; gateway.log has what is missing",
        ("lines",),
        "{lines} lines that nobody read in time",
    ),
    "config.reloaded": LogEvent(
        "info", "a changed configuration is in force", ("files",), "{files}"
    ),
    "config.rejected": LogEvent(
        "error",
        "a changed configuration is wrong; the last good one stays",
        ("error",),
        "{error}",
    ),
    "health.degraded": LogEvent(
        "warning", "something needs a person", ("board", "troubles"), "{troubles}"
    ),
    "health.recovered": LogEvent(
        "info", "nothing needs a person any more", ("board",), "nothing needs a person any more"
    ),
    "library.message": LogEvent(
        None, "a library's own message", ("logger", "message"), "{logger}: {message}"
    ),
}

FRAME: Final = ("timestamp", "level", "event")
EXCEPTION: Final = "exception"


def problem(line: Mapping[str, Any]) -> str | None:
    """What of a line is not as it is declared here, None if all is; unknown values are left out."""
    name, level = line.get("event"), line.get("level")
    event = LOG_EVENTS.get(str(name))
    if event is None:
        return f"no event is called {name!r}"
    if level != event.level and event.level is not None:
        return f"{name} is of level {event.level}, not {level}"
    for key, value in line.items():
        if key in FRAME or key == EXCEPTION:
            continue
        if key not in event.keys:
            return f"{name} has no key {key!r}"
        if not _is(value, KEYS[key].type):
            return f"{key!r} of {name} is no {KEYS[key].type}"
    return None


def _is(value: Any, kind: KeyType) -> bool:
    if isinstance(value, bool) or kind == "yes or no":
        return isinstance(value, bool) and kind == "yes or no"
    return isinstance(value, _TYPES[kind])


_TYPES: Final[dict[KeyType, tuple[type, ...]]] = {
    "text": (str,),
    "whole number": (int,),
    "number": (int, float),
    "list": (list,),
    "object": (dict,),
}
