"""What cannot be read is refused in one line that says where, and nothing is written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.porting import hermes_boards
from tests.porting.conftest import SOURCES, Board, Cli, by_title, is_sound

BEADS = (SOURCES / "beads.jsonl").read_bytes()
GITHUB = (SOURCES / "github-cli.json").read_bytes()


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    file = folder / name
    file.write_bytes(data)
    return file


def bead(number: int, *parents: int, **more: object) -> bytes:
    waits = [{"depends_on_id": f"bd-{parent}", "type": "blocks"} for parent in parents]
    line = {"id": f"bd-{number}", "title": f"Number {number}", "dependencies": waits} | more
    return json.dumps(line).encode() + b"\n"


def cut_off(folder: Path) -> Path:
    hermes_boards.large(folder / "whole.db", 50)
    return written(folder, (folder / "whole.db").read_bytes()[:40_000], "kanban.db")


def without_tables(folder: Path) -> Path:
    conn = sqlite3.connect(folder / "other.db")
    conn.execute("CREATE TABLE notes (text TEXT)")
    conn.close()
    return folder / "other.db"


def our_own(folder: Path) -> Path:
    return kb.backup(kb.connect(), folder / "ours.db")


def unknown_status(folder: Path) -> Path:
    file = hermes_boards.as_dumped(folder / "kanban.db")
    conn = sqlite3.connect(file)
    conn.execute("UPDATE tasks SET status = 'paused' WHERE id = 't_528a28fd'")
    conn.commit()
    conn.close()
    return file


def markdown(folder: Path, text: str) -> Path:
    (folder / "tasks").mkdir()
    (folder / "tasks" / "task-1 - x.md").write_text(text)
    return folder


Case = tuple[str, Callable[[Path], Path], str]
CASES: dict[str, Case] = {
    "garbage in the middle": (
        "beads",
        lambda f: written(f, BEADS.replace(b'{"id":"bd-e5f6"', b'{"id":bd-e5f6')),
        "line 3, is no JSON",
    ),
    "a last line that was cut off": (
        "beads",
        lambda f: written(f, BEADS[:-20]),
        "line 8, is no JSON",
    ),
    "a line of another shape": (
        "beads",
        lambda f: written(f, BEADS + b"[1, 2]\n"),
        "line 9, is a list; allowed: one JSON object a line",
    ),
    "a task twice": (
        "beads",
        lambda f: written(f, bead(1) + bead(2) + bead(1)),
        "has the task bd-1 twice",
    ),
    "a circle": (
        "beads",
        lambda f: written(f, bead(1, 3) + bead(2, 1) + bead(3, 2) + bead(4, 3)),
        "has tasks that wait for one another: bd-1 → bd-3 → bd-2 → bd-1",
    ),
    "a task that waits for itself": (
        "beads",
        lambda f: written(f, bead(1, 1)),
        "wait for one another: bd-1 → bd-1",
    ),
    "an unknown status": (
        "beads",
        lambda f: written(f, bead(1, status="molten")),
        "line 1, has the unknown status 'molten'; allowed: open, in_progress",
    ),
    "a wrong time": (
        "beads",
        lambda f: written(f, bead(1, created_at="yesterday")),
        "line 1, has the time 'yesterday'",
    ),
    "no title": ("beads", lambda f: written(f, b'{"id": "bd-1"}\n'), "line 1, has no title"),
    "nothing": ("beads", lambda f: written(f, b""), "is empty"),
    "another encoding": (
        "csv",
        lambda f: written(f, "id,title\n1,Tür\n".encode("latin-1")),
        "line 2, is in another encoding; allowed: UTF-8",
    ),
    "UTF-16": ("csv", lambda f: written(f, "id,title\n1,x\n".encode("utf-16")), "is in UTF-16"),
    "a database that should be a table": ("csv", without_tables, "is an SQLite database"),
    "no column of titles": (
        "csv",
        lambda f: written(f, b"a,b\n1,2\n"),
        "has no column of titles; allowed: one of a, b by: --column title=NAME",
    ),
    "a row that is too short": (
        "csv",
        lambda f: written(f, b"id,title\n1,x\n2\n"),
        "line 3, has 1 cells; allowed: 2",
    ),
    "a quote that never ends": ("csv", lambda f: written(f, b'id,title\n1,"x\n'), "line 2,"),
    "JSON that was cut off": (
        "github",
        lambda f: written(f, GITHUB[: len(GITHUB) // 2]),
        "ends in the middle: it was cut off",
    ),
    "JSON of something else": ("github", lambda f: written(f, b'"hello"'), "is no list of issues"),
    "JSON without tasks": ("vibe-kanban", lambda f: written(f, b"{}"), "has no list of tasks"),
    "no front matter": ("backlog", lambda f: markdown(f, "# A task\n"), "has none"),
    "broken front matter": (
        "backlog",
        lambda f: markdown(f, "---\nid: [1\n---\n"),
        "cannot be read at line",
    ),
    "a folder without tasks": ("backlog", lambda f: f, "has no tasks in it"),
    "a text that should be a database": (
        "hermes",
        lambda f: written(f, b"hello\n" * 300),
        "file is not a database",
    ),
    "a database that was cut off": ("hermes", cut_off, "kanban.db"),
    "a database without a board": ("hermes", without_tables, "without the tables of a board"),
    "a board of ours": ("hermes", our_own, "is a board of hermes-kanban"),
    "a status that Hermes does not have": (
        "hermes",
        unknown_status,
        "task t_528a28fd, has the unknown status 'paused'",
    ),
    "no file": ("hermes", lambda f: f / "absent", "no file"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(one, marks=pytest.mark.stores("sqlite")) if one == "a board of ours" else one
        for one in CASES
    ],
)
def test_it_is_refused_in_one_line_and_nothing_is_written(
    cli: Cli, board: Board, tmp_path: Path, name: str
) -> None:
    kind, make, told = CASES[name]
    folder = tmp_path / "source"
    folder.mkdir()
    file = make(folder)
    done = cli("import", kind, str(file))
    assert done.code in (2, 3)
    assert told in done.error
    assert board.events() == 0


def test_what_is_too_long_is_kept_whole_beside_it(cli: Cli, board: Board, tmp_path: Path) -> None:
    body, comment = "ü" * 500_000, "word " * 20_000
    line = bead(
        1,
        title="T" * 600,
        description=body,
        comments=[{"id": 7, "author": "A Name", "text": comment, "created_at": "2024-03-02"}],
    )
    done = cli("import", "beads", str(written(tmp_path, line)), "--json")
    assert done.code == 0, done.err
    (task,) = by_title(board).values()
    assert task.title.endswith("…") and len(task.title) == 500
    assert "[cut here; the whole text is attached as body.md]" in (task.body or "")
    (attached,) = kb.list_attachments(board.conn, task.id)
    whole = kb.attachment_path(board.conn, attached).read_text()
    assert body in whole and "T" * 600 in whole
    parts = kb.list_comments(board.conn, task.id)
    assert "".join(part.body for part in parts) == comment
    assert {part.author for part in parts} == {"person:A-Name"}
    assert len(parts) == 2
    again = cli("import", "beads", str(tmp_path / "file"), "--json").json["import"]
    assert (again["made"], again["unchanged"]) == (0, 1)
    assert is_sound(board)


def test_characters_that_no_text_may_hold_are_replaced(
    cli: Cli, board: Board, tmp_path: Path
) -> None:
    line = b'{"id": "bd-1", "title": "a\\u0000b"}\n'
    done = cli("import", "beads", str(written(tmp_path, line)))
    assert done.code == 0, done.err
    assert list(by_title(board)) == ["a\ufffdb"]
    assert "characters that no text may hold were replaced" in done.out
