"""What a foreign task needs to fit the board: names, sizes and characters, nothing silently lost.

A text that is too long is cut, and the whole of it comes along as an attached file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from hermes_kanban.kernel import limits
from hermes_kanban.kernel.workspaces import parse_workspace
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.foreign import ForeignComment, ForeignFile, ForeignTask

_UNTITLED: Final = "(without a title)"
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_.@+-]+")
_NOT_IN_SKILLS: Final = re.compile(r"[^a-z0-9._-]+")
_CUT: Final = "\n\n[cut here; the whole text is attached as {name}]"


class Fitting(msgspec.Struct, frozen=True):
    """What the one who imports chose: other names for assignees, and triage for what is open."""

    assignees: Mapping[str, str] = {}
    triage: bool = False
    default_workdir: str | None = None

    def fit(self, task: ForeignTask) -> ForeignTask:
        """The same task, changed in place until the board can hold it; its notes say what was."""
        _title(task)
        task.body = _long(task, "body", task.body, limits.BODY_BYTES, "body.md")
        task.result = _long(task, "result", task.result, limits.RESULT_BYTES, "result.md")
        task.block_reason = _long(
            task, "block reason", task.block_reason, limits.REASON_BYTES, "reason.txt"
        )
        task.assignee = self._assignee(task, task.assignee)
        task.tenant = _name(task, "tenant", task.tenant)
        task.skills = _skills(task)
        task.priority = max(-1_000_000, min(task.priority, 1_000_000))
        task.idempotency_key = _short(task, "idempotency key", task.idempotency_key)
        task.model = _short(task, "model", task.model)
        task.branch = _short(task, "branch", task.branch)
        task.created_by = actor(task.created_by)
        self._workspace(task)
        self._numbers(task)
        self._runs(task)
        task.comments = [part for one in task.comments for part in _comment(task, one)]
        task.files = [one for one in task.files if _fits(task, one)]
        if self.triage and task.status in ("ready", "review", "blocked"):
            task.status = "triage"
        return task

    def _assignee(self, task: ForeignTask, name: str | None) -> str | None:
        if not name:
            return None
        name = name.removeprefix("@")
        return _name(task, "assignee", self.assignees.get(name, name))

    def _workspace(self, task: ForeignTask) -> None:
        try:
            choice = parse_workspace(task.workspace or "scratch", self.default_workdir)
        except InvalidInput as error:
            task.rest |= {"workspace": task.workspace, "branch": task.branch}
            task.notes.append(f"its workspace becomes scratch: {error.problem}")
            task.workspace = task.branch = None
            return
        task.workspace = choice.kind if choice.path is None else f"{choice.kind}:{choice.path}"
        if task.branch is not None and choice.kind != "worktree":
            task.rest["branch"] = task.branch
            task.notes.append("its branch is kept in its first event only")
            task.branch = None

    @staticmethod
    def _numbers(task: ForeignTask) -> None:
        if task.max_runtime_seconds is not None and task.max_runtime_seconds < 1:
            task.max_runtime_seconds = None
        if task.max_retries is not None:
            task.max_retries = max(0, min(task.max_retries, 1_000))

    def _runs(self, task: ForeignTask) -> None:
        task.runs.sort(key=lambda run: run.started_at)
        for number, run in enumerate(task.runs, 1):
            run.profile = self._assignee(task, run.profile)
            run.claimer = (_text(task, run.claimer) or "import")[: limits.NAME_CHARACTERS]
            run.summary = _long(
                task, "summary", run.summary, limits.SUMMARY_BYTES, f"summary-{number}.md"
            )
            run.error = _long(task, "error", run.error, limits.REASON_BYTES, f"error-{number}.txt")
            try:
                limits.metadata(run.metadata)
            except InvalidInput:
                name = f"metadata-{number}.json"
                task.files.append(ForeignFile(name, data=msgspec.json.encode(run.metadata)))
                task.notes.append("metadata of a run is too large and is attached as a file")
                run.metadata = None


def actor(author: str) -> str:
    """``person:<name>`` for a name as the source has it, unless it is an actor already."""
    kind, colon, name = author.partition(":")
    if not (colon and kind in ("person", "profile")):
        kind, name = "person", author
    name = "-".join(clean(name).split()) or "unknown"
    return f"{kind}:{name[:190]}"


def clean(text: str) -> str:
    """Text that the board takes: no NUL and no half of a surrogate pair."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _text(task: ForeignTask, text: str | None) -> str | None:
    if text is None:
        return None
    cleaned = clean(text)
    if cleaned != text:
        task.notes.append("characters that no text may hold were replaced")
    return cleaned


def _title(task: ForeignTask) -> None:
    whole = _text(task, task.title) or ""
    title = " ".join(whole.split("\n")).replace("\r", "").strip()
    if not title:
        task.notes.append(f"it has no title and is called {_UNTITLED}")
        title = _UNTITLED
    if len(title) > limits.TITLE_CHARACTERS:
        task.notes.append("its title is cut; the whole of it begins the body")
        task.body = f"{title}\n\n{task.body or ''}".rstrip()
        title = title[: limits.TITLE_CHARACTERS - 1] + "…"
    task.title = title


def _long(task: ForeignTask, what: str, text: str | None, most: int, file_name: str) -> str | None:
    """The text, or its beginning and a file with all of it. Nothing is None."""
    text = _text(task, text)
    if not text:
        return None
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    task.files.append(ForeignFile(file_name, data=encoded, media_type="text/plain"))
    task.notes.append(f"{what} over {most // 1024} KiB is cut; the whole is attached as a file")
    mark = _CUT.format(name=file_name)
    return encoded[: most - len(mark.encode())].decode("utf-8", "ignore") + mark


def _comment(task: ForeignTask, comment: ForeignComment) -> list[ForeignComment]:
    """The comment, in as many parts as the board needs for it."""
    body = _text(task, comment.body) or ""
    if not body.strip():
        return []
    comment.author = actor(comment.author)
    encoded = body.encode()
    most = limits.COMMENT_BYTES
    if len(encoded) <= most:
        comment.body = body
        return [comment]
    task.notes.append(f"a comment over {most // 1024} KiB is told in parts")
    parts: list[ForeignComment] = []
    start = 0
    while start < len(encoded):
        part = encoded[start : start + most].decode("utf-8", "ignore")
        start += len(part.encode())
        key = f"{comment.key}/{len(parts) + 1}"
        parts.append(ForeignComment(key, comment.author, part, comment.at))
    return parts


def _name(task: ForeignTask, what: str, name: str | None) -> str | None:
    if not name:
        return None
    fitted = _NOT_IN_NAMES.sub("-", name).lstrip(".@+-")[:128]
    if fitted != name:
        task.notes.append(f"{what} {name!r} becomes {fitted or 'nobody'!r}")
    return fitted or None


def _skills(task: ForeignTask) -> list[str]:
    fitted = []
    for skill in task.skills:
        name = _NOT_IN_SKILLS.sub("-", skill.lower()).lstrip("._-")[:64]
        if name != skill:
            task.notes.append(f"skill {skill!r} becomes {name!r}")
        if name:
            fitted.append(name)
    return list(dict.fromkeys(fitted))[: limits.SKILLS]


def _short(task: ForeignTask, what: str, text: str | None) -> str | None:
    text = _text(task, text)
    if not text:
        return None
    if len(text.encode()) > limits.NAME_CHARACTERS:
        task.rest[what.replace(" ", "_")] = text
        task.notes.append(f"{what} is too long and is kept in its first event only")
        return None
    return text


def _fits(task: ForeignTask, file: ForeignFile) -> bool:
    if file.data is not None:
        fits = len(file.data) <= limits.ATTACHMENT_BYTES
        why = "is too large"
    else:
        path = Path(file.path or "")
        there = path.is_file() and not path.is_symlink()
        fits = there and path.stat().st_size <= limits.ATTACHMENT_BYTES
        why = "is too large" if there else "is not where the source says"
    if not fits:
        limit = limits.ATTACHMENT_BYTES // 1024 // 1024
        task.notes.append(f"an attached file {why} and is left out (at most {limit} MiB)")
    return fits
