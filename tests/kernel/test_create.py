"""Creating tasks: what may be written, once per key, and how much one run may create."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import InvalidInput, NotFound
from tests.kernel.scenes import dump, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

KIB = 1024


def test_a_task_has_what_was_asked_for(board: ABoard) -> None:
    task = board.task(
        board.create(
            "Count the words",
            body="All of them.\nTwice.",
            assignee="worker",
            tenant="acme",
            priority=3,
            skills=["sql", "python-3.11"],
            model="large",
            scheduled_at=board.clock.now() + 60,
            max_runtime_seconds=600,
            max_retries=2,
            idempotency_key="words",
            actor="person:ada",
        )
    )
    assert (task.title, task.body) == ("Count the words", "All of them.\nTwice.")
    assert (task.assignee, task.tenant, task.priority) == ("worker", "acme", 3)
    assert (task.skills, task.model) == (["sql", "python-3.11"], "large")
    assert task.scheduled_at == board.clock.now() + 60
    assert (task.max_runtime_seconds, task.max_retries) == (600, 2)
    assert (task.idempotency_key, task.created_by) == ("words", "person:ada")
    assert (task.status, task.created_at) == ("ready", board.clock.now())
    assert (task.workspace_kind, task.current_run_id, task.consecutive_failures) == (
        "scratch",
        None,
        0,
    )


def test_ids_are_short_and_in_lower_case_and_seq_rises(board: ABoard) -> None:
    tasks = [board.task(board.create()) for _ in range(20)]
    assert all(task.id.startswith("t_") and task.id == task.id.lower() for task in tasks)
    assert all(len(task.id) <= 12 for task in tasks)
    assert [task.seq for task in tasks] == sorted({task.seq for task in tasks})


class Draws:
    """Those numbers, one after the other."""

    def __init__(self, *numbers: int) -> None:
        self.left = list(numbers)

    def randbits(self, bits: int) -> int:
        del bits
        return self.left.pop(0)

    def token(self) -> str:
        raise AssertionError("creating draws no lock")


def test_an_id_that_collides_is_drawn_again(board: ABoard) -> None:
    board.conn.randomness = draws = Draws(7, 7, 7, 8)
    first, second = board.create("first"), board.create("second")
    assert first != second
    assert draws.left == []


def test_an_id_that_is_its_parents_is_drawn_again(board: ABoard) -> None:
    board.conn.randomness = Draws(7, 8, 7, 8, 9)
    parents = [board.create("first"), board.create("second")]
    child = board.create("third", parents=parents)
    created, *_ = kb.list_events(board.conn, child)
    assert created.payload["parents"] == parents
    assert child not in parents


def test_creating_writes_one_event_with_the_whole_row(board: ABoard) -> None:
    task = board.create(body="all of them", actor="person:ada")
    (event,) = kb.list_events(board.conn, task)
    assert (event.kind, event.actor) == ("created", "person:ada")
    assert event.payload["task"]["body"] == "all of them"


def test_without_a_name_the_login_is_the_author(board: ABoard) -> None:
    assert board.task(board.create()).created_by == "person:tester"


@pytest.mark.parametrize("actor", ["ada", "person:", "root:ada", "", 7, "person:a\nb"])
def test_an_actor_is_a_person_a_profile_or_the_system(board: ABoard, actor: object) -> None:
    with pytest.raises(InvalidInput, match="actor"):
        board.create(actor=actor)


def test_a_task_behind_an_open_parent_is_todo_else_ready(board: ABoard) -> None:
    parent, done = board.create(), board.create()
    kb.complete_task(board.conn, done)
    assert board.task(board.create(parents=[parent, done])).status == "todo"
    assert board.task(board.create(parents=[done])).status == "ready"
    assert board.task(board.create(parents=[parent], triage=True)).status == "triage"
    assert board.task(board.create(triage=True)).status == "triage"


def test_a_parent_named_twice_is_one_link(board: ABoard) -> None:
    parent = board.create()
    task = board.create(parents=[parent, parent])
    assert len(kb.list_links(board.conn, task)) == 1
    assert board.kinds(task) == ["created", "linked"]


def test_an_unknown_parent_is_named_and_nothing_is_written(board: ABoard) -> None:
    parent = board.create()
    before = dump(board.conn)
    with pytest.raises(NotFound, match="t_nosuch"):
        board.create(parents=[parent, "t_nosuch"])
    with pytest.raises(InvalidInput, match="parents"):
        board.create(parents=parent)
    assert dump(board.conn) == before


def _creation(field: str) -> Callable[[ABoard, Any], Any]:
    return lambda board, value: board.create(**{field: value})


def _completion(field: str) -> Callable[[ABoard, Any], Any]:
    return lambda board, value: kb.complete_task(board.conn, board.create(), **{field: value})


def _comment(board: ABoard, value: str) -> Any:
    return kb.add_comment(board.conn, board.create(), value)


def _reason(verb: Callable[..., Any]) -> Callable[[ABoard, Any], Any]:
    return lambda board, value: verb(board.conn, board.create(), reason=value)


def _metadata_of(size: int) -> dict[str, str]:
    return {"text": "x" * (size - len('{"text":""}'))}


LIMITS: dict[str, tuple[Callable[[ABoard, Any], Any], Any, Any]] = {
    "title": (_creation("title"), "t" * 500, "t" * 501),
    "title in any script": (_creation("title"), "🐝" * 500, "🐝" * 501),
    "body": (_creation("body"), "b" * 256 * KIB, "b" * (256 * KIB + 1)),
    "body in bytes": (_creation("body"), "ü" * 128 * KIB, "ü" * 128 * KIB + "b"),
    "skills": (
        _creation("skills"),
        [f"skill-{n}" for n in range(64)],
        [f"skill-{n}" for n in range(65)],
    ),
    "skill": (_creation("skills"), ["s" * 64], ["s" * 65]),
    "result": (_completion("result"), "r" * 256 * KIB, "r" * (256 * KIB + 1)),
    "summary": (_completion("summary"), "s" * 16 * KIB, "s" * (16 * KIB + 1)),
    "metadata": (_completion("metadata"), _metadata_of(64 * KIB), _metadata_of(64 * KIB + 1)),
    "comment": (_comment, "c" * 64 * KIB, "c" * (64 * KIB + 1)),
    "reason": (_reason(kb.block_task), "r" * 8 * KIB, "r" * (8 * KIB + 1)),
    "reason to triage": (_reason(kb.triage_task), "r" * 8 * KIB, "r" * (8 * KIB + 1)),
    "reason to cancel": (_reason(kb.cancel_task), "r" * 8 * KIB, "r" * (8 * KIB + 1)),
}


@pytest.mark.parametrize("name", LIMITS)
def test_up_to_its_limit_a_text_is_kept_and_above_it_refused(board: ABoard, name: str) -> None:
    act, largest, too_large = LIMITS[name]
    assert act(board, largest)
    tasks = {task.id for task in kb.list_tasks(board.conn)}
    with pytest.raises(InvalidInput, match=name.split(maxsplit=1)[0]):
        act(board, too_large)
    left = [task for task in kb.list_tasks(board.conn) if task.id not in tasks]
    assert all(board.kinds(task.id) == ["created"] for task in left)


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"], ids=["NUL", "lone surrogate"])
@pytest.mark.parametrize("field", ["title", "body", "model", "idempotency_key"])
def test_a_task_holds_neither_nul_nor_lone_surrogates(board: ABoard, field: str, bad: str) -> None:
    before = dump(board.conn)
    with pytest.raises(InvalidInput):
        board.create(**{field: bad})
    assert dump(board.conn) == before


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"], ids=["NUL", "lone surrogate"])
def test_no_other_text_holds_them_either(board: ABoard, bad: str) -> None:
    task = board.create()
    before = dump(board.conn)
    refused: list[Callable[[], Any]] = [
        lambda: kb.add_comment(board.conn, task, bad),
        lambda: kb.complete_task(board.conn, task, result=bad),
        lambda: kb.complete_task(board.conn, task, summary=bad),
        lambda: kb.complete_task(board.conn, task, metadata={"a": [bad]}),
        lambda: kb.complete_task(board.conn, task, metadata={bad: 1}),
        lambda: kb.block_task(board.conn, task, reason=bad),
        lambda: kb.triage_task(board.conn, task, reason=bad),
        lambda: kb.edit_task(board.conn, task, title=bad),
        lambda: kb.claim_task(board.conn, task, claimer=bad),
        lambda: kb.pause(board.conn, reason=bad),
    ]
    for verb in refused:
        with pytest.raises(InvalidInput):
            verb()
    assert dump(board.conn) == before


def test_a_text_about_nul_is_no_nul(board: ABoard) -> None:
    task = board.create()
    metadata = {"regex": r"\u0000", "path": "\\"}
    assert kb.complete_task(board.conn, task, metadata=metadata)
    run = kb.latest_run(board.conn, task)
    assert run is not None
    assert run.metadata == metadata


BAD: list[tuple[str, object]] = [
    ("title", ""),
    ("title", "  "),
    ("title", "two\nlines"),
    ("title", None),
    ("title", 7),
    ("body", b"bytes"),
    ("assignee", "two words"),
    ("assignee", ""),
    ("assignee", "-x"),
    ("assignee", "a" * 129),
    ("tenant", "a/b"),
    ("priority", 1.5),
    ("priority", True),
    ("priority", 10**7),
    ("skills", "sql"),
    ("skills", ["SQL"]),
    ("skills", ["../x"]),
    ("skills", [""]),
    ("scheduled_at", -1),
    ("scheduled_at", 2**63),
    ("max_runtime_seconds", 0),
    ("max_retries", -1),
    ("workspace", "somewhere"),
    ("workspace", "dir:relative"),
    ("workspace", "dir:/tmp/../etc"),
    ("branch", "feature"),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_what_a_field_cannot_hold_is_refused_by_name(
    board: ABoard, field: str, value: object
) -> None:
    before = dump(board.conn)
    with pytest.raises(InvalidInput) as refused:
        board.create(**{field: value})
    assert refused.value.field == field
    assert refused.value.allowed
    assert dump(board.conn) == before


@pytest.mark.parametrize("metadata", [["a"], "a", {"a": object()}, {"a": {1, 2}.__iter__()}])
def test_metadata_is_an_object_of_json(board: ABoard, metadata: Any) -> None:
    task = board.create()
    with pytest.raises(InvalidInput, match="metadata"):
        kb.complete_task(board.conn, task, metadata=metadata)
    assert board.task(task).status == "ready"


def test_a_branch_is_for_worktrees_when_editing_too(board: ABoard) -> None:
    task = board.create()
    with pytest.raises(InvalidInput, match="branch"):
        kb.edit_task(board.conn, task, branch="feature")


def test_a_repeated_key_returns_the_first_task(board: ABoard) -> None:
    first = board.create("first", idempotency_key="k")
    newest = kb.newest_event_id(board.conn)
    assert board.create("second", idempotency_key="k") == first
    assert board.task(first).title == "first"
    assert kb.newest_event_id(board.conn) == newest
    assert board.create(idempotency_key="other") != first


def test_a_done_task_keeps_its_key_and_an_archived_one_gives_it_up(board: ABoard) -> None:
    first = board.create(idempotency_key="k")
    kb.complete_task(board.conn, first)
    assert board.create(idempotency_key="k") == first
    kb.archive_task(board.conn, first)
    second = board.create(idempotency_key="k")
    assert second != first
    before = dump(board.conn)
    with pytest.raises(InvalidInput, match=second):
        kb.reopen_task(board.conn, first)
    assert dump(board.conn) == before


def test_threads_that_create_by_one_key_at_once_get_one_task(board: ABoard) -> None:
    start = threading.Barrier(4)
    found: list[str] = []

    def create() -> None:
        conn = kb.connect()
        start.wait()
        found.append(kb.create_task(conn, title="once", idempotency_key="k"))
        conn.close()

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(kb.list_tasks(board.conn)) == 1


def _create_by_key(keys: list[str]) -> list[str]:
    conn = kb.connect()
    found = [kb.create_task(conn, title=key, idempotency_key=key) for key in keys]
    conn.close()
    return found


def test_processes_that_create_by_the_same_keys_at_once_get_the_same_tasks(
    board: ABoard,
) -> None:
    keys = [f"key-{n}" for n in range(10)]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        answers = pool.map(_create_by_key, [keys] * 3, chunksize=1)
    assert answers[0] == answers[1] == answers[2]
    assert len(kb.list_tasks(board.conn)) == len(keys)


def test_one_run_creates_fifty_tasks_and_no_more(board: ABoard) -> None:
    run = board.claim(board.create(), claimer="dispatcher")
    other = board.claim(board.create(), claimer="dispatcher")
    with kb.batch(board.conn):
        first = board.create(idempotency_key="first", **proof(run))
        for _ in range(49):
            board.create(**proof(run))
    before = dump(board.conn)
    with pytest.raises(InvalidInput, match="50"):
        board.create(**proof(run))
    assert dump(board.conn) == before
    assert board.create(idempotency_key="first", **proof(run)) == first
    assert board.create(**proof(other))


def test_runs_create_to_depth_five(board: ABoard) -> None:
    task = board.create("by a person")
    for depth in range(1, 6):
        run = board.claim(task, claimer="dispatcher")
        task = board.create(f"depth {depth}", **proof(run))
    run = board.claim(task, claimer="dispatcher")
    before = dump(board.conn)
    with pytest.raises(InvalidInput, match="depth 5"):
        board.create("depth 6", **proof(run))
    assert dump(board.conn) == before


def test_a_created_task_knows_its_run(board: ABoard) -> None:
    run = board.claim(board.create(assignee="worker"), claimer="dispatcher")
    card = board.task(board.create("card", **proof(run)))
    assert (card.created_by, card.created_run_id) == ("profile:worker", run.id)


def test_one_run_links_a_thousand_times(board: ABoard) -> None:
    parents = []
    with kb.batch(board.conn):
        parents = [board.create(f"parent {n}") for n in range(334)]
    run = board.claim(board.create(), claimer="dispatcher")
    with kb.batch(board.conn):
        for number in range(2):
            board.create(f"child {number}", parents=parents, **proof(run))
    with pytest.raises(InvalidInput, match="links"):
        board.create("child too many", parents=parents, **proof(run))
    board.create("the last child", parents=parents[:332], **proof(run))
    with pytest.raises(InvalidInput, match="links"):
        kb.link_tasks(board.conn, parents[0], parents[1], **proof(run))


def test_one_run_comments_two_hundred_times(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    with kb.batch(board.conn):
        for number in range(200):
            kb.add_comment(board.conn, task, f"step {number}", **proof(run))
    with pytest.raises(InvalidInput, match="comments"):
        kb.add_comment(board.conn, task, "one more", **proof(run))
    assert kb.add_comment(board.conn, task, "a person has no such limit")


def test_created_cards_must_be_of_the_run_that_names_them(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    mine = board.create("mine", **proof(run))
    other = board.create("a person's")
    before = dump(board.conn)
    with pytest.raises(InvalidInput) as refused:
        kb.complete_task(board.conn, task, created_cards=[mine, other, "t_nosuch"], **proof(run))
    assert other in str(refused.value)
    assert "t_nosuch" in str(refused.value)
    assert mine not in str(refused.value)
    assert dump(board.conn) == before
    assert kb.complete_task(board.conn, task, created_cards=[mine], **proof(run))
