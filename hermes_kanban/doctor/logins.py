"""How each agent client is logged in with its vendor, as far as that can be seen from outside."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

from hermes_kanban.clients.base import Place


class Login(NamedTuple):
    """``variables`` or ``files``, any of which is enough; how a person logs in.

    ``folder`` is the client's own, by the variable that moves it and its name in the user's.
    """

    variables: tuple[str, ...]
    folder: tuple[str, str]
    files: tuple[str, ...]
    how: str


LOGINS: Final[dict[str, Login]] = {
    "claude": Login(
        ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
        ("CLAUDE_CONFIG_DIR", ".claude"),
        (".credentials.json",),
        "start claude once and log in",
    ),
    "codex": Login(
        ("CODEX_API_KEY", "OPENAI_API_KEY"),
        ("CODEX_HOME", ".codex"),
        ("auth.json", "config.toml"),
        "codex login",
    ),
    "gemini": Login(
        ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("", ".gemini"),
        ("oauth_creds.json", ".env"),
        "start gemini once and log in",
    ),
    "opencode": Login(
        (),
        ("", ".local/share/opencode"),
        ("auth.json",),
        "opencode auth login",
    ),
    "qwen": Login(
        ("OPENAI_API_KEY",),
        ("QWEN_HOME", ".qwen"),
        ("oauth_creds.json", ".env"),
        "start qwen once and log in",
    ),
    "continue": Login(
        ("CONTINUE_API_KEY",),
        ("CONTINUE_GLOBAL_DIR", ".continue"),
        ("auth.json", "config.yaml"),
        "cn login",
    ),
    "hermes": Login(
        (),
        ("HERMES_HOME", ".hermes"),
        (".env", "auth.json"),
        "hermes setup",
    ),
}


def seen(name: str, environ: Mapping[str, str]) -> str | None:
    """What the client would log in with, given its environment; None if nothing is seen."""
    login = LOGINS[name]
    for variable in login.variables:
        if environ.get(variable, "").strip():
            return variable
    folder = Place(environ).home / login.folder[1]
    if login.folder[0]:
        folder = Place(environ).folder(login.folder[0], folder)
    for file in login.files:
        if (folder / file).is_file():
            return str(folder / file)
    if name == "claude" and sys.platform == "darwin":
        return "the keychain, perhaps"
    return None


def how(name: str, profile: str) -> str:
    """What to do about a client without a login."""
    login = LOGINS[name]
    if not login.variables:
        return login.how
    return (
        f"{login.how}, or set {login.variables[0]} where the gateway starts, or under env: of"
        f" profile {profile}"
    )
