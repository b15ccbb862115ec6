"""Ends every process of a self-test when the self-test itself is gone: its pipe closes then."""

from __future__ import annotations

import signal
import sys

from hermes_kanban.selftest.children import end_marked


def main() -> None:
    """Wait for the end of standard input; the stamp is the first argument."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    end_marked(sys.argv[1])


if __name__ == "__main__":
    main()
