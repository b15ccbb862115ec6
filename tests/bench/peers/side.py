"""What every side of the comparison is asked for, and the task that each of them carries."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast

TITLE: Final = "Measure one package of the tree"
BODY: Final = "b" * 400
RESULT: Final = "r" * 200

Task = dict[str, Any]
Body = Callable[[int], None]
"""The work itself, given the number of its task."""


class Kind(NamedTuple):
    """One side: how it is shown, the module of ``sides`` that drives it, what it installs.

    ``call`` is what hands out again what a dead process held, where that takes a call.
    """

    title: str
    module: str
    package: str | None = None
    call: str = ""
    options: dict[str, str] = {}  # noqa: RUF012 — never written


OURS: Final = Kind("hermes-kanban", "ours", call="`release_stale_claims`")
NORMAL: Final = OURS._replace(
    title="hermes-kanban, durability: normal", options={"durability": "normal"}
)
PGQUEUER: Final = Kind("pgqueuer", "pgqueuer", "pgqueuer", call="its next `dequeue`")
KINDS: Final = {
    "sqlite": {
        "ours": OURS,
        "ours-normal": NORMAL,
        "huey": Kind("huey, SqliteHuey", "huey", "huey"),
        "litequeue": Kind("litequeue", "litequeue", "litequeue", call="`list_locked` and `retry`"),
        "persist-queue": Kind("persist-queue, SQLiteAckQueue", "persistqueue", "persist-queue"),
        "dbos": Kind("dbos, on SQLite", "dbos", "dbos"),
    },
    "postgres": {
        "ours": OURS,
        "ours-normal": NORMAL,
        "procrastinate": Kind(
            "procrastinate", "procrastinate", "procrastinate",
            call="`get_stalled_jobs` and `retry_job`",
        ),
        "pgqueuer": PGQUEUER,
        "pgqueuer-tens": PGQUEUER._replace(
            title="pgqueuer, ten at a time", options={"batch": "10"}
        ),
    },
}  # fmt: skip
"""The sides of each comparison, by the store on which it takes place."""


def kind_of(name: str) -> Kind:
    """The side of that name; who takes part in both comparisons is the same in both."""
    return {**KINDS["postgres"], **KINDS["sqlite"]}[name]


def a_task(number: int) -> Task:
    """What is put: the same words and sizes for everybody."""
    return {"number": number, "title": TITLE, "body": BODY}


class Side(Protocol):
    """A queue in a folder of its own, as one process holds it."""

    def put(self, task: Task) -> None:
        """Add a task; it is committed when this returns."""

    def drain(self, body: Body, done: Callable[[int, bool], None], idle_seconds: float) -> None:
        """Claim, do and complete one task after another until none has been there for so long.

        ``done`` hears each number and whether its completion was accepted.
        """

    def wait(self, body: Body) -> None:
        """Do what comes, for ever; only of those that are compared by how soon they do."""

    def recover(self) -> bool:
        """Hand out again what a dead process held; False where there is no such call."""

    def kept(self) -> str:
        """What can still be read of the one task that was put and done."""

    def close(self) -> None:
        """Let go of the files."""


def open_side(name: str, folder: Path, *, at_once: int | None = None) -> Side:
    """The side of that name on ``folder``; ``at_once`` bounds what one process may hold."""
    kind = kind_of(name)
    module = importlib.import_module(f"tests.bench.peers.sides.{kind.module}")
    return cast(Side, module.open_side(folder, at_once=at_once, **kind.options))
