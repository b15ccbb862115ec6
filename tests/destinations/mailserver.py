"""A mail server on loopback, with TLS and login, that keeps what it takes."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.support.ports import free_port

USER, PASSWORD = "kanban", "hunter2-is-not-it"


class MailServer:
    """``mails`` are those it got; ``on_mail`` is called with each, and may answer instead."""

    def __init__(
        self, context: ssl.SSLContext, *, tls: bool = False, starttls: bool = True
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[str, bool]] = []
        self.on_mail: Callable[[], str | None] = lambda: None
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            ssl_context=context if tls else None,
            tls_context=context if starttls and not tls else None,
            require_starttls=starttls and not tls,
            auth_required=True,
            auth_require_tls=starttls and not tls,
            authenticator=self._authenticate,
            data_size_limit=30 * 2**20,
        )
        self._controller.start()
        self.port: int = self._controller.port

    def close(self) -> None:
        self._controller.stop()

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, how: str, data: Any):  # type: ignore[no-untyped-def]
        assert isinstance(data, LoginPassword)
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append((how, good))
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return f"550 5.1.1 no such user, {PASSWORD}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.envelopes.append(envelope)
        return self.on_mail() or "250 OK"
