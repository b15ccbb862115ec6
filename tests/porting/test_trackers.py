"""Other trackers' files: each says on the board what it said there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.porting.conftest import SOURCES, Board, Cli, by_title, is_sound

# Kind, file, and of each task: status, assignee, priority, the titles it waits for.
EXPECTED: list[tuple[str, str, dict[str, tuple[str, str | None, int, set[str]]]]] = [
    (
        "beads",
        "beads.jsonl",
        {
            "Rework the login": ("todo", None, 10, {"Design the schema", "Write the endpoint"}),
            "Design the schema": ("done", "ana", 20, set()),
            "Write the endpoint": ("ready", "ben", 0, {"Design the schema"}),
            "Test the endpoint": ("todo", None, 0, {"Write the endpoint"}),
            "Ask the lawyers": ("blocked", None, -20, set()),
            "Someday": ("triage", None, -10, set()),
        },
    ),
    (
        "backlog",
        "backlog",
        {
            "An idea": ("triage", None, 0, set()),
            "Add OAuth": ("ready", "ana", 10, set()),
            "Write the tests": ("todo", "ben", -10, {"Add OAuth", "Part one"}),
            "Part one": ("ready", None, 0, set()),
            'Ship it: a "quoted" title': ("ready", None, 0, set()),
            "Give up": ("archived", None, 0, set()),
            "Old work": ("done", None, 0, set()),
        },
    ),
    (
        "vibe-kanban",
        "vibe-kanban.json",
        {
            "Build the header": ("done", None, 0, set()),
            "Build the footer": ("ready", None, 0, set()),
            "Write the texts": ("review", None, 0, set()),
            "Add a blog": ("archived", None, 0, set()),
            "Measure it": ("ready", None, 0, set()),
        },
    ),
    (
        "github",
        "github-cli.json",
        {
            "Pin the versions": ("done", None, 0, set()),
            "Rewrite it in another language": ("archived", None, 0, set()),
            # One that it waits for was given up: a person has to say what becomes of it.
            "Crash on start": (
                "blocked",
                "ana",
                0,
                {"Pin the versions", "Rewrite it in another language"},
            ),
        },
    ),
    (
        "github",
        "github-rest.json",
        {
            "Pin the versions": ("done", None, 0, set()),
            "Crash on start": ("ready", "ana", 0, {"Pin the versions"}),
        },
    ),
    (
        "csv",
        "tasks.csv",
        {
            "Paint the door": ("done", "Maria-Smith", 10, set()),
            "Hang the door": ("ready", "ben", -10, {"Paint the door"}),
            "Buy a lock": ("todo", None, 0, {"Hang the door"}),
        },
    ),
]


@pytest.mark.parametrize(("kind", "file", "expected"), EXPECTED, ids=[e[1] for e in EXPECTED])
def test_it_says_here_what_it_said_there(
    cli: Cli, board: Board, kind: str, file: str, expected: dict[str, object]
) -> None:
    done = cli("import", kind, str(SOURCES / file))
    assert done.code == 0, done.err
    found = by_title(board)
    names = {task.id: title for title, task in found.items()}
    told = {
        title: (
            task.status,
            task.assignee,
            task.priority,
            {
                names[link.parent_id]
                for link in kb.list_links(board.conn, task.id)
                if link.child_id == task.id
            },
        )
        for title, task in found.items()
    }
    assert told == expected
    assert is_sound(board)


def body(board: Board, title: str) -> str:
    return by_title(board)[title].body or ""


def test_beads_keeps_times_comments_and_what_has_no_column(cli: Cli, board: Board) -> None:
    cli("import", "beads", str(SOURCES / "beads.jsonl"))
    task = by_title(board)["Design the schema"]
    assert (task.created_at, task.completed_at) == (1709287200, 1709472600)
    assert (task.created_by, task.result) == ("person:ben", "Merged")
    assert [
        (one.author, one.body, one.created_at) for one in kb.list_comments(board.conn, task.id)
    ] == [("person:ana", "Which database?", 1709366400)]
    assert "## Design\n\nThree tables." in (task.body or "")
    assert "Labels: auth" in body(board, "Rework the login")
    assert "Related: related bd-c3d4" in body(board, "Test the endpoint")


def test_backlog_keeps_its_sections_without_its_marks(cli: Cli, board: Board) -> None:
    cli("import", "backlog", str(SOURCES))
    text = body(board, "Add OAuth")
    assert "## Acceptance Criteria\n- [ ] #1 Login succeeds\n- [ ] #2 Logout works" in text
    assert "### With a heading" in text
    assert "<!--" not in text and "Which provider?" not in text
    assert text.endswith("---\nFrom Backlog.md TASK-1\nLabels: auth, backend")
    (comment,) = kb.list_comments(board.conn, by_title(board)["Add OAuth"].id)
    assert (comment.author, comment.body) == ("person:maria", "Which provider?")
    assert by_title(board)["Old work"].result == "It works"


def test_github_names_its_source_by_the_repository(cli: Cli, board: Board) -> None:
    cli("import", "github", str(SOURCES / "github-cli.json"))
    done = cli("import", "github", str(SOURCES / "github-rest.json"), "--json").json["import"]
    assert (done["source"], done["unchanged"], done["made"]) == ("github:example/site", 2, 0)
    (comment,) = kb.list_comments(board.conn, by_title(board)["Crash on start"].id)
    assert (comment.author, comment.body) == ("person:ana", "On which system?")


def test_columns_statuses_and_assignees_can_be_named(
    cli: Cli, board: Board, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("What;Who;Where\nPaint;maria;Paused\nHang;ben;Done\n")
    words = ("--column", "title=What", "--column", "assignee=Who", "--column", "status=Where")
    unknown = cli("import", "csv", str(file), *words)
    assert (unknown.code, board.events()) == (2, 0)
    assert "line 2, has the unknown status 'Paused'" in unknown.error
    done = cli(
        "import", "csv", str(file), *words, "--status", "Paused=triage", "--assignee", "ben=writer"
    )
    assert done.code == 0, done.err
    found = by_title(board)
    assert (found["Paint"].status, found["Paint"].assignee) == ("triage", "maria")
    assert (found["Hang"].status, found["Hang"].assignee) == ("done", "writer")


def test_what_is_open_can_wait_in_triage(cli: Cli, board: Board) -> None:
    cli("import", "csv", str(SOURCES / "tasks.csv"), "--triage")
    statuses = {title: task.status for title, task in by_title(board).items()}
    assert statuses == {
        "Paint the door": "done",
        "Hang the door": "triage",
        "Buy a lock": "triage",
    }
    assert is_sound(board)
