"""The destination ``email:<address>``: a mail in plain text through the server of ``notify.mail``.

``Message-ID`` follows from the message's key, so that a repeat is the same mail to those who know
it by that, and the mails about one task refer to one thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import msgspec

from hermes_kanban.config.notify import MailAddress, MailSettings
from hermes_kanban.config.secret import read_secret
from hermes_kanban.model.errors import ConfigError, InvalidInput
from hermes_kanban.notify import addresses, attached, settings
from hermes_kanban.notify.message import DELIVERED, Log, Message, Outcome, dead, retry
from hermes_kanban.notify.texts import cut
from hermes_kanban.redact import one_line

if TYPE_CHECKING:
    import aiosmtplib

CONNECT_SECONDS: Final = 10.0
STEP_SECONDS: Final = 20.0
SAID_CHARACTERS: Final = 200
_MEDIA_TYPE: Final = re.compile(r"([a-z]+)/([a-z0-9][a-z0-9.+-]*)\Z")
_ALLOWED: Final = "email:<address>, such as email:ops@example.org"
_NOT_CONFIGURED: Final = "notify.mail is not configured"


def check(address: str) -> str:
    """The address, if mail is configured and it may be written to; else InvalidInput."""
    try:
        msgspec.convert(address, type=MailAddress)
    except msgspec.ValidationError:
        raise InvalidInput("destination", _ALLOWED, f"{address!r} is no mail address") from None
    mail = settings.current().mail
    if problem := _why_not(mail, address):
        raise InvalidInput("destination", _ALLOWED, problem)
    return address


async def send(address: str, message: Message, _log: Log) -> Outcome:
    """One attempt."""
    mail = settings.current().mail
    if mail is None or (problem := _why_not(mail, address)):
        return retry(_NOT_CONFIGURED if mail is None else problem)
    try:
        password = _password(mail)
    except ConfigError as error:
        return retry(str(error))
    letter = await anyio.to_thread.run_sync(write, message, mail.sender, address)
    return await _hand_over(letter, mail, password, address)


def _why_not(mail: MailSettings | None, address: str) -> str:
    if mail is None:
        return _NOT_CONFIGURED
    if not mail.may_be_written_to(address):
        return f"notify.mail.recipients does not have {address}"
    return settings.needs("aiosmtplib", "mail")


def _password(mail: MailSettings) -> str | None:
    return None if mail.password is None else read_secret("notify.mail.password", mail.password)


def write(message: Message, sender: str, recipient: str) -> EmailMessage:
    """The mail, with the files that could be read."""
    files = attached.read(message.files)
    domain = sender.rpartition("@")[2]
    letter = EmailMessage(policy=SMTP)
    letter["From"] = Address("hermes-kanban", addr_spec=sender)
    letter["To"] = Address(addr_spec=recipient)
    letter["Subject"] = one_line(message.subject) or f"hermes-kanban: {message.board}"
    letter["Date"] = formatdate()
    letter["Message-ID"] = _id(message.dedup_key, domain)
    letter["X-Kanban-Id"] = message.dedup_key
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    if message.task is not None and not message.items:
        thread = _id(f"{message.dedup_key.partition(':')[0]}/{message.task.id}", domain)
        letter["References"] = letter["In-Reply-To"] = thread
    letter.set_content("\n\n".join(part for part in (message.text, files.missing) if part))
    for file, content in files.attached:
        kind, subtype = _type(file.media_type)
        name = one_line(file.name)
        letter.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
    return letter


def _type(media_type: str) -> tuple[str, str]:
    """Its two halves; what is none, or would be a mail in the mail, is bytes to us."""
    found = _MEDIA_TYPE.match(media_type)
    if found is None or found[1] in ("multipart", "message"):
        return "application", "octet-stream"
    return found[1], found[2]


def _id(key: str, domain: str) -> str:
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


async def _hand_over(
    letter: EmailMessage, mail: MailSettings, password: str | None, recipient: str
) -> Outcome:
    """Give it to the server."""
    import aiosmtplib

    try:
        server = aiosmtplib.SMTP(
            hostname=mail.host,
            sock=await _connect(mail.host, mail.submission_port),
            local_hostname=socket.gethostname(),  # its own way of finding one asks the network
            use_tls=mail.security == "tls",
            start_tls=mail.security == "starttls",
            timeout=STEP_SECONDS,
        )
        async with server:
            if mail.user is not None and password is not None:
                await server.login(mail.user, password)
            await server.send_message(letter, sender=mail.sender, recipients=[recipient])
    except aiosmtplib.SMTPException as error:
        outcome = _judge(error)
        secrets = (password,) if password else ()
        return msgspec.structs.replace(outcome, reason=settings.hide(outcome.reason, *secrets))
    except UnicodeError:
        return retry("the mail server cannot be reached: its name is none")
    except OSError as error:
        return retry(f"the mail server cannot be reached: {error.strerror or error}")
    return DELIVERED


async def _connect(host: str, port: int) -> socket.socket:
    """A connection to the first of its addresses that listens. Raises OSError."""
    problem = OSError("it has no address")
    for address in await addresses.lookup(host, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(connection, (address, port))
        except OSError as error:
            connection.close()
            problem = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise problem


def _judge(error: aiosmtplib.SMTPException) -> Outcome:
    """A code of 5xx about the mail is for ever; one about us may be put right."""
    import aiosmtplib

    about_mail = (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return retry(f"the mail server does not let us in: {_said(error)}")
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return retry(f"the mail server: {cut(one_line(str(error)), SAID_CHARACTERS)}")
    reason = f"the mail server refused it: {_said(error)}"
    hopeless = isinstance(error, about_mail) and 500 <= error.code < 600
    return dead(reason) if hopeless else retry(reason)


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    return cut(one_line(f"{error.code} {error.message}"), SAID_CHARACTERS)
