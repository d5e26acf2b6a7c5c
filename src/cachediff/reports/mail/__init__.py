"""A changelog as a mail: text and HTML, plots in it, the whole report attached."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
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
from pathlib import Path

from cachediff.model.changelog import Changelog
from cachediff.model.envelope import Envelope
from cachediff.model.gates import is_red
from cachediff.model.history import HistoryPoint
from cachediff.model.snapshot import Origin
from cachediff.reports import overview
from cachediff.reports.mail.body import Picture, render_body
from cachediff.reports.mail.message_ids import address, list_id, message_id, previous_id
from cachediff.reports.page import render_page
from cachediff.reports.plots import plots
from cachediff.reports.text import render_text
from cachediff.reports.visible import visible

__all__ = ["message_id", "render_mail", "subject"]

LARGEST_ATTACHMENT = 5_000_000
"""Most bytes of the page to attach; base64 makes a third more of them."""

LONGEST_SUBJECT = 100

_MOST_ROWS = 25
_WIDTH = 78
_LONGEST_NAME = 40


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
_POLICY = SMTP.clone(cte_type="7bit", header_factory=_HEADERS)


def render_mail(
    changelog: Changelog,
    *,
    envelope: Envelope,
    history: Sequence[HistoryPoint] = (),
    templates: Path | None = None,
) -> str:
    """Render a changelog as a message (RFC 5322): ASCII, its lines ended by CRLF.

    It has the first rows of each group as text and as HTML, with the plots, and the page with all of
    it as an attachment, unless that is too large. Its date is the commit time of the new side; there
    is none where there is no commit. The same changelog, envelope and history give the same bytes.

    Raises:
        ReportError: an address or Message-ID of the envelope is none, or a template cannot be rendered.
    """
    comparison = changelog.comparison
    message = EmailMessage(_POLICY)
    own_id = message_id(comparison, envelope)
    _head(message, changelog, envelope, own_id)
    page = render_page(changelog, history=history, templates=templates)
    attachment = page.encode("utf-8", "backslashreplace")
    fits = len(attachment) <= LARGEST_ATTACHMENT
    drawn = plots(changelog, history)
    ending = own_id.strip("<>").removeprefix("cachediff.")
    pictures = [
        Picture(plot.title, plot.alternative, f"{plot.key}.{ending}") for plot in drawn.plots
    ]

    text = render_text(changelog, width=_WIDTH, colour=False, limit=_MOST_ROWS)
    attached = _attached(len(attachment))
    message.set_content(f"{text}\n{attached}\n", cte="quoted-printable")
    html = render_body(
        changelog,
        pictures=pictures,
        plots_missing=drawn.missing,
        attached=attached,
        templates=templates,
    )
    body = MIMEPart(_POLICY)
    body.set_content(html, subtype="html", cte="quoted-printable")
    for plot, picture in zip(drawn.plots, pictures, strict=True):
        body.add_related(
            plot.png(),
            maintype="image",
            subtype="png",
            cid=f"<{picture.cid}>",
            disposition="inline",
            filename=f"{plot.key}.png",
        )
    message.make_alternative()
    message.attach(body)  # type: ignore[arg-type] # typeshed wants a whole message
    if fits:
        message.add_attachment(
            attachment,
            maintype="text",
            subtype="html",
            params={"charset": "utf-8"},
            filename=_file_name(comparison.new.origin),
        )
    _set_boundaries(message)
    return message.as_bytes().decode("ascii")


def subject(changelog: Changelog, night: date | None = None) -> str:
    """The news in a line: `[cachediff] develop: 2 packages left e4s, 41 upgraded`.

    What is not to be believed comes first, then that the night is red, and which night it is stands
    behind the collection. It ends in `...` where there is more than there is room for.
    """
    comparison = changelog.comparison
    red = "RED: " * is_red(comparison.findings)
    told = [
        f"SUSPECT: {red}{whose}{_short(side.suspect)}"
        for whose, side in (("", comparison.new), ("OLD: ", comparison.old))
        if side.suspect
    ]
    news = overview.news(changelog, _short)
    if not news:  # which may be because upstream was not reached
        news = [*map(_short, comparison.notices[:1]), overview.headline(changelog, _short).lower()]
    if not told:
        news[0] = red + news[0]
    told += news
    selected = " (selected)" * bool(comparison.selection)
    of_night = f" {night}" if night else ""
    head = f"[cachediff] {_short(comparison.new.origin.collection)}{of_night}{selected}: "
    line = head + ", ".join(told)
    while len(line) > LONGEST_SUBJECT and len(told) > 1:
        told.pop()
        line = head + ", ".join([*told, "..."])
    # `=?` would begin an encoded word, which is not what anyone wrote.
    return visible(line, LONGEST_SUBJECT).replace("=?", "= ?")


def _short(value: str) -> str:
    return visible(visible(value), _LONGEST_NAME)


def _head(message: EmailMessage, changelog: Changelog, envelope: Envelope, own_id: str) -> None:
    comparison = changelog.comparison
    message["From"] = address(envelope.sender)
    recipients = [address(each) for each in envelope.recipients]
    message["To"] = recipients or "undisclosed-recipients:;"
    message["Subject"] = subject(changelog, envelope.night)
    if committed := _date(comparison.new.origin):
        message["Date"] = committed
    message["Message-ID"] = own_id
    if (previous := previous_id(envelope)) and previous != own_id:
        message["In-Reply-To"] = previous
        message["References"] = previous
    message["List-Id"] = list_id(envelope)
    message["Auto-Submitted"] = "auto-generated"


def _date(origin: Origin) -> str:
    """The commit's time as mail writes it, '' where there is none or it is not one."""
    try:
        moment = datetime.strptime(origin.committed_at or "", "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""
    return format_datetime(moment.replace(tzinfo=UTC))


def _attached(size: int) -> str:
    if size <= LARGEST_ATTACHMENT:
        return "The attached page tells all of it."
    return (
        f"The whole report is too large to attach ({size / 1_000_000:.1f} MB): "
        "cachediff compare --format json or --format html writes it."
    )


def _file_name(origin: Origin) -> str:
    """`develop-2025-04-02.html`, of what is harmless in the name of a file."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", origin.collection)[:60].strip("-.") or "report"
    date = (origin.committed_at or "")[:10]
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", date) and date not in name:
        name = f"{name}-{date}"
    return f"{name}.html"


def _set_boundaries(part: MIMEPart) -> None:
    """Part what is in parts by lines that follow from them, where Python would take random ones."""
    if part.is_multipart():
        content = b""
        for child in part.iter_parts():
            _set_boundaries(child)
            content += child.as_bytes()
        # `=_` stands neither in base64 nor in quoted-printable.
        part.set_boundary(f"=_{hashlib.sha256(content).hexdigest()[:32]}")
