"""A home with the files a test wants, aged so that the caches trust their stamps."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hermes_kanban.config import Config, load
from hermes_kanban.model import ConfigError

LONG_AGO_SECONDS = 3600


class Home:
    """A home folder; ``write`` gives each version of a file a time of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.yaml"
        self.cache_file = path / ".config-cache.json"
        self._time = time.time() - LONG_AGO_SECONDS

    def write(self, text: str | bytes, name: str = "config.yaml") -> Path:
        """Writes one file of the home and returns its path."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        self._time += 1
        os.utime(file, (self._time, self._time))
        return file

    def load(self, **environ: str) -> Config:
        """The configuration under exactly these variables."""
        return load(self.path, environ)

    def error(self, **environ: str) -> str:
        """The one line with which the configuration is refused."""
        with pytest.raises(ConfigError) as refusal:
            self.load(**environ)
        message = str(refusal.value)
        assert "\n" not in message
        return message


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path)
