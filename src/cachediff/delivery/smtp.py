"""Mail by SMTP: one message to one recipient at a time."""

from __future__ import annotations

import base64
import contextlib
import re
import ssl
from smtplib import SMTP, SMTP_SSL, SMTPDataError, SMTPException, SMTPResponseException

from cachediff.delivery.reasons import reason
from cachediff.model.delivery import Accepted, MailServer, Outcome, Postponed, Refused

_PATIENCE = 10
"""How many times longer the message itself may take than a command (RFC 5321, 4.5.3.2)."""

# No quoted words, comments or literals: smtplib would take them to pieces.
_PART = r"""[^\s<>()\[\],;:"\\@\x00-\x1f\x7f]+"""
_NAME = r"""(?:"[^"<>\x00-\x1f\x7f]*" *|[^"<>@,;:\x00-\x1f\x7f]*)"""
_ADDRESS = re.compile(rf"{_NAME}<(?P<named>{_PART}@{_PART})>|(?P<plain>{_PART}@{_PART})")
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Mailer:
    """Gives mails to a server, each over a connection of its own.

    A server that cannot be reached, is not who it should be, does not encrypt or does not let us in
    is asked once: all further mails of the same mailer are postponed. Nothing is ever sent to it in
    clear text instead.
    """

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._unreachable = ""
        self._secrets = _spellings(server)

    def send(self, recipient: str, message: bytes) -> Outcome:
        """Deliver a message (RFC 5322) to one recipient, `ann@example.org` or `Ann <ann@example.org>`.

        Accepted once the server has said so, whatever happens to the connection afterwards. Refused
        where it says 5xx to this sender, recipient or message, or cannot be given such an address.
        Postponed in all other cases: it may have the message all the same, if the connection was lost
        before its answer came.
        """
        sender, to = _bare(self._server.sender), _bare(recipient)
        if sender is None or to is None:
            wrong = recipient if sender else self._server.sender
            return Refused(f"{reason(wrong)} is not an address")
        if self._unreachable:
            return Postponed(self._unreachable)
        try:
            connection = self._connect()
        except (SMTPException, OSError, ValueError) as error:
            self._unreachable = self._told(error)
            return Postponed(self._unreachable)
        try:
            # A bare line feed could end the message early, and begin another.
            return self._hand_over(connection, sender, to, _LINE_END.sub(b"\r\n", message))
        finally:
            _leave(connection)

    def _connect(self) -> SMTP:
        """A connection over which mails can be sent."""
        server = self._server
        place, timeout = (server.host, server.port), server.timeout
        if server.security == "none":
            connection = SMTP(*place, timeout=timeout)
        elif server.security == "tls":
            connection = SMTP_SSL(*place, timeout=timeout, context=self._verifying())
        else:
            context = self._verifying()
            connection = SMTP(*place, timeout=timeout)
        try:
            if server.security == "starttls":
                connection.starttls(context=context)
            connection.ehlo_or_helo_if_needed()
            if server.username is not None and server.password is not None:
                password = server.password.reveal()
                if not (server.username + password).isascii():
                    # Python's own message would show a letter of it.
                    raise SMTPException("the user name or the password is not in ASCII")
                connection.login(server.username, password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _verifying(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._server.ca_file)
        except OSError as error:
            raise SMTPException(f"{self._server.ca_file}: {error.strerror or error}") from error

    def _hand_over(self, connection: SMTP, sender: str, recipient: str, message: bytes) -> Outcome:
        options = [f"SIZE={len(message)}"] if connection.has_extn("size") else []
        if not (sender.isascii() and recipient.isascii() and message.isascii()):
            if not connection.has_extn("smtputf8"):
                what = "message" if not message.isascii() else "address"
                return Refused(f"{self._server.host} takes no {what} in UTF-8 (no SMTPUTF8)")
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            code, text = connection.mail(sender, options)
            if _is_good(code):
                code, text = connection.rcpt(recipient)
            if not _is_good(code):
                return self._failed(code, text)
            if connection.sock:
                connection.sock.settimeout(self._server.timeout * _PATIENCE)
            code, text = connection.data(message)
        except SMTPDataError as error:
            # The answer to DATA itself: whatever it is, the message was not sent.
            return self._failed(error.smtp_code, error.smtp_error)
        except (SMTPException, OSError) as error:
            return Postponed(self._told(error))
        if _is_good(code):
            return Accepted(reason(text, self._secrets))
        return self._failed(code, text)

    def _failed(self, code: int, text: bytes | str) -> Outcome:
        line = f"{self._server.host}: {code} {reason(text, self._secrets)}"
        # 530: what is wrong is how we signed in, not this mail.
        return Refused(line) if 500 <= code <= 599 and code != 530 else Postponed(line)

    def _told(self, error: Exception) -> str:
        """What went wrong with the connection."""
        match error:
            case SMTPResponseException():
                text = f"{error.smtp_code} {reason(error.smtp_error, self._secrets)}"
            case ssl.SSLCertVerificationError():
                text = f"its certificate is not to be trusted: {error.verify_message}"
            case TimeoutError():
                text = "it does not answer in time"
            case OSError():
                text = error.strerror or str(error)
            case _:
                text = str(error)
        place = f"{self._server.host} port {self._server.port}"
        return f"{place}: {reason(text, self._secrets) or type(error).__name__}"


def _bare(address: str) -> str | None:
    """`ann@example.org`, of `Ann <ann@example.org>` as well; None if this is not one address."""
    parts = _ADDRESS.fullmatch(address)
    return parts and (parts["named"] or parts["plain"])


def _is_good(code: int) -> bool:
    return 200 <= code <= 299


def _leave(connection: SMTP) -> None:
    """Say goodbye. What was accepted stays so, and is not to wait to be written down."""
    with contextlib.suppress(SMTPException, OSError):
        if connection.sock:
            connection.sock.settimeout(1)
        connection.quit()
    connection.close()


def _spellings(server: MailServer) -> tuple[str, ...]:
    """The password as it can come back in what a server says: as it is, and as it was sent."""
    if server.password is None:
        return ()
    plain = server.password.reveal()
    spoken = (plain, f"\0{server.username}\0{plain}")
    return plain, *(base64.b64encode(each.encode()).decode("ascii") for each in spoken)
