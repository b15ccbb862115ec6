"""YAML is parsed once for each version of the files, and an import costs none of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hermes_kanban.config import cache, load, load_last_good

HEAVY = ("yaml", "structlog", "difflib", "json", "rich", "tempfile", "hermes_kanban.kernel")


def modules_after(statements: str, home: Path) -> set[str]:
    """The names in sys.modules of a fresh process after ``statements``."""
    script = f"import sys\n{statements}\nprint(*sys.modules)"
    root = Path(__file__).parents[2]
    environ = {"PYTHONPATH": str(root), "HOME": str(home)}
    command = [sys.executable, "-c", script, str(home)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


LOAD = """
from pathlib import Path
from hermes_kanban.config import load
assert load(Path(sys.argv[1]), {}).kanban.max_spawn == 3
"""


def test_the_import_is_light(home):
    assert not modules_after("import hermes_kanban.config", home.path) & set(HEAVY)


def test_redaction_is_light_too(home):
    loaded = modules_after("import hermes_kanban.redact", home.path)
    assert not loaded & {*HEAVY, "msgspec", "sqlite3"}


def test_a_home_without_files_needs_no_parser(home):
    loaded = modules_after(LOAD.replace("== 3", "== 8"), home.path)
    assert not loaded & set(HEAVY)


def test_only_the_first_process_after_an_edit_parses(home):
    home.write("kanban:\n  max_spawn: 3\n")
    home.write("argv: [x]\n", "profiles/x.yaml")
    assert "yaml" in modules_after(LOAD, home.path)
    assert not modules_after(LOAD, home.path) & set(HEAVY)
    home.write("argv: [y]\n", "profiles/x.yaml")
    assert "yaml" in modules_after(LOAD, home.path)
    assert "yaml" not in modules_after(LOAD, home.path)


def test_an_edit_of_equal_size_is_noticed(home):
    home.write("kanban:\n  max_spawn: 3\n")
    assert home.load().kanban.max_spawn == 3
    home.write("kanban:\n  max_spawn: 4\n")
    assert home.load().kanban.max_spawn == 4


def test_an_edit_that_keeps_size_and_time_is_noticed(home):
    file = home.write("kanban:\n  max_spawn: 3\n")
    before = file.stat()
    assert home.load().kanban.max_spawn == 3
    time.sleep(0.02)  # longer than a tick of the clock that stamps files
    file.write_text("kanban:\n  max_spawn: 4\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert home.load().kanban.max_spawn == 4


def test_a_file_written_twice_within_one_tick_of_its_clock_is_read_twice(home):
    for spawns in range(1, 6):
        home.config_file.write_text(f"kanban:\n  max_spawn: {spawns}\n")
        assert home.load().kanban.max_spawn == spawns


def test_a_file_written_just_now_is_the_last_good_one_when_the_next_edit_is_wrong(home):
    home.config_file.write_text("kanban:\n  max_spawn: 3\n")
    home.load()
    home.config_file.write_text("kanban: 5\n")
    assert load_last_good(home.path, {}).kanban.max_spawn == 3


def test_the_copy_is_private_and_holds_the_files_only(home):
    home.write("kanban:\n  max_spawn: 3\nprofiles:\n  a: {argv: [x], env: {KEY: hush}}\n")
    home.load(HERMES_KANBAN_MAX_SPAWN="7")
    assert home.cache_file.stat().st_mode & 0o777 == 0o600
    text = home.cache_file.read_text()
    assert '"max_spawn":3' in text
    assert "hush" in text
    assert sorted(file.name for file in home.path.iterdir()) == [
        ".config-cache.json",
        "config.yaml",
    ]


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"\xff", b'{"version": 1}', b'{"version":99}'])
def test_a_damaged_copy_is_passed_over_and_replaced(home, junk):
    home.write("kanban:\n  max_spawn: 3\n")
    home.cache_file.write_bytes(junk)
    assert home.load().kanban.max_spawn == 3
    stamps = cache.stamps(home.path)
    assert cache.read_copy(home.path, stamps) == {"kanban": {"max_spawn": 3}}


def test_a_copy_with_a_wrong_value_is_not_believed(home):
    home.write("kanban:\n  max_spawn: 3\n")
    cache.write_copy(home.path, cache.stamps(home.path), {"kanban": {"max_spawn": 0}})
    assert home.load().kanban.max_spawn == 3


def test_a_home_that_cannot_be_written_is_read_all_the_same(home):
    home.write("kanban:\n  max_spawn: 3\n")
    home.cache_file.mkdir()  # as good as read-only, and for root as well
    assert home.load().kanban.max_spawn == 3
    assert sorted(file.name for file in home.path.iterdir()) == [
        ".config-cache.json",
        "config.yaml",
    ]


def test_a_repeated_load_is_the_same_object_for_microseconds(home):
    home.write("kanban:\n  max_spawn: 3\n")
    home.write("argv: [x]\n", "profiles/x.yaml")
    first = load(home.path)
    best = min(_seconds(home.path) for _ in range(200))
    assert load(home.path) is first
    assert best < 0.001


def _seconds(home: Path) -> float:
    start = time.perf_counter()
    load(home, os.environ)
    return time.perf_counter() - start
