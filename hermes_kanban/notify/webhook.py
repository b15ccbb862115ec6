"""The destination ``webhook:<name>``: a signed POST to ``notify.webhooks.<name>``.

The body is the message as JSON. Its signature covers the body and the time of sending; the body
carries the key by which a repeat is recognised, and the receiver checks all three (docs/notify.md
has the recipe). The address is checked before each attempt, and what was checked is spoken to.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

import msgspec

from hermes_kanban.config.notify import NotifySettings
from hermes_kanban.model.errors import ConfigError, InvalidInput
from hermes_kanban.notify import addresses, posting, settings
from hermes_kanban.notify.message import DELIVERED, Log, Message, Outcome, dead, retry
from hermes_kanban.notify.posting import Target

SIGNATURE: Final = "X-Kanban-Signature"
ID: Final = "X-Kanban-Id"
SECRET_CHARACTERS: Final = 16
# What is wrong with the message itself stays wrong; anything else may be put right.
HOPELESS: Final = frozenset({400, 410, 413, 415, 422})


def check(name: str) -> str:
    """The name of a webhook whose address and secret are good, or InvalidInput."""
    found = settings.current()
    settings.check_name("webhook", "webhooks", name, found.webhooks)
    try:
        target_and_secret(name, found)
    except ConfigError as error:
        raise InvalidInput("destination", "a webhook that is configured well", str(error)) from None
    return name


async def send(name: str, message: Message, _log: Log) -> Outcome:
    """One attempt."""
    found = settings.current()
    if name not in found.webhooks:
        return retry(f"notify.webhooks has no {name!r}")
    try:
        target, secret = target_and_secret(name, found)
        where = await addresses.resolve(target.host, target.port, found.allow_private)
        body = encode(message)
        at = int(time.time()) if message.written_at is None else message.written_at
        headers = (
            ("Content-Type", "application/json"),
            ("User-Agent", "hermes-kanban"),
            (ID, quote(message.dedup_key, safe=":@")),
            (SIGNATURE, sign(secret, body, at)),
        )
        return _judge(await posting.post(target, where, headers, body))
    except ConfigError as error:
        return retry(str(error))
    except addresses.Forbidden as error:
        return retry(f"not sent: {error}")
    except (OSError, UnicodeError):
        return retry("its host cannot be resolved")
    except posting.Unreachable as error:
        return retry(str(error))


def encode(message: Message) -> bytes:
    """The body: the message without the places of its files on this machine."""
    told: dict[str, Any] = msgspec.to_builtins(message)
    for file in told["files"]:
        del file["path"]
    return msgspec.json.encode(told)


def sign(secret: str, body: bytes, at: int) -> str:
    """``t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>" in hex>``."""
    signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


def target_and_secret(name: str, found: NotifySettings) -> tuple[Target, str]:
    """Raises ConfigError, which never repeats the address."""
    setting = f"notify.webhooks.{name}"
    webhook = found.webhooks[name]
    target = _target(f"{setting}.url", settings.read_secret(f"{setting}.url", webhook.url), found)
    secret = settings.read_secret(f"{setting}.secret", webhook.secret)
    if len(secret) < SECRET_CHARACTERS:
        raise ConfigError(f"{setting}.secret has fewer than {SECRET_CHARACTERS} characters")
    return target, secret


def _target(setting: str, url: str, found: NotifySettings) -> Target:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(f"{setting} is no address") from None
    host = (parts.hostname or "").casefold()
    if parts.scheme not in ("https", "http") or not host or not url.isprintable() or " " in url:
        raise ConfigError(f"{setting} expects an address such as https://a.example/b")
    if parts.username is not None:
        raise ConfigError(f"{setting} has a user in it; the signature says who sends")
    if parts.scheme == "http" and host not in found.allow_private:
        raise ConfigError(f"{setting} expects https; http is for hosts of notify.allow_private")
    secure = parts.scheme == "https"
    return Target(secure, _ascii(setting, host), port or (443 if secure else 80), _path(parts))


def _ascii(setting: str, host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise ConfigError(f"{setting} names no host") from None


def _path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    return path + (f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else "")


def _judge(answer: posting.Answer) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return DELIVERED
    try:
        said = f"it answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        said = f"it answered {status}"
    if 300 <= status < 400:
        return retry(f"{said}; redirects are not followed")
    if status in HOPELESS:
        return dead(said)
    return retry(said, answer.retry_after)
