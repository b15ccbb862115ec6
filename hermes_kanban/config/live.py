"""A configuration that is followed while the process lives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hermes_kanban.config import cache
from hermes_kanban.config.loading import CONFIG_FILE, Version, load_version, version
from hermes_kanban.config.settings import Config
from hermes_kanban.model.errors import ConfigError


class LiveConfig:
    """The last good configuration of ``home``; a bad edit of a file changes nothing in force.

    ``error`` is None, or one line on why the newest edit is not taken up. The first load has
    nothing to fall back on and raises ConfigError.
    """

    def __init__(self, home: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.home, self.environ = home, environ
        self.error: str | None = None
        self._seen: Version | None = version(home, environ)
        self._config = load_version(home, self._seen)

    def current(self) -> Config:
        """The configuration in force now; costs a few stat calls while nothing changed."""
        try:
            found = version(self.home, self.environ)
        except ConfigError as problem:
            self._seen, self.error = None, str(problem)
            return self._config
        if found != self._seen:
            self._take(found)
        return self._config

    def _take(self, found: Version) -> None:
        """Tries the version once; it is tried again only if it might have changed unnoticed."""
        self._seen = found if cache.settled(found.stamps) else None
        if self._has_lost_its_file(found):
            self.error = f"{self.home / CONFIG_FILE} is gone; restart to run on the defaults"
            return
        try:
            self._config, self.error = load_version(self.home, found), None
        except ConfigError as problem:
            self.error = str(problem)

    def _has_lost_its_file(self, found: Version) -> bool:
        """Some editors take the file away for a moment before they put the new one there."""
        file = self.home / CONFIG_FILE
        return file in self._config.files and all(stamp.file != file for stamp in found.stamps)
