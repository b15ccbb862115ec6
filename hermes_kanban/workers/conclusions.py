"""What an ended run's agent has to say for itself: its runtime reads exit code and output."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from hermes_kanban.ports import Conclusion, ExitRecord, WorkerRef
from hermes_kanban.regular import open_regular
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import Ending, runtime_named
from hermes_kanban.workers.runtimes.base import OUTPUT_BYTES, SAID_BYTES


def conclude(worker: WorkerRef, record: ExitRecord) -> Conclusion:
    """The runtime's reading of the run's end; an empty one where there is nothing to read.

    Nothing that an agent printed may keep its run from being closed: what cannot be read says so.
    """
    if record.started_at is None:
        return Conclusion()
    try:
        runtime = runtime_named(record.runtime)
    except SpawnRefused:
        return Conclusion()
    output = _last_output(worker.run_dir / "log", OUTPUT_BYTES) if runtime.has_tools else ""
    ending = Ending(
        exit_code=record.exit_code, output=output, now=record.exited_at, folder=worker.run_dir
    )
    try:
        found = runtime.conclude(ending)
    except Exception as error:
        found = Conclusion(error=f"the output of {runtime.name} could not be read: {error!r}")
    said = found.said
    if said is not None and len(said.encode()) > SAID_BYTES:
        said = said.encode()[-SAID_BYTES:].decode(errors="ignore")
    reached = _reached(worker) if runtime.has_tools else None
    return msgspec.structs.replace(found, said=said, reached_board=reached)


def _last_output(log: Path, limit: int) -> str:
    """The end of the log, over its rotation."""
    found = b""
    for file in (log, log.with_name(log.name + ".1")):
        if len(found) < limit:
            found = _end_of(file, limit - len(found)) + found
    return found.decode("utf-8", "replace")


def _end_of(file: Path, limit: int) -> bytes:
    try:
        with os.fdopen(open_regular(file), "rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - limit))
            return stream.read()
    except OSError:
        return b""


def _reached(worker: WorkerRef) -> bool:
    return (worker.run_dir / "agent.json").exists()
