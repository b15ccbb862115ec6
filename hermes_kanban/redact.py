"""Takes secrets and control characters out of text that is about to be shown or logged.

It knows secrets by the names that stand before them and by the shapes that issuers give them. It
errs on the side of hiding: a word too many is a nuisance, a key too many a breach. A secret with
neither name nor shape passes, so this is no licence to log what need not be logged.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "[redacted]"

_NAME = (
    r"(?:(?:access|refresh|auth|api|bot|id|session|csrf)?[_-]?token|secret|passw(?:or)?d|pwd"
    r"|passphrase|credentials?|claim[_-]?lock|cookie|dsn"
    r"|(?:api|access|secret|private|signing|encryption|auth|account)[_-]?key)"
)
_SECRET_NAME: Final = re.compile(rf"(?i){_NAME}(?:[_-]?\d+)?\Z|\A(?:proxy-)?authorization\Z")

# Every repetition is bounded or cannot overlap what follows it: worker output is hostile text,
# and a line of a megabyte must not cost more than its length.
# What was hidden before stays as it is: text is redacted again at every hop.
_DONE = r"(?!\\?[\"']?\[redacted\](?:[\s\"',;&)}\]\\]|\Z))"
_VALUE = _DONE + r"(\\?\"[^\"\n]{1,4096}\"|'[^'\n]{1,4096}'|[\"']?[^\s\"',;&)}\]]{1,4096})"
_BETWEEN = r"(?:\\?[\"'])?\s{0,4}[:=]\s{0,4}"
_AUTHORIZATION = re.compile(
    rf"(?i)\b(authorization{_BETWEEN}[\"']?)(?:(?:bearer|basic|token|digest)\s{{1,4}})?[^\s\"',;]+"
)
_NAMED = re.compile(rf"(?i)({_NAME}(?:[_-]?\d{{1,4}})?{_BETWEEN}){_VALUE}")
_OPTION = re.compile(rf"(?i)(?<![\w-])(--[a-z0-9-]{{0,32}}?{_NAME}\s{{1,4}}){_VALUE}")
_BEARER = re.compile(r"(?i)\b(bearer\s{1,4})[A-Za-z0-9._~+/=-]{8,}")
_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://[^\s/:@\"']{0,256}):[^\s/@\"']{1,512}@")
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, OpenRouter and those who follow them
    r"|gh[opusr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"  # Slack
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}"
    r"|hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|\d{8,10}:[A-Za-z0-9_-]{35}"  # Telegram
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # JSON web token
    r")"
)
_WEBHOOK = re.compile(
    r"(https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/)[^\s\"'<>]+"
)
# What every name of a secret has in it, in folded case, and short of an i: it has look-alikes
# that the patterns take for it and folding does not.
_IN_NAMES: Final = ("token", "secret", "pass", "pwd", "credent", "lock", "cook", "dsn", "key")
# What moves the cursor, rings, reorders what a reader sees, or is half a character; tab and
# newline are not here.
_CONTROL = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)|[@-Z\\^_])"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def redact(text: str) -> str:
    """``text`` with each secret that is recognised replaced by HIDDEN; the rest as it was."""
    if "-----BEGIN" in text:
        text = _PEM.sub(HIDDEN, text)
    folded = text.casefold()
    if "author" in folded:
        text = _AUTHORIZATION.sub(rf"\1{HIDDEN}", text)
    if any(word in folded for word in _IN_NAMES):
        text = _hide_named(text)
    if "bearer" in folded:
        text = _BEARER.sub(rf"\1{HIDDEN}", text)
    if "://" in text:
        text = _URL.sub(rf"\1:{HIDDEN}@", text)
        text = _WEBHOOK.sub(rf"\1{HIDDEN}", text)
    return _SHAPES.sub(HIDDEN, text)


def _hide_named(text: str) -> str:
    """Values that a name or an option tells for secret.

    Looking for them is dear, so only lines with a part of such a name are looked at. A value may
    be two lines below its name, blank lines apart: ``:`` or ``=`` on one, the value on the next.
    """
    lines = text.split("\n")
    shown: list[str] = []
    near: list[str] = []
    follow = 0
    for line in lines:
        folded = line.casefold()
        if any(word in folded for word in _IN_NAMES):
            follow = 3
        if follow:
            near.append(line)
            follow -= bool(line.strip())
            continue
        _release(near, shown)
        shown.append(line)
    _release(near, shown)
    return "\n".join(shown)


def _release(near: list[str], shown: list[str]) -> None:
    if near:
        block = _NAMED.sub(_hide_value, "\n".join(near))
        shown.append(_OPTION.sub(_hide_value, block))
        near.clear()


def _hide_value(match: re.Match[str]) -> str:
    """Keeps the quotes of a quoted value, so that JSON stays JSON."""
    name, value = match.groups()
    quote = next((mark for mark in ('\\"', '"', "'") if value.startswith(mark)), "")
    return f"{name}{quote}{HIDDEN}{quote if value.endswith(quote) else ''}"


def is_secret_name(name: str) -> bool:
    """Whether what goes by ``name`` (a key, a variable, an option) should not be shown."""
    return _SECRET_NAME.search(name) is not None


def strip_control(text: str) -> str:
    """``text`` without terminal sequences, control and text-direction characters.

    Tabs and newlines stay; a carriage return before a newline goes.
    """
    return _CONTROL.sub("", text)


def one_line(text: str) -> str:
    """``text`` without control characters, on one line: each run of white space is one space."""
    return " ".join(strip_control(text).split())
