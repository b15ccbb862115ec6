"""Where HTTP is served: on this machine alone unless a secret was given."""

from __future__ import annotations

import pytest

from hermes_kanban.config import WebSettings

SECRET = "k3eT-" * 8


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("2001:db8::1", False),
    ],
)
def test_an_address_that_others_reach_needs_a_token(home, host, loopback):
    home.write(f'web:\n  port: 80\n  host: "{host}"\n')
    if loopback:
        assert home.load().web.is_loopback
    else:
        said = home.error()
        assert said.startswith(f"{home.config_file}, line 3: web.host can be reached from other")
        assert "web.token" in said
    assert not home.load(HERMES_KANBAN_WEB_TOKEN=SECRET).web.is_loopback or loopback


def test_a_variable_that_opens_it_is_named(home):
    said = home.error(HERMES_KANBAN_WEB_HOST="0.0.0.0")
    assert said.startswith("environment: HERMES_KANBAN_WEB_HOST (web.host) can be reached")


@pytest.mark.parametrize("token", ["short", "x" * 31, "x" * 201, "with blank " * 4, "ä" * 40])
def test_a_token_that_is_none_is_refused_and_not_repeated(home, token):
    home.write(f'web:\n  token: "{token}"\n')
    said = home.error()
    assert "line 2: web.token expects empty, or a secret of 32" in said
    assert token not in said


@pytest.mark.parametrize("host", ["", "example.com", "http://127.0.0.1", "127.0.0.1:80", "::1 "])
def test_what_is_no_address_is_refused(home, host):
    home.write(f'web:\n  host: "{host}"\n')
    assert "web.host expects an address of this machine" in home.error()


@pytest.mark.parametrize("name", ["Board.example", "board.example:80", "*", "a b", "-" * 64])
def test_a_name_to_be_reached_by_is_a_plain_one(home, name):
    home.write(f'web:\n  hosts: ["{name}"]\n')
    assert "web.hosts[0] expects a name or address" in home.error()


def test_names_come_from_the_environment_too(home):
    found = home.load(HERMES_KANBAN_WEB_HOSTS="board.example, 192.0.2.7").web
    assert found.hosts == ("board.example", "192.0.2.7")
    assert home.load(HERMES_KANBAN_WEB_HOSTS="").web.hosts == ()


def test_programs_of_this_machine_reach_it_whatever_it_listens_on():
    assert WebSettings(host="0.0.0.0", port=1).address == "http://127.0.0.1:1"
    assert WebSettings(host="::", port=1).address == "http://[::1]:1"
    assert WebSettings(host="192.0.2.7", port=1).address == "http://192.0.2.7:1"
    assert WebSettings(host="::1").names == {"[::1]"}
