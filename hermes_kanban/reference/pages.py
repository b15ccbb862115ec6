"""Which pages there are, in the order of their index."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from hermes_kanban.reference import (
    board_events,
    command_line,
    configuration,
    environment,
    exit_codes,
    http,
    lifecycle,
    log_events,
    metrics,
    tools,
    verbs,
)
from hermes_kanban.reference.markdown import GENERATED, Page, table

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES: Final[tuple[Page, ...]] = (
    command_line.PAGE,
    exit_codes.PAGE,
    configuration.PAGE,
    environment.PAGE,
    verbs.PAGE,
    tools.PAGE,
    http.PAGE,
    lifecycle.PAGE,
    board_events.PAGE,
    log_events.PAGE,
    metrics.PAGE,
)


def pages() -> dict[str, str]:
    """The text of every page by its file's name; the same on every machine."""
    with _no_environment():
        return {"index.md": _index()} | {page.file: page.text() for page in PAGES}


def _index() -> str:
    rows = [(f"[{page.title}]({page.file})", page.lead.partition(". ")[0]) for page in PAGES]
    return (
        f"# Reference\n\n{GENERATED}\n\nEvery command, key, address, event and figure. These pages"
        " are made of the code that they describe, by `make reference`, and a test holds them"
        f" fresh.\n\n{table(('page', 'what is there'), rows)}"
    )


@contextmanager
def _no_environment() -> Iterator[None]:
    """Settings of whoever writes the pages are no defaults."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("HERMES_")}
    try:
        yield
    finally:
        os.environ.update(kept)
