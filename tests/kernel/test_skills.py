"""Skills of a task: kept through every verb, and a task whose agent lacks one is held back."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile
from hermes_kanban.kernel import queue
from hermes_kanban.ports import UnknownSkills
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


class Shelf:
    """Skills by profile (``ports.Skills``), and every question that was asked."""

    def __init__(self, **known: set[str]) -> None:
        self.known = known
        self.asked: list[tuple[str, tuple[str, ...], str | None]] = []

    def unknown(
        self, name: str, profile: Profile, wanted: Sequence[str], workspace: str | None
    ) -> UnknownSkills | None:
        self.asked.append((name, tuple(wanted), workspace))
        missing = tuple(one for one in wanted if one not in self.known.get(name, set(wanted)))
        return UnknownSkills(missing, profile.runtime, "/shelf") if missing else None


def _never(*_: object) -> int:
    raise AssertionError("nothing may start")


def _look(board: ABoard) -> kb.DispatchReport:
    return kb.dispatch_once(board.conn, spawn_fn=_never, dry_run=True, free_mib=lambda: 10_000)


@pytest.fixture
def shelf(board: ABoard) -> Shelf:
    """The writer has one skill; what others have nobody can say."""
    shelf = Shelf(writer={"sql"})
    board.conn.skills = shelf
    board.add_profile("writer")
    board.add_profile("other")
    return shelf


def test_a_task_whose_agent_lacks_a_skill_is_held_with_the_reason(
    board: ABoard, shelf: Shelf
) -> None:
    task = board.create(assignee="writer", skills=["sql", "plots", "maps"])
    report = _look(board)
    assert report.held == {"unknown_skill": [task]}
    assert report.eligible == []
    (hold,) = kb.why(board.conn, task)
    assert hold.code == "unknown_skill"
    assert hold.text == "command finds no skill plots, maps for profile writer"
    assert hold.lifted_by == f"install it in /shelf, or hermes-kanban edit {task} --skill NAME"
    assert hold.since == board.clock.at


def test_it_starts_once_the_skill_is_there(board: ABoard, shelf: Shelf) -> None:
    task = board.create(assignee="writer", skills=["plots"])
    assert _look(board).eligible == []
    shelf.known["writer"].add("plots")
    assert _look(board).eligible == [task]
    assert kb.why(board.conn, task) == []


def test_it_starts_once_the_skill_is_not_asked_for_any_more(board: ABoard, shelf: Shelf) -> None:
    task = board.create(assignee="writer", skills=["plots"])
    kb.edit_task(board.conn, task, skills=["sql"])
    assert _look(board).eligible == [task]


def test_what_nobody_can_tell_holds_nothing(board: ABoard, shelf: Shelf) -> None:
    task = board.create(assignee="other", skills=["plots"])
    assert _look(board).eligible == [task]


def test_a_board_that_knows_no_skills_asks_nobody(board: ABoard) -> None:
    board.add_profile("writer", skills=["plots"])
    task = board.create(assignee="writer", skills=["maps"])
    assert _look(board).eligible == [task]


def test_tasks_and_profiles_without_skills_cost_no_question(board: ABoard, shelf: Shelf) -> None:
    board.create(assignee="writer")
    kb.why(board.conn, board.create(assignee="writer"))
    board.create(assignee=None, skills=["sql"])
    board.create(assignee="nobody", skills=["sql"])
    _look(board)
    assert shelf.asked == []


def test_the_profile_s_own_skills_are_asked_for_too(board: ABoard, shelf: Shelf) -> None:
    board.add_profile("writer", skills=["prose"])
    task = board.create(assignee="writer", skills=["sql"], workspace=f"dir:{board.home}")
    (hold,) = kb.why(board.conn, task)
    assert shelf.asked == [("writer", ("prose", "sql"), str(board.home))]
    assert hold.text == "command finds no skill prose for profile writer"
    assert hold.lifted_by == "install it in /shelf, or change skills of the profile"


def test_a_skill_that_went_between_the_look_and_the_claim_holds_the_claim(
    board: ABoard, shelf: Shelf
) -> None:
    task = board.create(assignee="writer", skills=["sql"])

    class Going(Shelf):
        def unknown(self, *given: object) -> UnknownSkills | None:
            answer = super().unknown(*given)  # type: ignore[arg-type]
            self.known["writer"].clear()
            return answer

    board.conn.skills = Going(writer={"sql"})
    report = kb.dispatch_once(board.conn, spawn_fn=_never, free_mib=lambda: 10_000)
    assert report.held == {"unknown_skill": [task]}
    assert board.task(task).status == "ready"


def test_tasks_behind_those_that_are_held_start_in_order(board: ABoard, shelf: Shelf) -> None:
    with kb.batch(board.conn):
        for number in range(230):
            board.create(assignee="writer", skills=["plots"], priority=number % 3)
        free = [board.create(assignee="writer", skills=["sql"], priority=1) for _ in range(12)]
        late = [board.create(assignee="writer") for _ in range(2)]
    assert _look(board).eligible == free[:8]
    assert kb.dispatch_once(
        board.conn, spawn_fn=_never, dry_run=True, free_mib=lambda: 10_000, max_spawn=20
    ).eligible == [*free, *late]


def test_a_look_goes_so_far_and_no_further(
    board: ABoard, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "SKILLS_LOOK", 30)
    monkeypatch.setattr(queue, "SKILLS_PAGE", 10)
    with kb.batch(board.conn):
        for _ in range(60):
            board.create(assignee="writer", skills=["plots"])
        board.create(assignee="writer")
    assert _look(board).eligible == []
    assert len(shelf.asked) < 60


def test_held_tasks_in_a_folder_in_use_do_not_hide_what_is_behind(
    board: ABoard, shelf: Shelf
) -> None:
    busy = board.home / "busy"
    busy.mkdir()
    board.register(board.claim(board.create(assignee="writer", workspace=f"dir:{busy}")))
    with kb.batch(board.conn):
        for _ in range(9):
            board.create(assignee="writer", workspace=f"dir:{busy}")
            board.create(assignee="writer", skills=["plots"])
        free = board.create(assignee="writer", skills=["sql"])
    board.configure(max_in_progress=50)
    assert _look(board).eligible == [free]


# Through every verb


def test_they_are_told_wherever_the_task_is(board: ABoard) -> None:
    task = board.create(assignee="writer", skills=["sql", "plots"])
    assert board.task(task).skills == ["sql", "plots"]
    assert kb.list_tasks(board.conn)[0].skills == ["sql", "plots"]
    assert "skills: sql, plots" in kb.build_worker_context(board.conn, task)
    claimed = kb.claim_task(board.conn, task)
    assert claimed is not None
    assert claimed.skills == ["sql", "plots"]


def test_an_edit_is_an_event_and_can_be_undone(board: ABoard) -> None:
    task = board.create(skills=["sql"])
    before = kb.newest_event_id(board.conn)
    kb.edit_task(board.conn, task, skills=["plots"])
    event = kb.list_events(board.conn, task)[-1]
    assert event.kind == "edited"
    assert event.payload["task"]["skills"] == '["plots"]'
    kb.undo(board.conn, task)
    assert board.task(task).skills == ["sql"]
    for moment, skills in ((before, ["sql"]), (event.id, ["plots"])):
        seen = kb.task_at(board.conn, task, kb.moment(board.conn, event_id=moment))
        assert seen.task.skills == skills


def test_a_replay_ends_with_them(board: ABoard) -> None:
    board.create(skills=["sql"])
    assert kb.replay_differences(board.conn) == []
    assert msgspec.json.decode(board.conn.execute("SELECT skills FROM tasks").fetchone()[0]) == [
        "sql"
    ]
