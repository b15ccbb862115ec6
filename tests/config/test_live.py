"""A live configuration takes up good edits and survives bad ones."""

from __future__ import annotations

import pytest

from hermes_kanban.config import LiveConfig
from hermes_kanban.model import ConfigError


def test_a_good_edit_is_in_force_at_the_next_look(home):
    home.write("kanban:\n  max_spawn: 3\n")
    live = LiveConfig(home.path, {})
    assert live.current() is live.current()
    home.write("kanban:\n  max_spawn: 4\n")
    assert live.current().kanban.max_spawn == 4
    assert live.error is None


def test_a_bad_edit_keeps_the_last_good_one_until_it_is_mended(home):
    home.write("kanban:\n  max_spawn: 3\n")
    live = LiveConfig(home.path, {})
    home.write("kanban:\n  max_spwn: 4\n")
    for _ in range(3):
        assert live.current().kanban.max_spawn == 3
        assert live.error is not None
        assert "line 2: kanban.max_spwn" in live.error
    home.write("kanban:\n  max_spawn: 5\n")
    assert live.current().kanban.max_spawn == 5
    assert live.error is None


def test_an_edit_taken_back_clears_the_error(home):
    home.write("kanban:\n  max_spawn: 3\n")
    live = LiveConfig(home.path, {})
    home.write("broken: [\n")
    live.current()
    home.write("kanban:\n  max_spawn: 3\n")
    assert live.current().kanban.max_spawn == 3
    assert live.error is None


def test_a_bad_profile_file_keeps_the_last_good_profiles(home):
    home.write("argv: [x]\n", "profiles/a.yaml")
    live = LiveConfig(home.path, {})
    file = home.write("argv: x\n", "profiles/b.yaml")
    assert list(live.current().profiles) == ["a"]
    assert live.error is not None
    assert str(file) in live.error
    file.unlink()
    live.current()
    assert live.error is None


def test_a_file_that_goes_away_for_a_moment_changes_nothing(home):
    home.write("kanban:\n  dispatch_in_gateway: false\n")
    live = LiveConfig(home.path, {})
    home.config_file.unlink()
    assert live.current().kanban.dispatch_in_gateway is False
    assert live.error is not None
    assert "is gone" in live.error
    home.write("kanban:\n  dispatch_in_gateway: true\n")
    assert live.current().kanban.dispatch_in_gateway is True
    assert live.error is None


def test_a_file_that_comes_later_is_taken_up(home):
    live = LiveConfig(home.path, {})
    home.write("kanban:\n  max_spawn: 3\n")
    assert live.current().kanban.max_spawn == 3


def test_a_changed_variable_is_taken_up(home):
    environ = {"HERMES_KANBAN_MAX_SPAWN": "3"}
    live = LiveConfig(home.path, environ)
    environ["HERMES_KANBAN_MAX_SPAWN"] = "4"
    assert live.current().kanban.max_spawn == 4
    environ["HERMES_KANBAN_MAX_SPAWN"] = "none"
    assert live.current().kanban.max_spawn == 4
    assert live.error is not None


def test_files_that_could_not_be_read_for_a_moment_are_read_again(home):
    home.write("kanban:\n  max_spawn: 3\n")
    home.write("argv: [x]\n", "profiles/x.yaml")
    live = LiveConfig(home.path, {})
    profiles = home.path / "profiles"
    profiles.rename(home.path / "aside")
    profiles.symlink_to(profiles)
    assert list(live.current().profiles) == ["x"]
    assert live.error is not None
    assert "cannot be read" in live.error
    profiles.unlink()
    (home.path / "aside").rename(profiles)
    assert list(live.current().profiles) == ["x"]
    assert live.error is None


def test_there_is_no_last_good_one_at_the_start(home):
    home.write("kanban:\n  max_spwn: 4\n")
    with pytest.raises(ConfigError, match="max_spwn"):
        LiveConfig(home.path, {})
