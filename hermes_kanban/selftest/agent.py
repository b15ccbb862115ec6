"""The agent of a self-test: says in a file that all share that it lives, and ends.

Run as a plain script without this package: ``agent.py WITNESS``. Each line is one write to the
end of the file, so their order is the order in which things happened: ``start``, ``at`` as long as
it lives, ``end``. Its child, in a session of its own, says ``at`` for as long as it is let live.
"""

import os
import sys
import time

BEAT_SECONDS = 0.02
CHILD_BEAT_SECONDS = 0.05
CHILD_SECONDS = 30.0
LONGEST_BEATS = 8


def main() -> None:
    """Live for a few beats; how many is left to the process id."""
    witness = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    say(witness, "start")
    if os.fork() == 0:
        linger(witness)
    for _ in range(1 + os.getpid() % LONGEST_BEATS):
        time.sleep(BEAT_SECONDS)
        say(witness, "at")
    say(witness, "end")
    os._exit(0)


def linger(witness: int) -> None:
    """A child that its parent does not wait for: whoever holds the run has to end it."""
    os.setsid()
    until = time.monotonic() + CHILD_SECONDS
    while time.monotonic() < until:
        say(witness, "at")
        time.sleep(CHILD_BEAT_SECONDS)
    os._exit(0)


def say(witness: int, word: str) -> None:
    """One line: the word, the task, the run and this process."""
    task, run = os.environ["HERMES_KANBAN_TASK"], os.environ["HERMES_KANBAN_RUN_ID"]
    os.write(witness, f"{word} {task} {run} {os.getpid()}\n".encode())


if __name__ == "__main__":
    main()
