"""An SMTP server on loopback that does as it is told: accepts, refuses, hangs, hangs up."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from enum import Enum
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USERNAME, PASSWORD = "nightly", "correct horse battery"


class Fault(Enum):
    """What the server does to a mail."""

    NONE = "none"
    LATER_AT_SENDER = "451 to MAIL"
    LATER_AT_RECIPIENT = "451 to RCPT"
    LATER_AT_MESSAGE = "451 to the message"
    REFUSED_SENDER = "550 to MAIL"
    REFUSED_RECIPIENT = "550 to RCPT"
    REFUSED_MESSAGE = "554 to the message"
    CLOSING = "421 to MAIL, and the end"
    NOT_SIGNED_IN = "530 to MAIL"
    GONE_AT_RECIPIENT = "hangs up at RCPT"
    GONE_UNTAKEN = "hangs up at the end of the message, without it"
    GONE_TAKEN = "hangs up at the end of the message, with it"
    GONE_AFTERWARDS = "hangs up after its 250"
    HANGS_AT_RECIPIENT = "says nothing more from RCPT on"
    HANGS_TAKEN = "says nothing more, but has the message"
    NONSENSE = "no SMTP in answer to the message"


@dataclass
class Copy:
    """A message that the server has; `answered` if it said so."""

    recipients: list[str]
    sender: str
    content: bytes
    encrypted: bool
    answered: bool
    login: str | None

    @property
    def message_id(self) -> str:
        return str(message_from_bytes(self.content)["Message-ID"])


@dataclass
class MailServer:
    """What the server was given, and what it is to do; `fault` is asked once a mail."""

    fault: Callable[[str], Fault] = lambda sender: Fault.NONE
    refused: dict[str, str] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    greetings: int = 0
    port: int = 0
    certificates: trustme.CA | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.greetings += 1
        return lines

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.certificates and not session.authenticated:
            return "530 5.7.0 Authentication required"
        fault = self.fault(address)
        session.fault = fault  # type: ignore[attr-defined]
        if fault is Fault.LATER_AT_SENDER:
            return "451 4.3.0 later"
        if fault is Fault.REFUSED_SENDER:
            return "550 5.7.1 not you"
        if fault is Fault.NOT_SIGNED_IN:
            return "530 5.7.0 Authentication required"
        if fault is Fault.CLOSING:
            asyncio.get_running_loop().call_soon(_transport(server).close)
            return "421 4.3.2 closing"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = _fault(session)
        if fault is Fault.LATER_AT_RECIPIENT:
            return "451 4.7.1 greylisted"
        if fault is Fault.REFUSED_RECIPIENT:
            return "550 5.1.1 no such user"
        if fault is Fault.GONE_AT_RECIPIENT:
            _transport(server).abort()
        if fault is Fault.HANGS_AT_RECIPIENT:
            await self._hang()
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        fault = _fault(session)
        if fault is Fault.LATER_AT_MESSAGE:
            return "451 4.3.1 no room now"
        if fault is Fault.REFUSED_MESSAGE:
            return "554 5.6.0 not such a message"
        if fault is Fault.GONE_UNTAKEN:
            _transport(server).abort()
            return "250 never seen"
        if fault is Fault.NONSENSE:
            return "what?"
        answered = fault not in {Fault.GONE_TAKEN, Fault.HANGS_TAKEN}
        content = envelope.original_content or b""
        login = session.auth_data.login.decode() if session.auth_data else None
        self.copies.append(
            Copy(
                list(envelope.rcpt_tos),
                str(envelope.mail_from),
                content,
                _transport(server).get_extra_info("sslcontext") is not None,
                answered,
                login,
            )
        )
        if fault is Fault.GONE_TAKEN:
            _transport(server).abort()
        if fault is Fault.HANGS_TAKEN:
            await self._hang()
        return "250 2.0.0 queued"

    async def handle_QUIT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if _fault(session) is Fault.GONE_AFTERWARDS:
            _transport(server).abort()
        return "221 bye"

    async def _hang(self) -> None:
        while not self._stopped.is_set():
            await asyncio.sleep(0.02)


def _fault(session: Session) -> Fault:
    return getattr(session, "fault", Fault.NONE)


def _transport(server: SMTP) -> Any:
    return server.transport


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    right = data == LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right, auth_data=data)


class _Controller(Controller):
    """A controller that finds its port by itself."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server(
    security: str = "none",
    *,
    certificate_for: str = "localhost",
    utf8: bool = False,
    faults: Callable[[str], Fault] = lambda sender: Fault.NONE,
) -> Iterator[MailServer]:
    """A server on a free port of 127.0.0.1, with `starttls`, `tls` or `none`.

    With either of the first two it wants a user name and password. Its certificate is
    for the name `certificate_for`.
    """
    told = MailServer(fault=faults)
    context = None
    if security != "none":
        told.certificates = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        told.certificates.issue_cert(certificate_for).configure_cert(context)
    controller = _Controller(
        told,
        hostname="127.0.0.1",
        port=0,
        ssl_context=context if security == "tls" else None,
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
        authenticator=_authenticate,
        auth_require_tls=security != "tls",  # which is TLS, though the server does not see it
        enable_SMTPUTF8=utf8,
        server_hostname="localhost",
    )
    controller.start()
    try:
        told.port = controller.port
        yield told
    finally:
        told._stopped.set()
        controller.stop()
