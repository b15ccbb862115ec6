"""The destination ``command``: every way in which a process may end, or not."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import anyio
import psutil
import pytest

from hermes_kanban import notify
from hermes_kanban.notify.message import AboutEvent, Message, Outcome
from tests.notify.conftest import Inbox
from tests.support.waiting import wait_until

MESSAGE = Message(
    dedup_key="b:1:2",
    board="default",
    subscription=1,
    event=AboutEvent(2, "completed", "system", None, 3),
    task=None,
    text="Done: ü",
)


class Silent:
    def info(self, event: str, **keys: object) -> None:
        raise AssertionError(event)


def send(destination: str, timeout_seconds: float = 10) -> Outcome:
    async def attempt() -> Outcome:
        return await notify.send(destination, MESSAGE, Silent(), timeout_seconds=timeout_seconds)

    return anyio.run(attempt)


def shell(script: str) -> str:
    return f"command:/bin/sh -c '{script}'"


def python(code: str) -> str:
    return f"command:{sys.executable} -I -S -c '{code}'"


def test_exit_zero_is_delivered_and_stdin_is_the_message(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    assert send(inbox.command()) == notify.DELIVERED
    (message,) = inbox.messages()
    assert message == {
        "v": 1,
        "dedup_key": "b:1:2",
        "board": "default",
        "subscription": 1,
        "event": {
            "id": 2,
            "kind": "completed",
            "actor": "system",
            "run_id": None,
            "created_at": 3,
            "facts": {},
        },
        "task": None,
        "text": "Done: ü",
        "subject": "",
        "said": "",
        "link": None,
        "ask": None,
        "question": None,
        "files": [],
        "items": [],
        "written_at": None,
    }


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 75", "exit code 75 (try again later)"),
        ("exit 3", "exit code 3"),
        ("echo first >&2; echo no such room >&2; exit 1", "exit code 1: no such room"),
        ("echo token=abcdefgh >&2; exit 1", "exit code 1: token=[redacted]"),
        ("kill -9 $$", "killed by signal 9"),
    ],
)
def test_any_other_end_is_tried_again_with_its_reason(script: str, reason: str) -> None:
    assert send(shell(script)) == notify.retry(reason)


@pytest.mark.parametrize("program", ["/no/such/program", "/etc/passwd", "/etc/passwd/deeper"])
def test_a_program_that_cannot_be_run_is_tried_again(program: str) -> None:
    """It may be put right, and another host that takes over may have it."""
    outcome = send(f"command:{program}")
    assert outcome.kind == "retry"
    assert program in outcome.reason


def test_one_that_does_not_read_its_stdin_is_no_trouble() -> None:
    assert send("command:/bin/true") == notify.DELIVERED
    assert send(shell("exec 0<&-; exit 0")) == notify.DELIVERED


def test_one_that_floods_stderr_is_cut() -> None:
    outcome = send(python('import sys; sys.stderr.write("x" * 5_000_000); sys.exit(1)'))
    assert outcome.kind == "retry"
    assert len(outcome.reason) < 600


def test_a_background_child_that_keeps_stderr_open_holds_up_nothing() -> None:
    started = time.monotonic()
    assert send(shell("sleep 30.11 & exit 0")) == notify.DELIVERED
    assert time.monotonic() - started < 25
    for one in running("30.11"):
        one.kill()


def test_one_that_hangs_is_killed_with_its_whole_group(
    earlier_children: set[psutil.Process],
) -> None:
    started = time.monotonic()
    outcome = send(shell("trap : TERM; sleep 30.22 & sleep 30.22"), timeout_seconds=0.5)
    assert outcome == notify.retry("no end within 0.5 s")
    assert time.monotonic() - started < 25
    wait_until(lambda: running("30.22") == [])
    assert set(psutil.Process().children()) <= earlier_children


def test_cancelling_kills_and_reaps(earlier_children: set[psutil.Process]) -> None:
    async def run() -> float:
        async with anyio.create_task_group() as group:
            group.start_soon(notify.send, shell("sleep 30.33 & wait"), MESSAGE, Silent())
            while not running("30.33"):
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    anyio.run(run)
    wait_until(lambda: running("30.33") == [])
    assert set(psutil.Process().children()) <= earlier_children


def test_a_hundred_at_once_leave_no_zombie(earlier_children: set[psutil.Process]) -> None:
    outcomes: list[Outcome] = []

    async def one() -> None:
        outcomes.append(await notify.send("command:/bin/true", MESSAGE, Silent()))

    async def run() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(one)

    anyio.run(run)
    assert outcomes == [notify.DELIVERED] * 100
    assert set(psutil.Process().children()) <= earlier_children


def test_an_unknown_scheme_is_given_up_without_an_exception() -> None:
    assert send("pigeon:coop").kind == "dead"
    assert send("command:'open quote").kind == "retry"


@pytest.fixture
def earlier_children() -> set[psutil.Process]:
    """What other tests of this process have left running is none of these tests' business."""
    return set(psutil.Process().children())


def running(argument: str) -> list[psutil.Process]:
    """The live processes with that argument."""
    return [
        one
        for one in psutil.process_iter(["cmdline", "status"])
        if one.info["status"] != psutil.STATUS_ZOMBIE
        and (one.info["cmdline"] or [])[-1:] == [argument]
    ]
