"""The OpenAPI document: true to the server, whatever is asked of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hermes_kanban.surfaces.rest.openapi import document
from hermes_kanban.surfaces.rest.operations import TASK_ID, operations
from hermes_kanban.surfaces.rest.problems import PROBLEMS
from tests.rest.client import Served

FUZZER = Path(sys.executable).with_name("schemathesis")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)


@pytest.fixture(scope="module")
def told(shared: Served) -> dict[str, Any]:
    """The document as the server hands it out."""
    answer = shared.get("/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def test_the_document_names_every_address(told: dict[str, Any]) -> None:
    named = {
        (method.upper(), path)
        for path, item in told["paths"].items()
        for method in item
        if method != "servers"
    }
    assert {(one.method, one.path) for one in operations().values()} < named
    assert len(named) == len(operations()) + 9
    ids = [
        item[method]["operationId"]
        for item in told["paths"].values()
        for method in item
        if method != "servers"
    ]
    assert len(set(ids)) == len(ids)
    assert json.loads(document(operations(), told["info"]["version"])) == told


def test_every_answer_is_described(told: dict[str, Any]) -> None:
    for path, item in told["paths"].items():
        for method, operation in item.items():
            if method == "servers":
                continue
            statuses = set(operation["responses"])
            assert {"401", "403", "421", "422", "500", "503"} <= statuses, path
            assert statuses & {"200", "201"}, path
    kinds = {f"Problem{known.status}" for known in PROBLEMS.values()}
    assert told["components"]["responses"].keys() == kinds


def test_the_document_is_well_formed(told: dict[str, Any]) -> None:
    for schema in told["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(told)
    for reference in {part.partition('"')[0] for part in text.split('"$ref": "#/')[1:]}:
        at: Any = told
        for name in reference.split("/"):
            at = at[name]
    for hidden in ("artifacts", '"save"', "claim_lock_"):
        assert hidden not in text


def on_tasks(told: dict[str, Any], ids: list[str]) -> dict[str, Any]:
    """The document with these ids where any may stand: what is asked meets tasks that exist."""
    text = json.dumps(told)
    pattern = json.dumps({"type": "string", "pattern": TASK_ID})
    bare = json.dumps({"pattern": TASK_ID})[1:-1]
    assert pattern in text
    named: dict[str, Any] = json.loads(
        text.replace(pattern, json.dumps({"type": "string", "enum": ids})).replace(
            bare, json.dumps({"enum": ids})[1:-1]
        )
    )
    return named


def asked(served: Served, folder: Path, *how: str) -> None:
    """Let the fuzzer ask whatever the document allows, and what it does not."""
    parent = served.task(title="A parent", body="text", idempotency_key="known")
    ids = [parent, served.task(title="A child", parents=[parent], assignee="nobody")]
    ids += [served.task(title=title, triage=at == 2) for at, title in enumerate("abc")]
    served.post(f"/tasks/{ids[2]}/block", {"reason": "which?"})
    served.post(f"/tasks/{ids[3]}/complete", {"summary": "done"})
    served.post("/subscribe", {"destination": "log", "kinds": ["all"]})
    path = f"/api/v1/tasks/{parent}/attachments?name=a.txt"
    served.send("POST", path, b"text", {"Content-Type": "text/plain"})
    file = folder / "openapi.json"
    file.write_text(json.dumps(on_tasks(served.get("/openapi.json").json, ids)))
    done = subprocess.run(
        [
            str(FUZZER),
            "run",
            str(file),
            f"--url=http://127.0.0.1:{served.port}/api/v1",
            f"--header=Authorization: Bearer {served.token}",
            f"--checks={','.join(CHECKS)}",
            "--seed=1",
            "--continue-on-failure",
            "--no-color",
            "--warnings=off",
            *how,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "web.failed" not in served.errors(), served.errors()
    assert served.get("/cards").status == 200


def test_nothing_that_is_asked_breaks_the_server_or_the_document(
    served: Served, tmp_path: Path
) -> None:
    asked(served, tmp_path, "--phases=fuzzing", "--max-examples=6", "--workers=2")


@pytest.mark.torture
def test_nothing_at_all_that_is_asked_breaks_them(served: Served, tmp_path: Path) -> None:
    asked(served, tmp_path, "--phases=coverage,fuzzing", "--max-examples=60")
