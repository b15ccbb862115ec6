"""What a platform costs those who do not use it: nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

PACKAGES = {
    "matrix": "nio",
    "telegram": "telegram",
    "slack": "slack_sdk",
    "discord": "discord",
}
SETTINGS = {
    "matrix": "MatrixSettings(homeserver='https://h', user='@b:h', access_token='t')",
    "telegram": "TelegramSettings(token='1:t')",
    "slack": "SlackSettings(app_token='xapp-t', bot_token='xoxb-t')",
    "discord": "DiscordSettings(token='t')",
}
MAKE = """
import sys
from pathlib import Path
from gateway.chat.adapter import Context, MissingPackage
from gateway.chat.platforms import make
from hermes_kanban.config.chat import *
for name in {missing}: sys.modules[name] = None
try: make({platform!r}, Context({settings}, None, Path({folder!r}) / 'kept', None))
except MissingPackage as error: print(error)
"""


def fresh(script: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_a_gateway_without_chats_loads_nothing_of_any_platform():
    heavy = {*PACKAGES.values(), "aiohttp", "httpx", "gateway.chat.shown", "gateway.chat.sent"}
    heavy |= {f"gateway.chat.{platform}" for platform in PACKAGES}
    code = "import sys, gateway.__main__, gateway.chat.service; print(*sys.modules)"
    loaded = set(fresh(code).split())
    assert "gateway.chat.platforms" in loaded
    assert not heavy & loaded


@pytest.mark.parametrize("platform", PACKAGES)
def test_a_platform_loads_its_own_package_and_says_which_is_missing(platform, tmp_path):
    script = MAKE.format(
        missing=(), platform=platform, settings=SETTINGS[platform], folder=str(tmp_path)
    )
    loaded = set(fresh(script + "print(*sys.modules)").split())
    assert PACKAGES[platform] in loaded
    assert not {name for key, name in PACKAGES.items() if key != platform} & loaded
    script = MAKE.format(
        missing=(PACKAGES[platform],),
        platform=platform,
        settings=SETTINGS[platform],
        folder=str(tmp_path),
    )
    said = fresh(script)
    assert f"pip install 'hermes-kanban[{platform}]'" in said
