"""What a client's own error means: by its first words and exit code, and by no word within it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_kanban.ports import Conclusion
from hermes_kanban.workers.runtimes.failures import ERROR_CHARACTERS, PHRASES, failed
from tests.runtimes.conftest import NAMES, NOW, ending

BEGINNINGS = [
    ("claude", "API Error: 529 Overloaded", 529),
    ("claude", "API Error: Request rejected (429) · Slow down", 429),
    ("claude", "Failed to authenticate. API Error: 401 Bad key", 401),
    ("claude", "Claude AI usage limit reached|1795570000", 429),
    ("claude", "You've hit your weekly limit · resets Mon 12:00am (UTC)", 429),
    ("claude", "You've hit your limit · resets 5pm (Europe/Berlin)", 429),
    ("claude", "Not logged in · Please run /login", 401),
    ("claude", "Invalid API key · Fix external API key", 401),
    ("claude", "Credit balance is too low", 402),
    ("codex", "unexpected status 401 Unauthorized: Bad key, url: http://x", 401),
    ("codex", "exceeded retry limit, last status: 429 Too Many Requests", 429),
    ("codex", "You’ve hit your usage limit. Try again in 5 days 3 hours", 429),
    ("codex", "You've hit your usage limit. or try again at 7:51 PM.", 429),
    ("codex", "Quota exceeded. Check your plan and billing details.", 429),
    ("codex", "Selected model is at capacity. Please try a different model.", 503),
    ("continue", "429 Slow down", 429),
    ("continue", "Error: 401 Bad key", 401),
    ("gemini", '[API Error: {"error":{"code":503,"message":"overloaded"}}]', 503),
    ("hermes", "HTTP 402: Insufficient credits", 402),
    ("hermes", "API call failed after 3 retries: HTTP 429: Slow down", 429),
    ("qwen", "[API Error: 429 Slow down]", 429),
]


def _failed(folder: Path, name: str, message: str, code: int = 1) -> Conclusion:
    return failed(name, ending(folder / "run", code=code), message)


@pytest.mark.parametrize(("name", "message", "status"), BEGINNINGS)
def test_an_error_is_known_by_how_it_begins(
    name: str, message: str, status: int, tmp_path: Path
) -> None:
    found = _failed(tmp_path, name, message)
    assert found.error is not None
    assert f"(HTTP {status}): {message}" in found.error
    assert found.rate_limited == (status in (429, 503, 529))


def test_every_phrase_has_an_example() -> None:
    for name, phrases in PHRASES.items():
        for phrase in phrases:
            own = [message for one, message, _ in BEGINNINGS if one == name]
            assert any(phrase.pattern.match(message) for message in own), phrase


@pytest.mark.parametrize(("name", "message", "status"), BEGINNINGS)
def test_the_same_words_further_on_say_nothing(
    name: str, message: str, status: int, tmp_path: Path
) -> None:
    del status
    found = _failed(tmp_path, name, f"The tool said: {message}")
    assert (found.rate_limited, found.reset_at) == (False, None)
    assert found.error == f"The tool said: {message}"


@pytest.mark.parametrize("name", NAMES)
def test_a_servers_fault_is_a_failure(name: str, tmp_path: Path) -> None:
    found = failed(name, ending(tmp_path / "run", code=1), "The server had an error", status=500)
    assert (found.rate_limited, found.error) == (False, "The server had an error")


@pytest.mark.parametrize(
    ("name", "code", "said", "later"),
    [
        ("hermes", 75, "rate limited: x", True),
        ("gemini", 173, "rate limited (HTTP 429): x", True),
        ("gemini", 247, "the provider is overloaded (HTTP 503): x", True),
        ("gemini", 145, "authentication failed (HTTP 401): x", False),
        ("gemini", 244, "x", False),
        ("gemini", 53, "the limit of turns was reached: x", False),
        ("qwen", 55, "the limit of time or tool calls was reached: x", False),
        ("claude", 75, "x", False),
    ],
)
def test_an_exit_code_tells_where_the_words_do_not(
    name: str, code: int, said: str, later: bool, tmp_path: Path
) -> None:
    found = _failed(tmp_path, name, "x", code)
    assert (found.error, found.rate_limited) == (said, later)


def test_a_reset_that_the_client_tells_beside_the_text_counts(tmp_path: Path) -> None:
    one = ending(tmp_path / "run", code=1)
    text = "Slow down, try again in 20s"
    assert failed("opencode", one, text, status=429).reset_at == NOW + 20
    assert failed("opencode", one, text, status=429, reset_at=NOW + 7).reset_at == NOW + 7
    assert failed("opencode", one, text, status=401, reset_at=NOW + 7).reset_at is None


def test_an_error_is_one_line_of_a_readable_length(tmp_path: Path) -> None:
    found = _failed(tmp_path, "qwen", "a\n\tb\n" + "c" * 10_000)
    assert found.error is not None
    assert found.error.startswith("a b ccc")
    assert len(found.error) == ERROR_CHARACTERS


def test_without_an_error_of_its_own_the_last_line_counts(tmp_path: Path) -> None:
    output = 'starting\nno such option: --x\n{"type": "init"}\n\n'
    found = failed("claude", ending(tmp_path / "run", output, 1), None)
    assert found.error == "no such option: --x"
    assert failed("claude", ending(tmp_path / "run", "", 1), None) == Conclusion()
