"""A page that stays open while the database of its board is away, and what is written there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from hermes_kanban import kernel as kb
from tests.browser.looking import card, press, shown, until
from tests.browser.servers import WebAlone
from tests.browser.visiting import Visitor
from tests.support import stores

pytestmark = pytest.mark.stores("postgres")
AWAY = "Its database does not answer now."


@pytest.fixture
def on_a_server(store: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebAlone]:
    """A server of a board that lies in PostgreSQL."""
    assert store == "postgres"
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", stores.address())
    served = WebAlone(home)
    yield served
    served.close()


@contextmanager
def read_only(served: WebAlone) -> Iterator[None]:
    """Nothing is written meanwhile. A session keeps what it began with, so all are ended."""
    with psycopg.connect(stores.address(), autocommit=True) as admin:
        setting = f'ALTER DATABASE "{admin.info.dbname}" {{}} default_transaction_read_only'
        admin.execute(f"{setting.format('SET')} = on".encode())
        try:
            served.conn.close()
            for pid, _ in stores.database().sessions():
                if pid != admin.info.backend_pid:
                    stores.database().kill(pid)
            yield
        finally:
            admin.execute(setting.format("RESET").encode())
            for pid, _ in stores.database().sessions():
                if pid != admin.info.backend_pid:
                    stores.database().kill(pid)
    served.conn = kb.connect()


def asked_to_block(page: Page, reason: str) -> Locator:
    """The dialog in which a reason is written."""
    page.get_by_role("button", name="Block…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What is missing?", exact=False).fill(reason)
    return dialog


def status_of(served: WebAlone, task_id: str) -> tuple[str, str | None]:
    task = kb.get_task(served.conn, task_id)
    return task.status, task.block_reason


def test_a_page_says_that_its_database_is_away_and_keeps_what_is_written(
    on_a_server: WebAlone, visit: Visitor
) -> None:
    served = on_a_server
    visit.forgive("answer 503|status of 503")
    task_id = served.task(title="Count the words")
    page = visit(served, f"/b/default/t/{task_id}")
    shown(page).get_by_label("Comment", exact=True).fill("Half a comment")
    dialog = asked_to_block(page, "Which words?")
    with stores.database().shut():
        banner = page.get_by_role("main", include_hidden=True).get_by_text("The board is not heard")
        expect(banner).to_contain_text(AWAY)
        expect(dialog).to_contain_text(AWAY)
        expect(dialog.get_by_role("button", name="Block")).to_be_disabled()
        # What the page knew of its board stays when the list of boards is read anew.
        other = visit(served, "/b/default")
        expect(other.get_by_text("default cannot be opened now")).to_be_visible()
    expect(banner).to_have_count(0)
    expect(card(other, task_id)).to_be_visible()
    dialog.get_by_role("button", name="Block").click()
    until(page, lambda: status_of(served, task_id) == ("blocked", "Which words?"))
    expect(page.get_by_label("Comment", exact=True)).to_have_value("Half a comment")


def test_a_board_that_was_shown_stays_when_it_is_away(
    on_a_server: WebAlone, visit: Visitor
) -> None:
    served = on_a_server
    visit.forgive("answer 503|status of 503")
    task_id = served.task(title="Count the words")
    page = visit(served, "/b/default")
    switch = page.get_by_role("button", name="Board: default")
    expect(card(page, task_id)).to_be_visible()
    with stores.database().shut():
        with page.expect_response("**/api/v1/boards") as told:
            switch.click()
        assert told.value.json()["boards"][0]["board"] is None
        # The menu says it, and the board is below.
        expect(page.get_by_role("menu")).to_contain_text("cannot connect")
        expect(page.get_by_text(AWAY)).to_be_attached()
        press(page, "Escape")
        expect(card(page, task_id)).to_be_visible()
        # What is not read is not called nought.
        page.get_by_role("link", name="Timeline").click()
        runs = page.get_by_role("main").get_by_role("definition").first
        expect(runs).to_have_text("–")
    expect(page.get_by_text(AWAY)).to_have_count(0)
    expect(runs).to_have_text("0")


def test_a_text_that_the_database_refuses_is_kept_until_it_is_taken(
    on_a_server: WebAlone, visit: Visitor
) -> None:
    served = on_a_server
    task_id = served.task(title="Count the words")
    page = visit(served, f"/b/default/t/{task_id}")
    page.clock.install()
    dialog = asked_to_block(shown(page), "Which words?")
    with read_only(served):
        dialog.get_by_role("button", name="Block").click()
        refused = page.locator(".toast").filter(has_text="read only now")
        expect(refused).to_be_visible()
        page.clock.fast_forward(9_000)
        expect(refused).to_be_visible()
    refused.get_by_text("Try again").click()
    until(page, lambda: status_of(served, task_id) == ("blocked", "Which words?"))
