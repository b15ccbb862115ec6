"""What a client's own error means for the run: try again later, or what is wrong, in one line.

A client tells of an error by its exit code and by a record or line of its own making, and only
those are read: no pattern here ever meets what a model said in a run that went well.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from hermes_kanban.ports import Conclusion
from hermes_kanban.workers.runtimes.base import Ending
from hermes_kanban.workers.runtimes.output import last_words
from hermes_kanban.workers.runtimes.resets import reset_time

ERROR_CHARACTERS: Final = 400

# HTTP (RFC 6585, RFC 9110); 529 is Anthropic's and others' "overloaded".
TRY_LATER: Final = frozenset({429, 503, 529})
STATUSES: Final = {
    401: "authentication failed",
    402: "the account has no credit left",
    403: "access was refused",
    404: "model not found",
    413: "the request was too large",
    429: "rate limited",
    503: "the provider is overloaded",
    529: "the provider is overloaded",
}

# Client → exit code → what it means. Codes that say no more than "failed" are not here.
EXIT_CODES: Final[dict[str, dict[int, str]]] = {
    # cli.py and hermes_cli/kanban_db.py of Hermes Agent 0.19: 75 is EX_TEMPFAIL of sysexits.h.
    "hermes": {75: "rate limited"},
    # docs/resources/troubleshooting.md of Gemini CLI 0.61.
    "gemini": {
        41: "authentication failed",
        42: "the prompt or an argument was refused",
        44: "the sandbox failed",
        52: "a settings.json is invalid",
        53: "the limit of turns was reached",
    },
    # docs/features/headless.md of Qwen Code 0.24, which comes from Gemini CLI.
    "qwen": {
        41: "authentication failed",
        42: "the prompt or an argument was refused",
        44: "the sandbox failed",
        52: "a settings.json is invalid",
        53: "the limit of turns was reached",
        55: "the limit of time or tool calls was reached",
    },
}


# Client → exit code → the HTTP status behind it. Gemini CLI ends with the status of the error, of
# which the system keeps eight bits.
EXIT_STATUSES: Final[dict[str, dict[int, int]]] = {
    "gemini": {status % 256: status for status in (400, 401, 403, 429, 500, 503)},
}


class Phrase(NamedTuple):
    """How a client begins an error: by the HTTP status in group 1, or by words for ``status``."""

    pattern: re.Pattern[str]
    status: int | None = None


def _phrase(pattern: str, status: int | None = None) -> Phrase:
    return Phrase(re.compile(pattern), status)


# Client → how its errors begin, for those that report no status beside the text.
PHRASES: Final[dict[str, tuple[Phrase, ...]]] = {
    "claude": (
        _phrase(r"(?:Failed to authenticate\. )?API Error: (\d{3})\b"),
        _phrase(r"API Error: Request rejected \((\d{3})\)"),
        # Claude Code 1.x and 2.x on a subscription.
        _phrase(r"Claude AI usage limit reached\|\d", 429),
        _phrase(r"You've hit your [a-z0-9 -]*limit ", 429),
        _phrase(r"Not logged in", 401),
        _phrase(r"Invalid API key", 401),
        _phrase(r"Credit balance is too low", 402),
    ),
    # codex-rs/protocol/src/error.rs.
    "codex": (
        _phrase(r"unexpected status (\d{3})\b"),
        _phrase(r"exceeded retry limit, last status: (\d{3})\b"),
        _phrase(r"You[’']ve hit your usage limit", 429),
        _phrase(r"Quota exceeded\.", 429),
        _phrase(r"Selected model is at capacity", 503),
    ),
    # packages/core/src/utils/errorParsing.ts: "[API Error: " and the provider's answer.
    "gemini": (_phrase(r'\[API Error: \{"error":\{"code":(\d{3})\b'),),
    "qwen": (_phrase(r"\[API Error: (\d{3})\b"),),
    # "status text" of the openai and anthropic packages' errors.
    "continue": (_phrase(r"(?:Error: )?(\d{3}) "),),
    # agent/conversation_loop.py.
    "hermes": (_phrase(r"(?:Error: )?(?:API call failed after \d+ retries: )?HTTP (\d{3})\b"),),
}


def failed(
    client: str,
    ending: Ending,
    message: str | None,
    *,
    status: int | None = None,
    reset_at: int | None = None,
) -> Conclusion:
    """The conclusion of a run whose client failed, by the ``message`` of its own error.

    ``status`` is HTTP's, ``reset_at`` Unix seconds, where the client tells them beside the text.
    """
    message = message or last_words(ending.output)
    status = status or _status_in(client, message or "") or _status_of(client, ending)
    told = EXIT_CODES.get(client, {}).get(ending.exit_code or 0)
    meaning = STATUSES.get(status or 0) or told
    later = status in TRY_LATER or told == STATUSES[429]
    if later and reset_at is None and message is not None:
        reset_at = reset_time(message, ending.now)
    return Conclusion(
        rate_limited=later,
        reset_at=reset_at if later else None,
        error=_one_line(meaning, status, message),
    )


def _status_in(client: str, message: str) -> int | None:
    for phrase in PHRASES.get(client, ()):
        if found := phrase.pattern.match(message):
            return phrase.status or int(found[1])
    return None


def _status_of(client: str, ending: Ending) -> int | None:
    return EXIT_STATUSES.get(client, {}).get(ending.exit_code or 0)


def _one_line(meaning: str | None, status: int | None, message: str | None) -> str | None:
    if meaning is not None and status is not None and status in STATUSES:
        meaning = f"{meaning} (HTTP {status})"
    told = " ".join((message or "").split())[:ERROR_CHARACTERS]
    return ": ".join(part for part in (meaning, told) if part) or None
