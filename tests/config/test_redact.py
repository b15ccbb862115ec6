"""What is taken out of text before it is shown, and what stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hermes_kanban import redact as _redact
from hermes_kanban.redact import HIDDEN, is_secret_name, one_line, redact, strip_control

# Put together here, so that no scanner takes this file for a leak.
SHAPED = [
    "sk-" + "ant-api03-" + "a1" * 12,
    "gh" + "p_" + "a1" * 15,
    "github" + "_pat_" + "a1" * 15,
    "xox" + "b-" + "1" * 12 + "-abc",
    "AK" + "IA" + "A1" * 8,
    "AI" + "za" + "a1" * 16,
    "hf" + "_" + "a1" * 12,
    "12345678:" + "a" * 35,
    "ey" + "Jhbbbbbbbbb.eyJzzzzzzzz.abc-_",
]


@pytest.mark.parametrize("secret", SHAPED)
def test_a_known_shape_is_hidden_wherever_it_stands(secret):
    assert redact(f"got ({secret}), went on") == f"got ({HIDDEN}), went on"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("OPENAI_API_KEY=abc next", "OPENAI_API_KEY=[redacted] next"),
        ("token: abc", "token: [redacted]"),
        ('{"password": "a b", "n": 1}', '{"password": "[redacted]", "n": 1}'),
        (r"{\"password\":\"ab\",\"n\":1}", r"{\"password\":\"[redacted]\",\"n\":1}"),
        ("password='a b' x", "password='[redacted]' x"),
        ("--token abc --api-key=x -v", "--token [redacted] --api-key=[redacted] -v"),
        ("Authorization: Basic dXNlcg==", "Authorization: [redacted]"),
        ("-H 'Authorization: Bearer abc.def' u", "-H 'Authorization: [redacted]' u"),
        ("bearer abcdefgh1", "bearer [redacted]"),
        ("postgresql://u:p4ss@h/db", "postgresql://u:[redacted]@h/db"),
        ("HERMES_KANBAN_CLAIM_LOCK=ab12", "HERMES_KANBAN_CLAIM_LOCK=[redacted]"),
        (
            "https://hooks.slack.com/services/T0/B0/xyz ok",
            "https://hooks.slack.com/services/[redacted] ok",
        ),
    ],
)
def test_a_named_secret_is_hidden_and_its_name_stays(text, shown):
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize("text", ["password=a]", 'password="a b', "(token: a) x", "pwd=a, pwd=b"])
def test_what_was_hidden_stays_as_it_is(text):
    once = redact(text)
    assert once != text
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=4096, input_tokens: 12",
        "tokenizer: fast",
        "secretary: Ann",
        "the key is under the mat",
        "https://example.org:80/@me",
        "12:30:00 commit 0123456789abcdef0123456789abcdef01234567",
        "task t_abc of profile lint ended with exit code 0",
    ],
)
def test_plain_text_stays(text):
    assert redact(text) == text


PIECES = [
    *"\n\n\n \"':=-_,;@1x",
    *("token", "TOKEN", "api_key", "--api-key ", "monkey", "secret", "passphrase", "claim_lock"),
    *("Authorization", "Bearer ", "abcdefgh", "ü", '\\"', "\t", "\x85", "https://", "dsn", "pwd"),
    *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
    # A sign for Kelvin, a long s and a dotless i, which pass for k, s and i.
    *("to\u212aen", "pas\u017fword", "author\u0131zation", "cook\u0131e", "cl\u0131ent"),
]


@settings(max_examples=1_000, deadline=None)
@example("token\n\n:\n \nabcdefgh")
@example("cook\u0131e: abcdefgh")
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_looking_only_where_a_secret_may_be_finds_every_one(text):
    everywhere = text
    for pattern, instead in (
        (_redact._PEM, HIDDEN),
        (_redact._AUTHORIZATION, rf"\1{HIDDEN}"),
        (_redact._NAMED, _redact._hide_value),
        (_redact._OPTION, _redact._hide_value),
        (_redact._BEARER, rf"\1{HIDDEN}"),
        (_redact._URL, rf"\1:{HIDDEN}@"),
        (_redact._WEBHOOK, rf"\1{HIDDEN}"),
        (_redact._SHAPES, HIDDEN),
    ):
        everywhere = pattern.sub(instead, everywhere)
    assert redact(text) == everywhere


def test_a_private_key_is_hidden_as_a_whole():
    begin, end = (f"-----{word} RSA PRIVATE KEY-----" for word in ("BEGIN", "END"))
    assert redact(f"a\n{begin}\nMIIE\nabc\n{end}\nb") == f"a\n{HIDDEN}\nb"
    assert redact(f"cut off {begin}\nMIIE") == f"cut off {HIDDEN}"


@pytest.mark.parametrize("name", ["token", "API_KEY", "x-api-key", "db_password", "Authorization"])
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["tokens", "key", "task", "monkey", "pid", "run"])
def test_names_of_other_things(name):
    assert not is_secret_name(name)


def test_control_characters_go_and_lines_stay():
    text = "a\x1b[1;31mb\x1b]8;;http://x\x1b\\c\x07\r\n\td\x9b\u202ee\ud800"
    assert strip_control(text) == "abc\n\tde"
    assert one_line(text) == "abc de"


HOSTILE = [
    "a",
    "-",
    "token",
    "token=",
    "--a",
    "a-",
    "Bearer ",
    "\x1b[",
    "\x1b]",
    "eyJ",
    "1",
    "a://",
]
HOSTILE += ["sk-", "SG.", 'token="', "-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaa."]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_output_costs_no_more_than_its_length(piece):
    short, long = (piece * (size // len(piece)) for size in (8_192, 131_072))
    assert _seconds(long) < 16 * 6 * _seconds(short) + 0.01


def _seconds(text: str) -> float:
    best = 60.0
    for _ in range(3):
        start = time.thread_time()  # what other programs take of the processor does not count
        strip_control(redact(text))
        best = min(best, time.thread_time() - start)
    return best
