"""Edits of other programs' files: the change and nothing else, whatever the file looks like."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_kanban.clients import formats
from hermes_kanban.clients.formats import CannotEdit, Format, Unreadable, jsonc, plain

ENTRY = {"command": "/opt/kb", "args": ["mcp", "--profile", "planner"], "trust": True}
PATH = ("servers", "board")

JSONC = [
    "{}",
    "{\n}",
    "{\n  // servers of ours\n}\n",
    '{"a":1}',
    '{ "a": 1, }',
    '{\n  "a": 1 // one\n}\n',
    '{\n  "a": 1, // one\n  // the end\n}\n',
    '{\n  "a": "// no comment, { \\" [",\n  /* several\n     lines */ "b": [1, 2,],\n}\n',
    '{"servers":{}}',
    '{\n    "servers": {\n        // none yet\n    },\n    "z": null\n}\n',
    '{\n\t"servers": {\n\t\t"other": {"command": "z"}\n\t},\n\t"b": 2\n}\n',
    '{\n  "servers": {\n    "other": {\n      "command": "z"\n    }, // other\n  },\n}\n',
    '{\r\n  "a": 1,\r\n  "servers": {\r\n    "o": 1\r\n  }\r\n}\r\n',
    '\ufeff{\n  "ü": "é"\n}\n',
    '{"servers": {"other": 1}, "servers2": {"board": 2}}',
    '{\n  "servers": {"other": {"command": "z"}}, "b": 1\n}',
]
YAML = [
    "# nothing but this\n",
    "a: 1\n",
    "a: 1",
    "---\na: 1\n...\n",
    "servers:\n  other:\n    command: z  # that one\n\n# next\nb: 2\n",
    "servers:\n    other:\n        text: |\n          several\n          lines\n    p: 1\n# end\n",
    "servers: {}\nb: 1\n",
    "servers: # none yet\nb: 1\n",
    "servers: null\nb: 1\n",
    "servers: {other: {command: z}}  # flow\n",
    "servers: {\n  other: 1,\n  another: 2 # two\n}\n",
    "a: 1\r\nservers:\r\n  o: 1\r\nb: 2\r\n",
    "x: &x {a: 1}\nservers:\n  other:\n    <<: *x\n",
    "servers:\n  other: !secret abc\n",
    "'servers':\n  \"other\": 'it''s'\n",
    "a: >-\n  folded\n  text\n\nservers:\n  o: |+\n    kept\n\n",
    "board:\n  servers: 1\n# servers:\n#   board: 1\n",
]
TOML = [
    "# nothing but this\n",
    'model = "x"   # keep\n',
    'model = "x"',
    '[servers.other]   # that one\ncommand = "a"\n\n# about tui\n[tui]\ntheme = "dark"\n',
    '[servers]\nother = {command = "a"}\n\n\n',
    'servers.other.command = "a"\n[z]\na = 1\n',
    'a = """\n[servers.board]\n"""\nb = [\n  "[servers.board]", # [servers.board]\n]\n',
    "a = '''\n[servers.board]\n''' \n[b]\nc = 'it\\'\n",
    "a = 1\r\n[t]\r\nb = 2\r\n",
    "[[servers_list]]\na = 1\n[[servers_list]]\na = 2\n",
    '["servers"."x.y"]\na = 1\n["servers".\'board2\']\nb = 1\n',
    "[a]\n  [a.b] # indented\n  c = 1\n",
]
SAMPLES = [
    *(pytest.param("jsonc", text, id=f"jsonc-{at}") for at, text in enumerate(["", *JSONC])),
    *(pytest.param("yaml", text, id=f"yaml-{at}") for at, text in enumerate(["", *YAML])),
    *(pytest.param("toml", text, id=f"toml-{at}") for at, text in enumerate(["", *TOML])),
]


def without_blanks(text: str) -> str:
    return "".join(text.split())


def is_within(text: str, edited: str) -> bool:
    """Whether ``edited`` is ``text`` with something put in: no letter is lost or moved."""
    rest = iter(edited)
    return all(letter in rest for letter in text)


@pytest.mark.parametrize(("kind", "text"), SAMPLES)
def test_an_entry_comes_and_everything_else_stays(kind: Format, text: str) -> None:
    edited = formats.put(kind, text, PATH, ENTRY)
    assert formats.load(kind, edited) == plain.put(formats.load(kind, text), PATH, ENTRY)
    if "null" not in text and text != "---\na: 1\n...\n":
        assert is_within(text, edited)
    assert ("\r\n" in text) == ("\r\n" in edited)
    assert edited.replace("\r\n", "").count("\r") == 0
    if "\r\n" in text:
        assert edited.replace("\r\n", "").count("\n") == 0


@pytest.mark.parametrize(("kind", "text"), SAMPLES)
def test_an_entry_goes_and_the_text_is_what_it_was(kind: Format, text: str) -> None:
    had = plain.has(formats.load(kind, text), PATH[:-1])
    edited = formats.drop(kind, formats.put(kind, text, PATH, ENTRY), PATH)
    if not had and plain.has(formats.load(kind, edited), PATH[:-1]):
        edited = formats.drop(kind, edited, PATH[:-1])
    left = formats.load(kind, edited)
    if kind == "yaml" and formats.load(kind, text).get("servers", "") is None:
        assert left["servers"] == {}  # nothing, said in another way
        return
    assert left == formats.load(kind, text)
    assert without_blanks(edited).replace(",}", "}") in (
        without_blanks(text).replace(",}", "}"),
        "{}" if not text else "",
    )


@pytest.mark.parametrize(("kind", "text"), SAMPLES)
def test_a_value_of_an_entry_changes_in_its_place(kind: Format, text: str) -> None:
    edited = formats.put(kind, text, PATH, ENTRY)
    for name, value in (("args", ["mcp"]), ("command", "/new"), ("timeout", 60)):
        meant = plain.put(formats.load(kind, edited), (*PATH, name), value)
        edited = formats.put(kind, edited, (*PATH, name), value)
        assert formats.load(kind, edited) == meant
    assert formats.put(kind, edited, (*PATH, "timeout"), 60) == edited


LISTS = [
    "name: x\nservers:\n  - name: other\n    command: z  # that one\nmodels: []\n",
    "servers:\n- name: other\n  command: z\n# end\n",
    "servers: []\n",
    "servers: [{name: other}]\n",
    "servers:\n  -   name: other\n  -\n    name: another\n",
]


@pytest.mark.parametrize("text", LISTS)
def test_an_item_of_a_list_is_known_by_its_name(text: str) -> None:
    item = {"name": "board"} | ENTRY
    edited = formats.put("yaml", text, PATH, item)
    servers = formats.load("yaml", edited)["servers"]
    assert servers[:-1] == formats.load("yaml", text)["servers"]
    assert servers[-1] == item
    changed = formats.put("yaml", edited, (*PATH, "args"), ["mcp"])
    assert formats.load("yaml", changed)["servers"][-1] == item | {"args": ["mcp"]}
    assert formats.drop("yaml", edited, PATH) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("jsonc", '{\n  "servers": {\n    "board": {"a": [1]}, // ours\n    "z": 1\n  }\n}\n'),
        ("yaml", "servers:\n    board:\n      a: [1]\n      b:\n      - c\n    # next\n    z: 1\n"),
        ("yaml", "servers: {board: {a: 1}, z: 1}\n"),
        (
            "toml",
            "[servers.board]\na = [1]\n[servers.board.b]\nc = 1\n\n# next\n[servers.z]\nd = 1\n",
        ),
    ],
)
def test_a_whole_entry_gives_way_to_another(kind: Format, text: str) -> None:
    edited = formats.put(kind, text, PATH, ENTRY)
    assert formats.load(kind, edited) == plain.put(formats.load(kind, text), PATH, ENTRY)
    for comment in ("// ours", "# next"):
        assert (comment in edited) == (comment in text)


def test_toml_is_taken_out_with_what_lies_below_it() -> None:
    text = (
        '[servers.board]\na = 1\n[servers.board.env]\nA = "1"\n\n# other\n[servers.other]\nb = 1\n'
    )
    assert formats.drop("toml", text, PATH) == "# other\n[servers.other]\nb = 1\n"


def test_a_list_over_several_lines_is_no_header() -> None:
    text = "[servers.board]\na = [\n[1],\n]\n\n[servers.other]\nb = 1\n"
    assert formats.drop("toml", text, PATH) == "[servers.other]\nb = 1\n"


def test_an_edit_that_changes_anything_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    clumsy = SimpleNamespace(load=jsonc.load, put=lambda *_: '{"servers": {"board": 1}}')
    monkeypatch.setitem(formats._EDITORS, "jsonc", clumsy)  # type: ignore[arg-type]
    assert formats.put("jsonc", "{}", PATH, 1) == '{"servers": {"board": 1}}'
    with pytest.raises(CannotEdit):
        formats.put("jsonc", '{"a": 1}', PATH, 1)


@pytest.mark.parametrize(
    ("kind", "text", "line"),
    [
        ("jsonc", '{\n  "a": 1\n  "b": 2\n}', 3),
        ("jsonc", '{"a": tru}', 1),
        ("jsonc", '{\n"a": {\n', 3),
        ("jsonc", "{\n\n'a': 1}", 3),
        ("jsonc", "[1]", 1),
        ("jsonc", '{"a": 1}\n{"b": 1}', 2),
        ("jsonc", '{"a": "\n"}', 1),
        ("jsonc", '{"a"\n\n1}', 3),
        ("jsonc", '{"a": ' * 300, 1),
        ("jsonc", '{"a": 01}', 1),
        ("yaml", "a: 1\nb: [1\nc: 2\n", 3),
        ("yaml", "- a\n- b\n", 1),
        ("yaml", "a: 1\n\tb: 2\n", 2),
        ("yaml", "a: 1\n---\nb: 2\n", 2),
        ("yaml", "a: \x07\n", 1),
        ("toml", "a = 1\nb = \n", 2),
        ("toml", "a = 1\na = 2\n", 2),
        ("toml", "a\n", 1),
    ],
)
def test_a_broken_text_is_refused_with_its_line(kind: Format, text: str, line: int) -> None:
    for edit in (
        lambda: formats.load(kind, text),
        lambda: formats.put(kind, text, PATH, ENTRY),
        lambda: formats.drop(kind, text, PATH),
    ):
        with pytest.raises(Unreadable) as problem:
            edit()
        assert problem.value.line == line


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("jsonc", '{"servers": 1}'),
        ("jsonc", '{"servers": []}'),
        ("yaml", "servers: 1\n"),
        ("yaml", "x: &x {q: 1}\nservers: *x\n"),
        ("toml", "servers = {other = {a = 1}}\n"),
        ("toml", "servers = 1\n"),
    ],
)
def test_what_is_written_in_another_way_is_left_alone(kind: Format, text: str) -> None:
    with pytest.raises(CannotEdit):
        formats.put(kind, text, PATH, ENTRY)


def test_nothing_is_taken_out_where_nothing_is() -> None:
    for kind, text in (("jsonc", '{"a": 1}'), ("yaml", "a: 1\n"), ("toml", "a = 1\n")):
        assert formats.drop(kind, text, PATH) == text  # type: ignore[arg-type]


# Files that nobody thought of

KEYS = st.text("abcxyz-_ .\"'#:[]{}ü\\", min_size=1, max_size=6)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.text("ab \"'#/*:[]{},\\\nü", max_size=8)
)
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
SERVERS = st.none() | st.dictionaries(KEYS, TREES, max_size=3)


def as_jsonc(value: Any, dice: random.Random, depth: int = 0) -> str:
    """The value as somebody might have written it."""

    def blank() -> str:
        return dice.choice(
            ["", " ", "\n" + "  " * depth, "\n\t// it's {\n", "/* } */", ' /* [\n " */ ']
        )

    if isinstance(value, dict | list):
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        parts = []
        for item in value:
            key = f"{json.dumps(item)}{blank()}:" if isinstance(value, dict) else ""
            inner = value[item] if isinstance(value, dict) else item
            parts.append(f"{blank()}{key}{blank()}{as_jsonc(inner, dice, depth + 1)}{blank()}")
        last = "," if parts and dice.random() < 0.3 else ""
        return f"{opening}{','.join(parts)}{last}{blank()}{closing}"
    return json.dumps(value, ensure_ascii=dice.random() < 0.5)


def as_yaml(value: dict[str, Any], dice: random.Random) -> str:
    text = yaml.safe_dump(
        value,
        indent=dice.choice([2, 4]),
        default_flow_style=dice.choice([False, False, None]),
        allow_unicode=True,
        sort_keys=False,
        width=dice.choice([20, 1000]),
    )
    return dice.choice(["", "# first\n\n", "---\n"]) + text + dice.choice(["", "# last\n", "\n\n"])


def as_toml(value: dict[str, Any], dice: random.Random) -> str:
    """Its tables with a header or inline."""

    def word(item: Any) -> str:
        if isinstance(item, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {word(v)}" for k, v in item.items()) + "}"
        if isinstance(item, list):
            return "[" + dice.choice(["", "\n # [x]\n"]) + ", ".join(map(word, item)) + "]"
        if isinstance(item, str) and "\\" not in item and '"' not in item and dice.random() < 0.5:
            return f'"""{item}"""' if not item.startswith("\n") else f'"""\n{item}"""'
        return '""' if item is None else json.dumps(item, ensure_ascii=False)

    def lines(path: list[str], table: dict[str, Any]) -> list[str]:
        plain_ones = {k: v for k, v in table.items() if not isinstance(v, dict)}
        inline = {k: v for k, v in table.items() if isinstance(v, dict)}
        below = {} if path[:1] == ["servers"] and len(path) > 1 else inline
        found = (
            [f"[{'.'.join(map(json.dumps, path))}]{dice.choice(['', ' # it is ['])}"]
            if path
            else []
        )
        found += [f"{json.dumps(k)} = {word(v)}" for k, v in plain_ones.items()]
        found += [f"{json.dumps(k)} = {word(v)}" for k, v in inline.items() if k not in below]
        for name, inner in below.items():
            found += [dice.choice(["", "# about it"]), *lines([*path, name], inner)]
        return found

    return "\n".join(lines([], value)) + dice.choice(["", "\n", "\n\n# end\n"])


WRITERS = {"jsonc": as_jsonc, "yaml": as_yaml, "toml": as_toml}


@pytest.mark.parametrize("kind", ["jsonc", "yaml", "toml"])
@settings(max_examples=150, deadline=None)
@given(tree=TREES, servers=SERVERS, seed=st.integers(0, 10**6))
def test_any_file_can_be_edited_and_edited_back(
    kind: Format, tree: dict[str, Any], servers: dict[str, Any] | None, seed: int
) -> None:
    tree = {key: value for key, value in tree.items() if key != "servers"}
    if servers is not None:
        tree |= {"servers": {k: v for k, v in servers.items() if k != "board"}}
    text = WRITERS[kind](tree, random.Random(seed))  # type: ignore[operator]
    before = formats.load(kind, text)
    had = plain.has(before, PATH[:-1])
    edited = formats.put(kind, text, PATH, ENTRY)
    if kind != "jsonc":
        assert is_within(text.rstrip("\n"), edited) or "null" in text
    assert is_within(without_blanks(text).replace(",", ""), edited) or "null" in text
    back = formats.drop(kind, edited, PATH)
    if not had and plain.has(formats.load(kind, back), PATH[:-1]):
        back = formats.drop(kind, back, PATH[:-1])
    after = formats.load(kind, back)
    if kind == "toml" and before.get("servers") == {}:
        after.setdefault("servers", {})
    assert after == before
    if before.get("servers") != {}:
        assert without_blanks(back).replace(",", "") == without_blanks(text).replace(",", "")
