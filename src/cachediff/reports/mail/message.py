"""A message without its body: headers, and how it is written down."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import (
    BaseHeader,
    HeaderRegistry,
    MessageIDHeader,
    UniqueUnstructuredHeader,
)
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, Policy
from email.utils import format_datetime

from cachediff.model.envelope import Envelope
from cachediff.reports.mail.message_ids import address, list_id, previous_id


class _Subject(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc] # max_count is 1
    """A subject, on one line where it is ASCII, else encoded as a whole.

    Where Python folds one itself, blanks come and go.
    """

    def fold(self, *, policy: Policy) -> str:
        line = str(self)
        if not line.isascii():
            line = Header(line, "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {line}{policy.linesep}"


class _Identifier(MessageIDHeader, BaseHeader):  # type: ignore[misc] # max_count is 1
    """Not text, which Python would fold and encode where it is long, and no program would know it."""


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("subject", _Subject)
for _name in ("in-reply-to", "references", "list-id"):
    _HEADERS.map_to_type(_name, _Identifier)
POLICY = SMTP.clone(cte_type="7bit", header_factory=_HEADERS)


def begun(subject: str, envelope: Envelope, own_id: str, committed_at: str | None) -> EmailMessage:
    """A message that has its headers; its date is `committed_at`, and there is none where that is none.

    Raises:
        ReportError: an address or Message-ID of the envelope is none.
    """
    message = EmailMessage(POLICY)
    message["From"] = address(envelope.sender)
    recipients = [address(each) for each in envelope.recipients]
    message["To"] = recipients or "undisclosed-recipients:;"
    message["Subject"] = subject
    if committed := _date(committed_at):
        message["Date"] = committed
    message["Message-ID"] = own_id
    if (previous := previous_id(envelope)) and previous != own_id:
        message["In-Reply-To"] = previous
        message["References"] = previous
    message["List-Id"] = list_id(envelope)
    message["Auto-Submitted"] = "auto-generated"
    return message


def set_boundaries(part: MIMEPart) -> None:
    """Part what is in parts by lines that follow from them, where Python would take random ones."""
    if part.is_multipart():
        content = b""
        for child in part.iter_parts():
            set_boundaries(child)
            content += child.as_bytes()
        # `=_` stands neither in base64 nor in quoted-printable.
        part.set_boundary(f"=_{hashlib.sha256(content).hexdigest()[:32]}")


def _date(committed_at: str | None) -> str:
    """The commit's time as mail writes it, '' where there is none or it is not one."""
    try:
        moment = datetime.strptime(committed_at or "", "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""
    return format_datetime(moment.replace(tzinfo=UTC))
