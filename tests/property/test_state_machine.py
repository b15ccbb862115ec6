"""Any order of verbs, refusals, exits and clock changes leaves a sound board."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, recover, subscriptions
from tests.support import stores
from tests.support.boards import ABoard, a_profile, due_deliveries

# What a caller may hear; everything else is a fault.
REFUSALS = (kb.IllegalTransition, kb.InvalidInput, kb.NotFound, kb.StaleRun)
CHEAP = """
SELECT 'running without its run' FROM tasks t LEFT JOIN task_runs r ON r.id = t.current_run_id
WHERE t.status = 'running' AND (r.id IS NULL OR r.ended_at IS NOT NULL
    OR coalesce(r.claim_lock, '') <> coalesce(t.claim_lock, '')
    OR coalesce(r.worker_pid, 0) <> coalesce(t.worker_pid, 0))
UNION
SELECT 'an open run that is nobody''s' FROM task_runs r JOIN tasks t ON t.id = r.task_id
WHERE r.ended_at IS NULL AND coalesce(t.current_run_id, 0) <> r.id
UNION
SELECT 'ready behind an open parent, or todo behind none' FROM tasks t
WHERE (t.status = 'ready') = EXISTS (
        SELECT 1 FROM task_links l JOIN tasks p ON p.id = l.parent_id
        WHERE l.child_id = t.id AND l.released_at IS NULL AND p.status <> 'done'
          AND (p.status <> 'archived' OR p.completed_at IS NULL))
  AND t.status IN ('ready', 'todo')
UNION
SELECT 'two live processes of one task' FROM task_runs r
WHERE r.worker_pid IS NOT NULL AND r.exited_at IS NULL
GROUP BY r.task_id HAVING count(*) > 1
UNION
SELECT 'an effective priority that is not the highest of its own and its open children''s'
FROM tasks t WHERE t.status NOT IN ('done', 'archived')
  AND t.effective_priority <> (SELECT max(one.priority) FROM (
        SELECT t.priority UNION ALL
        SELECT c.effective_priority FROM task_links l JOIN tasks c ON c.id = l.child_id
        WHERE l.parent_id = t.id AND l.released_at IS NULL
          AND c.status NOT IN ('done', 'archived')) AS one)
"""
TABLES = (
    "boards", "tasks", "task_runs", "task_links", "task_comments", "kanban_notify_subs",
    "deliveries",
)  # fmt: skip
TASK = Bundle("task")
WORDS = st.sampled_from(["a", "b", None])
NUMBER = st.one_of(st.none(), st.integers(0, 9), st.integers(0, 9))
LEGAL = {
    "accept": "triage",
    "triage": "blocked",
    "promote": "todo",
    "approve": "review",
    "reclaim": "running",
    "request_changes": "review",
    "unblock": "blocked",
    "complete": "running",
    "block": "review",
    "reopen": "done",
}
PROFILES = ("coder", "writer")


class BoardMachine(RuleBasedStateMachine):
    """People, workers, a dispatcher and time act on one board in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = tempfile.TemporaryDirectory()
        self.board = ABoard(Path(self.folder.name) / "home", self.patch, "default")
        self.conn = self.board.conn
        profiles = {name: a_profile() for name in PROFILES}
        self.conn.config = msgspec.structs.replace(self.conn.config, profiles=profiles)
        self.board.configure(max_runs=6, max_in_progress=3)
        # Also on SQLite, which saves nothing by it.
        self.conn.foresees = True
        self.seen: dict[str, kb.Task] = {}

    def teardown(self) -> None:
        try:
            assert kb.check(self.conn, deep=True) == []
        finally:
            self.board.close()
            self.patch.undo()
            self.folder.cleanup()

    def attempt(self, call: Callable[[], Any]) -> Any:
        """Call a verb; if it refuses by raising, it must have changed nothing."""
        newest = kb.newest_event_id(self.conn)
        try:
            return call()
        except REFUSALS:
            assert kb.newest_event_id(self.conn) == newest
            assert self.rows() == self.rows_before
            return None

    def rows(self) -> list[tuple[Any, ...]]:
        return [
            tuple(row)
            for table in TABLES
            for row in self.conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        ]

    @invariant()
    def is_sound(self) -> None:
        assert [row[0] for row in self.conn.execute(CHEAP)] == []
        self.rows_before = self.rows()

    def run_of(self, task_id: str) -> kb.Run | None:
        return kb.latest_run(self.conn, task_id)

    def pick(self, status: str, number: int) -> str | None:
        """A task of that status; the low numbers, drawn most, are those that ran last.

        Most of what is interesting happens to few tasks.
        """
        tasks = kb.list_tasks(self.conn, status=status)
        tasks.sort(key=lambda task: -(task.started_at or 0))
        return tasks[number % len(tasks)].id if tasks else None

    def likely(self, verb: str, task: str, number: int | None) -> str:
        """Mostly a task from whose status the verb is legal, else any."""
        return task if number is None else self.pick(LEGAL[verb], number) or task

    @initialize(target=TASK)
    def begin_with_a_diamond(self) -> Any:
        top = kb.create_task(self.conn, title="top", assignee="coder")
        sides = [
            kb.create_task(self.conn, title="side", assignee="writer", parents=[top], priority=n)
            for n in range(2)
        ]
        bottom = kb.create_task(self.conn, title="bottom", assignee="coder", parents=sides)
        loose = [kb.create_task(self.conn, title="loose", assignee="coder") for _ in range(3)]
        return multiple(top, *sides, bottom, *loose)

    # People.

    @rule(
        target=TASK,
        parents=st.lists(TASK, max_size=3),
        triage=st.booleans(),
        priority=st.integers(-2, 3),
        assignee=st.sampled_from([*PROFILES, "outside", None]),
        tenant=WORDS,
        key=st.sampled_from(["k1", "k2", None, None, None]),
        retries=st.sampled_from([None, 0, 2]),
        runtime=st.sampled_from([None, 30]),
        workspace=st.sampled_from([None, None, "dir:/nowhere"]),
    )
    def create(
        self,
        parents: list[str],
        key: str | None,
        retries: int | None,
        runtime: int | None,
        **rest: Any,
    ) -> Any:
        made = self.attempt(
            lambda: kb.create_task(
                self.conn,
                title="a task",
                parents=parents,
                idempotency_key=key,
                max_retries=retries,
                max_runtime_seconds=runtime,
                **rest,
            )
        )
        return made if made is not None else multiple()

    @rule(parent=TASK, child=TASK)
    def link(self, parent: str, child: str) -> None:
        self.attempt(lambda: kb.link_tasks(self.conn, parent, child))

    @rule(parent=TASK, child=TASK)
    def unlink(self, parent: str, child: str) -> None:
        self.attempt(lambda: kb.unlink_tasks(self.conn, parent, child))

    @rule(
        task=TASK,
        number=NUMBER,
        verb=st.sampled_from(["accept", "triage", "promote", "approve", "reclaim"]),
    )
    def decide(self, task: str, number: int | None, verb: str) -> None:
        chosen = self.likely(verb, task, number)
        self.attempt(lambda: getattr(kb, f"{verb}_task")(self.conn, chosen))

    @rule(task=TASK, number=NUMBER)
    def reopen(self, task: str, number: int | None) -> None:
        chosen = self.likely("reopen", task, number)
        self.attempt(lambda: kb.reopen_task(self.conn, chosen))

    @rule(task=TASK, number=NUMBER, reason=WORDS)
    def unblock(self, task: str, number: int | None, reason: str | None) -> None:
        chosen = self.likely("unblock", task, number)
        self.attempt(lambda: kb.unblock_task(self.conn, chosen, reason=reason))

    @rule(task=TASK, number=NUMBER)
    def request_changes(self, task: str, number: int | None) -> None:
        chosen = self.likely("request_changes", task, number)
        self.attempt(lambda: kb.request_changes(self.conn, chosen, comment="again"))

    @rule(task=TASK, release=st.booleans())
    def archive(self, task: str, release: bool) -> None:
        self.attempt(lambda: kb.archive_task(self.conn, task, release=release))

    @rule(task=TASK, tree=st.booleans(), release=st.booleans())
    def cancel(self, task: str, tree: bool, release: bool) -> None:
        self.attempt(lambda: kb.cancel_task(self.conn, task, tree=tree, release=release))

    @rule(task=TASK, number=NUMBER, assignee=st.sampled_from([*PROFILES, None]))
    def assign(self, task: str, number: int | None, assignee: str | None) -> None:
        chosen = self.likely("reclaim", task, number)
        self.attempt(lambda: kb.assign_task(self.conn, chosen, assignee))

    @rule(
        task=TASK,
        what=st.sampled_from(["priority", "time", "body", "comment"]),
        amount=st.sampled_from([-2, 0, 1, 5, 50, 5_000]),
    )
    def adjust(self, task: str, what: str, amount: int) -> None:
        at = self.board.clock.now() + amount if amount > 0 else None
        calls: dict[str, Callable[[], Any]] = {
            "priority": lambda: kb.prioritise_task(self.conn, task, amount),
            "time": lambda: kb.schedule_task(self.conn, task, at),
            "body": lambda: kb.edit_task(self.conn, task, body=str(amount)),
            "comment": lambda: kb.add_comment(self.conn, task, "a word"),
        }
        self.attempt(calls[what])

    @rule(task=TASK, number=NUMBER)
    def complete_by_person(self, task: str, number: int | None) -> None:
        chosen = self.likely("complete", task, number)
        self.attempt(lambda: kb.complete_task(self.conn, chosen, result="by hand"))

    @rule(
        task=TASK,
        number=NUMBER,
        kind=st.sampled_from(["needs_input", "capability", "transient", "dependency"]),
    )
    def block_by_person(self, task: str, number: int | None, kind: str) -> None:
        chosen = self.likely("block", task, number)
        self.attempt(lambda: kb.block_task(self.conn, chosen, reason="wait", kind=kind))

    @rule(task=TASK)
    def adopt(self, task: str) -> None:
        for run in kb.list_runs(self.conn, task):
            self.rows_before = self.rows()
            self.attempt(lambda run=run: kb.adopt_result(self.conn, task, run_id=run.id))

    @rule()
    def lunch(self) -> None:
        """A paused board starts nothing."""
        ready = self.pick("ready", 0)
        kb.pause(self.conn)
        assert ready is None or kb.claim_task(self.conn, ready) is None
        kb.resume(self.conn)

    @rule(parent=TASK, child=TASK, caught=st.booleans())
    def several_at_once(self, parent: str, child: str, caught: bool) -> None:
        """A batch of which one verb may refuse: it undoes itself, or, not caught, everything."""

        def plan() -> None:
            with kb.batch(self.conn):
                kb.add_comment(self.conn, parent, "to be linked")
                try:
                    kb.link_tasks(self.conn, parent, child)
                    kb.promote_task(self.conn, child)
                except REFUSALS:
                    if not caught:
                        raise
                kb.prioritise_task(self.conn, parent, 4)

        self.attempt(plan)

    # Subscribers.

    @rule(
        task=st.one_of(st.none(), TASK),
        kinds=st.sampled_from([["attention"], ["all"], ["completed", "blocked"]]),
        assignee=st.sampled_from([None, *PROFILES]),
        ends=st.booleans(),
    )
    def subscribe(
        self, task: str | None, kinds: list[str], assignee: str | None, ends: bool
    ) -> None:
        wanted = {"kinds": kinds, "assignee": assignee}
        subscriptions.subscribe(self.conn, destination="log", task_id=task, filter=wanted)
        if ends:
            oldest = subscriptions.list_subscriptions(self.conn)[0]
            subscriptions.unsubscribe(self.conn, oldest.id)

    @rule(outcome=st.sampled_from(["delivered", "retry", "dead", None]), limit=st.integers(1, 500))
    def notify(self, outcome: str | None, limit: int) -> None:
        """Cursors move; the heads of the outbox are sent, fail or are given up."""
        outbox.advance_cursors(self.conn, limit=limit)
        for delivery in due_deliveries(self.conn) if outcome else []:
            if outcome == "delivered":
                outbox.mark_delivered(self.conn, delivery.id)
            elif outcome == "retry":
                outbox.mark_retry(self.conn, delivery.id, reason="nobody there")
            else:
                outbox.mark_dead(self.conn, delivery.id, reason="gone")

    # Workers, current and late.

    @rule(
        number=st.integers(0, 9),
        registered=st.sampled_from([True, True, False]),
        stubborn=st.booleans(),
        seen=st.sampled_from(["now", "before", "never"]),
    )
    def claim(self, number: int, registered: bool, stubborn: bool, seen: str) -> None:
        task = self.pick("ready", number)
        if task is None:
            return
        now = kb.get_task(self.conn, task)
        looks = {"now": now, "before": self.seen.setdefault(task, now), "never": None}
        taken = self.attempt(
            lambda: kb.claim_task(self.conn, task, ttl_seconds=300, seen=looks[seen])
        )
        assert taken is None or taken == kb.get_task(self.conn, task)
        if taken and registered:
            run = self.run_of(task)
            assert run is not None
            assert self.board.register(run, stubborn=stubborn)

    @rule(task=TASK)
    def register_late(self, task: str) -> None:
        """A process comes to a run that is open, has ended, has one already, or is to stop."""
        run = self.run_of(task)
        if run is None or run.claim_lock is None:
            return
        free = run.ended_at is None and run.worker_pid is None and run.stop_requested_at is None
        assert self.board.register(run) == free

    @rule(number=st.integers(0, 9), other=TASK, verb=st.sampled_from(["create", "link", "say"]))
    def work_on_the_plan(self, number: int, other: str, verb: str) -> None:
        """A run files, links and comments; what it signs is its own."""
        task = self.pick("running", number)
        run = None if task is None else self.run_of(task)
        if run is None:
            return
        proof = {"run_id": run.id, "claim_lock": run.claim_lock}
        calls: dict[str, Callable[[], Any]] = {
            "create": lambda: kb.create_task(self.conn, title="part", parents=[other], **proof),
            "link": lambda: kb.link_tasks(self.conn, other, run.task_id, **proof),
            "say": lambda: kb.add_comment(self.conn, other, "seen", **proof),
        }
        self.attempt(calls[verb])

    @rule(
        task=TASK,
        number=NUMBER,
        verb=st.sampled_from(["complete", "complete", "block", "review", "heartbeat", "wait"]),
        oldest=st.booleans(),
        other=TASK,
        kind=st.sampled_from(["needs_input", "transient", "dependency"]),
    )
    def work(
        self, task: str, number: int | None, verb: str, oldest: bool, other: str, kind: str
    ) -> None:
        if number is not None:
            task = self.pick("running", number) or task
        runs = [run for run in kb.list_runs(self.conn, task) if run.claim_lock]
        if not runs:
            return
        run = runs[0 if oldest else -1]
        proof = {"run_id": run.id, "claim_lock": run.claim_lock}
        calls: dict[str, Callable[[], Any]] = {
            "complete": lambda: kb.complete_task(self.conn, task, result="done", **proof),
            "block": lambda: kb.block_task(self.conn, task, reason="why", kind=kind, **proof),
            "review": lambda: kb.request_review(self.conn, task, summary="look", **proof),
            "heartbeat": lambda: kb.heartbeat_claim(self.conn, task, **proof),
            "wait": lambda: kb.wait_for(self.conn, task, [other], **proof),
        }
        was_current = kb.get_task(self.conn, task).current_run_id == run.id
        answer = self.attempt(calls[verb])
        if isinstance(answer, kb.Refused):
            assert not was_current
        elif answer:
            assert was_current

    # The dispatcher, processes and time.

    @rule(fails=st.booleans())
    def dispatch(self, fails: bool) -> None:
        def spawn(task: kb.Task, run: kb.Run) -> int:
            if fails:
                raise OSError("no such program")
            return self.board.processes.start().pid

        kb.dispatch_once(
            self.conn,
            spawn_fn=spawn,
            processes=self.board.processes,
            free_mib=lambda: 10_000,
        )

    @rule(
        step=st.sampled_from(
            ["exits", "stops", "crashes", "stale", "runtime", "due", "ready", "renew", "orphans"]
        )
    )
    def settle(self, step: str) -> None:
        """One step of the dispatcher by itself, in any order."""
        processes = self.board.processes
        steps: dict[str, Callable[[], Any]] = {
            "exits": lambda: kb.import_exit_records(self.conn, processes),
            "stops": lambda: kb.advance_stops(self.conn, processes),
            "crashes": lambda: kb.detect_crashed_workers(self.conn, processes),
            "stale": lambda: kb.release_stale_claims(self.conn, processes),
            "runtime": lambda: kb.enforce_max_runtime(self.conn),
            "due": lambda: kb.unblock_due(self.conn),
            "ready": lambda: kb.recompute_ready(self.conn),
            "renew": lambda: kb.renew_leases(self.conn, processes),
            "orphans": lambda: kb.recover_orphaned_claims(self.conn, processes),
        }
        steps[step]()

    @rule()
    def lose_the_dispatcher(self) -> None:
        """It dies between claim and registration; its successor has another identity."""

        class Died(BaseException):
            pass

        def spawn(task: kb.Task, run: kb.Run) -> int:
            raise Died

        processes = self.board.processes
        with contextlib.suppress(Died):
            kb.dispatch_once(
                self.conn, spawn_fn=spawn, processes=processes, free_mib=lambda: 10_000
            )
        processes.succeed()

    @rule(code=st.sampled_from([0, 1, 75, -9, None]), complete=st.booleans(), newest=st.booleans())
    def exit(self, code: int | None, complete: bool, newest: bool) -> None:
        """A registered process ends: with a record, or (None) killed without one."""
        live = [run for run in recover.live_runs(self.conn) if run.registered]
        if not live:
            return
        worker = live[-1 if newest else 0].worker(self.conn)
        if code is None:
            self.board.processes.vanish(worker.pid)
            return
        habit = "complete" if complete else "protocol_violation"
        self.board.processes.exit(
            worker, at=self.board.clock.now(), exit_code=code, on_exit_zero=habit, tail="said\n"
        )

    @rule(seconds=st.sampled_from([1, 20, 45, 400, 4_000]))
    def wait(self, seconds: int) -> None:
        self.board.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-30, -1, 60]))
    def set_the_clock(self, seconds: int) -> None:
        self.board.clock.jump(seconds)


BoardMachine.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestBoardMachine = pytest.mark.stores("sqlite")(BoardMachine.TestCase)


class OnPostgres(BoardMachine):
    """The same on the second store, whose rules the same statements must keep."""

    def __init__(self) -> None:
        stores.enter()
        super().__init__()

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            stores.leave()


OnPostgres.TestCase.settings = settings(
    BoardMachine.TestCase.settings, max_examples=40, stateful_step_count=50
)
TestPostgresBoardMachine = pytest.mark.stores("postgres")(OnPostgres.TestCase)
