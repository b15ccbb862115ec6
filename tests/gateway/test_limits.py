"""Caps and order, as the workers themselves saw them: each says when it began and when it ended."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

SAYS = (
    'echo "+ $HERMES_PROFILE ${{HERMES_TENANT:-none}} $HERMES_KANBAN_TASK" >> {trace}; '
    "{hold} sleep 0.0$(($$ % 5 + 3)); "
    'echo "- $HERMES_PROFILE ${{HERMES_TENANT:-none}} $HERMES_KANBAN_TASK" >> {trace}'
)


def lines(trace: Path) -> list[list[str]]:
    return [line.split() for line in trace.read_text().splitlines()]


def most_at_once(trace: Path, field: int | None = None) -> Counter[str]:
    """The most that ran at once, by one field of their lines, or in all."""
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for line in lines(trace):
        key = "all" if field is None else line[field]
        now[key] += 1 if line[0] == "+" else -1
        most[key] = max(most[key], now[key])
    return most


def all_done(conn: kb.BoardConnection) -> None:
    sql = "SELECT count(*) FROM tasks WHERE status <> 'done'"
    wait_until(lambda: conn.execute(sql).fetchone()[0] == 0, timeout=60, message="tasks are left")


def test_no_cap_is_ever_exceeded_and_none_is_left_unused(gateways: Gateways) -> None:
    trace, gate = gateways.home / "trace", gateways.home / "gate"
    trace.touch()
    hold = f"while [ ! -e {gate} ]; do sleep 0.02; done;"
    says = SAYS.format(trace=trace, hold=hold)
    gateways.configure(
        {
            "free": shell(says),
            "single": shell(says, max_in_progress=1),
            "painter": shell(says, resources={"gpu": 1}),
            "sculptor": shell(says, resources={"gpu": 2}),
        },
        max_in_progress=6,
        max_in_progress_per_tenant={"acme": 2},
        resources={"gpu": 3},
    )
    conn = gateways.open()
    profiles, tenants = ["free", "single", "painter", "sculptor"], ["acme", "other", None]
    with kb.batch(conn):
        for number in range(60):
            kb.create_task(
                conn,
                title=f"{number}",
                assignee=profiles[number % 4],
                tenant=tenants[number % 3],
                priority=random.randrange(3),
            )
    gateways.start()
    wait_until(lambda: len(lines(trace)) == 6, message="places stay unused")
    gate.touch()
    all_done(conn)
    assert most_at_once(trace)["all"] == 6
    assert most_at_once(trace, 1)["single"] == 1
    assert most_at_once(trace, 2)["acme"] == 2
    assert most_gpus(trace) in (2, 3)
    assert kb.check(conn, deep=True) == []


def most_gpus(trace: Path) -> int:
    takes = {"painter": 1, "sculptor": 2}
    now = most = 0
    for mark, profile, *_ in lines(trace):
        now += takes.get(profile, 0) * (1 if mark == "+" else -1)
        most = max(most, now)
    return most


def test_priority_first_then_one_of_each_tenant_then_age(gateways: Gateways) -> None:
    trace = gateways.home / "trace"
    gateways.configure({"worker": shell(SAYS.format(trace=trace, hold=""))}, max_in_progress=1)
    conn = gateways.open()
    with kb.batch(conn):
        filed = [
            kb.create_task(conn, title=name, assignee="worker", tenant=tenant, priority=priority)
            for name, tenant, priority in [
                ("old and low", "acme", 0),
                ("acme first", "acme", 5),
                ("acme second", "acme", 5),
                ("other first", "other", 5),
                ("urgent", "acme", 9),
                ("parent of the most urgent", "other", 0),
            ]
        ]
        kb.create_task(
            conn, title="most urgent", assignee="worker", parents=[filed[-1]], priority=10
        )
    gateways.start()
    all_done(conn)
    titles = {task.id: task.title for task in kb.list_tasks(conn)}
    begun = [titles[line[3]] for line in lines(trace) if line[0] == "+"]
    # With one place nothing runs beside the next: among equals the older goes first.
    assert begun == [
        "parent of the most urgent",
        "most urgent",
        "urgent",
        "acme first",
        "acme second",
        "other first",
        "old and low",
    ]


def test_tenants_of_equal_priority_share_the_places(gateways: Gateways) -> None:
    trace = gateways.home / "trace"
    gateways.configure({"worker": shell(SAYS.format(trace=trace, hold=""))}, max_in_progress=2)
    conn = gateways.open()
    with kb.batch(conn):
        for number in range(8):
            kb.create_task(conn, title=f"a{number}", assignee="worker", tenant="acme")
        for number in range(4):
            kb.create_task(conn, title=f"b{number}", assignee="worker", tenant="other")
    gateways.start()
    all_done(conn)
    begun = [line[2] for line in lines(trace) if line[0] == "+"]
    # The late tenant does not wait for the early one's whole queue.
    assert set(begun[:2]) == {"acme", "other"}
    assert begun[:8].count("other") >= 3
