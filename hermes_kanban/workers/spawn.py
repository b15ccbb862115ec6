"""Starts the supervisor of a claimed run; the agent itself waits for the go."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

import hermes_kanban
from hermes_kanban import kernel as kb
from hermes_kanban.config import Config, Profile, WebSettings
from hermes_kanban.kernel.workspaces import branch_of, directory
from hermes_kanban.machine import machine
from hermes_kanban.model import Board, Identity, Run, Task
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import Launched
from hermes_kanban.regular import open_regular
from hermes_kanban.tokens import new_token, token_hash
from hermes_kanban.workers import briefing, environment, process, workspace
from hermes_kanban.workers.profiles import SpawnRefused, max_runtime_seconds, profile_of
from hermes_kanban.workers.runtimes import Launch, LaunchRequest, Runtime, runtime_named
from hermes_kanban.workers.runtimes.base import RemoteTools
from hermes_kanban.workers.sessions import session_to_resume

MCP_PATH = "/mcp"
LOG_ROTATE_BYTES = 2 << 20
LOG_CAP_BYTES = 256 << 20

# At the end of the path, so that nothing beside the package can stand in for the standard library.
_BOOT = (
    "import sys; sys.path.append({folder!r}); "
    "from hermes_kanban.workers.supervisor import main; main()"
)
# Until the supervisor has its handlers these would kill it without a record.
_HELD_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
_DEFAULT_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """``runs/<run_id>/spec.json``: all that a supervisor knows of its run.

    ``workspace`` has ``kind`` and ``path``, and ``root``, ``repository`` and ``branch`` where the
    kind needs them. ``stdin`` is a file, None for ``/dev/null``.
    """

    v: int = 1
    board_id: str
    run_id: int
    task_id: str
    claim_lock: str
    argv: list[str]
    env: dict[str, str]
    cwd: str
    workspace: dict[str, Any]
    stdin: str | None
    log: str
    log_rotate_bytes: int
    log_cap_bytes: int
    max_runtime_seconds: int | None
    stop_grace_seconds: float
    on_exit_zero: str
    runtime: str


class SpawnedSupervisor:
    """A supervisor that waits for its go; exactly one of ``go`` and ``abandon`` ends the wait."""

    def __init__(
        self, pid: int, identity: Identity | None, go_pipe: int, log_path: Path, launched: Launched
    ) -> None:
        self.pid = pid
        self.identity = identity
        self.log_path = log_path
        self.launched: Launched | None = launched
        # A file object closes itself when it is dropped, and closed means abandoned.
        self._pipe = open(go_pipe, "wb", buffering=0)  # noqa: SIM115

    def go(self) -> None:
        """Let it start the agent; a supervisor that died meanwhile shows by its identity."""
        try:
            self._pipe.write(b"G")
        except BrokenPipeError:
            return
        finally:
            self._pipe.close()

    def abandon(self) -> None:
        """Let it exit without starting anything; it leaves a record that says so."""
        self._pipe.close()


class Spawner:
    """The dispatcher's ``spawn_fn``: writes the run's specification and starts its supervisor.

    ``prompt_for`` gives the text the agent starts with; ``stop_grace_seconds`` is how long a
    terminated agent may take before it is killed; ``database`` is ``kanban.database``;
    ``session_for`` names the conversation to go on with, None to begin one; ``gateways`` tells
    where other machines reach those of the board, this host's first.
    """

    def __init__(
        self,
        *,
        paths: BoardPaths,
        board: Board,
        profiles: Mapping[str, Profile],
        prompt_for: Callable[[Task, Run], str],
        stop_grace_seconds: float = 5.0,
        log_rotate_bytes: int = LOG_ROTATE_BYTES,
        log_cap_bytes: int = LOG_CAP_BYTES,
        environ: Mapping[str, str] | None = None,
        database: str = "",
        session_for: Callable[[Run, Profile], str | None] = lambda *_: None,
        web: WebSettings | None = None,
        gateways: Callable[[], list[str]] = list,
    ) -> None:
        self._paths = paths
        self._board = board
        self._profiles = profiles
        self._prompt_for = prompt_for
        self._session_for = session_for
        self._web = web or WebSettings()
        self._gateways = gateways
        self._stop_grace_seconds = stop_grace_seconds
        self._log_rotate_bytes = log_rotate_bytes
        self._log_cap_bytes = log_cap_bytes
        self._environ = os.environ if environ is None else environ
        self._database = "" if paths.named_by_file else database

    def __call__(self, task: Task, run: Run) -> SpawnedSupervisor:
        """Start the supervisor of ``run``.

        Raises SpawnRefused if the task has no usable profile, runtime or workspace, OSError if
        the run's folder cannot be written or no process can be started.
        """
        profile = profile_of(task, self._profiles)
        runtime = runtime_named(profile.runtime)
        folder = self._run_folder(run)
        request = self._request(task, run, profile, runtime, folder)
        launch = runtime.launch(request)
        spec = self._spec(request, launch, folder)
        if launch.writes_prompt:
            _write_private(request.prompt_file, request.prompt.encode())
        for file, text in launch.files.items():
            _write_private(file, text.encode())
        _write_private(folder / "spec.json", msgspec.json.encode(spec))
        launched = Launched(
            runtime=profile.runtime,
            session=launch.session,
            token_hash=None if request.remote is None else token_hash(request.remote.token),
        )
        return self._start(spec, folder, launched)

    def _run_folder(self, run: Run) -> Path:
        folder = self._paths.run_dir(run.id)
        try:
            folder.mkdir(mode=0o700)
        except FileNotFoundError:
            self._paths.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileExistsError:
            pass
        return folder

    def _request(
        self, task: Task, run: Run, profile: Profile, runtime: Runtime, folder: Path
    ) -> LaunchRequest:
        place = directory(task, self._paths)
        variables = environment.of_run(
            task,
            run,
            self._board,
            workspace=place,
            workspaces_root=self._paths.workspaces,
            profile=task.assignee or "",
        )
        if branch := branch_of(task):
            variables["HERMES_KANBAN_BRANCH"] = branch
        return LaunchRequest(
            task=task,
            run=run,
            profile=profile,
            prompt=self._prompt_for(task, run),
            prompt_file=folder / "prompt",
            folder=folder,
            workspace=place,
            variables=variables,
            reach=environment.of_board(self._paths, self._database, self._environ),
            tools=_tools_command(),
            inherited=environment.inherited(self._environ, runtime.inherits),
            remote=self._remote(profile),
            session=self._session_for(run, profile),
        )

    def _remote(self, profile: Profile) -> RemoteTools | None:
        """Where the gateway serves the run's tools; SpawnRefused if it does not."""
        if profile.transport == "stdio":
            return None
        if not self._web.in_gateway:
            raise SpawnRefused(
                "the profile reaches its tools over http, which the gateway does not serve;"
                " set web.in_gateway, or transport: stdio in the profile"
            )
        addresses = self._gateways() or [self._web.address]
        return RemoteTools(
            url=f"{self._web.address}{MCP_PATH}",
            token=new_token(self._board.slug),
            anywhere=tuple(f"{one.rstrip('/')}{MCP_PATH}" for one in addresses),
            state=str(self._paths.root),
        )

    def _spec(self, request: LaunchRequest, launch: Launch, folder: Path) -> Spec:
        task, run = request.task, request.run
        if run.claim_lock is None:
            raise SpawnRefused(f"run {run.id} was never claimed; there is nothing to start")
        return Spec(
            board_id=self._board.board_id,
            run_id=run.id,
            task_id=task.id,
            claim_lock=run.claim_lock,
            argv=launch.argv,
            # What names the run comes last: a profile cannot make its agent pass for another.
            env=request.inherited | launch.env | request.variables,
            cwd=launch.cwd,
            workspace=workspace.description(task, self._paths),
            stdin=str(request.prompt_file) if launch.reads_stdin else None,
            log=str(folder / "log"),
            log_rotate_bytes=self._log_rotate_bytes,
            log_cap_bytes=self._log_cap_bytes,
            max_runtime_seconds=max_runtime_seconds(task, request.profile),
            stop_grace_seconds=self._stop_grace_seconds,
            on_exit_zero=launch.on_exit_zero,
            runtime=request.profile.runtime,
        )

    def _start(self, spec: Spec, folder: Path, launched: Launched) -> SpawnedSupervisor:
        read_end, write_end = os.pipe()
        try:
            pid = _spawn(folder, spec, read_end)
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        identity = process.identity_of(pid)
        return SpawnedSupervisor(pid, identity, write_end, Path(spec.log), launched)


def spawner_for(conn: kb.BoardConnection, config: Config) -> Spawner:
    """The spawner of a board as it is configured: briefing, conversation and limits."""
    return Spawner(
        paths=conn.paths,
        board=kb.get_board(conn),
        profiles=config.profiles,
        prompt_for=lambda task, run: briefing.prompt_for(conn, config.profiles, task, run),
        session_for=lambda run, profile: session_to_resume(conn, run, profile),
        stop_grace_seconds=config.kanban.stop_grace_seconds,
        database=config.kanban.database,
        web=config.web,
        gateways=lambda: _gateways(conn, config),
    )


def _gateways(conn: kb.BoardConnection, config: Config) -> list[str]:
    """Where programs of other machines reach the gateways of the board, this host's first."""
    own = config.web.address_of(config.host.name) or config.web.address
    return [own, *kb.other_gateways(conn, machine().host)]


def _spawn(folder: Path, spec: Spec, go_pipe: int) -> int:
    """Start the supervisor in a session of its own, with the go pipe as standard input.

    ``posix_spawn`` neither copies this process's memory map nor keeps an object that would later
    wait for a pid on its own account. Every other descriptor is close-on-exec.
    """
    # Should a pipe be there, nobody is waited for.
    create = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", "-c", _boot_code(), str(folder)],
        {
            # Known by these if it is lost between fork and exec; the locale spares it a coercion.
            environment.RUN_ID: str(spec.run_id),
            environment.CLAIM_LOCK: spec.claim_lock,
            environment.BOARD: spec.env[environment.BOARD],
            "LC_ALL": "C.UTF-8",
        },
        file_actions=[
            (os.POSIX_SPAWN_DUP2, go_pipe, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(folder / "supervisor.err"), create, 0o600),
        ],
        setsid=True,
        setsigmask=_HELD_SIGNALS,
        setsigdef=_DEFAULT_SIGNALS,
    )


def _tools_command() -> list[str]:
    """The command that serves a run's tools, by paths that no PATH or folder can turn."""
    return [sys.executable, "-P", "-m", "hermes_kanban.surfaces.cli.main", "mcp"]


@functools.cache
def _boot_code() -> str:
    # Where the package lies, once for all: not what the current folder makes of a relative path.
    package = Path(hermes_kanban.__file__ or "").resolve().parent
    return _BOOT.format(folder=str(package.parent))


def _write_private(file: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with open(open_regular(file, flags), "wb") as stream:
        stream.write(data)
