"""The files people copy from are held against the code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import yaml

from hermes_kanban.config import KanbanSettings, LoggingSettings, WebSettings
from hermes_kanban.config.chat import ChatSettings
from hermes_kanban.config.notify import NotifySettings
from hermes_kanban.config.settings import Runtime
from hermes_kanban.reference.configuration import settings
from hermes_kanban.reference.shown_settings import shown_settings

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "config" / "hermes-kanban.yaml"
EXAMPLES = sorted((ROOT / "config" / "profiles").glob("*.yaml"))
COMPUTED = "max_in_progress"  # shown commented out, as it depends on the machine


@pytest.mark.parametrize(
    ("section", "struct"),
    [
        ("kanban", KanbanSettings),
        ("logging", LoggingSettings),
        ("web", WebSettings),
        ("chat", ChatSettings),
        ("notify", NotifySettings),
    ],
)
def test_every_key_is_shown_with_its_default(section, struct):
    shown = yaml.safe_load(SETTINGS.read_text())[section]
    defaults = msgspec.json.decode(msgspec.json.encode(struct()))
    defaults.pop(COMPUTED, None)
    assert shown == defaults


def test_the_computed_default_is_shown_as_a_comment():
    assert re.search(rf"^  # {COMPUTED}: \d+ ", SETTINGS.read_text(), re.MULTILINE)


def test_every_key_has_its_line_of_explanation():
    keys = [line for line in SETTINGS.read_text().splitlines() if re.match(r"  \w+:", line)]
    assert all(re.search(r" # \w.{10,}", line) for line in keys)
    assert all(len(line) <= 100 for line in keys)


def test_every_key_is_explained():
    assert shown_settings().keys() == {one.name for one in settings()}
    assert all(len(meaning) >= 8 for meaning in shown_settings().values())


def test_the_shipped_files_load_as_they_are(home):
    shutil.copy(SETTINGS, home.config_file)
    assert home.load().kanban == KanbanSettings()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_each_example_loads(home, example):
    home.write("kanban:\n  resources: {gpu: 1}\n")
    (home.path / "profiles").mkdir()
    shutil.copy(example, home.path / "profiles")
    profile = home.load().profiles[example.stem]
    assert profile.description


def test_there_is_an_example_of_each_runtime(home):
    home.write("kanban:\n  resources: {gpu: 1}\n")
    shutil.copytree(EXAMPLES[0].parent, home.path / "profiles")
    profiles = home.load().profiles
    assert {profile.runtime for profile in profiles.values()} == {*get_args(Runtime)}
