"""The verbs over HTTP: addresses, pages, tags, keys, problems, warnings, and several at once."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request

from gateway.web_boards import GatewayBoards
from hermes_kanban import kernel as kb
from hermes_kanban.config import Config
from hermes_kanban.surfaces.rest.boards import Connections
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.surfaces.rest.metrics import METRICS, PREFIX, Figures
from hermes_kanban.surfaces.rest.operations import operations
from hermes_kanban.surfaces.rest.probes import Probes
from hermes_kanban.surfaces.rest.problems import internal
from hermes_kanban.verbs import VERBS
from tests.rest.client import Answer, Served
from tests.support.boards import held


def problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The problem that was told, if it is that one."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json
    assert (told["status"], told["code"]) == (status, code)
    assert told["type"] == f"urn:hermes-kanban:problem:{code}"
    assert told["detail"]
    return told


def test_a_task_lives_at_its_address(shared: Served) -> None:
    made = shared.post("/tasks", {"title": "Count", "assignee": "ada", "body": "- [ ] one"})
    assert made.status == 201
    task = made.json["id"]
    assert made.headers["location"] == f"/api/v1/boards/default/tasks/{task}"
    assert shared.send("GET", made.headers["location"]).json["task"]["title"] == "Count"
    edited = shared.patch(f"/tasks/{task}", {"title": "Count the words", "body": None})
    assert (edited.status, edited.json["changed"]) == (200, True)
    assert shared.post(f"/tasks/{task}/comment", {"body": "see there"}).status == 200
    assert shared.post(f"/tasks/{task}/prioritise", {"priority": 3}).json["changed"]
    done = shared.post(f"/tasks/{task}/complete", {"summary": "42"})
    told = {"id": task, "status": "done", "changed": True, "warnings": [], "undoable": True}
    assert done.json == told
    found = shared.get(f"/tasks/{task}").json
    assert (found["task"]["body"], found["task"]["status"]) == (None, "done")
    assert [one["body"] for one in found["comments"]] == ["see there"]
    assert shared.get(f"/tasks/{task}/runs").json["runs"][0]["summary"] == "42"
    events = kb.list_events(shared.conn, task)
    assert {event.actor for event in events} == {"person:ada"}


def test_a_large_answer_is_packed_for_who_can_unpack_it(shared: Served) -> None:
    for number in range(20):
        shared.task(title=f"Alike in all but the number {number}")
    plain = shared.get("/cards")
    packed = shared.get("/cards", accept_encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert len(packed.body) < len(plain.body) / 4
    assert json.loads(gzip.decompress(packed.body)) == plain.json
    tag = packed.headers["etag"]
    assert shared.get("/cards", accept_encoding="gzip", if_none_match=tag).status == 304


def test_every_verb_of_a_person_has_an_address() -> None:
    named = operations()
    assert set(VERBS) - set(named) == {"request_review", "wait_for", "attach"}
    addresses = [(one.method, one.path) for one in named.values()]
    assert len(set(addresses)) == len(addresses)
    for one in named.values():
        assert (one.method == "GET") == (not one.verb.changes)
        assert ("task_id" in one.path) == one.verb.about_task


def test_no_request_names_a_file_of_the_host(shared: Served) -> None:
    task = shared.task()
    answer = shared.post(f"/tasks/{task}/complete", {"artifacts": ["/etc/passwd"]})
    assert problem(answer, 422, "invalid_input")["field"] == "artifacts"
    answer = shared.get(f"/tasks/{task}/attachments?save=x")
    assert problem(answer, 422, "invalid_input")["field"] == "save"
    answer = shared.post("/subscribe", {"destination": "command:/bin/true"})
    assert "on the host" in problem(answer, 403, "not_allowed")["instead"]
    for field, value in (("quiet", "22-7"), ("tree", True), ("kinds", ["complted"])):
        answer = shared.post("/subscribe", {"destination": "log", field: value})
        assert problem(answer, 422, "invalid_input")["field"] == field


def test_lists_come_in_pages_and_narrowed(shared: Served) -> None:
    made = [shared.task(tenant="pages", title=f"page {at}") for at in range(5)]
    seen: list[str] = []
    after = ""
    while True:
        page = shared.get(f"/tasks?tenant=pages&limit=2{after}").json
        seen += [task["id"] for task in page["tasks"]]
        if page["after"] is None:
            break
        after = f"&after={page['after']}"
    assert seen == made
    cards = shared.get("/cards?tenant=pages&order=newest&limit=2").json
    assert [card["id"] for card in cards["cards"]] == made[:2:-1]
    cards = shared.get(f"/cards?ids={made[0]}&ids={made[3]}&text=PAGE").json["cards"]
    assert [card["id"] for card in cards] == [made[0], made[3]]
    assert shared.get("/counts?tenant=pages").json["matching"]["ready"] == 5
    holds = shared.get(f"/why?ids={made[0]}").json["tasks"]
    assert holds[0]["holds"][0]["code"] == "unassigned"


def test_a_message_of_100_kb_is_refused_in_one_line_and_nothing_is_written(shared: Served) -> None:
    huge, task = "x" * 100 * 1024, shared.task()
    assert kb.block_task(shared.conn, task, reason="Which one?")
    before = kb.newest_event_id(shared.conn)
    for path, field in ((f"/tasks/{task}/comment", "body"), (f"/tasks/{task}/unblock", "reason")):
        told = problem(shared.post(path, {field: huge}), 422, "invalid_input")
        assert "bytes at most" in told["detail"]
        assert "\n" not in told["detail"]
        assert len(told["detail"]) < 200
    assert kb.newest_event_id(shared.conn) == before
    assert kb.get_task(shared.conn, task).status == "blocked"


def test_whoever_has_an_answer_gets_it_only_once(shared: Served) -> None:
    task = shared.task()
    for path in ("/cards", f"/tasks/{task}", f"/tasks/{task}/comments", "/counts", "/profiles"):
        first = shared.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        again = shared.get(path, If_None_Match=first.headers["etag"])
        assert (again.status, again.body, again.headers["etag"]) == (
            304,
            b"",
            first.headers["etag"],
        )
        assert shared.get(path, If_None_Match=f'"x", {first.headers["etag"]}').status == 304
        assert shared.get(path, If_None_Match='"x"').status == 200
    for path in ("/cards", f"/tasks/{task}", f"/tasks/{task}/comments", "/counts"):
        before = shared.get(path)
        shared.post(f"/tasks/{task}/comment", {"body": "news"})
        shared.task()
        after = shared.get(path, If_None_Match=before.headers["etag"])
        assert after.status == 200
        assert int(after.headers["board-cursor"]) > int(before.headers["board-cursor"])


def test_a_heartbeat_is_no_event_and_no_stale_answer(shared: Served) -> None:
    task = shared.task()
    shared.post(f"/tasks/{task}/claim", {"claimer": "me"})
    first = shared.get(f"/tasks/{task}")
    shared.conn.execute("UPDATE tasks SET last_heartbeat_at = 5 WHERE id = :id", {"id": task})
    again = shared.get(f"/tasks/{task}", If_None_Match=first.headers["etag"])
    assert (again.status, again.json["task"]["last_heartbeat_at"]) == (200, 5)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nothing", 404, "not_found"),
        ("/tasks/t_nosuch", 404, "not_found"),
        ("/tasks/T_UPPER", 422, "invalid_input"),
        ("/tasks/t_a%00b", 422, "invalid_input"),
        ("/tasks/..%2F..%2Fetc", 404, "not_found"),
        ("/boards/none/tasks", 404, "not_found"),
        ("/boards/No/tasks", 404, "not_found"),
        ("/boards/..%2fdefault/tasks", 404, "not_found"),
        ("/tasks?limit=0", 422, "invalid_input"),
        ("/tasks?limit=1e3", 422, "invalid_input"),
        ("/tasks?limit=2&limit=3", 422, "invalid_input"),
        ("/tasks?after=99999999999999999999", 422, "invalid_input"),
        ("/tasks?colour=red", 422, "invalid_input"),
        ("/tasks?status=doing", 422, "invalid_input"),
        ("/tasks?assignee=%00", 422, "invalid_input"),
        ("/tasks?assignee=%ff", 400, "malformed"),
        ("/cards?after=x", 422, "invalid_input"),
        ("/cards?needs_you=maybe", 422, "invalid_input"),
        ("/why", 422, "invalid_input"),
        ("/events?task_id=../x", 422, "invalid_input"),
        ("/past?event=99999999", 404, "not_found"),
        ("/tasks/", 404, "not_found"),
    ],
)
def test_what_cannot_be_read_is_told(shared: Served, path: str, status: int, code: str) -> None:
    problem(shared.get(path), status, code)


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("/tasks", b"{", 400, "malformed", None),
        ("/tasks", b"[]", 400, "malformed", None),
        ("/tasks", b"\xff", 400, "malformed", None),
        ("/tasks", b"[" * 100_000, 400, "malformed", None),
        ("/tasks", b'{"title": "\\ud800"}', 400, "malformed", None),
        ("/tasks", b"{}", 422, "invalid_input", None),
        ("/tasks", b'{"title": ""}', 422, "invalid_input", "title"),
        ("/tasks", b'{"title": 3}', 422, "invalid_input", "title"),
        ("/tasks", b'{"title": "a", "titel": "b"}', 422, "invalid_input", "titel"),
        ("/tasks", b'{"title": "a\\u0000"}', 422, "invalid_input", "title"),
        ("/tasks", b'{"title": "a", "priority": 1e300}', 422, "invalid_input", "priority"),
        ("/tasks", b'{"title": "a", "parents": ["x"]}', 422, "invalid_input", "parents"),
        ("/tasks", b'{"title": "a", "parents": ["t_nosuch"]}', 404, "not_found", None),
        ("/tasks/t_nosuch/complete", b"{}", 404, "not_found", None),
        ("/tasks/t_nosuch/complete", b'{"task_id": "t_x"}', 422, "invalid_input", "task_id"),
        ("/link", b'{"parent_id": "t_a"}', 422, "invalid_input", None),
        ("/bulk", b'{"items": []}', 422, "invalid_input", "items"),
        ("/bulk", b'{"items": [{}]}', 422, "invalid_input", "items[0]"),
        ("/boards", b'{"slug": "../x"}', 422, "invalid_input", "board"),
        ("/boards", b'{"slug": "default"}', 409, "exists", "slug"),
    ],
)
def test_what_cannot_be_done_is_told(
    shared: Served, path: str, body: bytes, status: int, code: str, field: str | None
) -> None:
    before = kb.newest_event_id(shared.conn)
    told = problem(shared.send("POST", f"/api/v1{path}", body), status, code)
    if field is not None:
        assert told["field"] == field
    assert kb.newest_event_id(shared.conn) == before


def test_a_conflict_says_what_would_be_right(shared: Served) -> None:
    task = shared.task()
    told = problem(shared.post(f"/tasks/{task}/approve"), 409, "illegal_transition")
    assert told["allowed"] == ["review"]
    told = problem(shared.post(f"/tasks/{task}/move", {"to": "review"}), 409, "illegal_move")
    assert told["allowed"] == ["triage", "blocked", "done", "archived"]
    child = shared.task(parents=[task])
    told = problem(
        shared.post("/link", {"parent_id": child, "child_id": task}), 422, "invalid_input"
    )
    assert task in told["detail"]
    told = problem(shared.post(f"/tasks/{task}/adopt", {"run_id": 77}), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_a_method_that_is_not_known_says_which_are(shared: Served, method: str) -> None:
    answer = shared.send(method, "/api/v1/tasks")
    problem(answer, 405, "method_not_allowed")
    assert {one.strip() for one in answer.headers["allow"].split(",")} == {"GET", "HEAD", "POST"}


def test_only_json_is_taken(shared: Served) -> None:
    body = b'{"title": "a"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
        answer = shared.send("POST", "/api/v1/tasks", body, {"Content-Type": kind})
        problem(answer, 415, "unsupported_media_type")
    with_charset = {"Content-Type": "application/json; charset=utf-8"}
    assert shared.send("POST", "/api/v1/tasks", body, with_charset).status == 201
    task = shared.task()
    no_body = shared.send("POST", f"/api/v1/tasks/{task}/triage", None, {"Content-Length": "0"})
    assert no_body.json["status"] == "triage"


def test_a_repeat_of_a_create_is_the_first_task(shared: Served) -> None:
    asked = {"title": "once"}
    first = shared.post("/tasks", asked, Idempotency_Key="create-1")
    again = shared.post("/tasks", asked, Idempotency_Key="create-1")
    assert (first.status, first.json["id"]) == (again.status, again.json["id"])
    assert kb.get_task(shared.conn, first.json["id"]).idempotency_key == "create-1"
    other = shared.post("/tasks", {"title": "other"}, Idempotency_Key="create-1")
    problem(other, 422, "idempotency_key_reused")
    both = shared.post("/tasks", {"title": "x", "idempotency_key": "a"}, Idempotency_Key="create-2")
    assert problem(both, 422, "invalid_input")["field"] == "idempotency_key"


def test_a_repeat_of_any_verb_is_done_once(shared: Served) -> None:
    task = shared.task()
    first = shared.post(f"/tasks/{task}/comment", {"body": "once"}, Idempotency_Key="c-1")
    again = shared.post(f"/tasks/{task}/comment", {"body": "once"}, Idempotency_Key="c-1")
    assert again.body == first.body
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(kb.list_comments(shared.conn, task)) == 1
    # What failed may be tried again under the same key.
    key = {"Idempotency_Key": "c-2"}
    problem(shared.post(f"/tasks/{task}/approve", None, **key), 409, "illegal_transition")
    problem(shared.post(f"/tasks/{task}/approve", None, **key), 409, "illegal_transition")
    told = shared.post(f"/tasks/{task}/comment", {"body": "x"}, Idempotency_Key="a b")
    assert problem(told, 422, "invalid_input")["field"] == "Idempotency-Key"


def test_two_at_once_with_one_key_are_one(shared: Served) -> None:
    task = shared.task()
    answers: list[Answer] = []

    def comment() -> None:
        answers.append(
            shared.post(f"/tasks/{task}/comment", {"body": "both"}, Idempotency_Key="at-once")
        )

    with held(shared.conn):  # nobody can write until both have come
        threads = [threading.Thread(target=comment) for _ in range(4)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.body for answer in answers}) == 1
    assert len(kb.list_comments(shared.conn, task)) == 1


def test_warnings_say_why_a_task_may_not_start(shared: Served) -> None:
    blocked = shared.task()
    shared.post(f"/tasks/{blocked}/block", {"reason": "which?"})
    made = shared.post("/tasks", {"title": "x", "assignee": "nobody", "parents": [blocked]}).json
    codes = [warning["code"] for warning in made["warnings"]]
    assert codes == ["no_profile", "parent_blocked", "no_gateway"]
    assert "hermes-kanban up" in made["warnings"][-1]["text"]
    assigned = shared.post(f"/tasks/{made['id']}/assign", {"assignee": None}).json
    assert assigned["warnings"][0]["code"] == "unassigned"
    free = shared.task()
    linked = shared.post("/link", {"parent_id": blocked, "child_id": free}).json
    assert "parent_blocked" in [warning["code"] for warning in linked["warnings"]]
    moved = shared.post(f"/tasks/{free}/move", {"to": "triage", "text": "later"}).json
    assert (moved["status"], moved["verb"]) == ("triage", "triage")
    assert "unassigned" in [warning["code"] for warning in moved["warnings"]]


def test_several_verbs_at_once_each_stand_alone(shared: Served) -> None:
    one, two = shared.task(), shared.task()
    items = [
        {"verb": "complete", "arguments": {"task_id": one, "summary": "a"}},
        {"verb": "approve", "arguments": {"task_id": two}},
        {"verb": "nonsense"},
        {"verb": "move", "arguments": {"task_id": two, "to": "blocked"}},
        {"verb": "create", "arguments": {"title": "new", "parents": [two]}},
        {"verb": "request_review", "arguments": {"task_id": two}},
        {"verb": "complete", "arguments": {"task_id": two, "artifacts": ["/etc/passwd"]}},
        {"verb": "show", "arguments": {"task_id": one}},
    ]
    done = shared.post("/bulk", {"items": items})
    assert done.status == 200
    results = done.json["results"]
    assert [result["status"] for result in results] == [200, 409, 422, 422, 201, 422, 422, 200]
    assert done.json["failed"] == 5
    assert results[0]["answer"]["status"] == "done"
    assert results[1]["problem"]["code"] == "illegal_transition"
    assert results[4]["answer"]["status"] == "todo"
    assert results[7]["answer"]["task"]["id"] == one
    assert [result["verb"] for result in results] == [item["verb"] for item in items]
    again = shared.post("/bulk", {"items": items[:1]}, Idempotency_Key="bulk-1")
    assert again.json["results"][0]["problem"]["code"] == "illegal_transition"
    too_many = {"items": [{"verb": "stats"}] * 501}
    assert problem(shared.post("/bulk", too_many), 422, "invalid_input")["field"] == "items"


def test_files_come_in_and_go_out(shared: Served) -> None:
    task = shared.task()
    content = b"<script>alert(1)</script>" * 1000
    path = f"/api/v1/tasks/{task}/attachments"
    made = shared.send(
        "POST", f"{path}?name=a%22%C3%A4.html", content, {"Content-Type": "text/html"}
    )
    assert made.status == 201
    kept = made.json["attachment"]
    assert (kept["name"], kept["size"], kept["media_type"]) == ('a"ä.html', 25_000, "text/html")
    assert "path" not in kept
    back = shared.send("GET", f"{path}/{kept['id']}")
    assert (back.status, back.body) == (200, content)
    assert back.headers["content-type"] == "application/octet-stream"
    assert back.headers["content-disposition"] == (
        "attachment; filename=\"a__.html\"; filename*=UTF-8''a%22%C3%A4.html"
    )
    assert back.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in back.headers["content-security-policy"]
    tag = back.headers["etag"]
    assert shared.send("GET", f"{path}/{kept['id']}", None, {"If-None-Match": tag}).status == 304
    picture = shared.send("POST", f"{path}?name=a.png", b"png", {"Content-Type": "image/png"}).json
    shown = shared.send("GET", f"{path}/{picture['attachment']['id']}")
    assert shown.headers["content-type"] == "image/png"
    other = shared.task()
    problem(shared.get(f"/tasks/{other}/attachments/{kept['id']}"), 404, "not_found")
    problem(shared.get(f"/tasks/{task}/attachments/x"), 422, "invalid_input")
    problem(shared.send("POST", path, b"x"), 422, "invalid_input")
    problem(shared.send("POST", f"{path}?name=../x", b"x"), 422, "invalid_input")


def test_a_log_is_a_file_without_secrets(shared: Served) -> None:
    task = shared.task()
    run = shared.post(f"/tasks/{task}/claim", {"claimer": "me"}).json["run_id"]
    folder = shared.conn.paths.run_dir(run)
    folder.mkdir(parents=True)
    (folder / "log").write_text("one\n\x1b[31mtoken=abcdefgh1234\n" + "x\n" * 100_000)
    answer = shared.send("GET", f"/api/v1/tasks/{task}/log.txt")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.body.startswith(b"one\ntoken=[redacted]\nx\n")
    assert answer.body.count(b"\n") == 100_002
    assert shared.get(f"/tasks/{task}/log?lines=2").json["lines"] == ["x", "x"]
    problem(shared.send("GET", f"/api/v1/tasks/{task}/log.txt?run_id=777"), 404, "not_found")


def test_the_second_answer_is_told_who_was_first(shared: Served) -> None:
    task = shared.post("/tasks", {"title": "how long?"}).json["id"]
    assert shared.post(f"/tasks/{task}/block", {"reason": "how long?"}).status == 200
    items = shared.get("/attention").json["items"]
    (question,) = [one["question"] for one in items if one["card"]["id"] == task]
    answer = {"reason": "30 days", "question": question}
    assert shared.post(f"/tasks/{task}/unblock", answer).status == 200
    told = problem(shared.post(f"/tasks/{task}/unblock", answer), 409, "already_decided")
    assert "answered by person:" in told["detail"]
    assert told["detail"].endswith(": 30 days")
    assert told["holder"].startswith("person:")


def test_a_board_is_made_and_reached_at_once(shared: Served) -> None:
    made = shared.post("/boards", {"slug": "website", "name": "The site", "icon": "W"})
    assert (made.status, made.headers["location"]) == (201, "/api/v1/boards/website")
    task = shared.post("/boards/website/tasks", {"title": "there"}).json["id"]
    assert shared.get(f"/boards/website/tasks/{task}").status == 200
    problem(shared.get(f"/tasks/{task}"), 404, "not_found")
    listed = {one["slug"]: one for one in shared.get("/boards").json["boards"]}
    assert (listed["website"]["board"]["name"], listed["website"]["gateway"]) == ("The site", None)


def test_nothing_that_is_read_changes_the_board(shared: Served) -> None:
    task = shared.task()
    before = kb.newest_event_id(shared.conn)
    rows = shared.conn.execute("SELECT count(*) FROM kanban_notify_subs").fetchone()[0]
    for one in operations().values():
        if one.method == "GET":
            shared.get(one.path.replace("{task_id}", task))
    for path in ("pause", f"tasks/{task}/complete", "undo", "bulk", "session"):
        assert shared.send("GET", f"/api/v1/{path}?x=1").status in (405, 422)
    assert kb.newest_event_id(shared.conn) == before
    assert shared.conn.execute("SELECT count(*) FROM kanban_notify_subs").fetchone()[0] == rows
    assert kb.get_board(shared.conn).paused_at is None


def test_no_answer_but_a_claim_tells_a_lock(shared: Served) -> None:
    task = shared.task()
    lock = shared.post(f"/tasks/{task}/claim", {"claimer": "me"}).json["claim_lock"]
    assert lock
    for one in operations().values():
        if one.method == "GET":
            answer = shared.get(one.path.replace("{task_id}", task) + "?" * ("{" not in one.path))
            assert lock.encode() not in answer.body
    assert lock not in json.dumps(shared.get(f"/events?task_id={task}").json)


def test_a_verb_is_taken_back(shared: Served) -> None:
    task = shared.task()
    shared.post(f"/tasks/{task}/prioritise", {"priority": 9})
    undone = shared.post("/undo", {"task_id": task}).json
    assert (undone["verb"], undone["changes"]["priority"]) == ("prioritise", [9, 0])
    shared.post(f"/tasks/{task}/comment", {"body": "said"})
    told = problem(shared.post("/undo", {"task_id": task}), 409, "cannot_undo")
    assert told["instead"]


def test_a_busy_board_asks_to_come_back(served: Served) -> None:
    task = served.task()
    with held(served.conn):
        answer = served.post(f"/tasks/{task}/complete")
        assert served.get("/cards").status == 200  # whoever reads waits for nobody
    told = problem(answer, 503, "board_busy")
    assert answer.headers["retry-after"] == "1"
    assert told["holder"]


def test_a_slip_in_the_configuration_stops_no_reading(served: Served) -> None:
    (served.home / "config.yaml").write_text("kanban:\n  max_spwan: 1\n")
    assert "max_spwan" in served.get("/health").json["config_error"]
    assert served.post("/tasks", {"title": "still"}).status == 201


def test_machines_ask_too(shared: Served) -> None:
    shared.task(title="counted")
    nobody: dict[str, str | None] = {"Authorization": None}
    for path in ("/healthz", "/readyz"):
        answer = shared.send("GET", path, None, nobody)
        assert (answer.status, answer.body) == (200, b"ok\n")
    assert shared.send("GET", "/metrics", None, nobody).status == 401
    text = shared.send("GET", "/metrics").body.decode()
    assert 'hermes_kanban_tasks{board="default",status="ready"}' in text
    assert 'hermes_kanban_gateway{board="default",state="dispatching"} 0.0' in text
    assert 'hermes_kanban_http_requests_total{method="POST",status="201"}' in text


def test_the_figures_are_those_that_are_declared(shared: Served) -> None:
    shared.task(title="counted")
    text = shared.send("GET", "/metrics").body.decode()
    families = {one.name: one for one in text_string_to_metric_families(text)}
    assert {name.removeprefix(PREFIX) for name in families} == METRICS.keys()
    for name, metric in METRICS.items():
        family = families[f"{PREFIX}{name}"]
        assert (family.type, family.documentation) == (metric.kind, metric.meaning)
        assert {frozenset(sample.labels) for sample in family.samples} <= {frozenset(metric.labels)}


@pytest.mark.stores("sqlite")
def test_a_board_that_cannot_be_read_is_not_ready(served: Served) -> None:
    served.post("/boards", {"slug": "broken"})
    assert served.send("GET", "/readyz").status == 200
    database = served.home / "boards" / "broken" / "board.db"
    for file in database.parent.glob("board.db*"):
        file.unlink()
    database.write_bytes(b"not a board at all" * 1000)
    answer = served.send("GET", "/readyz")
    assert (answer.status, answer.body) == (503, b"not ready: The board is not intact\n")
    problem(served.get("/boards/broken/cards"), 503, "board_damaged")
    listed = {one["slug"]: one for one in served.get("/boards").json["boards"]}
    assert "not an intact board" in listed["broken"]["error"]
    assert listed["default"]["error"] is None


def test_a_gateway_without_a_board_is_not_ready() -> None:
    """Its database has not answered since it started, say."""
    boards = GatewayBoards(dict, lambda: None)
    desk = Desk(Connections(boards, Config), lambda _: internal())
    answer = anyio.run(Probes(desk, boards, Figures()).readyz, Request({"type": "http"}))
    assert (answer.status_code, answer.body) == (503, b"not ready: No board is open\n")


def test_an_answer_says_whether_it_can_be_taken_back(shared: Served) -> None:
    task, other = shared.task(), shared.task()
    assert shared.patch(f"/tasks/{task}", {"title": "B"}).json["undoable"]
    assert not shared.patch(f"/tasks/{task}", {"title": "B"}).json["undoable"]  # nothing changed
    assert not shared.post(f"/tasks/{task}/comment", {"body": "so"}).json["undoable"]
    assert shared.post("/link", {"parent_id": task, "child_id": other}).json["undoable"]
    moved = shared.post(f"/tasks/{task}/move", {"to": "blocked", "text": "wait"}).json
    assert (moved["verb"], moved["undoable"]) == ("block", True)
    taken = shared.post("/undo", {"task_id": task}).json
    assert (taken["verb"], taken["undoable"]) == ("block", True)
    assert taken["changes"]["status"] == ["blocked", "ready"]
    shared.post(f"/tasks/{task}/claim", {"claimer": "me"})
    assert not shared.post(f"/tasks/{task}/reclaim").json["undoable"]  # a run has ended
    assert shared.post("/pause").json["undoable"]
    assert not shared.post("/pause").json["undoable"]
    assert shared.post("/undo").json["verb"] == "pause"
    items = [
        {"verb": verb, "arguments": {"task_id": task} | more}
        for verb, more in (("prioritise", {"priority": 3}), ("comment", {"body": "so"}))
    ]
    results = shared.post("/bulk", {"items": items}).json["results"]
    assert [result["answer"]["undoable"] for result in results] == [True, False]
    for about in ({"task_id": task}, {}):
        told = shared.post("/subscribe", {"destination": "log"} | about)
        assert (told.status, told.json["undoable"]) == (200, False)
