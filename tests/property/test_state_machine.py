"""Any order of verbs, refusals, exits and clock changes leaves a sound board."""

from __future__ import annotations

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
from hermes_kanban.kernel import recover
from tests.support.boards import ABoard, a_profile

# What a caller may hear; everything else is a fault.
REFUSALS = (kb.IllegalTransition, kb.InvalidInput, kb.NotFound, kb.StaleRun)
CHEAP = """
SELECT 'running without its run' FROM tasks t LEFT JOIN task_runs r ON r.id = t.current_run_id
WHERE t.status = 'running' AND (r.id IS NULL OR r.ended_at IS NOT NULL
    OR r.claim_lock IS NOT t.claim_lock OR r.worker_pid IS NOT t.worker_pid)
UNION
SELECT 'an open run that is nobody''s' FROM task_runs r JOIN tasks t ON t.id = r.task_id
WHERE r.ended_at IS NULL AND t.current_run_id IS NOT r.id
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
"""
TASK = Bundle("task")
WORDS = st.sampled_from(["a", "b", None])
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
        kanban = msgspec.structs.replace(self.conn.config.kanban, max_runs=6, max_in_progress=3)
        self.conn.config = msgspec.structs.replace(
            self.conn.config, profiles=profiles, kanban=kanban
        )

    def teardown(self) -> None:
        try:
            assert kb.check(self.conn, deep=True) == []
        finally:
            self.board.close()
            self.patch.undo()
            self.folder.cleanup()

    def attempt(self, call: Callable[[], Any]) -> Any:
        """Call a verb; if it refuses by raising, it must have changed nothing."""
        before = self.conn.total_changes, kb.newest_event_id(self.conn)
        try:
            return call()
        except REFUSALS:
            now = kb.newest_event_id(self.conn)
            assert now == before[1]
            assert self.rows() == self.rows_before
            return None

    def rows(self) -> list[tuple[Any, ...]]:
        return [
            tuple(row)
            for table in ("tasks", "task_runs", "task_links")
            for row in self.conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        ]

    @invariant()
    def is_sound(self) -> None:
        assert [row[0] for row in self.conn.execute(CHEAP)] == []
        self.rows_before = self.rows()

    def run_of(self, task_id: str) -> kb.Run | None:
        return kb.latest_run(self.conn, task_id)

    def pick(self, status: str, number: int) -> str | None:
        """A task of that status: most of what is interesting happens to few of them."""
        tasks = kb.list_tasks(self.conn, status=status)
        return tasks[number % len(tasks)].id if tasks else None

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
    )
    def create(self, parents: list[str], key: str | None, retries: int | None, **rest: Any) -> Any:
        made = self.attempt(
            lambda: kb.create_task(
                self.conn,
                title="a task",
                parents=parents,
                idempotency_key=key,
                max_retries=retries,
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

    @rule(task=TASK, verb=st.sampled_from(["accept", "triage", "promote", "approve", "reclaim"]))
    def decide(self, task: str, verb: str) -> None:
        self.attempt(lambda: getattr(kb, f"{verb}_task")(self.conn, task))

    @rule(task=TASK, reason=WORDS)
    def unblock_or_reopen(self, task: str, reason: str | None) -> None:
        self.attempt(lambda: kb.unblock_task(self.conn, task, reason=reason))

    @rule(task=TASK)
    def reopen(self, task: str) -> None:
        self.attempt(lambda: kb.reopen_task(self.conn, task))

    @rule(task=TASK)
    def request_changes(self, task: str) -> None:
        self.attempt(lambda: kb.request_changes(self.conn, task, comment="again"))

    @rule(task=TASK, release=st.booleans())
    def archive(self, task: str, release: bool) -> None:
        self.attempt(lambda: kb.archive_task(self.conn, task, release=release))

    @rule(task=TASK, tree=st.booleans(), release=st.booleans())
    def cancel(self, task: str, tree: bool, release: bool) -> None:
        self.attempt(lambda: kb.cancel_task(self.conn, task, tree=tree, release=release))

    @rule(task=TASK, assignee=st.sampled_from([*PROFILES, None]))
    def assign(self, task: str, assignee: str | None) -> None:
        self.attempt(lambda: kb.assign_task(self.conn, task, assignee))

    @rule(task=TASK, priority=st.integers(-2, 5))
    def prioritise(self, task: str, priority: int) -> None:
        self.attempt(lambda: kb.prioritise_task(self.conn, task, priority))

    @rule(task=TASK, later=st.sampled_from([None, 50, 5_000]))
    def schedule(self, task: str, later: int | None) -> None:
        at = None if later is None else self.board.clock.now() + later
        self.attempt(lambda: kb.schedule_task(self.conn, task, at))

    @rule(task=TASK, body=WORDS)
    def edit_and_comment(self, task: str, body: str | None) -> None:
        self.attempt(lambda: kb.edit_task(self.conn, task, body=body))
        self.rows_before = self.rows()
        self.attempt(lambda: kb.add_comment(self.conn, task, "a word"))

    @rule(task=TASK)
    def complete_by_person(self, task: str) -> None:
        self.attempt(lambda: kb.complete_task(self.conn, task, result="by hand"))

    @rule(task=TASK, kind=st.sampled_from(["needs_input", "capability", "transient", "dependency"]))
    def block_by_person(self, task: str, kind: str) -> None:
        self.attempt(lambda: kb.block_task(self.conn, task, reason="wait", kind=kind))

    @rule(task=TASK)
    def adopt(self, task: str) -> None:
        for run in kb.list_runs(self.conn, task):
            self.rows_before = self.rows()
            self.attempt(lambda run=run: kb.adopt_result(self.conn, task, run_id=run.id))

    @rule(pause=st.integers(0, 3))
    def pause_or_resume(self, pause: int) -> None:
        (kb.pause if pause == 3 else kb.resume)(self.conn)

    # Workers, current and late.

    @rule(number=st.integers(0, 9), registered=st.booleans())
    def claim(self, number: int, registered: bool) -> None:
        task = self.pick("ready", number)
        if task is None:
            return
        if self.attempt(lambda: kb.claim_task(self.conn, task, ttl_seconds=300)) and registered:
            run = self.run_of(task)
            assert run is not None
            assert self.board.register(run)

    @rule(
        task=TASK,
        number=st.one_of(st.none(), st.integers(0, 9)),
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

        kb.dispatch_once(self.conn, spawn_fn=spawn, processes=self.board.processes)

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

    @rule(seconds=st.sampled_from([1, 20, 400, 4_000]))
    def wait(self, seconds: int) -> None:
        self.board.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-30, -1, 60]))
    def set_the_clock(self, seconds: int) -> None:
        self.board.clock.jump(seconds)


BoardMachine.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestBoardMachine = BoardMachine.TestCase
