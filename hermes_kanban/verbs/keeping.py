"""A verb that ends a run, while the board cannot be reached: kept on disk, then handed in."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from hermes_kanban import handovers
from hermes_kanban import kernel as kb
from hermes_kanban.handovers import HandOver
from hermes_kanban.kernel import limits, sources
from hermes_kanban.paths import BoardPaths
from hermes_kanban.regular import read_regular
from hermes_kanban.verbs import rights
from hermes_kanban.verbs.caller import Caller
from hermes_kanban.verbs.delivering import Delivery, deliver
from hermes_kanban.verbs.perform import aim
from hermes_kanban.verbs.verb import Verb

T = TypeVar("T")

PATIENCE_SECONDS: Final = 15.0
"""How long a worker's call waits for a board that cannot be reached."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


def patiently(ask: Callable[[], T], *, seconds: float | None = None) -> T:
    """What ``ask`` answers, asked again while the board cannot be reached.

    Not after a commit of which nobody knows whether it was kept: that must not be made twice.
    """
    until = time.monotonic() + (PATIENCE_SECONDS if seconds is None else seconds)
    pause = _FIRST_PAUSE
    while True:
        try:
            return ask()
        except kb.FateUnknown:
            raise
        except kb.BoardUnreachable:
            if time.monotonic() + pause > until:
                raise
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def keep(paths: BoardPaths, caller: Caller, verb: Verb, request: msgspec.Struct) -> bool:
    """Keep what a worker hands in; False if an earlier one of its run waits, which counts.

    Raises InvalidInput and NotAllowed for what the board would refuse, as far as that can be told
    without it, OSError if it cannot be written.
    """
    assert caller.run_id is not None
    rights.check_verb(caller, verb)
    aim(caller, verb, request)
    arguments: dict[str, Any] = msgspec.to_builtins(request)
    check_texts(arguments)
    named = arguments.pop("artifacts", None) or []
    with opened(named, _workspace(paths, caller), paths) as files:
        asked = HandOver(
            verb=verb.name,
            arguments=arguments,
            task_id=caller.task_id or "",
            run_id=caller.run_id,
            claim_lock=caller.claim_lock,
            artifacts=list(files),
            kept_at=int(time.time()),
        )
        return handovers.keep(handovers.place(paths.root), str(caller.run_id), asked, files)


def check_texts(arguments: dict[str, Any]) -> None:
    """Raises InvalidInput for what is too long or no text, as the board would."""
    limits.text("summary", arguments.get("summary"), limits.SUMMARY_BYTES)
    limits.text("result", arguments.get("result"), limits.RESULT_BYTES)
    limits.metadata(arguments.get("metadata"))
    if "reason" in arguments:
        limits.required("reason", arguments["reason"], limits.REASON_BYTES)


@contextlib.contextmanager
def opened(named: list[str], workspace: Path, board: BoardPaths | None) -> Iterator[dict[str, int]]:
    """The declared files, open, by the names that their copies have. InvalidInput names all bad.

    ``board`` is this machine's, whose databases are none of them; None where it has none.
    """
    if len(named) > limits.ARTIFACTS:
        raise kb.InvalidInput("artifacts", f"{limits.ARTIFACTS} at most", f"are {len(named)}")
    files: dict[str, int] = {}
    problems, total = [], 0
    with contextlib.ExitStack() as stack:
        for number, path in enumerate(dict.fromkeys(named)):
            try:
                descriptor = stack.enter_context(sources.opened(path, workspace, board))
                name = sources.file_name(os.path.basename(path))
            except (sources.Unfit, kb.InvalidInput) as problem:
                problems.append(f"{sources.shown(path)} {problem}")
                continue
            size = os.fstat(descriptor).st_size
            if size > limits.ATTACHMENT_BYTES:
                problems.append(f"{sources.shown(path)} has {size:,} bytes")
            total += size
            files[f"{number}/{name}"] = descriptor
        if total > limits.ARTIFACTS_BYTES:
            problems.append(f"have {total:,} bytes together")
        if problems:
            most = f"{limits.ATTACHMENT_BYTES:,} bytes each, {limits.ARTIFACTS_BYTES:,} together"
            allowed = f"plain files in the workspace {workspace}, at most {most}"
            raise kb.InvalidInput("artifacts", allowed, "; ".join(problems))
        yield files


def _workspace(paths: BoardPaths, caller: Caller) -> Path:
    """Where the run works, as it was told at its start: the board itself cannot be asked.

    Where its files were uploaded, they are all that it can name.
    """
    if caller.kept is not None and caller.kept.files is not None:
        return caller.kept.files
    try:
        told = read_regular(paths.run_dir(caller.run_id or 0) / "spec.json")
        return Path(msgspec.json.decode(told, type=_Spec).env["HERMES_KANBAN_WORKSPACE"])
    except (OSError, msgspec.DecodeError, KeyError):
        return paths.workspaces / (caller.task_id or "")


class _Spec(msgspec.Struct):
    """What is read of a run's specification."""

    env: dict[str, str]


class HandedIn(NamedTuple):
    """What became of a hand-over: whether it waits, and that in words for its agent."""

    waits: bool
    text: str


def hand_in(
    paths: BoardPaths,
    connect: Callable[[], kb.BoardConnection],
    caller: Caller,
    verb: Verb,
    request: msgspec.Struct,
) -> HandedIn:
    """Keep what a worker hands in, try for a while to hand it in, and say what became of it.

    Raises NotTaken where the board has refused it, InvalidInput and NotAllowed for what it would
    not take, OSError if nothing could be written.
    """
    first = keep(paths, caller, verb, request)
    name = str(caller.run_id)
    delivery = _deliver_soon(connect, name)
    if delivery is None and name in handovers.waiting(handovers.place(paths.root)):
        kept = f"your {verb.name}" if first else "what you handed in before, which counts,"
        return HandedIn(
            True,
            f"the board cannot be reached now: {kept} is kept on this host and will be handed in"
            " as soon as it can; your run is over, so stop here",
        )
    if delivery is not None and delivery.outcome != "accepted":
        raise NotTaken(delivery.why)
    return HandedIn(False, f"{caller.task_id}: handed in; your run is over, so stop here")


class NotTaken(kb.KanbanError):
    """The board has refused what was kept; it says why."""


def _deliver_soon(connect: Callable[[], kb.BoardConnection], name: str) -> Delivery | None:
    """Hand a kept one in as soon as the board can be reached; None if it goes on waiting.

    None also where another was faster. Whoever kept it need not stay for it.
    """

    def attempt() -> Delivery | None:
        conn = connect()
        try:
            return deliver(conn, name)
        finally:
            conn.close()

    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return patiently(attempt, seconds=max(0.0, until - time.monotonic()))
        except kb.FateUnknown:
            # It may be repeated as often as it takes.
            if time.monotonic() > until:
                return None
        except kb.KanbanError:
            return None
