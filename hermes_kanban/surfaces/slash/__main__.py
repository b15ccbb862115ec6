"""One command as it is said in a chat, for hosts in another environment.

``python -m hermes_kanban.surfaces.slash`` reads the words from standard input and writes the
answer; it exits 1 if the answer is no.
"""

from __future__ import annotations

import argparse
import sys

from hermes_kanban.surfaces.slash import slash


def main() -> int:
    """Answer what standard input says."""
    parser = argparse.ArgumentParser(prog="python -m hermes_kanban.surfaces.slash")
    parser.add_argument("--board", help="the board that is meant unless the words name another")
    parser.add_argument("--actor", help="who acts, as in person:mara; else this login")
    parser.add_argument("--prefix", help="what the host calls the command, as in /board")
    given = parser.parse_args()
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    reply = slash(text, board=given.board, actor=given.actor, platform="plain", prefix=given.prefix)
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(f"{reply.text}\n")
    sys.stderr.write(reply.fault)
    return 0 if reply.ok else 1


if __name__ == "__main__":
    sys.exit(main())
