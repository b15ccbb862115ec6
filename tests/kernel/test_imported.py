"""What happened elsewhere is told by the lifecycle's own rows; a board is told whole, and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.foreign import ForeignComment, ForeignFile, ForeignRun, ForeignTask
from hermes_kanban.porting.spool import Spool
from tests.conftest import MakeBoard
from tests.support.boards import START, ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")
LONG_AGO = START - 10_000


@pytest.fixture
def spool() -> Iterator[Spool]:
    """A source without tasks."""
    with Spool("elsewhere", "memory") as empty:
        yield empty


def run(at: int, outcome: str, **more: object) -> ForeignRun:
    columns = {"profile": "coder", "claimer": "theirs", "started_at": at, "ended_at": at + 50}
    return ForeignRun(key=str(at), outcome=outcome, **(columns | more))  # type: ignore[arg-type]


def kinds(board: ABoard, task_id: str) -> list[tuple[str, int]]:
    events = kb.list_events(board.conn, task_id=task_id, limit=100)
    return [(event.kind, event.created_at - LONG_AGO) for event in events]


def bring(board: ABoard, spool: Spool, *tasks: ForeignTask) -> dict[str, str]:
    """Import them; the ids that they have here."""
    for task in tasks:
        spool.add(task)
    kb.import_tasks(board.conn, spool, actor="person:mara")
    return {foreign: task for _, foreign, task in kb.imported_ids(board.conn)}


def test_each_step_is_an_event_of_its_time(board: ABoard, spool: Spool) -> None:
    ids = bring(
        board,
        spool,
        ForeignTask(
            "1",
            "Write",
            "done",
            "closed",
            created_at=LONG_AGO,
            runs=[
                run(LONG_AGO + 100, "crashed", error="exit 1"),
                run(LONG_AGO + 200, "blocked", error="which one?"),
                run(LONG_AGO + 300, "review"),
                run(LONG_AGO + 400, "completed", summary="written"),
            ],
            comments=[ForeignComment("1", "person:ann", "this one", LONG_AGO + 260)],
            files=[ForeignFile("notes.txt", data=b"notes", at=LONG_AGO + 270)],
            result="A page",
        ),
    )
    assert kinds(board, ids["1"]) == [
        ("created", 0),
        ("claimed", 100),
        ("crashed", 150),
        ("claimed", 200),
        ("blocked", 250),
        ("commented", 260),
        ("attached", 270),
        ("unblocked", 300),
        ("claimed", 300),
        ("review_requested", 350),
        ("changes_requested", 400),
        ("claimed", 400),
        ("completed", 450),
    ]
    task = kb.get_task(board.conn, ids["1"])
    assert (task.status, task.completed_at, task.result) == ("done", LONG_AGO + 450, "A page")
    assert [one.outcome for one in kb.list_runs(board.conn, task.id)] == [
        *("crashed", "blocked", "review", "completed")
    ]


def test_failures_in_a_row_are_counted_as_here(board: ABoard, spool: Spool) -> None:
    runs = [run(LONG_AGO + at, "timed_out", error="slow") for at in (100, 200)]
    ids = bring(
        board,
        spool,
        ForeignTask("1", "Again", "ready", "open", created_at=LONG_AGO, runs=runs),
        ForeignTask(
            "2", "Gave up", "blocked", "stuck", created_at=LONG_AGO, runs=[*runs], block_reason="no"
        ),
    )
    again, gave_up = (kb.get_task(board.conn, ids[one]) for one in ("1", "2"))
    assert (again.status, again.consecutive_failures) == ("ready", 2)
    assert (gave_up.status, gave_up.block_reason) == ("blocked", "no")
    assert kb.claim_task(board.conn, again.id) is not None


def test_parents_decide_where_a_task_rests(board: ABoard, spool: Spool) -> None:
    ids = bring(
        board,
        spool,
        ForeignTask("child", "Child", "ready", "open", priority=7, parents=["open", "done"]),
        ForeignTask("open", "Open", "ready", "open"),
        ForeignTask("done", "Done", "done", "closed", created_at=LONG_AGO),
        ForeignTask("lost", "Lost", "ready", "open", parents=["given up"]),
        ForeignTask("begun", "Begun", "review", "open", parents=["given up"]),
        ForeignTask("given up", "Given up", "archived", "dropped", parents=["open"]),
    )
    tasks = {name: kb.get_task(board.conn, task_id) for name, task_id in ids.items()}
    assert {name: task.status for name, task in tasks.items()} == {
        "open": "ready",
        "done": "done",
        "child": "todo",
        "given up": "archived",
        "lost": "blocked",
        "begun": "review",
    }
    assert tasks["open"].effective_priority == 7
    kb.complete_task(board.conn, ids["open"])
    assert kb.get_task(board.conn, ids["child"]).status == "ready"
    (link,) = kb.list_links(board.conn, ids["begun"])
    assert link.released_at is not None


def test_times_are_never_of_the_future_nor_out_of_order(board: ABoard, spool: Spool) -> None:
    ids = bring(
        board,
        spool,
        ForeignTask(
            "1",
            "Odd",
            "ready",
            "open",
            created_at=START + 500,
            runs=[run(LONG_AGO, "crashed"), run(START + 900, "reclaimed"), run(9, "blocked")],
            comments=[ForeignComment("1", "person:ann", "early", 5)],
        ),
    )
    times = [event.created_at for event in kb.list_events(board.conn, task_id=ids["1"])]
    assert set(times) == {START}
    assert [one.outcome for one in kb.list_runs(board.conn, ids["1"])] == [
        *("crashed", "reclaimed", "blocked")
    ]


def test_a_board_that_was_told_is_the_same_again(
    board: ABoard, spool: Spool, make_board: MakeBoard
) -> None:
    child = ForeignTask("2", "Child", "ready", "open", parents=["1"])
    files = [ForeignFile("a.bin", data=b"\x00" * 500_000)]
    bring(board, spool, ForeignTask("1", "Parent", "done", "closed", files=files), child)
    claimed = kb.claim_task(board.conn, board.create("mine"))
    out: list[bytes] = []
    told = kb.export_board(board.conn, out.append)
    other = make_board("other")
    loaded = kb.load_board(other.conn, iter(out), "memory")
    assert claimed is not None
    assert loaded.reclaimed == [claimed.current_run_id]
    assert loaded.fingerprint == told.fingerprint == kb.fingerprint(board.conn)
    assert kb.check(other.conn, deep=True) == []
    assert kb.get_task(other.conn, claimed.id).status == "ready"
    assert kb.imported_ids(other.conn) == kb.imported_ids(board.conn)
    # Numbers go on where the board had come to.
    made = kb.create_task(other.conn, title="after")
    assert kb.get_task(other.conn, made).seq > kb.get_task(board.conn, claimed.id).seq
