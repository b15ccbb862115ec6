"""Programs whose every write fails in turn: what raises has changed nothing, and all goes on.

Run under ``tests.support.injector``: python -m tests.stress.no_room PROGRAM STRIDE [ACT … | FOLDER]
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.invariants.attached import altered_files, missing_files
from hermes_kanban.model.words import STATUSES
from hermes_kanban.workers.process import SystemProcesses
from hermes_kanban.workers.spawn import Spawner
from tests.stress.recorded import state_of
from tests.support import acts
from tests.support.boards import ManualClock
from tests.support.injector import refuse, relent
from tests.support.waiting import wait_until

figures: Counter[str] = Counter()
stride = [1]


def each_failure(
    times: str, attempt: Callable[[], object], judge: Callable[[BaseException | None], None]
) -> None:
    """Attempt and judge, with the first call failing, the second, and so on until none is left."""
    number, hits = 1, 1
    while hits:
        raised: BaseException | None = None
        refuse(number, times)
        try:
            attempt()
        except BaseException as error:
            raised = error
        hits = relent()
        figures["cases"] += 1
        figures["raised" if raised else "succeeded"] += 1
        try:
            judge(raised)
        except BaseException as error:
            error.add_note(f"call {number} failed {times}, which raised {raised!r}")
            raise
        number += stride[0]


def verbs(times: str) -> None:
    """Every verb on a board of its own, with and without a checkpoint at each commit."""
    for name in chosen():
        for pages in (1, 1_000):
            one_verb(name, pages, times)


def chosen() -> Sequence[str]:
    """The acts that are named on the command line, or all."""
    return sys.argv[3:] or acts.NAMES


def one_verb(name: str, checkpoint_pages: int, times: str) -> None:
    board = f"{name.replace('_', '-')}-{checkpoint_pages}-{times}"
    assert kb.create_board(board)
    conn = kb.connect(board)
    conn.execute(f"PRAGMA wal_autocheckpoint = {checkpoint_pages}")
    act: list[acts.Act] = []
    before: list[str] = []

    def prepare() -> None:
        act[:] = [acts.prepare(conn, name)]
        before[:] = [state_of(conn)]

    def judge(raised: BaseException | None) -> None:
        if raised is not None:
            assert isinstance(raised, kb.KanbanError), repr(raised)
            assert state_of(conn) == before[0], "a verb that raised has changed something"
            after = state_after_a_crash(conn)
            if isinstance(raised, kb.DiskFull):
                assert after == before[0], "and after a crash it is there"
            else:
                # Its last page is in the log; whoever reads that anew cannot know that it raised.
                figures["on the board after a crash"] += after != before[0]
        assert [*missing_files(conn), *altered_files(conn)] == []
        other = kb.connect(board)
        assert state_of(other) == state_of(conn)
        other.close()
        prepare()

    prepare()

    def attempt() -> None:
        act[0]()

    each_failure(times, attempt, judge)
    attempt()
    assert kb.check(conn, deep=True) == []
    conn.close()
    figures["verbs"] += 1


def state_after_a_crash(conn: kb.BoardConnection) -> str:
    """What the files alone say, without the shared memory of those who have them open."""
    copy = conn.paths.root.parent / "copied"
    copy.mkdir()
    for suffix in ("", "-wal"):
        # By another process: to close a file here would drop the locks that SQLite has on it.
        file = f"{conn.paths.database}{suffix}"
        if os.path.exists(file):
            pid = os.posix_spawn("/bin/cp", ["cp", file, str(copy)], {})
            assert os.waitpid(pid, 0)[1] == 0
    other = kb.connect("copied")
    state = state_of(other)
    other.close()
    shutil.rmtree(copy)
    return state


def says_so(raised: BaseException | None) -> None:
    """SQLite does not say why it cannot make a file: then the error names both reasons."""
    unknown = isinstance(raised, kb.KanbanError) and "room on its disk" in str(raised)
    assert raised is None or isinstance(raised, kb.DiskFull) or unknown, repr(raised)


def opening(times: str) -> None:
    """Making a board, opening it, and making one more."""
    home = Path(os.environ["HERMES_KANBAN_HOME"])

    def a_board(slug: str | None) -> None:
        kb.connect(slug).close()

    def nothing_is_left(raised: BaseException | None) -> None:
        says_so(raised)
        drafts = [one.name for one in home.glob("boards/*") if one.name.startswith(".")]
        assert drafts == [], "a draft was left behind"
        if raised is None:
            shutil.rmtree(home)
            home.mkdir()

    each_failure(times, lambda: a_board(None), nothing_is_left)

    conn = kb.connect()
    task_id = kb.create_task(conn, title="here before")
    conn.close()

    def it_opens(raised: BaseException | None) -> None:
        says_so(raised)
        conn = kb.connect()
        assert kb.get_task(conn, task_id).title == "here before"
        assert kb.check(conn, deep=True) == []
        conn.close()

    each_failure(times, lambda: a_board(None), it_opens)

    made = [0]

    def one_more() -> None:
        kb.create_board(f"more-{made[0]}")

    def it_is_there_or_not(raised: BaseException | None) -> None:
        says_so(raised)
        kb.create_board(f"more-{made[0]}")
        conn = kb.connect(f"more-{made[0]}")
        assert kb.check(conn, deep=True) == []
        conn.close()
        made[0] += 1

    each_failure(times, one_more, it_is_there_or_not)


def migrating(times: str) -> None:
    """Opening boards of the first version, copied from the folder that is named."""
    boards = Path(os.environ["HERMES_KANBAN_HOME"]) / "boards"
    boards.mkdir(exist_ok=True)
    made = [0]
    old = sqlite3.connect(f"file:{sys.argv[3]}/board.db?mode=ro&immutable=1", uri=True)
    (known,) = old.execute("SELECT count(*) FROM tasks").fetchone()
    old.close()

    def board() -> str:
        return f"{times}-{made[0]}"

    def prepare() -> None:
        made[0] += 1
        shutil.copytree(sys.argv[3], boards / board())

    def judge(raised: BaseException | None) -> None:
        says_so(raised)
        conn = kb.connect(board())
        assert len(kb.list_tasks(conn, status=STATUSES)) == known
        kb.create_task(conn, title="it goes on")
        assert kb.check(conn, deep=True) == []
        for file in sorted(conn.paths.backups.glob("*.db")):
            copy = sqlite3.connect(file)
            assert copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            (tasks,) = copy.execute("SELECT count(*) FROM tasks").fetchone()
            assert tasks == known
            copy.close()
            figures["backups"] += 1
        conn.close()
        prepare()

    prepare()
    each_failure(times, lambda: kb.connect(board()).close(), judge)


def saving(times: str) -> None:
    """Making backups of a board, and giving it the content of one while it is open."""
    kb.create_board(f"saved-{times}")
    conn = kb.connect(f"saved-{times}")
    acts.prepare(conn, "complete")()
    acts.prepare(conn, "attach")()
    first = kb.backup(conn)
    acts.prepare(conn, "comment")()
    before = [state_of(conn)]

    def judge(raised: BaseException | None) -> None:
        says_so(raised)
        if raised is not None:
            assert state_of(conn) == before[0], "what raised has changed something"
        assert kb.check(conn, deep=True) == []
        for file in conn.paths.backups.iterdir():
            if file.suffix == ".attachments":
                assert file.with_suffix("").exists(), f"{file.name} was left behind"
                continue
            assert file.suffix == ".db", f"{file.name} was left behind"
            assert kb.files_of_backup(file).is_dir(), f"{file.name} has no files"
            copy = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
            assert copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            copy.close()
        left = [one.name for one in conn.paths.root.iterdir() if one.name.startswith(".")]
        assert left == [], "a draft was left behind"
        kb.create_task(conn, title="it goes on")
        before[:] = [state_of(conn)]

    each_failure(times, lambda: kb.backup(conn), judge)
    each_failure(times, lambda: kb.restore(first, f"saved-{times}"), judge)
    conn.close()


def spawning(times: str) -> None:
    """A dispatcher starts tasks: whatever had no room, each task is done by one agent at last."""
    home = Path(os.environ["HERMES_KANBAN_HOME"])
    trace = home.with_name(home.name + "-trace")
    (home / "config.yaml").write_text(CONFIG.replace("TRACE", str(trace)))
    clock, processes = ManualClock(), SystemProcesses()
    conn = kb.connect(clock=clock)

    def dispatch() -> kb.DispatchReport:
        spawner = Spawner(
            paths=conn.paths,
            board=kb.get_board(conn),
            profiles=conn.config.profiles,
            prompt_for=lambda task, _run: task.title,
        )
        return kb.dispatch_once(
            conn, spawn_fn=spawner, processes=processes, free_mib=lambda: 10_000
        )

    task = [kb.create_task(conn, title="to do", assignee="agent")]

    def is_done() -> bool:
        # Long enough for the longest back-off, and for the lease of a claim that came to nothing.
        clock.advance(1_000)
        dispatch()
        run = kb.latest_run(conn, task[0])
        return kb.get_task(conn, task[0]).status == "done" and bool(run and run.exited_at)

    def judge(raised: BaseException | None) -> None:
        assert raised is None or isinstance(raised, kb.DiskFull), repr(raised)
        assert kb.check(conn) == []
        wait_until(is_done, message=f"it is never done: {kb.list_runs(conn, task[0])}")
        assert trace.read_text().split().count(task[0]) == 1, "no agent, or two"
        outcomes = [run.outcome for run in kb.list_runs(conn, task[0])]
        figures.update(f"runs {outcome}" for outcome in outcomes)
        task[0] = kb.create_task(conn, title="to do", assignee="agent")

    each_failure(times, dispatch, judge)
    assert kb.check(conn, deep=True) == []
    conn.close()


CONFIG = """
kanban: {max_retries: 100, max_runs: 1000, backoff_max_seconds: 60}
profiles:
  agent: {argv: [/bin/sh, -c, "echo $HERMES_KANBAN_TASK >> TRACE"]}
"""
PROGRAMS = {
    "verbs": verbs,
    "opening": opening,
    "migrating": migrating,
    "saving": saving,
    "spawning": spawning,
}


def main() -> None:
    stride[0] = int(sys.argv[2])
    for times in ("once", "on"):
        PROGRAMS[sys.argv[1]](times)
    print(f"{sys.argv[1]}: {dict(figures)}", file=sys.stderr)


if __name__ == "__main__":
    main()
