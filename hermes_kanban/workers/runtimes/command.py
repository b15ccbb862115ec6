"""The ``command`` runtime: any program, told its task by standard input, file or argument.

The prompt reaches it by the profile's ``prompt``: ``stdin`` reads it from standard input;
``file`` finds its path in ``HERMES_KANBAN_PROMPT_FILE``; ``argument`` gets the text as the last
argument, or where ``{prompt}`` stands. For ``stdin`` and ``file`` that token is the file's path.
It reaches the board by our command line or Python, and reports by its exit code alone. With
``transport: http`` it may also work on a machine without the board: ``HERMES_KANBAN_URL`` has the
addresses of its tools, one for each gateway, parted by commas and this host's first, and
``HERMES_KANBAN_TOKEN`` the bearer token.
"""

from __future__ import annotations

from hermes_kanban.ports import Conclusion
from hermes_kanban.workers.runtimes.base import (
    Ending,
    Launch,
    LaunchRequest,
    Runtime,
    fill,
    filled_env,
    working_directory,
)

PROMPT_FILE = "HERMES_KANBAN_PROMPT_FILE"


def launch(request: LaunchRequest) -> Launch:
    """The command line, environment and prompt of the profile's own program."""
    profile = request.profile
    as_argument = profile.prompt == "argument"
    prompt = request.prompt if as_argument else str(request.prompt_file)
    words = [*profile.argv, *profile.args]
    argv = [fill(word, request, prompt) for word in words]
    if as_argument and not any("{prompt}" in word for word in words):
        argv.append(request.prompt)
    env = dict(request.reach)
    if request.remote is not None:
        env |= request.remote.variables
    if profile.prompt == "file":
        env[PROMPT_FILE] = str(request.prompt_file)
    return Launch(
        argv=argv,
        env=env | filled_env(request, prompt),
        cwd=working_directory(request, prompt),
        writes_prompt=not as_argument,
        reads_stdin=profile.prompt == "stdin",
        on_exit_zero=profile.exit_zero,
    )


def conclude(_: Ending) -> Conclusion:
    """Nothing beyond the exit code: what a program prints is its own affair."""
    return Conclusion()


RUNTIME = Runtime(name="command", program="", launch=launch, conclude=conclude, has_tools=False)
