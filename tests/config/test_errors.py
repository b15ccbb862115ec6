"""Each fault is one line that names the key, the file, the line and the nearest valid key."""

from __future__ import annotations

import pytest

CASES = {
    "unknown key": ("kanban:\n  max_spwn: 3\n", 2, "kanban.max_spwn", "did you mean 'max_spawn'?"),
    "unknown key, far off": ("kanban:\n  zzz: 3\n", 2, "kanban.zzz", "known are dispatch_in_gat"),
    "unknown section": ("\nkanbn:\n  a: 1\n", 2, "kanbn", "did you mean 'kanban'?"),
    "text for a number": ("kanban:\n  max_spawn: '3'\n", 2, "kanban.max_spawn", "got text"),
    "number for a switch": (
        "kanban:\n  dispatch_in_gateway: 1\n",
        2,
        "dispatch_in_gateway",
        "true",
    ),
    "switch for a number": ("kanban:\n  max_runs: yes\n", 2, "kanban.max_runs", "a whole number"),
    "fraction for a count": ("kanban:\n  max_runs: 1.5\n", 2, "max_runs", "a whole number"),
    "nothing for a number": ("kanban:\n  max_runs:\n", 2, "max_runs", "got nothing"),
    "no interval": (
        "kanban:\n  max_runs: 3\n  dispatch_interval_seconds: 0\n",
        3,
        "kanban.dispatch_interval_seconds",
        "above 0",
    ),
    "not a number": ("kanban:\n  linger_seconds: .nan\n", 2, "linger_seconds", "above 0"),
    "for ever": ("kanban:\n  linger_seconds: .inf\n", 2, "linger_seconds", "at most 31536000"),
    "no spawns": ("kanban:\n  max_spawn: 0\n", 2, "kanban.max_spawn", "of at least 1"),
    "beyond 64 bits": (f"kanban:\n  max_retries: {2**70}\n", 2, "max_retries", "at most"),
    "unknown word": (
        "kanban:\n  durability: ful\n",
        2,
        "kanban.durability",
        "one of full, normal; did you mean 'full'?",
    ),
    "boards as a word": ("kanban:\n  boards: none\n", 2, "kanban.boards", "all or a list"),
    "a board's name": ("kanban:\n  boards:\n  - a\n  - B C\n", 4, "kanban.boards[1]", "lower-case"),
    "a tenant's cap": (
        "kanban:\n  max_in_progress_per_tenant:\n    a: 1\n    b: -1\n",
        4,
        "kanban.max_in_progress_per_tenant.b",
        "at least 0",
    ),
    "another database": (
        "kanban:\n  database: mysql://me:pw@x/y\n",
        2,
        "database",
        "postgresql://",
    ),
    "a section that is none": ("kanban: 3\n", 1, "kanban", "expects keys with values"),
    "profiles as a list": ("profiles:\n  - a\n", 1, "profiles", "got a list"),
    "a profile that is none": ("profiles:\n  a: b\n", 2, "profiles.a", "got text"),
    "a profile without a command": ("\nprofiles:\n  a:\n    model: m\n", 3, "profiles.a", "argv"),
    "argv of an agent": ("profiles:\n  a: {runtime: codex, argv: [x]}\n", 2, "a", "args"),
    "a profile's unknown key": (
        "profiles:\n  a:\n    argv: [x]\n    promt: file\n",
        4,
        "profiles.a.promt",
        "did you mean 'prompt'?",
    ),
    "an unknown runtime": (
        "profiles:\n  a:\n    runtime: claud\n",
        3,
        "profiles.a.runtime",
        "did you mean 'claude'?",
    ),
    "argv as text": ("profiles:\n  a:\n    argv: ls -l\n", 3, "profiles.a.argv", "a list"),
    "a number in env": (
        "profiles:\n  a:\n    argv: [x]\n    env:\n      PORT: 80\n",
        5,
        "profiles.a.env.PORT",
        "put it in quotes",
    ),
    "a variable's name": ("profiles:\n  a: {argv: [x], env: {A B: c}}\n", 2, "A B", "variable"),
    "a skill's name": ("profiles:\n  a: {argv: [x], skills: [../x]}\n", 2, "skills[0]", "skill"),
    "a profile's name": ("profiles:\n  a/b: {argv: [x]}\n", 2, "a/b", "a profile's name"),
    "an unknown resource": (
        "kanban:\n  resources: {gpu: 1}\nprofiles:\n  a:\n    argv: [x]\n"
        "    resources:\n      gpus: 1\n",
        7,
        "profiles.a.resources.gpus",
        "did you mean 'gpu'?",
    ),
    "a list at the top": ("- kanban\n", 1, "", "expected keys with values"),
    "text at the top": ("\nkanban\n", 2, "", "expected keys with values"),
    "broken YAML": ("kanban:\n  a: [1\n  b: 2\n", 3, "", "no valid YAML"),
    "a tab": ("kanban:\n\tmax_spawn: 1\n", 2, "", "no valid YAML"),
    "two documents": ("kanban:\n---\nkanban:\n", 2, "", "no valid YAML"),
    "a NUL": (b"kanban:\n  max_spawn: \0\n", 2, "", "NUL"),
    "a written NUL": ('profiles:\n  a:\n    argv: ["x\\0"]\n', 3, "", "NUL"),
    "half a character": ('profiles:\n  a:\n    argv: ["\\ud800"]\n', 3, "", "half a character"),
    "a control character": (b"kanban:\n  boards: \x1b[31m\n", 2, "", "control character"),
    "not UTF-8": (b"kanban:\n  boards: \xff\n", 2, "", "UTF-8"),
    "a key twice": (
        "kanban:\n  max_spawn: 1\n  max_runs: 2\n  max_spawn: 3\n",
        4,
        "'max_spawn'",
        "first in line 2",
    ),
    "a section twice": ("kanban:\nlogging:\nkanban:\n", 3, "'kanban'", "first in line 1"),
    "a key that YAML takes for a switch": ("profiles:\n  on: {argv: [x]}\n", 2, "on", "quotes"),
    "a number for a key": ("1: 2\n", 1, "1", "quotes"),
    "a tag": ("kanban:\n  boards: !!python/name:os.system x\n", 2, "", "no valid"),
    "an alias to itself": ("profiles: &p\n  a: *p\n", 1, "", "refers to itself"),
    "no anchor": ("profiles:\n  a: *p\n", 2, "", "no valid YAML"),
}


@pytest.mark.parametrize(("text", "line", "key", "hint"), CASES.values(), ids=CASES.keys())
def test_a_fault_names_file_line_key_and_what_is_right(home, text, line, key, hint):
    home.write(text)
    message = home.error()
    assert message.startswith(f"{home.config_file}, line {line}: ")
    assert key in message
    assert hint in message
    assert not home.cache_file.exists()


def test_a_fault_in_a_profile_file_names_that_file(home):
    file = home.write("argv: [x]\n\nagrs: [y]\n", "profiles/build.yaml")
    message = home.error()
    assert message.startswith(f"{file}, line 3: profiles.build.agrs ")
    assert "did you mean 'args'?" in message


def test_an_empty_profile_file_says_what_a_profile_needs(home):
    file = home.write("", "profiles/build.yaml")
    assert home.error().startswith(f"{file}, line 1: profiles.build needs argv")


def test_a_profile_defined_twice_names_both_files(home):
    home.write("profiles:\n  build: {argv: [x]}\n")
    file = home.write("argv: [y]\n", "profiles/build.yaml")
    message = home.error()
    assert str(file) in message
    assert f"{home.config_file}, line 2" in message


def test_the_first_of_several_faults_is_told(home):
    home.write("kanban:\n  max_spawn: 0\n  max_runs: 0\nlogging:\n  level: loud\n")
    assert "line 2: kanban.max_spawn" in home.error()


def test_a_secret_value_is_not_repeated(home):
    home.write("kanban:\n  database: mysql://me:hunter2@x/y\n")
    assert "hunter2" not in home.error()


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("DISPATCH_IN_GATEWAY", "2", "1 or 0, true or false, yes or no, on or off"),
        ("DISPATCH_IN_GATEWAY", "", "1 or 0"),
        ("MAX_SPAWN", "many", "a number"),
        ("MAX_SPAWN", "0", "of at least 1"),
        ("MAX_SPAWN", "1.5", "a whole number"),
        ("DISPATCH_INTERVAL_SECONDS", "-1", "above 0"),
        ("DISPATCH_INTERVAL_SECONDS", "nan", "above 0"),
        ("BOARDS", "a,B", "a board's name"),
        ("RESOURCES", "gpu=1", "a JSON object"),
        ("RESOURCES", '{"gpu": "1"}', "a whole number"),
        ("DURABILITY", "ful", "did you mean 'full'?"),
        ("LOGGING_LEVEL", "inf", "did you mean 'info'?"),
    ],
)
def test_a_wrong_variable_is_named_with_its_setting(home, name, value, hint):
    home.write("kanban:\n  max_runs: 3\n")
    message = home.error(**{f"HERMES_KANBAN_{name}": value})
    setting = "logging.level" if name == "LOGGING_LEVEL" else f"kanban.{name.lower()}"
    assert message.startswith(f"environment: HERMES_KANBAN_{name} ({setting}")
    assert hint in message


def test_a_fault_of_the_file_is_told_before_one_of_its_overrides(home):
    home.write("kanban:\n  max_spawn: 0\n")
    assert "line 2: kanban.max_spawn" in home.error(HERMES_KANBAN_MAX_SPAWN="4")


def test_what_cannot_be_read_says_so(home):
    home.config_file.mkdir()
    assert home.error() == f"{home.config_file} cannot be read: Is a directory"


@pytest.mark.parametrize("text", ["[" * 20_000, "a: " + "[{b: " * 5_000])
def test_nesting_without_end_is_refused(home, text):
    home.write(text)
    assert "nested too deeply" in home.error()


def test_a_file_that_stands_for_millions_of_values_is_refused(home):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    home.write("\n".join(lines))
    assert "more than 100000 values" in home.error()


def test_a_huge_file_is_refused(home):
    home.write("# padding\n" * 200_000)
    assert "larger than" in home.error()
