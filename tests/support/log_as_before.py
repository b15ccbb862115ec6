"""The process's own log, which ``logs.configure`` sets up for good, as it was before a test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from hermes_kanban import logs


@contextmanager
def log_as_before() -> Iterator[None]:
    """Undo what ``logs.configure`` does in the context."""
    try:
        yield
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(False)
        root = logging.getLogger()
        for handler in root.handlers[:]:
            if type(handler).__module__ == logs.__name__:
                root.removeHandler(handler)
