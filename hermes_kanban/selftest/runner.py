"""A self-test from its first stage to its last word."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Final, NamedTuple

from hermes_kanban.model.errors import KanbanError
from hermes_kanban.selftest.children import Children
from hermes_kanban.selftest.findings import Broke, Report, StageReport
from hermes_kanban.selftest.place import Place
from hermes_kanban.selftest.show import Show
from hermes_kanban.selftest.trial import Trial

STAGES: Final = ("disk", "steps", "races", "workers", "history")
CHAOS: Final = "chaos"
MEBIBYTE: Final = 1 << 20
ROOM_MEBIBYTES: Final = 64
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Wanted(NamedTuple):
    """What is to be done. ``minutes`` is how long chaos takes; ``min_free_mb`` is to stay free."""

    stages: tuple[str, ...]
    minutes: float
    seed: int
    keep: bool
    min_free_mb: int


class NoRoom(KanbanError):
    """The disk is too full to begin."""


def check_room(users_home: Path, min_free_mb: int) -> None:
    """NoRoom, having written nothing, unless the test fits beside what is to stay free."""
    there = next(one for one in (users_home, *users_home.parents) if one.exists())
    free = shutil.disk_usage(there).free // MEBIBYTE
    needed = ROOM_MEBIBYTES + min_free_mb
    if free < needed:
        raise NoRoom(
            f"{there} has {free} MiB free and the self-test wants {needed}"
            f" ({ROOM_MEBIBYTES} for itself, {min_free_mb} are kept free, kanban.min_free_mb);"
            " free some space"
        )


def run(users_home: Path, wanted: Wanted, show: Show) -> Report:
    """Go through the stages. Raises NoRoom or OSError, having left nothing."""
    check_room(users_home, wanted.min_free_mb)
    place = Place(users_home)
    report = Report(False, False, wanted.seed, 0.0, None, [], [])
    began = time.monotonic()
    place.prepare()
    children = Children(place)
    show.say(f"home  {place.home}, where no gateway of yours looks")
    show.say(f"seed  {wanted.seed}")
    show.say("")
    try:
        with place.entered(), one_interrupt():
            children.watch_over()
            for name in wanted.stages:
                if not _run_stage(name, wanted, place, children, show, report):
                    break
    except KeyboardInterrupt:
        report.interrupted = True
    finally:
        _end(children, show, report)
        report.seconds = round(time.monotonic() - began, 1)
        report.held = not report.broken() and not report.interrupted
        _keep_or_remove(place, wanted, report)
    return report


def _run_stage(
    name: str,
    wanted: Wanted,
    place: Place,
    children: Children,
    show: Show,
    report: Report,
) -> bool:
    """One stage; False if there is no use in going on."""
    module = import_module(f"hermes_kanban.selftest.{name}")
    stage = StageReport(name, module.ABOUT)
    report.stages.append(stage)
    trial = Trial(place, children, show, stage, wanted.seed, seconds=wanted.minutes * 60)
    began = time.monotonic()
    show.begin(stage)
    try:
        module.run(trial)
    except Broke as broke:
        trial.broke(broke.text, broke.board)
    except Exception as error:
        # Not foreseen, so it is evidence too.
        file = place.home / f"{name}.failure"
        file.write_text(traceback.format_exc(), encoding="utf-8")
        trial.broke(f"{type(error).__name__}: {error} (see {file})")
    else:
        stage.finished = True
    finally:
        stage.seconds = round(time.monotonic() - began, 1)
        show.end(stage)
    children.end_all_but_warden()
    return stage.held or name != "disk"


def _end(children: Children, show: Show, report: Report) -> None:
    if report.interrupted:
        show.say("interrupted: ending what was started")
    children.end_all()
    show.close()


def _keep_or_remove(place: Place, wanted: Wanted, report: Report) -> None:
    broken = report.broken()
    if not broken and not wanted.keep:
        place.remove()
        return
    report.home = str(place.home)
    boards = dict.fromkeys(one.board for one in broken if one.board)
    if not broken:
        folder = place.home / "boards"
        boards = dict.fromkeys(sorted(one.name for one in folder.glob("*")))
    report.look = [place.look_command(slug) for slug in boards if slug]


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """The first of these signals ends the block by KeyboardInterrupt; more of them change nothing.

    Until the block has been left: what ends the processes must not be ended by an impatient hand.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is interrupt:
            for number, handler in before.items():
                signal.signal(number, handler)
