"""Listening to several children at once: each says what it does in lines of JSON."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

CHUNK_BYTES: Final = 65536
LOOK_SECONDS: Final = 0.1

Child = subprocess.Popen[str]


def listen(
    children: list[Child], look: Callable[[], None]
) -> Iterator[tuple[Child, dict[str, Any]]]:
    """Every line of every child, as it comes, until all have closed their output.

    ``look`` is called at least ten times a second. What is no line of JSON is left out: its
    sender was killed while it wrote.
    """
    heard = dict.fromkeys(children, b"")
    with selectors.DefaultSelector() as selector:
        for child in children:
            assert child.stdout is not None
            selector.register(child.stdout, selectors.EVENT_READ, child)
        while selector.get_map():
            for key, _ in selector.select(LOOK_SECONDS):
                child = key.data
                part = os.read(key.fd, CHUNK_BYTES)
                if not part:
                    selector.unregister(key.fileobj)
                *whole, heard[child] = (heard[child] + part).split(b"\n")
                for line in whole:
                    with_meaning = decoded(line)
                    if with_meaning is not None:
                        yield child, with_meaning
            look()


def decoded(line: bytes) -> dict[str, Any] | None:
    """The object of a line, None if it is none."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
