"""The destination ``apprise:<name>``: any service of Apprise, as ``notify.apprise.<name>`` has it.

The address of a service has its secrets in it, so it stays in the configuration. Apprise has no
key for a message: a repeat comes again as it was.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from hermes_kanban.config.notify import NotifySettings
from hermes_kanban.model.errors import ConfigError, InvalidInput
from hermes_kanban.notify import attached, settings, threads
from hermes_kanban.notify.message import DELIVERED, File, Log, Message, Outcome, not_now, retry
from hermes_kanban.notify.texts import cut
from hermes_kanban.redact import one_line

if TYPE_CHECKING:
    import apprise

AT_ONCE: Final = 8
SAID_CHARACTERS: Final = 200
_NOWHERE: Final = logging.NullHandler()
_threads: defaultdict[str, set[threading.Thread]] = defaultdict(set)


def check(name: str) -> str:
    """The name of a service that Apprise knows, or InvalidInput."""
    found = settings.current()
    settings.check_name("apprise", "apprise", name, found.apprise)
    allowed = "a service that is configured well"
    if problem := settings.needs("apprise", "apprise"):
        raise InvalidInput("destination", allowed, problem)
    try:
        _service(name, _url(name, found))
    except ConfigError as error:
        raise InvalidInput("destination", allowed, str(error)) from None
    return name


async def send(name: str, message: Message, _log: Log) -> Outcome:
    """One attempt, in a thread of its own; one that is given up is left to end by itself."""
    found = settings.current()
    if name not in found.apprise:
        return retry(f"notify.apprise has no {name!r}")
    if problem := settings.needs("apprise", "apprise"):
        return retry(problem)
    _threads[name] = {thread for thread in _threads[name] if thread.is_alive()}
    if len(_threads[name]) >= AT_ONCE:
        return not_now("attempts that were given up have not ended yet")
    try:
        url = _url(name, found)
    except ConfigError as error:
        return retry(str(error))
    return await threads.run(lambda: _deliver(name, url, message), started=_threads[name])


def _url(name: str, found: NotifySettings) -> str:
    return settings.read_secret(f"notify.apprise.{name}", found.apprise[name])


def _service(name: str, url: str) -> apprise.Apprise:
    """Raises ConfigError, without the address."""
    import apprise

    # Its warnings may have an address in them: they become a reason, from which it is taken out.
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(_NOWHERE)
    asset = apprise.AppriseAsset(
        app_id="hermes-kanban",
        app_desc="hermes-kanban",
        # In our thread and by our limit: its own pool would be waited for when the gateway ends.
        async_mode=False,
        service_timeout=0,
        storage_mode="memory",
        plugin_paths=[],
    )
    service = apprise.Apprise(asset=asset)
    if not service.add(url):
        raise ConfigError(f"notify.apprise.{name} is no address that Apprise knows")
    if len(service) > 1:
        # If one of them failed, all would get it again.
        raise ConfigError(f"notify.apprise.{name} has several addresses; give each a name")
    return service


def _deliver(name: str, url: str, message: Message) -> Outcome:
    """With the files, and if that fails once more without: a service may not take what they are."""
    here, gone = attached.present(message.files)
    try:
        outcome = _attempt(name, url, message, here, attached.not_attached(gone))
        if here and outcome.kind != "delivered":
            note = attached.not_attached(message.files)
            outcome = _attempt(name, url, message, [], note)
    except ConfigError as error:
        return retry(str(error))
    except Exception as error:
        return retry(settings.hide(f"{type(error).__name__}: {one_line(str(error))}", url))
    return outcome


def _attempt(name: str, url: str, message: Message, files: list[File], note: str) -> Outcome:
    import apprise

    text = message.text.removeprefix(message.subject).strip() or message.text
    result = _service(name, url).notify(
        body=f"{text}\n\n{note}" if note else text,
        title=one_line(message.subject),
        body_format=apprise.NotifyFormat.TEXT,
        attach=_attachments(files),
    )
    if result:
        return DELIVERED
    said = [entry.message for entry in result.logs() if entry.level in ("WARNING", "ERROR")]
    last = settings.hide(one_line(said[-1]), url) if said else "it does not say why"
    return retry(f"Apprise could not deliver it: {cut(last, SAID_CHARACTERS)}")


def _attachments(files: list[File]) -> apprise.AppriseAttachment | None:
    import apprise
    from apprise.attachment.file import AttachFile

    of_file: Any = AttachFile  # it has no types
    if not files:
        return None
    attachments = apprise.AppriseAttachment()
    for file in files:
        attachments.add(of_file(file.path, name=one_line(file.name), mimetype=file.media_type))
    return attachments
