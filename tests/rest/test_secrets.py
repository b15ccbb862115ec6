"""The token of a home, codes and sessions: kept safely, shared by every process of the home."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hermes_kanban.model.errors import ConfigError
from hermes_kanban.surfaces.rest.secrets import (
    CODES,
    SESSION_SECONDS,
    SESSIONS,
    Logins,
    bearer_token,
    same,
)
from tests.support.boards import ManualClock


def test_the_token_is_made_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(bearer_token(home))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found[0]) >= 43
    assert (home / "web.token").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in home.iterdir()] == ["web.token"]
    assert bearer_token(home, "configured") == "configured"


@pytest.mark.parametrize("content", ["", "\n", "short\n"])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "web.token"
    file.touch(0o600)
    file.write_text(content)
    with pytest.raises(ConfigError, match="remove it"):
        bearer_token(tmp_path)


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    bearer_token(tmp_path)
    (tmp_path / "web.token").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        bearer_token(tmp_path)


def test_secrets_are_the_same_or_not() -> None:
    assert same("a", "a")
    assert not same("a", "b")
    assert not same("\ud800", "a")


def test_one_code_is_one_session_whoever_asks(tmp_path: Path) -> None:
    code = Logins(tmp_path).new_code()
    opened: list[object] = []
    threads = [
        threading.Thread(target=lambda: opened.append(Logins(tmp_path).redeem(code, "here")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in opened) == 1


def test_a_session_is_both_halves_in_its_place_and_time(tmp_path: Path) -> None:
    clock = ManualClock()
    logins, elsewhere = Logins(tmp_path, clock=clock), Logins(tmp_path, clock=clock)
    made = logins.open("here")
    assert elsewhere.find(made.cookie, made.token, "here") is not None
    assert elsewhere.find(made.cookie, made.token, "there") is None
    assert elsewhere.find(made.cookie, made.cookie, "here") is None
    assert elsewhere.find(made.token, made.token, "here") is None
    clock.advance(SESSION_SECONDS - 1)
    assert elsewhere.find(made.cookie, made.token, "here") is not None
    clock.advance(1)
    assert elsewhere.find(made.cookie, made.token, "here") is None
    again = logins.open("here")
    elsewhere.forget(again.cookie)
    assert logins.find(again.cookie, again.token, "here") is None


def test_what_is_kept_stays_small(tmp_path: Path) -> None:
    logins = Logins(tmp_path)
    codes = [logins.new_code() for _ in range(CODES + 5)]
    assert logins.redeem(codes[0], "here") is None
    assert logins.redeem(codes[-1], "here") is not None
    sessions = [logins.open("here") for _ in range(SESSIONS + 5)]
    assert logins.find(sessions[0].cookie, sessions[0].token, "here") is None
    assert logins.find(sessions[-1].cookie, sessions[-1].token, "here") is not None
    assert (tmp_path / "web.sessions").stat().st_size < 20_000


def test_a_file_that_is_broken_is_as_if_nobody_had_logged_in(tmp_path: Path) -> None:
    logins = Logins(tmp_path)
    made = logins.open("here")
    (tmp_path / "web.sessions").write_text("{")
    assert logins.find(made.cookie, made.token, "here") is None
    again = logins.open("here")
    assert logins.find(again.cookie, again.token, "here") is not None
