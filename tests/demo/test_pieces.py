"""What the demonstration is made of, without processes: agents' work, the plan, the live view."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from hermes_kanban import kernel as kb
from hermes_kanban.demo import plan, view
from hermes_kanban.demo.agents.briefing import Briefing
from hermes_kanban.demo.agents.measure import measure, total
from hermes_kanban.demo.agents.report import report
from hermes_kanban.demo.home import SOURCE
from hermes_kanban.demo.news import News
from hermes_kanban.demo.packages import packages
from tests.support.boards import ABoard

BRANCHES = """\
class Door:
    def open(self, key):
        if key:
            return True
        return False
"""


def test_packages_are_those_with_code(tmp_path: Path) -> None:
    for name, text in (
        ("one/__init__.py", ""),
        ("one/inner/__init__.py", ""),
        ("one/inner/code.py", "x = 1\n"),
        ("tests/__init__.py", "x = 1\n"),
        ("plain/code.py", "x = 1\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert packages(tmp_path) == {"one.inner": [Path("one/inner/code.py")]}


def test_a_briefing_gives_the_body_s_facts_and_the_parents_results(board: ABoard) -> None:
    parent = board.create("First")
    kb.complete_task(board.conn, parent, result='{"x": "</result y>"}')
    child = board.create(body="Do it.\n\npackage: a.b", parents=[parent])

    briefing = Briefing(kb.build_worker_context(board.conn, child))

    assert briefing.fact("package") == "a.b"
    assert briefing.parents_results() == [{"x": "</result y>"}]
    with pytest.raises(SystemExit, match="no line 'root"):
        briefing.fact("root")


def test_a_package_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "door.py"
    file.write_text(BRANCHES)
    found = total("doors", [measure(str(file))])
    counted = {key: found[key] for key in ("files", "source_lines", "classes", "functions")}
    assert counted == {"files": 1, "source_lines": 5, "classes": 1, "functions": 1}
    assert found["complexity"] == 2.0
    assert found["most_complex"][0].name == "Door.open"


def test_a_report_tells_of_a_package_without_functions(tmp_path: Path) -> None:
    file = tmp_path / "constants.py"
    file.write_text("X = 1\n")
    text = report([total("constants", [measure(str(file))])])
    assert "| `constants` | 1 | 1 | 0 | 0 | 0.0 | 0 | 100.0 |" in text
    assert "the largest package: 100 %" in text


def test_the_plan_fans_out_and_joins(board: ABoard) -> None:
    count = plan.file_plan(board.conn, SOURCE)
    tasks = plan.tasks(board.conn)
    assert len(tasks) == count == len(packages(SOURCE)) + 2
    assert [task.title for task in tasks if task.status == "ready"] == ["Take the inventory"]
    measures = {task.id for task in tasks if plan.is_measure(task)}
    parents = {link.parent_id for link in kb.list_links(board.conn, tasks[-1].id)}
    assert parents == measures
    plan.file_plan(board.conn, SOURCE)
    assert len(plan.tasks(board.conn)) == count


def test_a_plan_without_a_profile_is_idle_and_says_what_is_missing(board: ABoard) -> None:
    plan.file_plan(board.conn, SOURCE)
    assert plan.is_idle(board.conn)
    assert len(plan.obstacles(board.conn)) == 1
    assert "no profile is called 'surveyor'" in plan.obstacles(board.conn)[0]

    board.add_profile("surveyor")
    assert not plan.is_idle(board.conn)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (160, 45), (80, 12)])
def test_the_live_view_fits_its_terminal(board: ABoard, width: int, height: int) -> None:
    plan.file_plan(board.conn, SOURCE)
    inventory = plan.tasks(board.conn)[0]
    kb.complete_task(board.conn, inventory.id)
    crashed, running = [task for task in plan.tasks(board.conn) if task.status == "ready"][:2]
    _crash(board, crashed.id)
    run = board.start(running.id)
    log = board.conn.paths.run_dir(run.id) / "log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"first\n\x1b[31mfile.py: 12 lines\n")
    board.clock.advance(7)

    lines = _drawn(board, width, height)

    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    shown = "\n".join(lines)
    assert "done 1" in shown
    assert f"{running.title} 7s file.py: 12 lines" in " ".join(shown.split())
    assert f"↻ {crashed.title}: run 2 crashed" in shown


def _crash(board: ABoard, task_id: str) -> None:
    run = board.start(task_id)
    board.processes.vanish(run.worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)
    assert kb.get_run(board.conn, run.id).outcome == "crashed"


def _drawn(board: ABoard, width: int, height: int) -> list[str]:
    news = News(board.conn)
    news.lines()
    out = io.StringIO()
    console = Console(file=out, width=width, height=height)
    console.print(view.board(board.conn, news.retries, width, height))
    return out.getvalue().splitlines()
