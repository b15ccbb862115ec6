"""A pooler before the server: which will do, and which is refused."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from hermes_kanban import kernel as kb
from tests.support import stores
from tests.support.pooler import Pooler, pooler

pytestmark = pytest.mark.stores("postgres")


@contextmanager
def pooled(patch: pytest.MonkeyPatch, *, by_transaction: bool) -> Iterator[Pooler]:
    with (
        tempfile.TemporaryDirectory(prefix="hk-") as folder,
        pooler(stores.address(), Path(folder), by_transaction=by_transaction) as made,
    ):
        patch.setenv("HERMES_KANBAN_DATABASE", made.address)
        yield made


def processes(address: str) -> tuple[int, int]:
    """The server's processes behind two clients that are there at the same time."""
    with (
        psycopg.connect(address, autocommit=True) as one,
        psycopg.connect(address, autocommit=True) as other,
    ):
        first, second = (
            conn.execute("SELECT pg_backend_pid()").fetchall()[0][0] for conn in (one, other)
        )
        assert first != one.info.backend_pid
        return first, second


@pytest.mark.usefixtures("store")
def test_one_that_lends_whole_sessions_is_as_good_as_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pooled(monkeypatch, by_transaction=False) as between:
        first, second = processes(between.address)
        assert first != second
        conn = kb.connect()
        task = kb.create_task(conn, title="Count")
        assert kb.get_task(conn, task).status == "ready"
        conn.close()


@pytest.mark.usefixtures("store")
def test_one_that_lends_sessions_by_the_transaction_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pooled(monkeypatch, by_transaction=True) as between:
        first, second = processes(between.address)
        assert first == second
        for _ in range(2):
            with pytest.raises(kb.KanbanError, match=r"pool by sessions \(pool_mode = session"):
                kb.connect()
