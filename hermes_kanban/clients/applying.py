"""Carries a plan out: each file whole or not at all, and only if nobody was faster."""

from __future__ import annotations

import contextlib
from pathlib import Path

from hermes_kanban.clients.base import ClientTrouble
from hermes_kanban.clients.ledger import Ledger, Record
from hermes_kanban.clients.plan import Plan, ledger_name
from hermes_kanban.store.files import replace_file

PRIVATE, SHARED = 0o600, 0o644


def apply(plan: Plan, ledger: Ledger, known: Record | None = None) -> None:
    """Write what was planned; ``known`` is the record before it, which an undo takes back.

    Raises ClientTrouble, with nothing written, if a file is not what it was when the plan was
    made, OSError if one cannot be written.
    """
    for change in plan.changes:
        if _bytes(change.file) != change.before:
            raise ClientTrouble(f"{change.file} was changed meanwhile; try again")
    if plan.record is not None:
        # First, so that even half of it can be taken back.
        _keep_copies(plan, plan.record, ledger)
        ledger.write(plan.record)
    for change in plan.changes:
        if change.after is None:
            change.file.unlink()
        else:
            change.file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(change.file, change.after, PRIVATE if change.private else SHARED)
    if known is None:
        return
    if plan.record is not None:
        ledger.drop(known.copies - plan.record.copies)
    else:
        for folder in reversed(known.folders):
            # Only if nothing else came to lie in it.
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        ledger.forget(known)


def _keep_copies(plan: Plan, record: Record, ledger: Ledger) -> None:
    for change in plan.changes:
        if change.before is not None and ledger_name(change.before) in record.copies:
            ledger.keep(change.before)


def _bytes(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
