"""The ``command`` runtime: any program, told its task by standard input, file or argument.

The prompt reaches it by the profile's ``prompt``: ``stdin`` reads it from standard input;
``file`` finds its path in ``HERMES_KANBAN_PROMPT_FILE``; ``argument`` gets the text as the last
argument, or where ``{prompt}`` stands. For ``stdin`` and ``file`` that token is the file's path.
"""

from __future__ import annotations

from hermes_kanban.workers.runtimes.base import Launch, LaunchRequest, fill

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
    if profile.prompt == "file":
        env[PROMPT_FILE] = str(request.prompt_file)
    env |= {name: fill(value, request, prompt) for name, value in profile.env.items()}
    cwd = request.workspace / fill(profile.cwd or ".", request, prompt)
    return Launch(
        argv=argv,
        env=env,
        cwd=str(cwd),
        writes_prompt=not as_argument,
        reads_stdin=profile.prompt == "stdin",
        on_exit_zero=profile.exit_zero,
    )
